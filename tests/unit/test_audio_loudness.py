"""Loudness by EBU R 128, held to the test signals of EBU Tech 3341."""

from __future__ import annotations

import numpy as np
import pytest

from amharic_tts.audio.loudness import QUIETEST, loudness

RATE = 48_000


def sine(db: float, seconds: float = 5.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(10 ** (db / 20) * np.sin(2 * np.pi * 1000 * t), dtype=np.float32)


@pytest.mark.parametrize("db", [-23.0, -33.0])
def test_a_sine_of_1_khz(db: float) -> None:
    # Tech 3341, cases 1 and 2: a stereo sine of that peak level has that loudness; mono has 3 less.
    assert loudness(sine(db), RATE) == pytest.approx(db - 3.01, abs=0.1)


def test_silence_between_does_not_count() -> None:
    # Tech 3341, case 3: quiet parts are gated out.
    sound = np.concatenate([sine(-36, 10), sine(-23, 60), sine(-36, 10)])
    assert loudness(sound, RATE) == pytest.approx(-26.0, abs=0.1)


def test_a_clip_shorter_than_a_block_is_as_loud_as_it_is_when_repeated() -> None:
    assert loudness(sine(-23, 0.2), RATE) == pytest.approx(-26.0, abs=0.2)


@pytest.mark.parametrize("count", [0, 10, 100_000])
def test_silence_has_the_least(count: int) -> None:
    assert loudness(np.zeros(count, np.float32), RATE) == QUIETEST
