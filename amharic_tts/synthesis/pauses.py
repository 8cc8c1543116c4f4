"""Silence between sentences: what a model leaves at the end of one is taken into account."""

from __future__ import annotations

import numpy as np

_QUIET = 0.01
"""Amplitude below which the end of a sentence counts as silent (-40 dB)."""


def silence_after(samples: np.ndarray, pause: float, rate: int) -> int:
    """Return how many samples of silence to add so that a pause is as long as asked for.

    Args:
        samples: What is heard before; its own silence at the end counts.
        pause: Seconds.
        rate: Samples a second.
    """
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    own = len(samples) - (int(loud[-1]) + 1 if len(loud) else 0)
    return max(0, round(pause * rate) - own)
