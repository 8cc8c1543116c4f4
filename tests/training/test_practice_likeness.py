"""Telling voices apart, on embeddings and tones that the test makes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from amharic_tts.errors import StudioError
from training.practice import likeness, pitch
from training.practice.speakers import Spoken
from training.practice.voices import TeacherVoice

RATE = 24000
NAMES = ("low", "middle", "high")
VOICES = [TeacherVoice(name, 125, 50) for name in NAMES]


def clouds(spread: float, count: int = 6) -> dict[str, list[np.ndarray]]:
    """Embeddings around an axis for each voice."""
    draw = np.random.default_rng(0)
    return {
        name: [axis + draw.normal(0, spread, 3) for _ in range(count)]
        for name, axis in zip(NAMES, np.eye(3), strict=True)
    }


def test_voices_that_are_far_apart_are_told_apart() -> None:
    found = likeness.separation(clouds(0.05))
    assert (found.equal_error, found.accuracy, found.voices, found.clips) == (0.0, 100.0, 3, 18)
    assert found.same > 0.97
    assert found.different < 0.2


def test_an_encoder_that_hears_nothing_is_at_chance() -> None:
    found = likeness.separation(clouds(50.0, count=40))
    assert found.equal_error == pytest.approx(50, abs=4)
    assert found.accuracy < 50
    assert abs(found.same - found.different) < 0.05


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.0),
        ([0.1, 0.2], [0.9, 0.8], 1.0),
        ([0.9, 0.7, 0.5, 0.3], [0.6, 0.4, 0.2, 0.0], 0.25),
        ([0.5, 0.5], [0.5, 0.5], 0.5),
    ],
)
def test_equal_error_rate(same: Sequence[float], different: Sequence[float], rate: float) -> None:
    assert likeness.equal_error(same, different) == pytest.approx(rate)


@pytest.mark.parametrize("clips", [{}, {"a": [np.ones(2)] * 2}, {"a": [np.ones(2)], "b": []}])
def test_too_little_to_tell_apart(clips: dict[str, list[np.ndarray]]) -> None:
    with pytest.raises(StudioError, match="two voices with two clips"):
        likeness.separation(clips)


def test_how_many_sentences_rose() -> None:
    assert likeness.rises([0.1, 0.5, 0.5, 0.2], [0.2, 0.4, 0.5, 0.3]) == 50.0
    with pytest.raises(ValueError, match="zip"):
        likeness.rises([0.1], [])


class Tones:
    """Says a tone of its voice's pitch, `out` semitones too high."""

    def __init__(self, out: float = 0.0, always: str = "") -> None:
        self.out, self.always = out, always

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int) -> Spoken:
        height = 100.0 * 2 ** NAMES.index(self.always or voice.variant) * 2 ** (self.out / 12)
        time = np.arange(RATE // 2) / RATE
        sound = np.sin(2 * np.pi * height * time) + 0.3 * np.sin(4 * np.pi * height * time)
        return Spoken(sound.astype(np.float32), False)


def heard(samples: np.ndarray) -> np.ndarray:
    """Embed a sound by its pitch alone."""
    return np.eye(3)[round(np.log2(pitch.median(samples, RATE) / 100.0))]


def imitated(speaker: Tones) -> likeness.Imitation:
    return likeness.imitation(speaker, Tones(), VOICES, ["a", "b"], "en", heard)


def test_a_perfect_imitator() -> None:
    found = imitated(Tones()).to_dict()
    assert found == {"recognised": 100.0, "likeness": 1.0, "pitch_error": 0.0, "pitch_spread": 12.0}


def test_one_that_is_a_little_high_and_one_that_has_one_voice() -> None:
    high, one = imitated(Tones(1.0)), imitated(Tones(always="middle"))
    assert high.recognised == 100.0
    assert high.pitch_error == pytest.approx(1.0, abs=0.02)
    assert one.recognised == pytest.approx(100 / 3)
    assert one.pitch_error == pytest.approx(one.pitch_spread, abs=0.02)


@pytest.mark.parametrize("height", [70.0, 110.0, 220.0, 440.0])
def test_pitch_of_a_tone_with_a_loud_harmonic(height: float) -> None:
    time = np.arange(RATE // 2) / RATE
    sound = np.sin(2 * np.pi * height * time) + 1.5 * np.sin(6 * np.pi * height * time + 1)
    assert pitch.median(sound, RATE) == pytest.approx(height, rel=0.005)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(size=RATE)
    assert np.isnan(pitch.median(noise, RATE))
    assert np.isnan(pitch.median(np.zeros(RATE), RATE))
    assert np.isnan(pitch.median(np.zeros(10), RATE))
    hush = np.concatenate([np.sin(np.arange(RATE) / 20), 1e-3 * noise])
    voiced = np.isfinite(pitch.track(hush, RATE))
    assert voiced[: len(voiced) // 3].all() and not voiced[-len(voiced) // 3 :].any()
