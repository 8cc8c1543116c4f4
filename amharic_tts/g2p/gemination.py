"""Which consonants of a word are long, from its shape: the table `data/gemination.tsv`.

Length is not written in Amharic. The rules see a word letter by letter, one sign for the consonant
and one for the vowel (`-` for the sixth order), so that a pattern speaks of shapes, not of words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from amharic_tts.g2p.letters import SIXTH, Letter
from amharic_tts.text.tables import rows

_SIGNS = {
    **{"tʃ": "č", "tʃʼ": "Č", "dʒ": "J", "kʼ": "q", "tʼ": "T", "sʼ": "S", "pʼ": "P"},
    **{"ʃ": "š", "ʒ": "ž", "ɲ": "ñ", "ɡ": "g"},
}
_NEVER_LONG = ("h", "ʔ")
_CONSONANT = "[hlmsršqbvtčnñkwzžjdJgTČPSfpŋʔ]"
_CLASSES = {
    "C": f"{_CONSONANT}ʷ?",
    "V": f"[əuiaeoɨ{SIXTH}]",
    "%": "(?:[jlbk]ə|s-lə|ʔ-ndə|wədə|ʔ-skə)?",
    "L": "[lmsršqbvtčnñkwzžjdJgTČPSfp]ʷ?",
}
"""Signs of a pattern that stand for many; the head of ``data/gemination.tsv`` explains them."""


@dataclass(frozen=True)
class _Rule:
    kind: str
    """``closed``, ``stem`` or ``affix``."""
    name: str
    pattern: re.Pattern[str]


@cache
def _rules() -> tuple[_Rule, ...]:
    found = []
    for kind, name, pattern, *_ in rows("amharic_tts.g2p", "gemination.tsv"):
        for sign, meaning in _CLASSES.items():
            pattern = pattern.replace(sign, meaning)
        found.append(_Rule(kind, name, re.compile(pattern)))
    return tuple(found)


def skeleton(letters: Sequence[Letter]) -> str:
    """Return the signs of a word: ``ልጆች`` -> ``l-Joč-``."""
    return "".join(_signs(letter) for letter in letters)


def _signs(letter: Letter) -> str:
    consonants = ""
    for consonant in letter.consonants:
        plain = consonant.rstrip("ʷ")
        consonants += _SIGNS.get(plain, plain) + consonant[len(plain) :]
    return consonants + letter.vowel


def lengthen(letters: Sequence[Letter]) -> list[Letter]:
    """Return the letters with predicted long consonants.

    A word in which the writer has marked any length (U+135F) is taken as marked throughout. The
    first consonant of a word, h and ʔ are never long (FSI Amharic Basic Course I, p. 7).
    """
    found = list(letters)
    if any(letter.long for letter in found):
        return found
    signs = [_signs(letter) for letter in found]
    starts = [0]
    for sign in signs:
        starts.append(starts[-1] + len(sign))
    word = "".join(signs)
    closed = False
    for rule in _rules():
        if closed and rule.kind == "stem":
            continue
        named = set(rule.pattern.groupindex.values())
        for match in rule.pattern.finditer(word):
            closed = closed or rule.kind == "closed"
            for group in range(1, rule.pattern.groups + 1):
                at = bisect_right(starts, match.start(group)) - 1
                if group not in named and at > 0 and found[at].consonants[-1] not in _NEVER_LONG:
                    found[at] = replace(found[at], long=True)
    return found
