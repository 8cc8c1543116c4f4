"""Long sounds cut at silences, so that memory does not grow with the length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from amharic_tts.phonemes.models.base import RATE, Array

LONGEST = 15.0
"""Seconds of the longest piece with its context: models need memory for each second of it."""
SHORTEST = 8.0
"""A cut is looked for from here on."""
CONTEXT = 0.3
"""Seconds before and after a piece that the model hears too; their frames are not used."""
GRID = 320
"""Cuts lie on multiples of this many samples: the frames of the pieces follow each other."""

_WINDOW = 0.02  # seconds of one loudness value
_PAUSE = 0.2  # a silence is at least this long: longer than the closure of most stops
_QUIETEST = 0.1  # where there is none, the cut is in the quietest stretch of this length
_BELOW_SPEECH = 30.0  # dB under the loud parts that count as silence


@dataclass(frozen=True)
class Piece:
    """A stretch of a sound, with what stands around it; times in seconds of the whole sound."""

    samples: Array
    """Mono at `RATE`, the context included."""
    start: float
    """Of the first sample."""
    begin: float
    """Where the stretch itself begins; pieces follow each other without gap."""
    end: float

    @property
    def silent(self) -> bool:
        """Whether its loudest sample is below -80 dB: no phone is looked for in it."""
        return float(np.abs(self.samples).max(initial=0.0)) < 1e-4


def pieces(blocks: Iterable[Array], grid: int = GRID, padded: bool = False) -> Iterator[Piece]:
    """Yield the pieces of a sound; at most `LONGEST` seconds of it are held.

    Args:
        blocks: Mono samples at `RATE`, in any lengths.
        grid: Samples of one frame of the model.
        padded: Whether the sound gets silence as the context of its own beginning and end.
    """
    context = -(-int(CONTEXT * RATE) // grid) * grid
    silence = np.zeros(context if padded else 0, dtype=np.float32)
    longest, shortest = int(LONGEST * RATE) - 2 * context, int(SHORTEST * RATE)
    waiting: list[Array] = [silence]
    held, first, begin = len(silence), -len(silence), 0
    # `held` samples, the first of them at `first`; the next piece begins at `begin`.
    for block in _small(blocks):
        waiting.append(block)
        held += len(block)
        while first + held > begin + longest + context:
            samples = np.concatenate(waiting)
            at = begin - first
            cut = begin + shortest + quiet_place(samples[at + shortest : at + longest])
            cut -= cut % grid
            yield _piece(samples[: cut + context - first], first, begin, cut)
            waiting = [samples[cut - context - first :]]
            held -= cut - context - first
            first, begin = cut - context, cut
    if first + held > begin:
        yield _piece(np.concatenate([*waiting, silence]), first, begin, first + held)


def _piece(samples: Array, first: int, begin: int, end: int) -> Piece:
    return Piece(samples, first / RATE, begin / RATE, end / RATE)


def _small(blocks: Iterable[Array]) -> Iterator[Array]:
    for block in blocks:
        for at in range(0, len(block), RATE):
            yield block[at : at + RATE]


def quiet_place(samples: Array) -> int:
    """Return where to cut: amid the longest silence, else amid the quietest tenth of a second.

    Args:
        samples: Mono at `RATE`, some seconds.
    """
    if not samples.any():
        return len(samples) // 2
    window = int(_WINDOW * RATE)
    count = len(samples) // window
    frames = samples[: count * window].reshape(count, window)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    silent = power < np.quantile(power, 0.95) * 10 ** (-_BELOW_SPEECH / 10)
    best = at = middle = 0
    for quiet, run in groupby(silent.tolist()):
        length = len(list(run))
        if quiet and length > best:
            best, middle = length, at + length // 2
        at += length
    if best * _WINDOW < _PAUSE:
        span = round(_QUIETEST / _WINDOW)
        sums = np.convolve(power, np.ones(span), mode="valid")
        middle = int(np.argmin(sums)) + span // 2
    return middle * window
