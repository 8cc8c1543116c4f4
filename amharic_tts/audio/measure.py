"""Simple measures of a clip: how long, how loud, clipped, silent."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from amharic_tts.audio.read import Samples

FLOOR_DB = -120.0
"""What digital silence is said to have."""
_CLIPPED = 0.999
_FRAME_SECONDS = 0.02
_SILENT_BELOW_PEAK_DB = 40.0
_SILENT_DB = -60.0


@dataclass(frozen=True)
class Measures:
    """Numbers of one clip; levels in dB against full scale, times in seconds."""

    duration: float
    peak_db: float
    rms_db: float
    clipped: float
    """Share of the samples that touch full scale."""
    silence_start: float
    silence_end: float

    def to_dict(self) -> dict[str, float]:
        """Return the numbers rounded to what they mean."""
        return {key: round(value, 6) for key, value in asdict(self).items()}


def decibels(amplitude: float) -> float:
    """Return ``20 log10(amplitude)``, at least `FLOOR_DB`."""
    return max(FLOOR_DB, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DB


def measure(samples: Samples, rate: int) -> Measures:
    """Return the measures of a clip.

    Args:
        samples: Mono, shape ``(n,)``, full scale at 1.
        rate: Samples a second.
    """
    if not len(samples):
        return Measures(0.0, FLOOR_DB, FLOOR_DB, 0.0, 0.0, 0.0)
    loudness = np.abs(samples)
    start, end = _silent_ends(loudness, rate)
    return Measures(
        duration=len(samples) / rate,
        peak_db=decibels(float(loudness.max())),
        rms_db=decibels(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))),
        clipped=float(np.mean(loudness >= _CLIPPED)),
        silence_start=start,
        silence_end=end,
    )


def _silent_ends(loudness: Samples, rate: int) -> tuple[float, float]:
    """Return the silence before the first and after the last loud frame of 20 ms, in seconds.

    A frame is loud if its peak is above -60 dB and within 40 dB of the clip's peak.
    """
    size = max(1, round(_FRAME_SECONDS * rate))
    starts = np.arange(0, len(loudness), size)
    peaks = np.maximum.reduceat(loudness, starts)
    limit = max(10 ** (_SILENT_DB / 20), float(peaks.max()) * 10 ** (-_SILENT_BELOW_PEAK_DB / 20))
    loud = np.flatnonzero(peaks > limit)
    if not len(loud):
        return len(loudness) / rate, len(loudness) / rate
    end = len(loudness) - min(len(loudness), (int(loud[-1]) + 1) * size)
    return int(loud[0]) * size / rate, end / rate
