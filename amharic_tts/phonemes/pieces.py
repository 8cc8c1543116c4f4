"""Long sounds cut at their quietest places, so that memory does not grow with the length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from amharic_tts.phonemes.models.base import RATE, Array

LONGEST = 15.0
"""Seconds of the longest piece."""
SHORTEST = 8.0
"""A cut is looked for between this and `LONGEST`."""
_WINDOW = 0.1  # seconds over which loudness is measured: longer than the closure of a stop


def pieces(blocks: Iterable[Array]) -> Iterator[tuple[float, Array]]:
    """Yield (seconds from the beginning, samples); joined, the pieces are the sound.

    Args:
        blocks: Mono samples at `RATE`, in any lengths.
    """
    longest = int(LONGEST * RATE)
    waiting: list[Array] = []
    held = done = 0
    for block in blocks:
        waiting.append(block)
        held += len(block)
        while held > longest:
            samples = np.concatenate(waiting)
            cut = quietest(samples[:longest])
            yield done / RATE, samples[:cut]
            done += cut
            waiting, held = [samples[cut:]], held - cut
    if held:
        yield done / RATE, np.concatenate(waiting)


def quietest(samples: Array) -> int:
    """Return the middle of the quietest tenth of a second after `SHORTEST` seconds."""
    first, window = int(SHORTEST * RATE), int(_WINDOW * RATE)
    power = np.concatenate([[0.0], np.cumsum(np.square(samples[first:], dtype=np.float64))])
    return first + int(np.argmin(power[window:] - power[:-window])) + window // 2
