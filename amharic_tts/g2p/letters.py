"""The sound of each Ethiopic letter, and words cut into them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from amharic_tts.text.ethiopic import (
    GEMINATION,
    GEMINATION_AND_VOWEL_LENGTH,
    MARKS,
    TONE_MARKS,
)
from amharic_tts.text.tables import rows

SIXTH = "-"
"""The vowel of a sixth-order letter in the table: ɨ or nothing."""


@dataclass(frozen=True)
class Letter:
    """One letter of a word: its consonants, its vowel, and whether the consonant is long."""

    consonants: tuple[str, ...]
    vowel: str
    long: bool = False


@cache
def letter_table() -> dict[str, Letter]:
    """Return the sound of all Ethiopic letters, from ``data/letters.tsv``."""
    return {
        row[0]: Letter(tuple(row[1].split()), row[2])
        for row in rows("amharic_tts.g2p", "letters.tsv")
    }


def spell(word: str) -> list[Letter]:
    """Return the letters of an Ethiopic word; marks of length go to the letter before them.

    U+135F and U+135D make the consonant long. Vowel length (U+135E) and the tone marks of hymn
    books are no sounds of Amharic. A mark with no letter before it marks nothing.
    """
    table = letter_table()
    found: list[Letter] = []
    for character in word:
        if character in (GEMINATION, GEMINATION_AND_VOWEL_LENGTH):
            if found:
                found[-1] = replace(found[-1], long=True)
        elif character not in MARKS and character not in TONE_MARKS:
            found.append(table[character])
    return found
