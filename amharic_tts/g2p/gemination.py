"""Which consonants of a word are long, from its shape: the table `data/gemination.tsv`.

Length is not written in Amharic. The rules see a word letter by letter, one sign for the consonant
and one for the vowel (`-` for the sixth order), so that a pattern speaks of shapes, not of words.

All rules that match at one place only are compiled into one pattern for each kind, each rule an
optional look ahead from the start of the word: one call tries them all. (Tried one by one they
took two thirds of the time of a conversion.)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from amharic_tts.g2p.letters import SIXTH, Letter
from amharic_tts.text.tables import rows

_NEVER_LONG = ("h", "ʔ")
_VOWELS = f"əuiaeoɨ{SIXTH}"
_LAST_VOWEL = re.compile(f"([{_VOWELS}]|\\[[{_VOWELS}]+\\])\\$$")
_CONSONANT = "[hlmsršqbvtčnñkwzžjdJgTČPSfpŋʔ]"
_CLASSES = {
    "C": f"{_CONSONANT}ʷ?",
    "V": f"[{_VOWELS}]",
    "%": "(?:[jlbk]ə|s-lə|ʔ-ndə|wədə|ʔ-skə)?",
    "L": "[lmsršqbvtčnñkwzžjdJgTČPSfp]ʷ?",
}
"""Signs of a pattern that stand for many; the head of ``data/gemination.tsv`` explains them."""


@dataclass(frozen=True)
class _Kind:
    """The rules of one kind, compiled."""

    once: dict[str, re.Pattern[str]]
    """All rules with ``^`` or ``$`` that can fit a word, by the last sign of the word."""
    anywhere: tuple[re.Pattern[str], ...]
    """Each rule that may match more than once in a word."""
    long: dict[re.Pattern[str], tuple[int, ...]]
    """Of each pattern, the groups whose consonant is long: all but the named ones."""

    def places(self, word: str) -> list[int] | None:
        """Return where the long consonants of a word begin; None where no rule fits."""
        found: list[int] | None = None
        together = self.once[word[-1:]]
        once = together.match(word)
        if once and once.lastindex:
            spans = once.regs
            found = [spans[group][0] for group in self.long[together] if spans[group][0] >= 0]
        for pattern in self.anywhere:
            for match in pattern.finditer(word):
                found = found or []
                found += [match.start(group) for group in self.long[pattern]]
        return found


@cache
def _kinds() -> tuple[_Kind, _Kind, _Kind]:
    """Return the rules of a closed class, of a stem, and of affixes."""
    return _compiled("closed"), _compiled("stem"), _compiled("affix")


def _compiled(kind: str) -> _Kind:
    once: list[str] = []
    anywhere: list[re.Pattern[str]] = []
    for of, _, written, *_ in rows("amharic_tts.g2p", "gemination.tsv"):
        if of != kind:
            continue
        pattern = written
        for sign, meaning in _CLASSES.items():
            pattern = pattern.replace(sign, meaning)
        if pattern.startswith("^"):
            once.append(pattern[1:])
        elif pattern.endswith("$"):
            once.append(f".*?{pattern}")
        else:
            anywhere.append(re.compile(pattern))
    together = {
        last: re.compile(
            "".join(_optional(rule, n) for n, rule in enumerate(once) if _may_end(rule, last))
        )
        for last in ("", *_VOWELS)
    }
    patterns = (*together.values(), *anywhere)
    return _Kind(together, tuple(anywhere), {p: _unnamed(p) for p in patterns})


def _may_end(rule: str, last: str) -> bool:
    """Return False where a rule ends in ``$`` after other vowels than the last one of a word."""
    end = _LAST_VOWEL.search(rule)
    return end is None or last in end[1].strip("[]")


_NAME = re.compile(r"(?<=\(\?P<)\w+|(?<=\(\?P=)\w+")


def _optional(rule: str, number: int) -> str:
    """Return a rule as a look ahead that may fail.

    Names of groups are a rule's own; in one pattern they need a number to stay apart. The empty
    group at the end tells a rule that fits from one that does not, where it has no other.
    """
    apart = _NAME.sub(lambda match: f"{match[0]}{number}", rule)
    return f"(?:(?={apart}(?P<fits{number}>))|)"


def _unnamed(pattern: re.Pattern[str]) -> tuple[int, ...]:
    named = set(pattern.groupindex.values())
    return tuple(group for group in range(1, pattern.groups + 1) if group not in named)


def skeleton(letters: Sequence[Letter]) -> str:
    """Return the signs of a word: ``ልጆች`` -> ``l-Joč-``."""
    return "".join([letter.signs for letter in letters])


def long_letters(letters: Sequence[Letter]) -> set[int]:
    """Return the places of the letters whose consonant is predicted to be long.

    A word in which the writer has marked any length (U+135F) is taken as marked throughout. The
    first consonant of a word, h and ʔ are never long (FSI Amharic Basic Course I, p. 7).
    """
    marked = {place for place, letter in enumerate(letters) if letter.long}
    if marked:
        return marked
    word = skeleton(letters)
    closed, stem, affix = _kinds()
    at = closed.places(word)
    if at is None:
        at = stem.places(word) or []
    at += affix.places(word) or []
    if not at:
        return marked
    if len(word) == 2 * len(letters):
        places = {place // 2 for place in at}
    else:
        ends = list(accumulate(len(letter.signs) for letter in letters))
        places = {bisect_right(ends, place) for place in at}
    return {p for p in places if p > 0 and letters[p].consonants[-1] not in _NEVER_LONG}
