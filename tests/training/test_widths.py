"""A narrow network laid into coqui's widths computes the same, and is found again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from random_networks import codec, generator, listener
from torch import Tensor, nn
from torch.nn.utils.parametrize import remove_parametrizations

from amharic_tts.base_models.widths import CODEC, DECODER, LISTENER, Layout, narrowed, widened
from amharic_tts.errors import StudioError

CLOSE = 3e-6
"""Largest difference, as a share of the largest value: sums are rounded in another order (float32
has 6e-8 for one rounding)."""
FILTERS = (8, 16, 32, 64)
DRAW = torch.Generator().manual_seed(1)
LATENTS, VOICE = torch.randn(1, 32, 9, generator=DRAW), torch.randn(1, 512, 1, generator=DRAW)
MEL, SOUND = torch.randn(1, 80, 64, generator=DRAW), 0.1 * torch.randn(1, 8000, generator=DRAW)
NARROW: dict[str, tuple[Layout, Callable[[], nn.Module]]] = {
    "decoder": (DECODER, lambda: generator(128)),
    "codec": (CODEC, lambda: codec(96, 48)),
    "listener": (LISTENER, lambda: listener(FILTERS)),
}


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
    assert float(one.detach().std()) > 1e-3  # else the comparison says nothing
    return float((one - other).abs().max() / one.abs().max())


@pytest.mark.parametrize("width", [16, 128, 240])
@torch.no_grad()
def test_a_decoder_computes_the_same_in_the_wide_one(width: int) -> None:
    small = generator(width)
    big = wide(DECODER, small)
    heard = small(LATENTS, g=VOICE)
    assert apart(heard, big(LATENTS, g=VOICE)) < CLOSE
    plain = without_weight_norm(big)
    assert apart(heard, plain(LATENTS, g=VOICE)) < CLOSE
    # Without weight normalisation the zeros are found as well.
    widths, state = narrowed(DECODER, plain.state_dict())
    found = without_weight_norm(generator(width, seed=2))
    found.load_state_dict(state, strict=True)
    assert widths == {"width": width}
    assert apart(heard, found(LATENTS, g=VOICE)) < CLOSE


@torch.no_grad()
def test_a_dvae_computes_the_same_in_the_wide_one() -> None:
    small = codec(96, 48)
    book = small.encoder(MEL)[0] + 0.1  # codes where the outputs are, so that many are chosen
    small.codebook.embed[:, : book.shape[1]] = book
    big = wide(CODEC, small)
    codes = small.get_codebook_indices(MEL)
    assert len(codes.unique()) > 10
    assert torch.equal(codes, big.get_codebook_indices(MEL))
    assert apart(small.decode(codes)[0], big.decode(codes)[0]) < CLOSE


@pytest.mark.parametrize("filters", [FILTERS, (32, 8, 8, 256), (8, 8, 8, 8)])
@torch.no_grad()
def test_a_speaker_encoder_computes_the_same_in_the_wide_one(filters: tuple[int, ...]) -> None:
    small = listener(filters)
    big = wide(LISTENER, small)
    # Coqui's forward changes the shape of what it is given.
    assert apart(small(SOUND.clone()), big(SOUND.clone())) < CLOSE


@pytest.mark.parametrize("name", NARROW)
def test_a_narrow_network_is_found_again_bit_for_bit(name: str) -> None:
    layout, make = NARROW[name]
    state = make().state_dict()
    widths, found = narrowed(layout, widened(layout, state))
    assert widths == layout.widths(state) != layout.stock
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], value) for key, value in state.items())


@pytest.mark.parametrize("name", NARROW)
def test_a_network_without_zeros_stays_as_it_is(name: str) -> None:
    layout, make = NARROW[name]
    state = make().state_dict()
    widths, found = narrowed(layout, state)
    assert widths == layout.widths(state)
    assert all(found[key] is value for key, value in state.items())


@pytest.mark.parametrize("name", NARROW)
def test_half_precision_stays_half_precision(name: str) -> None:
    layout, make = NARROW[name]
    state = {k: v.half() if v.is_floating_point() else v for k, v in make().state_dict().items()}
    big = widened(layout, state)
    assert {v.dtype for k, v in big.items() if k in state and state[k].is_floating_point()} == {
        torch.float16
    }
    _, found = narrowed(layout, big)
    assert all(torch.equal(found[key], value) for key, value in state.items())


def test_the_gradients_of_a_wide_decoder_are_finite() -> None:
    big = wide(DECODER, generator(96)).train()
    big(LATENTS, g=VOICE).pow(2).mean().backward()
    gradients = [p.grad for p in big.parameters() if p.grad is not None]
    assert len(gradients) == len(list(big.parameters()))
    assert all(bool(g.isfinite().all()) for g in gradients)


def test_the_gradients_of_a_wide_speaker_encoder_are_finite() -> None:
    big = wide(LISTENER, listener(FILTERS)).train()
    big(SOUND.repeat(2, 1)).pow(2).mean().backward()
    assert all(bool(p.grad.isfinite().all()) for p in big.parameters())
    assert all(bool(buffer.isfinite().all()) for buffer in big.buffers())


def test_one_value_in_the_last_channel_keeps_all_channels() -> None:
    state = widened(DECODER, generator(16).state_dict())
    state["conds.3.bias"][-1] = 1e-6
    assert narrowed(DECODER, state)[0] == {"width": 512}


def test_a_single_channel_of_a_late_stage_keeps_what_the_first_stage_needs_for_it() -> None:
    state = widened(DECODER, generator(16).state_dict())
    state["conv_post.weight"][0, 1] = 0.5  # of 32 wide, so that the first stage needs 2 * 16
    widths, found = narrowed(DECODER, state)
    assert widths == {"width": 32}
    assert found["conv_pre.bias"].shape == (32,) and found["conv_post.weight"].shape == (1, 2, 7)


def test_what_is_not_the_network_is_refused() -> None:
    state = codec(16, 16).state_dict()
    with pytest.raises(StudioError, match="not the weights of a decoder"):
        narrowed(DECODER, state)
    state["encoder.1.0.weight"] = torch.zeros(33, 16, 3)
    with pytest.raises(StudioError, match=r"`encoder.1.0.weight` of the DVAE has the shape"):
        widened(CODEC, state)
    with pytest.raises(StudioError, match="The DVAE is wider than"):
        widened(CODEC, codec(16, 600).state_dict())
    with pytest.raises(StudioError, match="can't be 12: 3/2 entries"):
        widened(LISTENER, listener((8, 8, 8, 8)).state_dict(), {**LISTENER.stock, "filters0": 12})
