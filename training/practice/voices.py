"""The teacher's voices: what the practice base learns from, and those that it never hears.

A voice is one of espeak-ng's variants (formants, breath, roughness) at a pitch and a pace. Every
voice speaks every language: ``en-us+f3``, ``am+f3``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

LANGUAGES = {"en": "en-us", "am": "am"}
"""Our language code and espeak-ng's voice of it."""

_HEARD = (
    *("", "m1", "m2", "m4", "m5", "m6", "m8", "f1", "f3", "f5", "adam", "anika", "antonio"),
    *("benjamin", "boris", "caleb", "david", "ed", "edward", "gustave", "ian", "linda"),
    *("marcelo", "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy"),
    *("rob", "sandro", "shelby", "steph", "travis", "zac", "Alex", "Alicia", "Andy"),
)
_UNHEARD = ("f2", "m3", "f4", "m7", "belinda", "robert", "victor", "Andrea")
"""Variants kept for judging; the sample project speaks with the first three of them."""


@dataclass(frozen=True)
class TeacherVoice:
    """One speaker."""

    variant: str
    """Of espeak-ng; empty is the language's plain voice."""
    speed: int
    """Words a minute."""
    pitch: int
    """0 to 99; espeak-ng's own is 50."""

    @property
    def name(self) -> str:
        """Such as ``f3-130-55``."""
        return f"{self.variant or 'plain'}-{self.speed}-{self.pitch}"

    def espeak(self, language: str) -> str:
        """Return espeak-ng's name for this voice in a language, such as ``en-us+f3``."""
        return LANGUAGES[language] + (f"+{self.variant}" if self.variant else "")


JUDGED = TeacherVoice("", 125, 50)
"""The voice whose intelligibility is judged: the plainest and slow, since judges read that best."""


def heard(count: int, seed: int = 0) -> tuple[TeacherVoice, ...]:
    """Return `count` different voices to learn from; the judged one is the first.

    Variants come in turn, so that each is as frequent as the others; pitch and pace are drawn.
    """
    draw = random.Random(f"voices-{seed}")
    found = {JUDGED: None}
    while len(found) < count:
        variant = _HEARD[len(found) % len(_HEARD)]
        found[TeacherVoice(variant, draw.randint(112, 150), draw.randint(30, 70))] = None
    return tuple(found)


def unheard() -> tuple[TeacherVoice, ...]:
    """Return voices whose variants are in no training voice."""
    draw = random.Random("unheard")
    return tuple(TeacherVoice(v, draw.randint(120, 140), draw.randint(40, 60)) for v in _UNHEARD)
