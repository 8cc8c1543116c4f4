"""Measures of a clip against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_media import RATE, tone

from amharic_tts.audio.measure import FLOOR_DB, Measures, measure


def test_full_scale_square_wave() -> None:
    square = np.sign(np.sin(2 * np.pi * 100 * (np.arange(RATE) + 0.5) / RATE)).astype(np.float32)
    assert measure(square, RATE) == Measures(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def test_sine() -> None:
    sine = (0.5 * np.sin(2 * np.pi * 441 * np.arange(RATE) / RATE)).astype(np.float32)
    found = measure(sine, RATE)
    assert found.peak_db == pytest.approx(-6.02, abs=0.02)
    assert found.rms_db == pytest.approx(-9.03, abs=0.02)
    assert found.clipped == 0


def test_silence_at_the_ends_is_measured_in_frames_of_20_ms() -> None:
    quiet = np.zeros(round(0.5 * RATE), np.float32)
    found = measure(np.concatenate([quiet, tone(1.0), quiet, quiet]), RATE)
    assert found.duration == 2.5
    assert found.silence_start == pytest.approx(0.5, abs=0.02)
    assert found.silence_end == pytest.approx(1.0, abs=0.02)


def test_digital_silence_and_nothing() -> None:
    assert measure(np.zeros(RATE, np.float32), RATE) == Measures(
        1.0, FLOOR_DB, FLOOR_DB, 0.0, 1.0, 1.0
    )
    assert measure(np.zeros(0, np.float32), RATE) == Measures(
        0.0, FLOOR_DB, FLOOR_DB, 0.0, 0.0, 0.0
    )
