"""The rule-based backend: letters, long consonants, epenthesis. No dependency, always there."""

from __future__ import annotations

from functools import lru_cache

from amharic_tts.g2p.base import Availability
from amharic_tts.g2p.epenthesis import break_run
from amharic_tts.g2p.gemination import lengthen
from amharic_tts.g2p.letters import SIXTH, Letter, spell
from amharic_tts.g2p.words import by_word

VERSION = "1"
"""Raised with every change of the tables or of the rules."""


def phonemes(letters: list[Letter]) -> list[str]:
    """Return the phones of one word from its letters, long consonants marked."""
    out: list[str] = []
    run: list[str] = []
    first = True
    for letter in letters:
        consonants = list(letter.consonants)
        if letter.long:
            consonants[-1] += "ː"
        run += consonants
        if letter.vowel != SIXTH:
            out += [*break_run(run, "initial" if first else "medial"), letter.vowel]
            run, first = [], False
    if run:
        out += break_run(run, "initial" if first else "final", word=first)
    return out


@lru_cache(maxsize=65_536)
def convert_word(word: str) -> str:
    """Return the IPA of one Ethiopic word, its marks of length honoured."""
    return "".join(phonemes(lengthen(spell(word))))


class RuleBased:
    """Backend `rule_based`: the tables in ``data`` and nothing else."""

    name = "rule_based"
    version = f"rules-{VERSION}"
    writes_long = True
    writes_stress = False

    def availability(self) -> Availability:
        """Return that it works, as it does everywhere."""
        return Availability(True)

    def convert(self, text: str) -> str:
        """Return the IPA of a text; what has no sound in Amharic stays as it is written."""
        return by_word(text, convert_word)
