"""Narrow networks inside wide ones: coqui fixes widths of XTTS that a small model does not need.

A narrow network lies in a wide one when all that its extra channels are read with is zero. The wide
one then computes the same, but for the rounding of sums: stock coqui loads it. The other way, from
the zeros, the narrow network is found again, which is many times faster. No note is needed for it,
so it holds for every voice that was exported from such a base.

With weight normalisation (Salimans & Kingma 2016: ``w = g * v / |v|``, a norm for each index of the
first axis) an extra row has the gain 0 and a ``v`` that is not zero, or the quotient would be none.
An extra channel of a batch normalisation has the variance 1, for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from amharic_tts.errors import StudioError

if TYPE_CHECKING:
    from torch import Tensor

_GAIN, _DIRECTION = ".original0", ".original1"
_VARIANCE = ".running_var"
_UNCOUNTED = (_VARIANCE, ".num_batches_tracked")


@dataclass(frozen=True)
class Axis:
    """One axis of a tensor whose length follows from a width of its network."""

    width: str
    times: Fraction = Fraction(1)
    """Entries for one unit of the width; they lie together."""
    blocks: int = 1
    """How often all of them are repeated along the axis."""

    def length(self, width: int) -> int:
        """Return the entries of one block at a width."""
        entries = self.times * width
        if entries.denominator != 1:
            raise StudioError(f"the width `{self.width}` can't be {width}: {entries} entries")
        return int(entries)

    def places(self, narrow: int, wide: int) -> list[int]:
        """Return where the entries of a narrow axis stand in the wide one."""
        inner, outer = self.length(narrow), self.length(wide)
        return [block * outer + entry for block in range(self.blocks) for entry in range(inner)]


@dataclass(frozen=True)
class Layout:
    """Which axes of a network's tensors follow which of its widths."""

    name: str
    stock: Mapping[str, int]
    """The widths that coqui gives it."""
    step: int
    """A width is a multiple of it."""
    axes: tuple[tuple[str, tuple[Axis | None, ...]], ...]
    """Pattern of a tensor's name and its first axes; what is not named, or None, stays as it is."""

    def of(self, key: str, tensor: Tensor) -> Iterator[tuple[int, Axis]]:
        """Yield the axes of a tensor that follow a width, with their numbers."""
        for pattern, axes in self.axes:
            if re.fullmatch(pattern, key):
                # A gain has the first axis alone: its others are 1 long.
                count = 1 if key.endswith(_GAIN) else tensor.ndim
                for number, axis in enumerate(axes[:count]):
                    if axis is not None:
                        yield number, axis
                return

    def widths(self, state: Mapping[str, Tensor]) -> dict[str, int]:
        """Return the widths of a network from the shapes of its tensors.

        Raises:
            StudioError: The shapes contradict each other, or a width is missing.
        """
        found: dict[str, int] = {}
        for key, tensor in state.items():
            for number, axis in self.of(key, tensor):
                width = Fraction(tensor.shape[number], axis.blocks) / axis.times
                if width != found.setdefault(axis.width, ceil(width)):
                    raise StudioError(
                        f"`{key}` of the {self.name} has the shape {tuple(tensor.shape)}, which "
                        f"does not go with `{axis.width}` = {found[axis.width]}"
                    )
        missing = sorted(set(self.stock) - set(found))
        if missing:
            raise StudioError(f"These are not the weights of a {self.name}: no {missing} in them")
        return found


def widened(
    layout: Layout, state: Mapping[str, Tensor], widths: Mapping[str, int] | None = None
) -> dict[str, Tensor]:
    """Return a wider network that computes the same.

    Args:
        layout: Of the network.
        state: Its narrow state dict.
        widths: The wide ones; coqui's own by default.

    Raises:
        StudioError: The state is not of this layout, or is wider already.
    """
    import torch

    old, new = layout.widths(state), dict(widths or layout.stock)
    wider = {name: width for name, width in old.items() if width > new[name]}
    if wider:
        raise StudioError(f"The {layout.name} is wider than {new}: {wider}")
    found = {}
    for key, tensor in state.items():
        wide, first = tensor, tensor.shape[0] if tensor.ndim else 0
        for number, axis in layout.of(key, tensor):
            narrow, length = old[axis.width], axis.length(new[axis.width])
            places = torch.tensor(axis.places(narrow, new[axis.width]))
            shape = [*wide.shape[:number], axis.blocks * length, *wide.shape[number + 1 :]]
            wide = torch.zeros(shape, dtype=tensor.dtype).index_copy_(number, places, wide)
        if key.endswith(_DIRECTION):
            wide[first:].flatten(1)[:, 0] = 1.0
        if key.endswith(_VARIANCE):
            wide[first:] = 1.0
        found[key] = wide.clone() if wide is tensor else wide
    return found


def narrowed(
    layout: Layout, state: Mapping[str, Tensor]
) -> tuple[dict[str, int], dict[str, Tensor]]:
    """Return the widths that a network really uses, and its weights at these widths.

    Channels are taken off the end only. A network without zeros comes back as it is.

    Args:
        layout: Of the network.
        state: Its state dict.

    Raises:
        StudioError: The state is not of this layout.
    """
    import torch

    old, used = layout.widths(state), dict.fromkeys(layout.stock, layout.step)
    for key, tensor in state.items():
        if key.endswith(_UNCOUNTED):
            continue
        for number, axis in layout.of(key, tensor):
            entries = _used(_counted(key, state), number, axis.blocks)
            steps = ceil(entries / axis.times / layout.step)
            used[axis.width] = max(used[axis.width], steps * layout.step)
    new = {name: min(old[name], width) for name, width in used.items()}
    if new == old:
        return old, dict(state)
    found = {}
    for key, tensor in state.items():
        narrow = tensor
        for number, axis in layout.of(key, tensor):
            places = torch.tensor(axis.places(new[axis.width], old[axis.width]))
            narrow = narrow.index_select(number, places)
        found[key] = narrow
    return new, found


