"""Where the sixth order is heard as ɨ: `data/epenthesis.tsv`, applied to runs of consonants.

A run is a stretch of consonants without a written vowel between them. Its place is *initial*
(before the first vowel), *medial* (between vowels) or *final* (after the last vowel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from amharic_tts.g2p.base import phone_table
from amharic_tts.text.tables import rows

_MORE = "..."
FRICATIVE = 1
"""Sonority of fricatives: stops and fricatives together are the obstruents."""


@dataclass(frozen=True)
class _Rule:
    place: str
    shape: str
    more: bool
    condition: str
    insert_after: int
    """How many consonants stand before the ɨ; 0 for none."""


@cache
def _rules() -> tuple[_Rule, ...]:
    found = []
    for place, shape, condition, result, *_ in rows("amharic_tts.g2p", "epenthesis.tsv"):
        found.append(
            _Rule(
                place,
                shape.removesuffix(_MORE),
                shape.endswith(_MORE),
                condition,
                result.find("ɨ") if "ɨ" in result else 0,
            )
        )
    return tuple(found)


def sonority(consonant: str) -> int:
    """Return the place of a consonant, long or labialised or neither, on the sonority scale."""
    return phone_table()[consonant.rstrip("ːʷ")].sonority


def _has_shape(shape: str, consonant: str) -> bool:
    long = consonant.endswith("ː")
    return {"X": True, "G": long, "C": not long, "ʔ": consonant == "ʔ"}[shape]


def _fits(rule: _Rule, run: Sequence[str], word: bool) -> bool:
    if len(run) < len(rule.shape) or (len(run) > len(rule.shape) and not rule.more):
        return False
    if not all(map(_has_shape, rule.shape, run)):
        return False
    if rule.condition == "word":
        return word
    if rule.condition == "rises":
        return sonority(run[-1]) >= max(FRICATIVE + 1, sonority(run[-2]))
    if rule.condition == "peak" and sonority(run[-2]) < sonority(run[-3]):
        return False
    if rule.condition in ("closes", "peak"):
        falls = sonority(run[-2]) > FRICATIVE >= sonority(run[-1])
        return falls or (run[-2] in ("s", "ʃ") and run[-1] == "t")
    return True


@lru_cache(maxsize=16_384)
def break_run(run: tuple[str, ...], place: str, word: bool = False) -> str:
    """Return the phones of a run with its ɨ, as IPA; the runs of a language are few.

    Args:
        run: Consonants, long ones with ``ː``.
        place: ``initial``, ``medial`` or ``final``.
        word: The run is a whole word: there is no vowel in it but what is put in here.
    """
    out = ""
    rest = run
    while rest:
        rule = next(rule for rule in _rules() if rule.place == place and _fits(rule, rest, word))
        if not rule.insert_after:
            return out + "".join(rest)
        out += "".join(rest[: rule.insert_after]) + "ɨ"
        rest = rest[rule.insert_after :]
        if place == "initial":
            place = "final" if word else "medial"
    return out
