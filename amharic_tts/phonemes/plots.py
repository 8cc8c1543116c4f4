"""Pictures of a sound: spectrogram, waveform and the heat map of the posteriors, in numpy alone.

Every picture covers exactly the seconds that it was asked for, from its left edge to its right one,
so that pictures of the same stretch lie under each other without further arithmetic.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amharic_tts.phonemes.models.base import RATE, Array, Posteriors

Levels = NDArray[np.uint8]
Colour = tuple[int, int, int]

TOP_HZ = RATE // 2
ROWS = 128
"""Rows of a spectrogram; one is 62.5 Hz high, the lowest stands at the bottom."""
RANGE_DB = 70.0
"""What is this much weaker than the loudest spot is drawn as silence."""
SHADES = 32
"""More can't be told apart, and fewer make the file smaller."""
_WINDOW = 400  # 25 ms, the usual length for speech
_POINTS = 512
_EMPHASIS = 0.97
_PER_SECOND = 100

SOUND_INK: tuple[Colour, ...] = ((255, 255, 255), (178, 219, 207), (35, 135, 122), (6, 32, 28))
HEAT_INK: tuple[Colour, ...] = ((255, 255, 255), (250, 214, 148), (205, 110, 20), (74, 20, 10))


def spectrogram(samples: Array, rate: int = RATE) -> Array:
    """Return decibels below the loudest spot, shape (`ROWS`, columns), the lowest pitch first.

    A column is 10 ms. Squared short-time Fourier transform with a Hann window of 25 ms, of the
    sound with its high pitches raised (6 dB an octave), as speech is usually drawn.

    Args:
        samples: Mono.
        rate: Must be `RATE`.

    Raises:
        ValueError: Another rate.
    """
    if rate != RATE:
        raise ValueError(f"a spectrogram is made at {RATE} samples a second, not {rate}")
    hop = RATE // _PER_SECOND
    columns = max(1, -(-len(samples) // hop))
    padded = np.zeros((columns - 1) * hop + _WINDOW, dtype=np.float32)
    samples = np.append(samples[:1], samples[1:] - np.float32(_EMPHASIS) * samples[:-1])
    # Each window stands with its middle in the middle of its column.
    lead = (_WINDOW - hop) // 2
    kept = samples[: len(padded) - lead]
    padded[lead : lead + len(kept)] = kept
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::hop]
    spectrum = np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), _POINTS)
    power = np.square(np.abs(spectrum[:, : 2 * ROWS])).reshape(columns, ROWS, 2).max(axis=2)
    loudest = max(float(power.max(initial=0.0)), 1e-12)
    decibels = 10 * np.log10(np.maximum(power / loudest, 1e-12))
    return np.maximum(decibels, -RANGE_DB).T.astype(np.float32)


def spectrogram_png(samples: Array) -> bytes:
    """Return the spectrogram of mono samples at `RATE` as a PNG, high pitches on top."""
    strength = (spectrogram(samples)[::-1] + RANGE_DB) / RANGE_DB
    return png(shades(strength), palette(SOUND_INK))


def envelope(samples: Array, columns: int) -> tuple[Array, Array]:
    """Return the lowest and the highest sample of each of `columns` equal stretches."""
    if not len(samples):
        return np.zeros(columns, np.float32), np.zeros(columns, np.float32)
    edges = np.linspace(0, len(samples), columns + 1).astype(int)[:-1]
    edges = np.minimum(edges, len(samples) - 1)
    return np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)


@dataclass(frozen=True)
class HeatMap:
    """How likely each of some symbols was, over time."""

    symbols: tuple[str, ...]
    probabilities: Array
    """0 to 1, shape (symbols, frames); 0 where the model was not asked, as in silence."""

    def png(self) -> bytes:
        """Return it as a PNG of one pixel a frame and symbol, the first symbol on top."""
        return png(shades(self.probabilities), palette(HEAT_INK))


def heat_map(
    posteriors: Posteriors,
    start: float,
    end: float,
    wanted: Iterable[str] = (),
    rows: int = 20,
) -> HeatMap:
    """Return the heat map of a stretch of sound.

    Args:
        posteriors: What the model thought.
        start: Seconds of the left edge.
        end: Seconds of the right edge.
        wanted: Symbols that come first, in this order, as far as the model has them.
        rows: How many symbols; the rest is filled up with those that were likeliest at any time.
    """
    symbols = posteriors.symbols
    frame = posteriors.frame_seconds
    columns = max(1, round((end - start) / frame))
    at = np.round((posteriors.starts - start) / frame).astype(int)
    inside = (at >= 0) & (at < columns)
    chances = np.exp(posteriors.log_probabilities[inside].astype(np.float32))
    aside = {symbols.blank, *symbols.ignored, *([] if symbols.word is None else [symbols.word])}
    indices = {name: i for i, name in enumerate(symbols.names) if i not in aside}
    chosen = list(dict.fromkeys(indices[name] for name in wanted if name in indices))
    if len(chances):
        ranked = np.argsort(-chances.max(axis=0), kind="stable").tolist()
        chosen += [i for i in ranked if i in indices.values() and i not in chosen]
    chosen = chosen[:rows]
    grid = np.zeros((len(chosen), columns), dtype=np.float32)
    grid[:, at[inside]] = chances[:, chosen].T
    return HeatMap(tuple(symbols.names[i] for i in chosen), grid)


def shades(strength: Array) -> Levels:
    """Return strengths of 0 to 1 as numbers of a palette."""
    return np.round(np.clip(strength, 0, 1) * (SHADES - 1)).astype(np.uint8)


def palette(stops: tuple[Colour, ...]) -> Levels:
    """Return `SHADES` colours, shape (shades, 3), evenly between some given ones."""
    at = np.linspace(0, len(stops) - 1, SHADES)
    channels = [np.interp(at, range(len(stops)), channel) for channel in zip(*stops, strict=True)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


def png(levels: Levels, colours: Levels, veiled: bool = True) -> bytes:
    """Return an indexed PNG (W3C PNG specification, colour type 3); the first colours let through.

    The faintest shades are see-through, so that a picture may stand on any ground.

    Args:
        levels: Numbers of colours, shape (rows, columns), the top row first.
        colours: Red, green and blue, shape (at most 256, 3).
        veiled: False makes no shade see-through: for pages whose ground may be dark.
    """
    height, width = levels.shape
    # Each row begins with its filter; 0 leaves it as it is.
    lines = np.zeros((height, width + 1), dtype=np.uint8)
    lines[:, 1:] = levels
    veil = np.minimum(255, np.arange(len(colours)) * 4 * 255 // max(1, len(colours) - 1))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", colours.tobytes()),
            _chunk(b"tRNS", veil.astype(np.uint8).tobytes()) if veiled else b"",
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
