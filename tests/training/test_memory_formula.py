"""The memory plan against the model itself: parameters exactly, kept activations nearly."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from TTS.tts.layers.xtts.gpt import GPT

from amharic_tts.jobs import memory
from training import fused
from training.model import PackedXtts, Row, pack

WIDTH, HEADS, TEXT_TOKENS, AUDIO_TOKENS = 256, 4, 300, 1026


def gpt(layers: int) -> Any:
    return GPT(
        layers=layers,
        model_dim=WIDTH,
        heads=HEADS,
        start_text_token=261,
        stop_text_token=0,
        max_text_tokens=402,
        max_mel_tokens=605,
        max_prompt_tokens=70,
        number_text_tokens=TEXT_TOKENS,
        num_audio_tokens=AUDIO_TOKENS,
        start_audio_token=1024,
        stop_audio_token=1025,
        use_perceiver_resampler=True,
        code_stride_len=1024,
    )


def sizes(layers: int) -> memory.Sizes:
    return memory.Sizes(layers, WIDTH, HEADS, TEXT_TOKENS, AUDIO_TOKENS)


@pytest.mark.parametrize("layers", [1, 4])
def test_the_parameters_are_counted_exactly(layers: int) -> None:
    with torch.device("meta"):
        model = gpt(layers)
    assert sum(p.numel() for p in model.parameters()) == sizes(layers).parameters


def kept_bytes(model: PackedXtts, rows: list[Row], precision: str) -> int:
    """Return the bytes of the storages that the forward pass keeps, weights left out."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        model(**pack(rows, model.special))
    return sum(kept.values())


@pytest.mark.parametrize(
    ("precision", "dropout", "count", "codes"),
    [("fp32", True, 1, 300), ("fp32", False, 2, 150), ("bf16", True, 2, 150)],
)
def test_the_activations_are_estimated_within_a_tenth(
    precision: str, dropout: bool, count: int, codes: int
) -> None:
    torch.manual_seed(0)
    model = PackedXtts(gpt(3)).train()
    fused.fuse_conditioning(model.gpt)  # as a run does
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout) and not dropout:
            part.p = 0.0
    text, audio = torch.randint(2, 200, (60,)), torch.randint(0, 1000, (codes,))
    rows = [Row(number, text, audio, torch.randn(80, 517)) for number in range(count)]
    load = memory.Load(precision, fused_attention=not dropout)
    plan = memory.estimate(sizes(3), load, [memory.Row(60, codes)] * count)
    assert plan.activations == pytest.approx(kept_bytes(model, rows, precision), rel=0.1)
