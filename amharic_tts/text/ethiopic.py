"""Facts about the Ethiopic script: which code points there are and what each kind is.

The ranges are written out (Unicode 16; unchanged since Unicode 14) because the `unicodedata` of
Python 3.10 does not know Ethiopic Extended-B.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

# (first, last) of every run of assigned letters, block by block.
_LETTER_RUNS = (
    # Ethiopic
    *((0x1200, 0x1248), (0x124A, 0x124D), (0x1250, 0x1256), (0x1258, 0x1258), (0x125A, 0x125D)),
    *((0x1260, 0x1288), (0x128A, 0x128D), (0x1290, 0x12B0), (0x12B2, 0x12B5), (0x12B8, 0x12BE)),
    *((0x12C0, 0x12C0), (0x12C2, 0x12C5), (0x12C8, 0x12D6), (0x12D8, 0x1310), (0x1312, 0x1315)),
    (0x1318, 0x135A),
    # Ethiopic Supplement
    (0x1380, 0x138F),
    # Ethiopic Extended
    *((0x2D80, 0x2D96), (0x2DA0, 0x2DA6), (0x2DA8, 0x2DAE), (0x2DB0, 0x2DB6), (0x2DB8, 0x2DBE)),
    *((0x2DC0, 0x2DC6), (0x2DC8, 0x2DCE), (0x2DD0, 0x2DD6), (0x2DD8, 0x2DDE)),
    # Ethiopic Extended-A
    *((0xAB01, 0xAB06), (0xAB09, 0xAB0E), (0xAB11, 0xAB16), (0xAB20, 0xAB26), (0xAB28, 0xAB2E)),
    # Ethiopic Extended-B
    *((0x1E7E0, 0x1E7E6), (0x1E7E8, 0x1E7EB), (0x1E7ED, 0x1E7EE), (0x1E7F0, 0x1E7FE)),
)
_BLOCKS = (
    (0x1200, 0x137F),
    (0x1380, 0x139F),
    (0x2D80, 0x2DDF),
    (0xAB00, 0xAB2F),
    (0x1E7E0, 0x1E7FF),
)

GEMINATION = "\u135f"
"""Combining mark over a letter whose consonant is long."""
VOWEL_LENGTH = "\u135e"
"""Combining mark over a letter whose vowel is long; Amharic has no long vowels."""
GEMINATION_AND_VOWEL_LENGTH = "\u135d"

MARKS = (GEMINATION_AND_VOWEL_LENGTH, VOWEL_LENGTH, GEMINATION)
WORD_SPACE = "፡"
PUNCTUATION = tuple(chr(code) for code in range(0x1360, 0x1369))
CLAUSE_END = re.compile("([" + re.escape("".join(PUNCTUATION[1:]) + ".,!?;:") + "]+)")
"""Marks that end a clause, Ethiopic and Latin."""
NUMBERS = tuple(chr(code) for code in range(0x1369, 0x137D))
"""The numerals ፩ to ፼."""
TONE_MARKS = tuple(chr(code) for code in range(0x1390, 0x139A))
"""Melodic marks of hymn books; they are not sounds."""


def _run(runs: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    return tuple(chr(code) for first, last in runs for code in range(first, last + 1))


@cache
def letters() -> tuple[str, ...]:
    """Return all 481 Ethiopic letters, in code order within each block."""
    return _run(_LETTER_RUNS)


@cache
def characters() -> tuple[str, ...]:
    """Return all 523 assigned code points of the five Ethiopic blocks, in code order."""
    return tuple(sorted((*letters(), *MARKS, *PUNCTUATION, *NUMBERS, *TONE_MARKS)))


@cache
def _letter_set() -> frozenset[str]:
    return frozenset(letters())


def is_letter(character: str) -> bool:
    """Return whether one character is an assigned Ethiopic letter."""
    return character in _letter_set()


def is_ethiopic(character: str) -> bool:
    """Return whether one character lies in an Ethiopic block, assigned or not."""
    return len(character) == 1 and any(first <= ord(character) <= last for first, last in _BLOCKS)


def letter_class() -> str:
    """Return the inside of a regular-expression class that matches every Ethiopic letter."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in _LETTER_RUNS)


def block_class() -> str:
    """Return the inside of a regular-expression class that matches the five blocks whole."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in _BLOCKS)
