"""Speakers and ears whose figures the tests know."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
import soxr

from amharic_tts.synthesis.engine import RATE
from training.practice.hearing import Errors
from training.practice.sound import RATE as MADE_RATE
from training.practice.sound import speech_like
from training.practice.speakers import Spoken
from training.practice.voices import TeacherVoice

TEXTS = {"en": ("one two three four", "five six"), "am": ("አንድ ሁለት", "ሦስት አራት", "አምስት")}


SECONDS = 1.0


@cache
def made(text: str) -> np.ndarray:
    """Return the sound of a text; the same array each time."""
    return soxr.resample(speech_like(SECONDS, seed=zlib.crc32(text.encode())), MADE_RATE, RATE)


class MadeSpeaker:
    """Says a sound of its own for each text, changed by `change`; `cut` are the texts unended."""

    def __init__(
        self,
        change: Callable[[np.ndarray], np.ndarray] = lambda sound: sound,
        cut: tuple[str, ...] = (),
    ) -> None:
        self.change, self.cut = change, cut
        self.asked: list[tuple[str, str, str, int]] = []

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int) -> Spoken:
        self.asked.append((text, language, voice.name, seed))
        return Spoken(np.asarray(self.change(made(text)), dtype=np.float32), text in self.cut)


class CountingEar:
    """Hears one mistake, and one more for each tenth of a second less than `SECONDS`."""

    def errors(self, samples: np.ndarray, rate: int, text: str) -> Errors:
        wanted = len(text.split())
        return Errors(min(wanted, 1 + round(10 * (SECONDS - len(samples) / rate))), wanted, "heard")
