"""How far two sounds of one sentence are apart: mel-cepstral distortion along the best alignment.

Mel-cepstral distortion (Kubichek 1993, "Mel-Cepstral Distance Measure for Objective Speech Quality
Assessment", IEEE PACRIM) of two frames is ``10 / ln 10 * sqrt(2 * sum_d (c_d - c'_d)^2)`` dB over
the coefficients 1 to `COEFFICIENTS`: the root mean square difference of the two smoothed log
spectra on the mel scale, whatever their loudness. The frames are paired by dynamic time warping
(Sakoe and Chiba 1978, IEEE ASSP 26) with steps of one frame in either sound or both, and the
distortion of two sounds is the mean over the steps of the best path.

The cepstrum is the cosine transform of the log amplitudes of `BANDS` triangular mel bands, in the
units of the mel cepstrum of Tokuda et al. 1994 (``ln |H| = c_0 + sum c_d cos(d w)``), which is what
most published figures use; theirs come from a fitted envelope, so that a figure from elsewhere is
no yardstick for ours, and the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from amharic_tts.audio.measure import measure
from amharic_tts.errors import StudioError

Floats = NDArray[np.float64]

COEFFICIENTS = 24
SHIFT = 0.005
"""Seconds from frame to frame."""
WINDOW = 0.025
"""Seconds of the Hann window."""
BANDS = 80
LOWEST, HIGHEST = 60.0, 8000.0
"""Hz that the bands cover: what is above is not in the mel spectrum that XTTS learns from."""
FLOOR_DB = 60.0
"""What is this much weaker than the loudest spot of its sound counts as this weak: digital silence
beside a faint hiss is no difference that anybody hears."""
_HURRY = 0.2
"""A stretch is missing where the other sound has less than this share of its length for it: people
and models hurry, but not five times."""
_PAUSE_DB = 35.0
"""A frame this much weaker than the loudest one is a pause."""
_SCALE = 10 / np.log(10) * np.sqrt(2)
_LONGEST = 40.0
"""Seconds; the table of the alignment grows with the product of both lengths."""


@dataclass(frozen=True)
class Warping:
    """Two sounds laid beside each other, frame by frame, in frames of `SHIFT` seconds."""

    path: NDArray[np.int64]
    """Pairs of frames, shape (steps, 2): the first sound's and the second's, each from 0 to its
    last."""
    distortion: float
    """Mean over the steps, dB."""

    loud: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """Which frames of each sound are no pause, silence and the closures of stops among them."""

    @property
    def left_out(self) -> float:
        """Seconds of the longest stretch of the first sound that the second one does not have."""
        first, second, pace = self._spans()
        return _hurried(first, second / pace)

    @property
    def added(self) -> float:
        """Seconds of the longest stretch of the second sound that the first one does not have."""
        first, second, pace = self._spans()
        return _hurried(second, first * pace)

    def _spans(self) -> tuple[Floats, Floats, float]:
        """Return the seconds of both sounds that each step of the path has behind it, without
        their pauses, and how many times as slow as the first one the second one is, which counts
        up to a quarter: beyond that it is more likely that something is missing or too much."""
        first, second = (
            SHIFT * np.cumsum(np.diff(frames, prepend=0) * loud[frames])
            for frames, loud in zip(self.path.T, self.loud, strict=True)
        )
        pace = second[-1] / max(first[-1], SHIFT)
        return first, second, float(np.clip(pace, 0.8, 1.25))

    def rhythm(self, stretch: float = 0.2) -> float:
        """Return how unevenly the second sound keeps the pace of the first.

        The first sound is cut into stretches of `stretch` seconds; this is the mean over them of
        ``|log2(length in the second / length in the first)|`` after both sounds are brought to one
        length: 0 for the same rhythm, 1 where stretches are twice as long or half as long.
        """
        first, second = self.path[:, 0], self.path[:, 1]
        total = int(first[-1]) + 1
        edges = np.linspace(0, total - 1, max(2, round(total * SHIFT / stretch) + 1))
        places = np.interp(edges, *_once(first, second))
        share = np.maximum(np.diff(places), 1.0) / max(places[-1] - places[0], 1.0)
        return float(np.abs(np.log2(share * (len(edges) - 1))).mean())


def _once(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return each frame of the first sound with the mean of the frames that it lies on."""
    counts = np.bincount(first)
    return np.arange(len(counts), dtype=np.float64), np.bincount(first, second) / counts


def _hurried(seconds: Floats, others: Floats) -> float:
    """Return the longest stretch of `seconds` in which `others` go on by `_HURRY` of it at most.

    Args:
        seconds: Of one sound at each step of a path.
        others: Of the other sound at these steps.
    """
    ahead = others - _HURRY * seconds
    lowest = np.minimum.accumulate(ahead[::-1])[::-1]  # of each step and all later ones
    last = np.searchsorted(lowest, ahead, side="right") - 1
    return float((seconds[last] - seconds).max(initial=0.0))


