"""In what precision the GPT's blocks run: fp32, bf16, or int8 products on the CPU.

Of a code's time on a CPU nearly all goes into reading the blocks' matrices from memory, so that
smaller matrices are faster. int8: weights by output channel, symmetric, rounded once; activations
by tensor, while it runs ("dynamic quantisation"); sums in 32 bits. Norms, attention, embeddings
and the head stay in float32. What this changes in the codes is measured, see
``docs/results/speaking.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from amharic_tts.errors import UserError
from amharic_tts.synthesis.request import Precision

LARGE = 50_000_000
"""Weights of the blocks from which int8 is worth it: small blocks are bound by overhead."""


@dataclass(frozen=True)
class Chosen:
    """A precision and why."""

    name: str
    """`fp32`, `bf16` or `int8`."""
    reason: str


def choose(asked: Precision, gpt: Any, device: str) -> Chosen:
    """Return the precision to run in.

    Raises:
        UserError: What was asked for can't run on this device; says why.
    """
    if asked == "auto":
        return _automatic(gpt, device)
    if asked == "int8" and device != "cpu":
        raise UserError("precision: int8 runs on the CPU only", "Choose bf16 on a GPU")
    if asked == "int8" and not _engine():
        raise UserError(
            "precision: this build of PyTorch has no int8 products", "Choose fp32 or bf16"
        )
    if asked == "bf16" and not _has_bf16(device):
        raise UserError("precision: this device has no bf16", "Choose fp32, or int8 on the CPU")
    return Chosen(asked, "asked for")


def _automatic(gpt: Any, device: str) -> Chosen:
    if device != "cpu":
        if _has_bf16(device):
            return Chosen("bf16", "the GPU has it")
        return Chosen("fp32", "the GPU has no bf16")
    weights = sum(p.numel() for p in gpt.gpt.h.parameters())
    if weights < LARGE:
        return Chosen("fp32", "the voice is small: less would not be faster")
    if not _engine():
        return Chosen("fp32", "this build of PyTorch has no int8 products")
    return Chosen("int8", "a large voice on a CPU")


def _engine() -> str:
    """Return PyTorch's engine for int8 products; empty where there is none."""
    found: str = torch.backends.quantized.engine
    return "" if found == "none" else found


def _has_bf16(device: str) -> bool:
    if device != "cpu":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class Int8Linear(nn.Module):
    """A linear layer with int8 weights; float32 in and out."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Round the weights.

        Args:
            weight: (out, in).
            bias: (out,).
        """
        super().__init__()
        weight = weight.float().contiguous()
        scale = (weight.abs().amax(dim=1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
        rounded = torch.quantize_per_channel(
            weight, scale.double(), torch.zeros(len(scale), dtype=torch.long), 0, torch.qint8
        )
        self._packed = torch.ops.quantized.linear_prepack(
            rounded, None if bias is None else bias.float()
        )
        # Without VNNI the products of 8-bit values overflow 16 bits; 7 bits do not.
        self._reduced = not torch.cpu._is_vnni_supported()

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        found: Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, self._reduced)
        return found


_LAYERS = (("attn", "c_attn"), ("attn", "c_proj"), ("mlp", "c_fc"), ("mlp", "c_proj"))


def apply(gpt: Any, chosen: Chosen) -> None:
    """Change the blocks of a GPT to a precision, in place, one layer after the other.

    transformers' GPT-2 keeps its matrices as (in, out) in `Conv1D`, which PyTorch's own
    quantisation passes over.
    """
    if chosen.name == "bf16":
        gpt.gpt.h.to(torch.bfloat16)
    if chosen.name != "int8":
        return
    for block in gpt.gpt.h:
        for part, name in _LAYERS:
            old = getattr(getattr(block, part), name)
            new = Int8Linear(old.weight.detach().t(), old.bias.detach())
            setattr(getattr(block, part), name, new)
