"""A sound of any length as stretches that a model can hear, cut where it is quiet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from amharic_tts.phonemes.pieces import quiet_place
from amharic_tts.recognition.base import RATE, Samples

_SILENT = 1e-3
"""Full scale at 1 (-60 dB): below this a stretch holds no speech, and models make some up."""


def pieces(blocks: Iterable[Samples], longest: float) -> Iterator[tuple[float, Samples]]:
    """Yield (start in seconds, samples); the pieces follow each other without gap or overlap.

    Only one piece is held at a time. A cut lies amid the longest silence of the second half of
    what a piece could be; where there is none, amid its quietest tenth of a second.

    Args:
        blocks: Mono samples at `RATE`, in any lengths.
        longest: Seconds of the longest piece.
    """
    most = int(longest * RATE)
    waiting: list[Samples] = []
    held = at = 0
    for block in _small(blocks):
        waiting.append(block)
        held += len(block)
        while held > most:
            samples = np.concatenate(waiting)
            cut = most // 2 + quiet_place(samples[most // 2 : most])
            yield at / RATE, samples[:cut]
            waiting, held, at = [samples[cut:]], held - cut, at + cut
    if held:
        yield at / RATE, np.concatenate(waiting)


def _small(blocks: Iterable[Samples]) -> Iterator[Samples]:
    for block in blocks:
        for at in range(0, len(block), RATE):
            yield block[at : at + RATE]


def is_silent(samples: Samples) -> bool:
    """Tell whether nothing in a piece is loud enough to be speech."""
    return float(np.abs(samples).max(initial=0.0)) < _SILENT
