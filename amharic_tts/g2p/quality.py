"""Whether a backend's output can be right: four measures against named thresholds.

They find an output that is no Amharic IPA at all (consonants only, a romanisation, another
language's sounds, half of the text); they can't tell a good pronunciation from a slightly wrong
one. The figures behind the thresholds are in docs/text.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from amharic_tts.g2p.base import phone_table, phones
from amharic_tts.g2p.letters import SIXTH, letter_table
from amharic_tts.g2p.symbols import VOWELS
from amharic_tts.g2p.words import tokens
from amharic_tts.text.ethiopic import PUNCTUATION, block_class, is_letter, letter_class

MOST_SHOWN = 8
"""How many different characters a message lists."""
ALLOPHONES = ("β", "ç", "x", "ɦ", "ɾ", "ʊ", "ɪ")
"""Sounds of Amharic that are no phonemes of it; transcribers write them now and then."""
_VOWELS = (*(p.phone for p in phone_table().values() if p.kind == "vowel"), "ʊ", "ɪ")
_MARKS = ("ʼ", "ʷ", "ː", "ʰ")
_KNOWN = frozenset("".join((*phone_table(), *ALLOPHONES, *_MARKS)))
"""The characters of the phones of Amharic; what is written with them alone is such a phone."""
_BESIDE = (" ", *_MARKS, "tʃ", "dʒ")
"""What makes a text of known phones longer than their number, by one each."""

_UNKNOWN = re.compile(f"[^ {''.join(_KNOWN)}]")
_ETHIOPIC = re.compile(f"[{block_class()}]")
_BOUNDARY = f"\\s{''.join(PUNCTUATION)}.,!?"
_BOUNDARIES = re.compile(f"[{_BOUNDARY}]")
_ONE_SOUND = [c for c, of in letter_table().items() if (of.vowel, len(of.consonants)) == (SIXTH, 1)]
_SIXTHS = re.compile(f"[{''.join(_ONE_SOUND)}]")
_PLAIN = re.compile(f"[{letter_class()}{_BOUNDARY}]*")
"""Most texts: words without marks and boundaries; those need no cutting into tokens."""


@dataclass(frozen=True)
class Thresholds:
    """From where on an output is a fault; both ends of a range are still good.

    Measured on the development halves of two human-made lists (3,143 words) and on what every
    backend here makes of them: all of the gold and of `rule_based` lies inside.
    """

    vowels_low: float = 0.2
    """Vowels over phones. The least in the gold is 0.25 (hajkʼ); 0.2 leaves room for a cluster at
    each end (krəmt). Consonants alone, or a ɨ missing everywhere, lie below."""
    vowels_high: float = 0.7
    """The most in the gold is 0.56; 0.67 is a short word whose ʔ is not written (ɨsu)."""
    known_low: float = 0.9
    """Phones written with the letters of `base.inventory` and `ALLOPHONES`, over phones: gold and
    backends have 1.0. The tenth leaves room for odd sounds in a line, for none in a short word."""
    length_low: float = 0.65
    """Phones over the sounds that letters write: a consonant each and, but for the sixth order, a
    vowel. A ɨ in its place adds to it, a ʔ that is not written takes away. The mean of the gold is
    1.07, the least 0.67 (əf); half of an output is near 0.5."""
    length_high: float = 2.0
    """The most in the gold is 1.75 (dɨrɨdːɨr); 2.0 is a lone letter of the sixth order (mɨ)."""
    ascii_most: int = 12
    """Phones that an output without a letter beyond ASCII may have. Amharic has ə, ɨ or an ejective
    all the time: the longest such word of the gold and of the backends has 9; a romanisation
    consists of nothing else."""


DEFAULT = Thresholds()


@dataclass(frozen=True)
class Quality:
    """What was found in one output; a number is None where the text has no Ethiopic letter."""

    problems: tuple[str, ...]
    """Faults of the backend: another one should be asked."""
    unpronounced: tuple[str, ...]
    """Characters of the text without a sound in Amharic, each once; they stand in the output."""
    left: tuple[str, ...] = ()
    """Ethiopic characters that stand in the output, each once."""
    vowel_ratio: float | None = None
    """Vowels over phones."""
    known_share: float | None = None
    """Phones that Amharic has, over phones."""
    length_ratio: float | None = None
    """Phones over the sounds that the Ethiopic letters write (see `Thresholds.length_low`)."""

    @property
    def ok(self) -> bool:
        """Whether the backend did its part."""
        return not self.problems

    def numbers(self) -> dict[str, float | None]:
        """Return the numbers by name, to be shown and written."""
        return {
            "vowel_ratio": _rounded(self.vowel_ratio),
            "known_share": _rounded(self.known_share),
            "length_ratio": _rounded(self.length_ratio),
            "left": float(len(self.left)),
        }


def check(text: str, ipa: str, limits: Thresholds = DEFAULT) -> Quality:
    """Judge the output that a backend made of a normalised text."""
    sounds, others = _counted_text(text)
    total, vowels, known = _counted(ipa) if not others else _counted_without(others, ipa)
    unpronounced = tuple(dict.fromkeys(others))
    left = _left(ipa, others) if known < total else ()
    problems = []
    if left:
        problems.append(f"Ethiopic characters are left: {_listed(left)}")
    if not sounds:
        return Quality(tuple(problems), unpronounced, left)
    if not total:
        return Quality(("the output is empty",), unpronounced, left, length_ratio=0.0)
    ratios = (vowels / total, known / total, total / sounds)
    if not left:  # else that is the reason for whatever else is odd
        problems += _beyond(*ratios, limits)
        if total > limits.ascii_most and not others and ipa.isascii():
            problems.append(
                f"{total} phones in plain Latin letters (at most {limits.ascii_most}): "
                "a romanisation, not IPA"
            )
    return Quality(tuple(problems), unpronounced, left, *ratios)


def _beyond(vowels: float, known: float, length: float, limits: Thresholds) -> list[str]:
    found = []
    if not limits.vowels_low <= vowels <= limits.vowels_high:
        wanted = f"{100 * limits.vowels_low:.0f} to {100 * limits.vowels_high:.0f} %"
        found.append(f"{100 * vowels:.0f} % of the phones are vowels ({wanted} expected)")
    if known < limits.known_low:
        wanted = f"at least {100 * limits.known_low:.0f} %"
        found.append(f"{100 * known:.0f} % of the phones are of Amharic ({wanted} expected)")
    if not limits.length_low <= length <= limits.length_high:
        wanted = f"{limits.length_low:g} to {limits.length_high:g}"
        found.append(f"{length:.2f} phones for a written sound ({wanted} expected)")
    return found


def _counted_text(text: str) -> tuple[int, list[str]]:
    """Return the number of sounds that the letters write, and the unpronounced characters.

    A letter writes a consonant and, but for the sixth order, a vowel.
    """
    sounds = -len(_SIXTHS.findall(text))
    if _PLAIN.fullmatch(text):
        return sounds + 2 * (len(text) - len(_BOUNDARIES.findall(text))), []
    others = []
    for kind, token in tokens(text):
        if kind == "word":
            sounds += 2 * sum(map(is_letter, token))
        elif kind == "other":
            others.append(token)
    return sounds, others


def _counted(ipa: str) -> tuple[int, int, int]:
    """Return the numbers of phones, of vowels and of known phones."""
    if not _UNKNOWN.search(ipa):  # the way of nearly every output: counting is ten times faster
        total = len(ipa) - sum(map(ipa.count, _BESIDE))
        vowels = sum(map(ipa.count, _VOWELS))
        return total, min(vowels, total), total
    found = phones(ipa)
    vowels = sum(phone[0] in VOWELS for phone in found)
    return len(found), vowels, sum(map(_KNOWN.issuperset, found))


def _counted_without(others: Sequence[str], ipa: str) -> tuple[int, int, int]:
    """Return the same, without the unpronounced characters that stand in the output.

    One that looks like a phone can't be told from it, so that numbers are taken off and not places.
    """
    alien = {ord(character): None for character in others if character not in _KNOWN}
    total, vowels, known = _counted(ipa.translate(alien))
    alike = [character for character in others if character in _KNOWN]
    total = max(0, total - len(alike))
    vowels -= sum(character in _VOWELS for character in alike)
    return total, min(max(0, vowels), total), min(max(0, known - len(alike)), total)


def _left(ipa: str, others: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c for c in _ETHIOPIC.findall(ipa) if c not in others))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _listed(characters: tuple[str, ...]) -> str:
    shown = " ".join(characters[:MOST_SHOWN])
    more = len(characters) - MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
