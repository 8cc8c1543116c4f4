"""Pictures of sounds that are known: where a tone stands, how a frame lies on its time."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from amharic_tts.phonemes import plots
from amharic_tts.phonemes.models.base import RATE, Array, Posteriors, Symbols


def tone(hertz: float, seconds: float = 1.0) -> Array:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def decoded(png: bytes) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Read back an indexed PNG without filters: rows of numbers, and the colours."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + size]
        (checksum,) = struct.unpack(">I", png[at + 8 + size : at + 12 + size])
        assert checksum == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour, rest) == (8, 3, [0, 0, 0])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    veil = np.frombuffer(chunks[b"tRNS"], np.uint8)
    assert (veil[0], veil[-1], len(veil)) == (0, 255, len(chunks[b"PLTE"]) // 3)
    inks = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    return lines[:, 1:], [(int(r), int(g), int(b)) for r, g, b in inks]


@pytest.mark.parametrize("hertz", [250, 1000, 5000])
def test_a_tone_stands_in_its_row_in_every_column(hertz: int) -> None:
    found = plots.spectrogram(tone(hertz))
    assert found.shape == (128, 100)
    assert (found[:, 5:-5].argmax(axis=0) == hertz / 62.5).all()
    assert (found.max(), found.min()) == (0.0, -70.0)


def test_a_click_stands_in_its_column() -> None:
    samples = np.zeros(RATE, np.float32)
    samples[RATE // 2] = 1.0
    found = plots.spectrogram(samples).max(axis=0)
    loud = np.flatnonzero(found > -3)
    assert set(loud.tolist()) <= {49, 50} and len(loud)


def test_the_picture_has_high_pitches_on_top() -> None:
    levels, colours = decoded(plots.spectrogram_png(tone(6000)))
    assert levels.shape == (128, 100)
    assert levels[:, 50].argmax() == 127 - 96
    assert len(colours) == plots.SHADES
    assert (colours[0], colours[-1]) == ((255, 255, 255), (6, 32, 28))


@pytest.mark.parametrize("count", [0, 1, 100])
def test_hardly_any_sound_and_silence_are_drawn_empty(count: int) -> None:
    found = plots.spectrogram(np.zeros(count, np.float32))
    assert found.shape == (128, 1)
    assert np.isfinite(found).all()
    low, high = plots.envelope(np.zeros(count, np.float32), 10)
    assert (low.shape, high.shape) == ((10,), (10,))


def test_a_spectrogram_of_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="16000 samples a second, not 22050"):
        plots.spectrogram(tone(1000), 22050)


def test_the_envelope_has_the_extremes_of_each_stretch() -> None:
    low, high = plots.envelope(np.array([0, 3, -1, 0, 0, -5], np.float32), 3)
    assert (low.tolist(), high.tolist()) == ([0, -1, -5], [3, 0, 0])


SYMBOLS = Symbols(("<b>", "a", "b", "|", "c", "?"), blank=0, word=3, ignored=frozenset({5}))


def thoughts(rows: list[list[float]], first: float = 0.0) -> Posteriors:
    with np.errstate(divide="ignore"):
        table = np.log(np.array(rows, np.float32))
    return Posteriors(table, first + 0.02 * np.arange(len(rows)), 0.02, SYMBOLS)


def test_the_heat_map_lies_on_its_times() -> None:
    posteriors = thoughts([[0.1, 0.2, 0.0, 0, 0.7, 0], [0.5, 0, 0.5, 0, 0, 0]], first=10.04)
    found = plots.heat_map(posteriors, 10.0, 10.1, wanted=["b", "zz"], rows=2)
    assert found.symbols == ("b", "c")
    expected = [[0, 0, 0, 0.5, 0], [0, 0, 0.7, 0, 0]]
    assert found.probabilities == pytest.approx(np.array(expected), abs=1e-6)
    levels, _ = decoded(found.png())
    assert levels.tolist() == [[0, 0, 0, 16, 0], [0, 0, 22, 0, 0]]


def test_the_heat_map_leaves_out_what_is_no_phone() -> None:
    found = plots.heat_map(thoughts([[0.2, 0.1, 0.1, 0.2, 0.1, 0.3]]), 0.0, 0.02)
    assert found.symbols == ("a", "b", "c")


def test_without_frames_only_what_was_heard_has_a_row() -> None:
    empty = Posteriors(np.zeros((0, 6), np.float32), np.zeros(0), 0.02, SYMBOLS)
    assert plots.heat_map(empty, 0.0, 1.0).symbols == ()
    assert plots.heat_map(empty, 0.0, 1.0, wanted=["a"]).probabilities.shape == (1, 50)