def trimmed(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return a sound without what is 40 dB below its peak at its ends (`audio.measure`)."""
    peak = float(np.abs(samples).max(initial=0.0))
    # At full scale, where the measure's own limit of -60 dB is below these 40.
    found = measure((samples / (peak or 1.0)).astype(np.float32), rate)
    start, end = round(found.silence_start * rate), round(found.silence_end * rate)
    return samples[start : len(samples) - end]


@lru_cache(maxsize=4)
def _bank(rate: int, points: int) -> Floats:
    """Return triangles of equal width on the mel scale (O'Shaughnessy 1987), (bands, bins)."""
    highest = min(HIGHEST, rate / 2)
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (LOWEST, highest))
    mels = np.linspace(low, high, BANDS + 2)
    hertz = 700 * (10 ** (mels / 2595) - 1)
    bins = np.fft.rfftfreq(points, 1 / rate)
    rising = (bins - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins) / np.diff(hertz)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def _frames(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the windows of a sound that is at least one window long, (frames, samples)."""
    window, shift = round(WINDOW * rate), SHIFT * rate
    starts = np.round(np.arange(1 + int((len(samples) - window) / shift)) * shift).astype(int)
    return np.lib.stride_tricks.sliding_window_view(samples, window)[starts]


def _loud(samples: np.ndarray, rate: int) -> NDArray[np.bool_]:
    """Return which frames are no pause."""
    power = np.square(_frames(samples, rate), dtype=np.float64).mean(1)
    return np.asarray(power > power.max() * 10 ** (-_PAUSE_DB / 10))


def mel_cepstra(samples: np.ndarray, rate: int) -> Floats:
    """Return coefficients 0 to `COEFFICIENTS` of each frame, shape (frames, 1 + COEFFICIENTS).

    Args:
        samples: Float mono.
        rate: Samples a second.

    Raises:
        StudioError: The sound is silent, shorter than a window, not made of numbers, or longer
            than can be aligned.
    """
    samples = np.asarray(samples, dtype=np.float64)
    window = round(WINDOW * rate)
    if not np.isfinite(samples).all():
        raise StudioError("A sound holds values that are not numbers and can't be judged")
    if len(samples) < window or not np.abs(samples).max() > 0:
        raise StudioError(f"A sound of {len(samples) / rate:.3f} s has nothing that can be judged")
    if len(samples) > _LONGEST * rate:
        raise StudioError(
            f"A sound of {len(samples) / rate:.0f} s can't be judged; {_LONGEST:g} s are the most",
            "Judge sentences one by one",
        )
    frames = _frames(samples, rate)
    # Four times the window's length: narrow low bands must hold some bins.
    points = 1 << (4 * window - 1).bit_length()
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(window), points)))
    bands = power @ _bank(rate, points).T
    bands = np.maximum(bands, bands.max() * 10 ** (-FLOOR_DB / 10))
    angles = np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(COEFFICIENTS + 1)) / BANDS
    # ln of an amplitude is half that of a power, which cancels the 2 of the transform.
    found = np.asarray(np.log(bands) @ np.cos(angles) / BANDS)
    found[:, 0] /= 2
    return found


def distances(first: Floats, second: Floats) -> Floats:
    """Return the distortion of each pair of frames in dB, shape (frames, frames)."""
    left, right = first[:, 1:], second[:, 1:]
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    return np.asarray(_SCALE * np.sqrt(np.maximum(squares, 0.0)))


def cheapest(costs: Floats) -> tuple[NDArray[np.int64], float]:
    """Return the path of the lowest sum of costs from the first pair to the last, and that sum.

    Where two ways cost the same, the one that goes on in both sounds is taken.

    Args:
        costs: Of each pair of frames, shape (frames, frames), neither of them 0.
    """
    rows, columns = costs.shape
    sums = np.full((rows + 1, columns + 1), np.inf)
    sums[0, 0] = 0.0
    for diagonal in range(rows + columns - 1):  # what lies on a diagonal needs only earlier ones
        i = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        j = diagonal - i
        before = np.minimum(np.minimum(sums[i, j], sums[i, j + 1]), sums[i + 1, j])
        sums[i + 1, j + 1] = before + costs[i, j]
    row, column = rows - 1, columns - 1
    path = [(row, column)]
    while row or column:
        ways = (
            (sums[row, column], row - 1, column - 1),
            (sums[row, column + 1], row - 1, column),
            (sums[row + 1, column], row, column - 1),
        )
        _, row, column = min(ways, key=lambda way: way[0])
        path.append((row, column))
    return np.array(path[::-1], dtype=np.int64), float(sums[-1, -1])


def compared(wanted: np.ndarray, spoken: np.ndarray, rate: int) -> Warping:
    """Return how two sounds of one sentence lie beside each other, silence at the ends left out.

    Args:
        wanted: Float mono.
        spoken: Float mono at the same rate.
        rate: Samples a second.

    Raises:
        StudioError: See `mel_cepstra`.
    """
    sounds = [trimmed(sound, rate) for sound in (wanted, spoken)]
    path, total = cheapest(distances(*(mel_cepstra(sound, rate) for sound in sounds)))
    loud = _loud(sounds[0], rate), _loud(sounds[1], rate)
    return Warping(path, total / len(path), loud)
