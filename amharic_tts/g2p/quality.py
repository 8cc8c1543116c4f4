"""Whether a backend's output can be right: nothing Ethiopic left, nothing lost."""

from __future__ import annotations

import re
from dataclasses import dataclass

from amharic_tts.g2p.words import tokens
from amharic_tts.text.ethiopic import PUNCTUATION, block_class, letter_class

MOST_SHOWN = 8
"""How many different characters a message lists."""
_ETHIOPIC = re.compile(f"[{block_class()}]")
_LETTER = re.compile(f"[{letter_class()}]")
_PLAIN = re.compile(f"[{letter_class()}\\s{''.join(PUNCTUATION)}.,!?]*")
"""Most texts: words without marks and boundaries; those need no cutting into tokens."""


@dataclass(frozen=True)
class Quality:
    """What was found in one output."""

    problems: tuple[str, ...]
    """Faults of the backend: another one should be asked."""
    unpronounced: tuple[str, ...]
    """Characters of the text without a sound in Amharic, each once; they stand in the output."""

    @property
    def ok(self) -> bool:
        """Whether the backend did its part."""
        return not self.problems


def check(text: str, ipa: str) -> Quality:
    """Judge the output that a backend made of a normalised text."""
    problems: list[str] = []
    words = False
    others: dict[str, None] = {}
    plain = _PLAIN.fullmatch(text)
    if plain:
        words = _LETTER.search(text) is not None
    for kind, token in () if plain else tokens(text):
        words = words or kind == "word"
        if kind == "other":
            others[token] = None
    left = dict.fromkeys(c for c in _ETHIOPIC.findall(ipa) if c not in others)
    if left:
        problems.append(f"Ethiopic characters are left: {_listed(left)}")
    if words and not ipa.strip():
        problems.append("the output is empty")
    return Quality(tuple(problems), tuple(others))


def _listed(characters: dict[str, None]) -> str:
    shown = " ".join(list(characters)[:MOST_SHOWN])
    more = len(characters) - MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
