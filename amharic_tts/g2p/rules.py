"""The rule-based backend: letters, long consonants, epenthesis. No dependency, always there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from amharic_tts.g2p.base import Availability
from amharic_tts.g2p.epenthesis import break_run
from amharic_tts.g2p.gemination import long_letters
from amharic_tts.g2p.letters import SIXTH, Letter, spell
from amharic_tts.g2p.words import WordCache, by_word

VERSION = "2"
"""Raised with every change of the tables or of the rules."""


def spoken(letters: Sequence[Letter], long: Collection[int]) -> str:
    """Return the IPA of one word.

    Args:
        letters: The letters of the word.
        long: Places of the letters whose consonant is long.
    """
    out = ""
    run: tuple[str, ...] = ()
    place = "initial"
    for at, letter in enumerate(letters):
        run += letter.consonants
        if at in long:
            run = (*run[:-1], run[-1] + "ː")
        if letter.vowel != SIXTH:
            out += break_run(run, place) + letter.vowel
            run, place = (), "medial"
    if run:
        whole = place == "initial"
        out += break_run(run, place if whole else "final", whole)
    return out


def convert_word(word: str) -> str:
    """Return the IPA of one Ethiopic word, its marks of length honoured."""
    letters = spell(word)
    return spoken(letters, long_letters(letters))


def as_marked(word: str) -> str:
    """Return the IPA of a word in which every long consonant is marked, so without a mark none."""
    letters = spell(word)
    return spoken(letters, {at for at, letter in enumerate(letters) if letter.long})


class Readings(Protocol):
    """Words whose phonemes are known, as `amharic_tts.g2p.lexicon.Lexicon`."""

    version: str

    def get(self, word: str) -> str | None:
        """Return the IPA of a word, or None."""


def _first(lexicon: Readings) -> Callable[[str], str]:
    def read(word: str) -> str:
        known = lexicon.get(word)
        return convert_word(word) if known is None else known

    return read


class RuleBased:
    """Backend `rule_based`: the tables in ``data`` and, if given, the user's lexicon."""

    name = "rule_based"
    writes_long = True
    writes_stress = False

    def __init__(self, lexicon: Readings | None = None) -> None:
        """Start with no word converted; a lexicon is asked before the rules."""
        self.version = f"rules-{VERSION}"
        read: Callable[[str], str] = convert_word
        if lexicon is not None:
            self.version += f"+{lexicon.version}"
            read = _first(lexicon)
        self._words = WordCache(lambda text: by_word(text, read))

    def availability(self) -> Availability:
        """Return that it works, as it does everywhere."""
        return Availability(True)

    def convert(self, text: str) -> str:
        """Return the IPA of a text; what has no sound in Amharic stays as it is written."""
        return self._words.convert(text)
