"""Synthetic, speech-like sound for tests and benchmarks: buzz through formants, hiss, pauses.

It is not speech. It is as varied as speech for a codec or a clock, without any recording.
"""

from __future__ import annotations

import numpy as np

RATE = 22050


def _segment(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return one voiced, hissing or silent stretch, float64 of ``seconds * RATE`` samples."""
    count = int(seconds * RATE)
    kind = rng.choice(["voiced", "hiss", "silence"], p=[0.65, 0.22, 0.13])
    if kind == "silence":
        return rng.normal(0, 1e-4, count)
    time = np.arange(count) / RATE
    if kind == "voiced":
        low, high = np.sort(rng.uniform(80, 330, 2))
        pitch = np.linspace(low, high, count)[:: rng.choice([-1, 1])]
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        harmonics = np.arange(1, int(7000 / high))
        source = sum(np.cos(n * phase) / n for n in harmonics) + rng.normal(0, 0.02, count)
        centres, widths = rng.uniform([250, 800, 2200], [850, 2400, 3600]), (90, 130, 200)
    else:
        source = rng.normal(0, 1, count)
        centres, widths = rng.uniform([1200, 2500, 4500], [3500, 5500, 7500]), (600, 900, 1500)
    spectrum, frequency = np.fft.rfft(source), np.fft.rfftfreq(count, 1 / RATE)
    shape = sum(
        1 / (1 + ((frequency - centre) / width) ** 2)
        for centre, width in zip(centres, widths, strict=True)
    )
    sound = np.fft.irfft(spectrum * shape, count)
    swell = np.sin(np.pi * np.clip(time / seconds, 0, 1)) ** rng.uniform(0.2, 1.0)
    level = 10 ** rng.uniform(-1.6, -0.3)
    return np.asarray(level * swell * sound / (np.abs(sound).max() + 1e-9))


def speech_like(seconds: float, seed: int) -> np.ndarray:
    """Return `seconds` of sound, float32 in [-1, 1] at 22050 Hz; the same for the same seed."""
    rng = np.random.default_rng(seed)
    pieces: list[np.ndarray] = []
    while sum(map(len, pieces)) < seconds * RATE:
        pieces.append(_segment(rng, float(rng.uniform(0.05, 0.3))))
    return np.concatenate(pieces)[: int(seconds * RATE)].astype(np.float32)
