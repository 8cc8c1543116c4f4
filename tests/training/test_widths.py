"""A narrow network laid into coqui's widths computes the same, and is found again."""

from __future__ import annotations

import pytest
import torch
from random_networks import codec, generator, listener
from torch import Tensor, nn
from torch.nn.utils.parametrize import remove_parametrizations

from amharic_tts.base_models.widths import CODEC, DECODER, LISTENER, Layout, narrowed, widened
from amharic_tts.errors import StudioError

CLOSE = 3e-6
"""Largest difference of values around 1: the rounding of sums that zeros were added to."""
FILTERS = (8, 16, 32, 64)
LATENTS = torch.randn(1, 32, 9, generator=torch.Generator().manual_seed(1))
VOICE = torch.randn(1, 512, 1, generator=torch.Generator().manual_seed(2))


def stock(layout: Layout) -> nn.Module:
    if layout is DECODER:
        return generator(512, seed=1)
    return listener((32, 64, 128, 256), seed=1) if layout is LISTENER else codec(512, 512, seed=1)


def wide(layout: Layout, narrow: nn.Module) -> nn.Module:
    """Return coqui's own network with a narrow one in it."""
    network = stock(layout)
    network.load_state_dict(widened(layout, narrow.state_dict()), strict=True)
    return network.eval()


def without_weight_norm(network: nn.Module) -> nn.Module:
    for layer in network.ups:
        remove_parametrizations(layer, "weight")
    for block in network.resblocks:
        block.remove_weight_norm()
    return network


def apart(one: Tensor, other: Tensor) -> float:
    assert one.shape == other.shape and bool(one.isfinite().all() and other.isfinite().all())
    assert float(one.std()) > 1e-3  # else the comparison says nothing
    return float((one - other).abs().max())


@pytest.mark.parametrize("width", [16, 128, 240])
def test_a_decoder_computes_the_same_in_the_wide_one(width: int) -> None:
    small = generator(width)
    big = wide(DECODER, small)
    with torch.no_grad():
        heard = small(LATENTS, g=VOICE)
        assert apart(heard, big(LATENTS, g=VOICE)) < CLOSE
        assert apart(heard, without_weight_norm(big)(LATENTS, g=VOICE)) < CLOSE
