"""LoRA: small trained matrices beside frozen ones in the blocks, merged into them for a voice.

peft puts the adapters into the model in place, so that a checkpoint has every weight of the run
under ``model.safetensors`` and is resumed like any other; `merged` makes stock names of them.
Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

import torch
from torch import Tensor

from amharic_tts.errors import MissingPart
from training.config import FinetuneConfig
from training.model import PackedXtts

_ATTENTION, _MLP = ("attn.c_attn", "attn.c_proj"), ("mlp.c_fc", "mlp.c_proj")
_MATRICES = {"attention": _ATTENTION, "mlp": _MLP, "all": (*_ATTENTION, *_MLP)}
_FROZEN = ".base_layer."
"""What peft puts between the name of a matrix with an adapter and its `weight`."""


def targets(config: FinetuneConfig, blocks: int) -> str:
    """Return peft's pattern for the matrices that get adapters: those of the unfrozen blocks.

    `c_proj` is named by its parent, since a block has two; heads and conditioning get none.
    """
    numbers = "|".join(str(n) for n in range(config.freeze_blocks, blocks))
    names = "|".join(name.replace(".", r"\.") for name in _MATRICES[config.lora_targets])
    return rf"gpt\.gpt\.h\.({numbers})\.({names})"


def add(config: FinetuneConfig, model: PackedXtts) -> None:
    """Put adapters into a model whose weights are loaded; they begin as nothing (B is zero).

    Raises:
        MissingPart: peft is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise MissingPart("lora_rank: the package `peft` is not installed", "pip install peft")
    from peft import LoraConfig, inject_adapter_in_model

    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_scale * config.lora_rank,
        lora_dropout=config.lora_dropout,
        target_modules=targets(config, len(model.gpt.gpt.h)),
        fan_in_fan_out=True,  # GPT-2's Conv1D keeps its weight transposed
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        inject_adapter_in_model(lora, model)


def merged(state: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    """Return weights with stock names: each adapter added to its matrix, ``W + scale (B A)^T``.

    Args:
        state: Weights of a model with adapters.
        scale: alpha / rank.
    """
    found = {}
    for key, value in state.items():
        if ".lora_" in key:
            continue
        stem, frozen, kind = key.partition(_FROZEN)
        if frozen and kind == "weight":
            down = state[f"{stem}.lora_A.default.weight"]
            up = state[f"{stem}.lora_B.default.weight"]
            value = value + (up @ down).T * scale
        found[key.replace(_FROZEN, ".")] = value
    return found