def _counted(key: str, state: Mapping[str, Tensor]) -> Tensor:
    """Return which values of a tensor count: a direction without a gain is nothing."""
    marks = state[key] != 0
    if not key.endswith(_DIRECTION):
        return marks
    gains: Tensor = state[key.removesuffix(_DIRECTION) + _GAIN] != 0
    return marks & gains.reshape(-1, *[1] * (marks.ndim - 1))


def _used(marks: Tensor, number: int, blocks: int) -> int:
    """Return how many entries of an axis there are up to the last one in use, in any block."""
    others = [axis for axis in range(marks.ndim) if axis != number]
    if others:
        marks = marks.any(dim=others)
    places = marks.reshape(blocks, -1).any(0).nonzero()
    return int(places.max()) + 1 if len(places) else 0


def _weight(name: str) -> str:
    """Return a pattern of a layer's weight and bias, with weight normalisation or without."""
    return rf"{name}\.(weight|bias|parametrizations\.weight\.original[01])"


def _decoder() -> Layout:
    """Coqui's HiFi-GAN (Kong et al. 2020): each of four stages has half the channels before it."""
    width = [Axis("width", Fraction(1, 2**stage)) for stage in range(5)]
    rows: list[tuple[str, tuple[Axis | None, ...]]] = [
        (_weight("conv_pre"), (width[0],)),
        (_weight("cond_layer"), (width[0],)),
        (_weight("conv_post"), (None, width[4])),
    ]
    for stage in range(4):
        blocks = "|".join(str(3 * stage + kernel) for kernel in range(3))
        here, after = width[stage], width[stage + 1]
        rows += [
            # The weight of a transposed convolution begins with the inputs.
            (rf"ups\.{stage}\.bias", (after,)),
            (_weight(rf"ups\.{stage}"), (here, after)),
            (_weight(rf"conds\.{stage}"), (after,)),
            (_weight(rf"resblocks\.({blocks})\.convs[12]\.\d"), (after, after)),
        ]
    return Layout("decoder", {"width": 512}, 16, tuple(rows))


def _codec() -> Layout:
    """Coqui's DVAE as XTTS has it: two strided layers, three residual blocks on each side."""
    code, one, two = Axis("code"), Axis("hidden"), Axis("hidden", Fraction(2))
    rows: tuple[tuple[str, tuple[Axis | None, ...]], ...] = (
        (_weight(r"encoder\.0\.0"), (one,)),
        (_weight(r"encoder\.1\.0"), (two, one)),
        (_weight(r"encoder\.[234]\.net\.\d"), (two, two)),
        (_weight(r"encoder\.5"), (code, two)),
        (_weight(r"decoder\.0"), (two, code)),
        (_weight(r"decoder\.[123]\.net\.\d"), (two, two)),
        (_weight(r"decoder\.4\.0\.conv"), (two, two)),
        (_weight(r"decoder\.5\.0\.conv"), (one, two)),
        (_weight(r"decoder\.6"), (None, one)),
        (r"codebook\.embed(_avg)?", (code,)),
    )
    return Layout("DVAE", {"hidden": 512, "code": 512}, 1, rows)


def _listener() -> Layout:
    """Coqui's ResNet speaker encoder (Heo et al. 2020, H/ASP) on 64 mel bands."""
    rows: list[tuple[str, tuple[Axis | None, ...]]] = []
    for number in range(4):
        name, group = f"filters{number}", rf"layer{number + 1}\.\d"
        own, squeezed = Axis(name), Axis(name, Fraction(1, 8))
        before = Axis(f"filters{max(0, number - 1)}")
        statistics = r"(weight|bias|running_mean|running_var)"
        rows += [
            (_weight(rf"layer{number + 1}\.0\.(conv1|downsample\.0)"), (own, before)),
            (_weight(rf"{group}\.conv[12]"), (own, own)),
            (rf"{group}\.(bn[12]|downsample\.1)\.{statistics}", (own,)),
            (_weight(rf"{group}\.se\.fc\.0"), (squeezed, own)),
            (_weight(rf"{group}\.se\.fc\.2"), (own, squeezed)),
        ]
    first, last = Axis("filters0"), Axis("filters3", Fraction(8))  # 8 bands of 64 are left
    rows += [
        (_weight("conv1"), (first,)),
        (r"bn1\.(weight|bias|running_mean|running_var)", (first,)),
        (r"attention\.0\.weight", (None, last)),
        (_weight(r"attention\.3"), (last,)),
        # The mean of every channel, then the deviation of every channel.
        (r"fc\.weight", (None, Axis("filters3", Fraction(8), blocks=2))),
    ]
    stock = {f"filters{number}": 32 << number for number in range(4)}
    return Layout("speaker encoder", stock, 8, tuple(rows))


DECODER, CODEC, LISTENER = _decoder(), _codec(), _listener()
"""``hifigan_decoder.waveform_decoder``, ``dvae.pth`` and ``hifigan_decoder.speaker_encoder``."""
