"""Cut a long text into pieces that the model can say in one go, and bound how long each may take.

Works on prepared text (`TextEncoder.prepare`), in letters or phones, and counts tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from amharic_tts.text import ethiopic

CODES_PER_SECOND = 22050 / 1024
"""Audio codes of XTTS in a second."""

# Audio codes that one written unit usually takes: an Ethiopic letter is a syllable (about 5.4 a
# second), 12 phones or 13 Latin letters go into a second. Rough on purpose; see `max_codes`.
_CODES_PER_LETTER = CODES_PER_SECOND / 5.4
_CODES_PER_PHONE = CODES_PER_SECOND / 12
_CODES_PER_OTHER = CODES_PER_SECOND / 13
_LONGEST_CLIP = 11.6
"""Seconds of the longest clip that XTTS is trained on; a longer piece is outside what it knows."""

_PHONE = re.compile(r"\[/[^\[\]]*/\]")
# An Ethiopic mark ends a sentence by itself; a Latin one only before a space (3.14, U.S.A).
_SENTENCE = re.compile(r"(?<=[።፧፨])\s*|(?<=[.!?…])\s+")
_CLAUSE = re.compile(r"(?<=[፣፤፥፦])\s*|(?<=[,;:])\s+")
_WORD = re.compile(r"\s+")

Count = Callable[[str], int]


def expected_codes(prepared: str) -> float:
    """Return how many audio codes a prepared text takes at a usual pace."""
    phones = len(_PHONE.findall(prepared))
    letters = other = 0
    for character in _PHONE.sub("", prepared):
        if ethiopic.is_letter(character):
            letters += 1
        elif character.isalnum():
            other += 1
    return phones * _CODES_PER_PHONE + letters * _CODES_PER_LETTER + other * _CODES_PER_OTHER


def max_codes(prepared: str, limit: int) -> int:
    """Return the most codes that a text may take: two seconds and twice the usual pace.

    A model that does not stop by itself (an untrained one never does) is cut there; slow reading
    with pauses stays well below.

    Args:
        prepared: What is said.
        limit: The most that the model can write.
    """
    return min(limit, round(2 * CODES_PER_SECOND + 2 * expected_codes(prepared)))


def split(prepared: str, count: Count, max_tokens: int) -> list[str]:
    """Return the text in pieces of whole sentences, as few as fit.

    A sentence that does not fit is cut at commas, then between words, then anywhere.

    Args:
        prepared: A prepared text.
        count: Tokens of a piece, such as ``lambda p: len(encoder.encode(p))``.
        max_tokens: Most tokens of a piece.

    Raises:
        ValueError: Not even one character fits into `max_tokens`.
    """

    def fits(piece: str) -> bool:
        too_long = expected_codes(piece) > _LONGEST_CLIP * CODES_PER_SECOND
        return count(piece) <= max_tokens and not too_long

    return _cut(prepared.strip(), fits, (_SENTENCE, _CLAUSE, _WORD))


def _cut(text: str, fits: Callable[[str], bool], marks: tuple[re.Pattern[str], ...]) -> list[str]:
    if not text:
        return []
    if fits(text):
        return [text]
    if marks:
        units = [unit for unit in marks[0].split(text) if unit]
        if len(units) > 1:
            return _pack(_flatten(_cut(unit, fits, marks[1:]) for unit in units), fits, " ")
        return _cut(text, fits, marks[1:])
    units = re.findall(rf"{_PHONE.pattern}|.", text, re.DOTALL)
    if not all(fits(unit) for unit in units):
        raise ValueError(f"a piece must be able to hold one character of {text[:20]!r}")
    return _pack(units, fits, "")


def _flatten(lists: Iterable[list[str]]) -> list[str]:
    return [unit for units in lists for unit in units]


def _pack(units: list[str], fits: Callable[[str], bool], between: str) -> list[str]:
    """Join neighbours while they fit; nothing is lost."""
    pieces: list[str] = []
    for unit in units:
        joined = f"{pieces[-1]}{between}{unit}" if pieces else unit
        if pieces and fits(joined):
            pieces[-1] = joined
        else:
            pieces.append(unit)
    return pieces
