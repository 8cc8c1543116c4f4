"""Fused kernels in the place of coqui's formulas: the same numbers, less kept for the backward."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from flag_fixtures import saved_bytes
from torch import nn
from training_fixtures import Kit, small_gpt, small_rows

from amharic_tts.errors import StudioError
from training import fused
from training.model import PackedXtts, pack


def gradients(model: PackedXtts) -> dict[str, torch.Tensor]:
    model(**pack(small_rows(), model.special))["loss"].backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_loss_and_gradients_are_those_of_the_formulas_written_out() -> None:
    gpt = small_gpt()
    plain, fast = PackedXtts(copy.deepcopy(gpt)), PackedXtts(copy.deepcopy(gpt))
    for block, written_out in zip(plain.gpt.gpt.h, gpt.gpt.h, strict=True):
        block.mlp.act = written_out.mlp.act
    fused.fuse_conditioning(fast.gpt)
    assert set(fast.state_dict()) == set(plain.state_dict())
    a, b = gradients(plain), gradients(fast)
    assert a.keys() == b.keys()
    error = sum(float((a[name] - b[name]).pow(2).sum()) for name in a)
    assert (error / sum(float(g.pow(2).sum()) for g in a.values())) ** 0.5 < 1e-5


def test_the_attention_of_the_conditioning_encoder_is_coquis() -> None:
    plain = small_gpt().conditioning_encoder.attn[0].attention
    qkv = torch.randn(2, 3 * 64, 41)
    ours = fused.ConditioningAttention(plain.n_heads)
    assert torch.allclose(ours(qkv), plain(qkv), atol=1e-5)
    with pytest.raises(StudioError, match="has no mask"):
        ours(qkv, mask=torch.ones(1))


def test_less_is_kept_for_the_backward_pass(kit: Kit) -> None:
    def kept(change: Any) -> int:
        model = kit.model()
        change(model)
        return saved_bytes(kit, model)

    def written_out(model: PackedXtts) -> None:
        for block in model.gpt.gpt.h:
            block.mlp.act = NewGELU()

    both = kept(lambda model: fused.fuse_conditioning(model.gpt))
    activation_only = kept(lambda model: None)
    neither = kept(written_out)
    assert both < 0.75 * activation_only < 0.75 * neither


class NewGELU(nn.Module):
    """GPT-2's activation as transformers writes it out."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from transformers.activations import ACT2FN

        written_out: torch.Tensor = ACT2FN["gelu_new"](x)
        return written_out


def test_another_activation_is_refused() -> None:
    gpt = small_gpt()
    gpt.gpt.config.activation_function = "relu"
    with pytest.raises(StudioError, match="`relu`"):
        PackedXtts(gpt)
