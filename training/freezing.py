"""Which parameters are trained: a rule over their names, the same for the model and its check."""

from __future__ import annotations

import re

from torch import nn

from amharic_tts.errors import UserError
from training.config import FinetuneConfig

CONDITIONING = ("gpt.conditioning_encoder.", "gpt.conditioning_perceiver.")
EMBEDDINGS = (
    *("gpt.text_embedding.", "gpt.mel_embedding."),
    *("gpt.text_pos_embedding.", "gpt.mel_pos_embedding."),
)
LORA_TRAINS = ("gpt.text_embedding.", "gpt.text_head.")
"""Trained in full beside the adapters: the rows of new letters begin untrained."""
_BLOCK = re.compile(r"gpt\.gpt\.h\.(\d+)\.")


def is_trained(config: FinetuneConfig, name: str) -> bool:
    """Tell whether a parameter of `PackedXtts` is trained.

    Frozen are the first `freeze_blocks` blocks, the conditioning, the embeddings, as asked for.
    With LoRA everything is, but the adapters and `LORA_TRAINS`.
    """
    if config.freeze_embeddings and name.startswith(EMBEDDINGS):
        return False
    block = _BLOCK.match(name)
    if block and int(block[1]) < config.freeze_blocks:
        return False
    if config.lora_rank:
        return ".lora_" in name or name.startswith(LORA_TRAINS)
    return not (config.freeze_conditioning and name.startswith(CONDITIONING))


def check_blocks(config: FinetuneConfig, blocks: int) -> None:
    """Check the settings that count blocks against the base.

    Raises:
        UserError: It has fewer, or none is left for adapters.
    """
    for key in ("freeze_blocks", "checkpoint_blocks"):
        if getattr(config, key) > blocks:
            raise UserError(
                f"{key}: {getattr(config, key)} are asked for, and the base has {blocks} blocks"
            )
    if config.lora_rank and config.freeze_blocks == blocks:
        raise UserError(
            f"freeze_blocks: with all {blocks} blocks frozen there is no place for LoRA adapters"
        )


def freeze(config: FinetuneConfig, model: nn.Module) -> None:
    """Take the gradients away from what is not trained.

    Without LoRA the output norms and heads are always trained, so something is left.
    """
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_trained(config, name))


def counts(model: nn.Module) -> tuple[int, int]:
    """Return how many parameters are trained, and how many there are."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trained in sizes if trained), sum(n for n, _ in sizes)
