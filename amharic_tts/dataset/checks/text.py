"""What is odd about a text alone: script, language, numbers that are not in words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from amharic_tts.dataset.rules import Note, note
from amharic_tts.text.tables import rows

LATIN = frozenset({"en", "de", "es", "fr", "it", "pt", "tr", "nl", "sw", "pl", "cs", "hu", "om"})
"""Languages of one script that texts are told apart by."""
_LEAST_LETTERS = 25
"""Shorter texts are too short to tell their language from."""
_SURE = 0.95
_DIGITS = re.compile(r"[0-9\u0660-\u0669\u06f0-\u06f9፩-፼%‰$€£¥½¼¾]")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class TextNumbers:
    """Numbers of one text."""

    letters: int
    """Letters and digits of the normalised text, the time of reading which is compared."""
    foreign: float
    """Share of the letters that are of another script than the language's."""
    foreign_letters: str
    digits: str
    """Digits, numerals and signs that the normaliser left as they are."""
    language: str
    """Another language that the text is surely in; empty where it is as it should be."""
    language_share: float
    """How sure that is, 0 to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Return them for JSON."""
        return asdict(self)


def text_numbers(normalized: str, language: str) -> TextNumbers:
    """Return the numbers of a text.

    Args:
        normalized: The text as the normaliser left it.
        language: Of the dataset.
    """
    letters = [c for c in normalized if c.isalpha()]
    wanted = scripts().get(language)
    other = [c for c in letters if wanted and _script(c) not in wanted]
    named, sure = _language(normalized, language, letters, len(other))
    return TextNumbers(
        letters=sum(c.isalnum() for c in normalized),
        foreign=len(other) / max(1, len(letters)),
        foreign_letters="".join(dict.fromkeys(other))[:20],
        digits="".join(dict.fromkeys(_DIGITS.findall(normalized))),
        language=named,
        language_share=round(sure, 4),
    )


def text_findings(numbers: TextNumbers, language: str) -> list[Note]:
    """Return what is odd about a text."""
    found = []
    if numbers.foreign:
        share = f"{100 * numbers.foreign:.0f} % of the letters"
        message = f"{share} are not of the script of `{language}`: {numbers.foreign_letters}"
        found.append(note("wrong_script", message, 100 * numbers.foreign, "%"))
    if numbers.language:
        sure = 100 * numbers.language_share
        message = f"the text seems to be in `{numbers.language}`, not in `{language}`"
        found.append(note("wrong_language", message, sure, "%"))
    if numbers.digits:
        shown = " ".join(numbers.digits)
        message = f"not written in words, so the voice can't learn how it is said: {shown}"
        found.append(note("digits_left", message, float(len(numbers.digits)), ""))
    return found


def text_key(normalized: str) -> str:
    """Return what two texts share that only differ in marks, spaces and case."""
    folded = unicodedata.normalize("NFKC", normalized).casefold()
    return "".join(c for c in folded if c.isalnum())


@cache
def scripts() -> dict[str, tuple[str, ...]]:
    """Return the scripts of each language, as the first words of the Unicode names of letters."""
    table = rows("amharic_tts.phonemes", "scripts.tsv")
    return {row[0]: tuple(row[1].split()) for row in table}


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def _language(text: str, language: str, letters: list[str], foreign: int) -> tuple[str, float]:
    if 2 * foreign > len(letters):
        return "", 0.0  # it is told as another script
    if language == "am":
        share = _tigrinya(text)
        return ("ti", share) if share else ("", 0.0)
    if language not in LATIN or len(letters) < _LEAST_LETTERS:
        return "", 0.0
    ranked = _identifier().rank(text)
    best, sure = str(ranked[0][0]), float(ranked[0][1])
    own = next(float(p) for name, p in ranked if name == language)
    return (best, sure) if best != language and sure > _SURE and own < 1 - _SURE else ("", 0.0)


def _tigrinya(text: str) -> float:
    """Return the share of words that only Tigrinya has, or 0 where there are fewer than two."""
    known, letters = _tigrinya_table()
    said = _WORDS.findall(text)
    hits = sum(word in known or any(c in letters for c in word) for word in said)
    return hits / len(said) if hits >= 2 and hits >= 0.25 * len(said) else 0.0


@cache
def _tigrinya_table() -> tuple[frozenset[str], frozenset[str]]:
    table = list(rows("amharic_tts.dataset", "tigrinya.tsv", ("text", "kind")))
    words, letters = (frozenset(t for t, k in table if k == kind) for kind in ("word", "letter"))
    return words, letters


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted(LATIN))
    return identifier
