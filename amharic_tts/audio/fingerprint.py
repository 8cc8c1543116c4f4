"""Find one recording that stands twice in a dataset: louder, cut otherwise, or encoded again.

Bits of Haitsma and Kalker 2002 ("A Highly Robust Audio Fingerprinting System", ISMIR): whether the
energy difference between neighbouring bands grows from one frame to the next. Only the words of
bits that a hash chooses are kept, the same ones in every clip, so that the table stays small. Two
clips are one recording where many of their words are equal at one and the same shift.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from amharic_tts.audio.read import Samples

Words = NDArray[np.int64]
"""Shape ``(n, 2)``: frame number and word of bits."""

STEP = 256
"""Samples from one frame to the next at 22.05 kHz: 11.6 ms."""
_WINDOW = 4096
_BANDS = 21
_RANGE = (300.0, 3000.0)
_KEPT = 4
"""One word in so many is kept."""
_LEAST_COMMON = 10
"""Words that two clips must share before they are looked at."""
ALIKE = 0.12
"""Share of equal words at one shift from which two clips are twins, see `_alike`."""
_AT_ONCE = 10_000
_CROWD = 60
"""A word that stands in more clips than this tells nothing."""


@lru_cache(maxsize=2)
def _edges(rate: int) -> tuple[int, ...]:
    found = np.geomspace(*_RANGE, _BANDS + 1) * _WINDOW / rate
    return tuple(round(edge) for edge in found)


def words(samples: Samples, rate: int) -> Words:
    """Return the kept words of a clip, shape ``(n, 2)``: frame number, word of 20 bits.

    Args:
        samples: Mono, shape ``(n,)``.
        rate: Samples a second; clips that are compared must have the same.
    """
    sound = np.asarray(samples, dtype=np.float32)
    count = (len(sound) - _WINDOW) // STEP + 1
    if count < 2:
        return np.zeros((0, 2), dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::STEP]
    edges = _edges(rate)
    top = edges[-1] + 1
    energy = np.empty((count, _BANDS))
    taper = np.hanning(_WINDOW).astype(np.float32)
    for first in range(0, count, 128):  # at once it would hold 60 MB for 10 s
        part = np.square(np.abs(np.fft.rfft(windows[first : first + 128] * taper, axis=1)[:, :top]))
        energy[first : first + 128] = np.add.reduceat(part, edges[:-1], axis=1)
    step = np.diff(np.diff(energy, axis=1), axis=0)
    bits = (step > 0) @ (1 << np.arange(_BANDS - 1))
    loud = energy[1:].sum(axis=1) > 1e-3 * energy.sum(axis=1).max()
    chosen = (bits * 2654435761 >> 7) % _KEPT == 0
    frames = np.flatnonzero(loud & chosen)
    return np.stack([frames, bits[frames]], axis=1).astype(np.int64)


def twins(prints: Mapping[str, Words]) -> list[tuple[str, str, float]]:
    """Return pairs of clips that are one recording: the earlier, the later, how alike (0 to 1).

    Among more than `_AT_ONCE` clips only those of about the same length are compared: each with
    the `_AT_ONCE` / 2 nearest in length, since work grows with the square of the clips.

    Args:
        prints: Words by the id of the clip, in the order of the dataset.
    """
    if len(prints) <= _AT_ONCE:
        return sorted(_twins(prints), key=lambda pair: -pair[2])
    by_length = sorted(prints, key=lambda id: int(prints[id][-1, 0]) if len(prints[id]) else 0)
    order = {id: at for at, id in enumerate(prints)}
    found: dict[tuple[str, str], float] = {}
    for first in range(0, len(by_length) - _AT_ONCE // 2, _AT_ONCE // 2):
        part = sorted(by_length[first : first + _AT_ONCE], key=order.__getitem__)
        found |= {(a, b): alike for a, b, alike in _twins({id: prints[id] for id in part})}
    return sorted(((a, b, alike) for (a, b), alike in found.items()), key=lambda pair: -pair[2])


def _twins(prints: Mapping[str, Words]) -> list[tuple[str, str, float]]:
    ids = list(prints)
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, id in enumerate(ids):
        for frame, word in prints[id].tolist():
            places[word].append((number, frame))
    votes: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for found in places.values():
        if not 2 <= len(found) <= _CROWD:
            continue
        for at, (one, frame) in enumerate(found):
            for other, later in found[at + 1 :]:
                if one != other:
                    votes[one, other][later - frame] += 1
    pairs = []
    for (one, other), shifts in votes.items():
        at = max(shifts, key=lambda s: shifts[s] + shifts.get(s - 1, 0) + shifts.get(s + 1, 0))
        first, second = prints[ids[one]], prints[ids[other]]
        if sum(shifts.get(at + n, 0) for n in (-1, 0, 1)) >= _LEAST_COMMON:
            alike = _alike(first, second, at)
            if alike >= ALIKE:
                pairs.append((ids[one], ids[other], alike))
    return pairs


def _alike(first: Words, second: Words, shift: int) -> float:
    """Return how alike two clips are at a shift: the share of equal words, 0 to 1.

    Of the four quarters of the shorter clip, the second worst counts: two sentences that a
    synthetic voice says with the same ending are alike in one part alone.
    """
    if len(second) < len(first):
        first, second, shift = second, first, -shift
    there = {(frame + n, word) for frame, word in second.tolist() for n in (-1, 0, 1)}
    equal = np.array([(frame + shift, word) in there for frame, word in first.tolist()])
    shares = sorted(float(part.mean()) for part in np.array_split(equal, 4) if len(part))
    return shares[min(1, len(shares) - 1)]
