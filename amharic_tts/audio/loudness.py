"""How loud speech is to the ear: EBU R 128, the loudness of ITU-R BS.1770-4, by pyloudnorm."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from amharic_tts.audio.read import Samples

QUIETEST = -70.0
"""LUFS of silence: the absolute gate of BS.1770, below which nothing counts."""
BLOCK = 0.4
"""Seconds of a gating block."""


@functools.lru_cache(maxsize=4)
def _meter(rate: int) -> Any:
    import pyloudnorm  # brings scipy: 0.5 s, and most commands don't need it

    return pyloudnorm.Meter(rate)


def loudness(samples: Samples, rate: int) -> float:
    """Return the integrated loudness of a clip in LUFS, at least `QUIETEST`.

    A clip shorter than one block of 0.4 s is repeated until it is one: the standard has no value
    for it, and the loudness of a repeated sound is that of the sound.

    Args:
        samples: Mono, shape ``(n,)``, full scale at 1.
        rate: Samples a second.
    """
    if not len(samples):
        return QUIETEST
    least = math.ceil(BLOCK * rate) + 1
    sound = np.asarray(samples, dtype=np.float64)
    if len(sound) < least:
        sound = np.tile(sound, -(-least // len(sound)))
    if not sound.any():
        return QUIETEST
    return max(QUIETEST, float(_meter(rate).integrated_loudness(sound)))
