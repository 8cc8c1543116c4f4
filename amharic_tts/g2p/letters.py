"""The sound of each Ethiopic letter, and words cut into them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from amharic_tts.text.ethiopic import (
    GEMINATION,
    GEMINATION_AND_VOWEL_LENGTH,
    MARKS,
    TONE_MARKS,
)
from amharic_tts.text.tables import rows

_ANY_MARK = re.compile(f"[{''.join((*MARKS, *TONE_MARKS))}]")
SIXTH = "-"
"""The vowel of a sixth-order letter in the table: ɨ or nothing."""
_SIGNS = {
    **{"tʃ": "č", "tʃʼ": "Č", "dʒ": "J", "kʼ": "q", "tʼ": "T", "sʼ": "S", "pʼ": "P"},
    **{"ʃ": "š", "ʒ": "ž", "ɲ": "ñ", "ɡ": "g"},
}
"""The sign of a consonant in the patterns of ``data/gemination.tsv``, where it is not the phone."""


@dataclass(frozen=True)
class Letter:
    """One letter of a word: its consonants, its vowel, and whether the consonant is long."""

    consonants: tuple[str, ...]
    vowel: str
    long: bool = False
    signs: str = ""
    """The letter as the patterns of ``data/gemination.tsv`` see it."""


@cache
def letter_table() -> dict[str, Letter]:
    """Return the sound of all Ethiopic letters, from ``data/letters.tsv``."""
    found = {}
    for letter, written, vowel, *_ in rows("amharic_tts.g2p", "letters.tsv"):
        consonants = tuple(written.split())
        signs = "".join(
            _SIGNS.get(plain := consonant.rstrip("ʷ"), plain) + consonant[len(plain) :]
            for consonant in consonants
        )
        found[letter] = Letter(consonants, vowel, signs=signs + vowel)
    return found


def spell(word: str) -> list[Letter]:
    """Return the letters of an Ethiopic word; marks of length go to the letter before them.

    U+135F and U+135D make the consonant long. Vowel length (U+135E) and the tone marks of hymn
    books are no sounds of Amharic. A mark with no letter before it marks nothing.
    """
    table = letter_table()
    if not _ANY_MARK.search(word):
        return [table[character] for character in word]
    found: list[Letter] = []
    for character in word:
        if character in (GEMINATION, GEMINATION_AND_VOWEL_LENGTH):
            if found:
                found[-1] = replace(found[-1], long=True)
        elif character not in MARKS and character not in TONE_MARKS:
            found.append(table[character])
    return found
