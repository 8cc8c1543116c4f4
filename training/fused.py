"""Parts of coqui's GPT by fused kernels: the same formulas, fewer passes over memory.

Two parts without weights are replaced, so names and numbers of the weights stay as they are:

* The blocks' activation, GPT-2's tanh form of GELU, is written out in seven operations in
  transformers; PyTorch has it as one.
* The conditioning encoder's attention makes all of its weights, 517 x 517 for each head and row;
  they are most of what a step keeps for its backward pass. PyTorch's attention does not keep them.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from amharic_tts.errors import StudioError


class ConditioningAttention(nn.Module):
    """What coqui's `QKVAttentionLegacy` computes: unmasked attention, each token to all."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, qkv: Tensor, mask: None = None, rel_pos: None = None) -> Tensor:
        """(B, heads * 3 * width, T) -> (B, heads * width, T)."""
        if mask is not None or rel_pos is not None:
            raise StudioError("the conditioning encoder of XTTS v2 has no mask and no positions")
        rows, channels, length = qkv.shape
        heads = qkv.view(rows, self.heads, channels // self.heads, length).transpose(2, 3)
        # Fused kernels want the numbers of a head side by side; else the plain formula is taken.
        query, key, value = heads.contiguous().chunk(3, dim=-1)
        out = F.scaled_dot_product_attention(query, key, value)
        return out.transpose(2, 3).reshape(rows, channels // 3, length)


def fuse_activation(gpt: Any) -> None:
    """Replace the activation of each block.

    Raises:
        StudioError: It is not GPT-2's.
    """
    kind = gpt.gpt.config.activation_function
    if kind != "gelu_new":
        raise StudioError(f"the blocks' activation is `{kind}`, and that of XTTS v2 is `gelu_new`")
    for block in gpt.gpt.h:
        block.mlp.act = nn.GELU(approximate="tanh")


def fuse_conditioning(gpt: Any) -> None:
    """Replace the attention of each block of the conditioning encoder."""
    for block in gpt.conditioning_encoder.attn:
        block.attention = ConditioningAttention(block.num_heads)
