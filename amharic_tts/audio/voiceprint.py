"""A voice in 20 numbers, without a trained model: enough to find a clip of somebody else.

The means of 19 mel cepstra over the frames of speech, and the median of the logarithm of the pitch.
These are the features of the earliest speaker recognition (Furui 1981, "Cepstral analysis technique
for automatic speaker verification", IEEE Trans. ASSP 29(2)); they hear the microphone and the room
as well as the voice. Pitch: the highest peak of the normalised autocorrelation (Boersma 1993) of
every fourth frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from amharic_tts.audio.quality import FRAME, STEP, frame_levels
from amharic_tts.audio.read import Samples

Vector = NDArray[np.float64]

CEPSTRA = 19
PITCH_ALONE = 3.0
"""A pitch so many spreads away is as strange as cepstra that are one spread away, all of them."""
_MELS = 40
_BAND = (80.0, 8000.0)
"""Hz. Above, what is heard is mostly the microphone."""
_PITCH = (60.0, 420.0)
_VOICED = 0.5
"""Normalised autocorrelation from which a frame has a pitch."""
_ACTIVE_DB = 25.0
_LEAST_FRAMES = 20
_WINDOW = 1024
_LEAST_SPREAD = np.append(np.full(CEPSTRA, 0.15), 0.04)
"""Takes for a spread what hardly any voice stays below: copies of one clip are no voice."""


@lru_cache(maxsize=2)
def _filters(rate: int) -> Vector:
    """Return triangular mel filters, shape ``(mels, bins)``; mel by O'Shaughnessy 1987."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (_BAND[0], min(_BAND[1], rate / 2)))
    edges = 700 * (10 ** (np.linspace(low, high, _MELS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_WINDOW, 1 / rate)
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(up, down))


@lru_cache(maxsize=1)
def _cosines() -> Vector:
    """Return the rows 1 to `CEPSTRA` of the orthonormal DCT-II, shape ``(cepstra, mels)``."""
    n = np.arange(_MELS) + 0.5
    k = np.arange(1, CEPSTRA + 1)[:, None]
    return np.sqrt(2 / _MELS) * np.cos(np.pi * k * n / _MELS)


def voiceprint(samples: Samples, rate: int) -> Vector | None:
    """Return the numbers of the voice, shape ``(20,)``; the last one is NaN where no
    pitch is heard, or None with under 0.2 s of speech.

    Args:
        samples: Mono, shape ``(n,)``.
        rate: Samples a second.
    """
    frames = _active_frames(np.asarray(samples, dtype=np.float64), rate)
    if len(frames) < _LEAST_FRAMES:
        return None
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), _WINDOW, axis=1)))
    mels = np.log(power @ _filters(rate).T + 1e-10)
    cepstra = mels @ _cosines().T
    pitch = _pitches(frames[::4], rate)
    tune = float(np.median(pitch)) if len(pitch) >= 5 else np.nan
    return np.append(cepstra.mean(axis=0), tune)


def _active_frames(samples: Vector, rate: int) -> Vector:
    """Return the frames of speech, 40 ms long, shape ``(frames, samples)``."""
    levels = frame_levels(samples.astype(np.float32), rate)
    limit = max(-65.0, float(np.quantile(levels, 0.9)) - _ACTIVE_DB)
    size, step = round(2 * FRAME * rate), max(1, round(STEP * rate))
    starts = np.flatnonzero(levels > limit) * step
    starts = starts[starts + size <= len(samples)]
    return samples[starts[:, None] + np.arange(size)]


def _pitches(frames: Vector, rate: int) -> Vector:
    """Return the logarithm of the pitch of each voiced frame."""
    if not len(frames):
        return np.zeros(0)
    window = np.hanning(frames.shape[1])
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window
    size = 2 * frames.shape[1]
    spectrum = np.square(np.abs(np.fft.rfft(centred, size, axis=1)))
    lags = np.fft.irfft(spectrum, axis=1)[:, : frames.shape[1]]
    own = np.fft.irfft(np.square(np.abs(np.fft.rfft(window, size))))[: frames.shape[1]]
    likeness = lags / np.maximum(lags[:, :1], 1e-12) / np.maximum(own / own[0], 1e-3)
    least, most = round(rate / _PITCH[1]), min(round(rate / _PITCH[0]), frames.shape[1] // 2)
    part = likeness[:, least:most]
    best = part.argmax(axis=1)
    return np.log(rate / (best[part.max(axis=1) > _VOICED] + least))


def strangeness(prints: Sequence[Vector]) -> Vector:
    """Return how far each voice print is from the middle of all, shape ``(prints,)``.

    Distances are from the median, in spreads (1.4826 times the median absolute deviation, which is
    the standard deviation of a normal distribution). Of the cepstra the root mean square counts,
    of the pitch a third; the larger of both is returned: about 1 for clips of one voice.
    """
    table = np.stack(prints)
    middle = np.nanmedian(table, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(table - middle), axis=0)
    apart = np.abs(table - middle) / np.fmax(spread, _LEAST_SPREAD)
    apart = np.where(np.isfinite(apart), np.minimum(apart, 12), 0.0)
    cepstra = np.sqrt(np.mean(np.square(apart[:, :-1]), axis=1))
    return np.asarray(np.maximum(cepstra, apart[:, -1] / PITCH_ALONE))
