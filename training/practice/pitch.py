"""How high a voice is: fundamental frequency, frame by frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = 60.0, 500.0
"""Hz that are looked for."""
SHIFT = 0.01
_PERIODS = 3.0
"""Periods of the lowest pitch in a window."""
_VOICED = 0.45
"""Height of the autocorrelation, at most 1, from which a frame is voiced."""
_OCTAVE = 0.01
"""What a pitch an octave lower must be better by."""
_SILENT = 0.03
"""Peak of a frame, as a share of the sound's, below which it is silence."""


def track(samples: np.ndarray, rate: int) -> NDArray[np.float64]:
    """Return the pitch of each frame of `SHIFT` seconds in Hz, NaN where there is none.

    Autocorrelation of a windowed frame divided by that of the window (Boersma 1993, "Accurate
    Short-Term Analysis of the Fundamental Frequency", IFA Proceedings 17), the best candidate of
    each frame by itself: without his search for the best path, single frames may be an octave off.

    Args:
        samples: Float mono.
        rate: Samples a second.
    """
    size = round(_PERIODS / LOWEST * rate)
    count = max(0, 1 + int((len(samples) - size) / (SHIFT * rate)))
    starts = np.round(np.arange(count) * SHIFT * rate).astype(int)
    if not count:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[starts]
    loud = np.abs(frames).max(1) > _SILENT * np.abs(samples).max()
    window = np.hanning(size)
    frames = (frames - frames.mean(1, keepdims=True)) * window
    shortest, longest = int(rate / HIGHEST), int(rate / LOWEST)
    own = _autocorrelation(window[None], longest)
    likeness = _autocorrelation(frames, longest) / own
    lags = np.arange(shortest, longest + 1)
    strength = likeness[:, shortest : longest + 1] - _OCTAVE * np.log2(LOWEST * lags / rate)
    best = strength[:, 1:-1].argmax(1) + 1
    peak = lags[best] + _vertex(strength, best)
    voiced = loud & (likeness[np.arange(count), lags[best]] > _VOICED)
    return np.where(voiced, rate / peak, np.nan)


def median(samples: np.ndarray, rate: int) -> float:
    """Return the median pitch of the voiced frames in Hz, NaN where there are none."""
    found = track(samples, rate)
    voiced = found[np.isfinite(found)]
    return float(np.median(voiced)) if len(voiced) else float("nan")


def _autocorrelation(frames: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Return it at the lags 0 to `longest`, divided by that at lag 0, shape (frames, lags)."""
    points = 1 << (frames.shape[1] + longest).bit_length()
    spectrum = np.square(np.abs(np.fft.rfft(frames, points)))
    found = np.fft.irfft(spectrum, points)[:, : longest + 1]
    return np.asarray(found / np.maximum(found[:, :1], 1e-12))


def _vertex(rows: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how far the top of the parabola through three points is from the middle one."""
    every = np.arange(len(rows))
    left, middle, right = (rows[every, at + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    return np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
