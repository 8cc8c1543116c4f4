"""Which attention kernel runs here: asked of PyTorch with a small tensor like those of a run.

transformers' `sdpa` is one function with several kernels behind it, and PyTorch chooses by device,
type, mask and dropout. Stock coqui always passes a mask, which keeps the flash kernel out on a
GPU; packed rows pass none. On a CPU it is dropout that keeps it out: PyTorch's CPU flash kernel
has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from amharic_tts.errors import StudioError

NAMES = {
    SDPBackend.FLASH_ATTENTION: "flash",
    SDPBackend.EFFICIENT_ATTENTION: "memory-efficient",
    SDPBackend.CUDNN_ATTENTION: "cuDNN",
    SDPBackend.MATH: "math",
}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
RELEASE = (16, 64)
"""Heads of XTTS v2 and their width."""
DROPOUT = 0.1
"""Attention dropout of XTTS v2: coqui builds its GPT2 with transformers' default."""
TOKENS = 64


@dataclass(frozen=True)
class Case:
    """What PyTorch's choice depends on."""

    device: str = "cpu"
    precision: str = "fp32"
    dropout: float = DROPOUT
    masked: bool = False
    heads: int = RELEASE[0]
    width: int = RELEASE[1]


@dataclass(frozen=True)
class Kernel:
    """The kernel that runs, and why."""

    name: str
    """`flash`, `memory-efficient`, `cuDNN` or `math` of PyTorch; `flash-attn`; `plain formula`."""
    reason: str

    @property
    def flash(self) -> bool:
        """Whether it is a flash kernel."""
        return self.name in ("flash", "flash-attn")

    @property
    def fused(self) -> bool:
        """Whether it keeps no scores for the backward pass."""
        return self.name not in ("plain formula", NAMES[SDPBackend.MATH])

    @property
    def told(self) -> str:
        """One line for people."""
        return f"flash kernel: {'yes' if self.flash else 'no'}, {self.name} runs"


def kernel(attention: str, case: Case) -> Kernel:
    """Return the kernel that a way of attention (transformers' name) runs in a case.

    Takes a few milliseconds.

    Raises:
        StudioError: PyTorch chose a kernel that does not run.
    """
    if attention == "eager":
        return Kernel("plain formula", "attention is `eager`")
    if attention == "flash_attention_2":
        return Kernel("flash-attn", "the package flash-attn is called directly")
    chosen = _chosen(case)
    if chosen == SDPBackend.FLASH_ATTENTION:
        return Kernel("flash", "PyTorch chose it: packed rows need no mask")
    return Kernel(NAMES[chosen], _why_not_flash(case))


def _chosen(case: Case) -> SDPBackend:
    """Return PyTorch's choice, after running it with every other kernel forbidden."""
    dtype = DTYPES[case.precision]
    shape = (2, case.heads, TOKENS, case.width)
    query = torch.zeros(shape, dtype=dtype, device=case.device, requires_grad=True)
    mask = None
    if case.masked:
        causal = torch.ones(TOKENS, TOKENS, dtype=torch.bool, device=case.device).tril()
        mask = causal.expand(2, 1, TOKENS, TOKENS)
    # The function that scaled_dot_product_attention itself asks; there is no public name for it.
    number = torch._fused_sdp_choice(
        query, query, query, attn_mask=mask, dropout_p=case.dropout, is_causal=mask is None
    )
    chosen = SDPBackend(number)
    with torch.random.fork_rng(_devices(case)), sdpa_kernel([chosen]):
        try:
            F.scaled_dot_product_attention(
                query, query, query, mask, dropout_p=case.dropout, is_causal=mask is None
            )
        except RuntimeError as error:
            raise StudioError(
                f"attention: PyTorch chose {NAMES[chosen]}, and it failed: {error}",
                "Use --set attention=eager",
            ) from error
    return chosen


def _devices(case: Case) -> list[int]:
    return [torch.cuda.current_device()] if case.device == "cuda" else []


def _why_not_flash(case: Case) -> str:
    """Return what keeps the flash kernel out: each thing that does so by itself."""
    half = "bf16" if _has_bf16(case.device) else "fp16"
    best = replace(case, dropout=0.0, masked=False, precision=half)
    if _chosen(best) != SDPBackend.FLASH_ATTENTION:
        return f"PyTorch has no flash kernel for this {'CPU' if case.device == 'cpu' else 'GPU'}"
    found = []
    if case.dropout and not _flash(replace(best, dropout=case.dropout)):
        found.append(
            f"it has no dropout on a {'CPU' if case.device == 'cpu' else 'GPU'}, and attention "
            f"dropout is {case.dropout:g}; "
            "attention_dropout off lets it run"
        )
    if case.masked and not _flash(replace(best, masked=True)):
        found.append("it takes no mask, and hide_text_stop needs one")
    if case.precision != half and not _flash(replace(best, precision=case.precision)):
        found.append(f"it needs bf16 or fp16, and the run is in {case.precision}")
    return "; ".join(found) or "PyTorch prefers another one here"


def _flash(case: Case) -> bool:
    return _chosen(case) == SDPBackend.FLASH_ATTENTION


def _has_bf16(device: str) -> bool:
    return device == "cpu" or torch.cuda.get_device_capability()[0] >= 8
