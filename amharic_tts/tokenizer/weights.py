"""New rows for new tokens in a GPT: old rows bit for bit, new ones near what is like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from amharic_tts.errors import StudioError

if TYPE_CHECKING:
    from torch import Tensor

EMBEDDING = "gpt.text_embedding.weight"
HEAD_WEIGHT = "gpt.text_head.weight"
HEAD_BIAS = "gpt.text_head.bias"
NOISE = 0.05
"""Noise of a new row, as a share of the standard deviation of the old rows, per column."""


def extend_state(
    state_dict: dict[str, Tensor],
    old_size: int,
    new_size: int,
    seed: int,
    parts: Mapping[int, Sequence[int]] | None = None,
) -> dict[str, Tensor]:
    """Return the state dict of an XTTS with `new_size` text tokens; the input is not changed.

    A new row is the mean of the old rows plus a little seeded noise, so that it starts as an
    average letter; rows of N(0, 1), as coqui makes them, are some forty times larger than the
    trained ones. The head's new biases are the mean of the old. A new token that is made of others,
    a BPE piece of characters, starts at the mean of their rows instead.

    Args:
        state_dict: With the keys of a full `Xtts` (`gpt.text_embedding.weight`, ...).
        old_size: Rows it has.
        new_size: Rows it shall have.
        seed: Of the noise.
        parts: Of new tokens, the ids that they are made of; see `vocabulary.parts`.

    Raises:
        StudioError: A tensor is missing or has not `old_size` rows, or `new_size` is smaller.
    """
    import torch

    if new_size < old_size:
        raise StudioError(f"A vocabulary can't shrink: {old_size} tokens, {new_size} asked for")
    extended = dict(state_dict)
    generator = torch.Generator().manual_seed(seed)
    for key in (EMBEDDING, HEAD_WEIGHT, HEAD_BIAS):
        if key not in state_dict:
            raise StudioError(f"The model has no `{key}`: it is not an XTTS model")
        old = state_dict[key]
        if old.shape[0] != old_size:
            raise StudioError(
                f"The model has {old.shape[0]} rows in `{key}`, its vocabulary {old_size} tokens",
                "model.pth and vocab.json must come from the same folder",
            )
        shape = (new_size - old_size, *old.shape[1:])
        rows = old.float().mean(0, keepdim=True).expand(shape).clone()
        noise = torch.zeros(shape)
        if old.ndim > 1:
            noise = torch.randn(shape, generator=generator) * NOISE * old.float().std(0)
        rows += noise
        whole = torch.cat([old.float(), rows])
        for token, made_of in sorted((parts or {}).items()):
            # With noise of its own: two pieces of the same letters are two tokens.
            whole[token] = whole[list(made_of)].mean(0) + noise[token - old_size]
        extended[key] = torch.cat([old, whole[old_size:].to(old.dtype)])
    return extended
