"""The one text normaliser: dataset, training and speaking read text through it.

Every change is recorded with its place in the text as it came. Homophone letters (ሀ ሐ ኀ, ሰ ሠ ...)
are never changed: what the user wrote stays written that way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from amharic_tts.text import abbreviations, dates, identifiers, numerals, quantities
from amharic_tts.text.attach import fit
from amharic_tts.text.ethiopic import MARKS, letter_class
from amharic_tts.text.languages import canonical
from amharic_tts.text.tables import rows
from amharic_tts.text.trace import Change, Traced

VERSION = "2"
"""Raised with every change of what `normalize` returns; written into datasets and voices."""

_LETTERS = letter_class()
_MARKS = "".join(MARKS)
# A base character and what may compose with it; pieces between bases normalise independently.
_COMPOSABLE = re.compile(f"[\x00-\u02ff{_LETTERS}]?[^\x00-\u02ff{_LETTERS}]+")
_QUOTES = re.compile('["“”„‟«»‹›＂〝〞]')
# Control and format characters, lone surrogates, non-characters; white space is not among them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_WORD = re.compile(r"\S+")
_SPACES = re.compile(r"^\s+|\s+$|\s+")
_STRAY_MARK = re.compile(f"(?<![{_LETTERS}])[{_MARKS}]+|(?<=[{_MARKS}])[{_MARKS}]+")
_GEEZ = re.compile("[፩-፼]+")
_NUMBER = re.compile(r"[0-9](?:[0-9.,]*[0-9])?")
_PLAIN = re.compile(f"[{_LETTERS}]+(?: [{_LETTERS}]+)*")
"""Amharic words and single spaces: no rule has anything to do there."""
_NUMERIC = re.compile("[0-9፩-፼½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]")
_LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ](?:['’-]?[A-Za-zÀ-ÖØ-öø-ɏ])*")


@dataclass(frozen=True)
class Normalized:
    """A normalised text and every change that led to it, in the order in which they were made."""

    text: str
    changes: tuple[Change, ...]
    kept: tuple[Change, ...] = ()
    """Latin words in Amharic text: left as they are written, so `after` is `before`."""


def normalize(text: str, language: str = "am") -> Normalized:
    """Return the text as the rest of the studio reads it; the same text again changes nothing.

    Amharic: invisible and control characters and quotation marks dropped, NFC, numbers and what
    belongs to them as words (the rules are in `identifiers`, `dates` and `quantities`), one
    spelling of each punctuation mark, single spaces, abbreviations in full. Other languages: the
    same clean-up, lower case, and nothing else (as the multilingual cleaners of XTTS); their
    numbers stay.

    Args:
        text: Any string at all, lone surrogates and NUL included.
        language: A language code, see `amharic_tts.text.languages.canonical`.

    Raises:
        UserError: `language` is not a language code.
    """
    amharic = canonical(language) == "am"
    if amharic and _PLAIN.fullmatch(text):
        return Normalized(text, ())
    traced = Traced(text)
    traced.replace(_INVISIBLE, lambda match: "", "invisible-character")
    traced.replace(_QUOTES, lambda match: "", "quotation-mark")
    _compose(traced)
    traced.replace(_STRAY_MARK, lambda match: "", "stray-mark")
    if amharic:
        if _NUMERIC.search(traced.text):
            for needed, pattern, make, rule in _number_rules():
                if needed.search(traced.text):
                    traced.replace(pattern, make, rule)
        for pattern, after, rule in _punctuation():
            traced.replace(pattern, _constant(after), rule)
    else:
        traced.replace(_WORD, lambda match: match[0].lower(), "lower-case")
    traced.replace(_SPACES, _space, "white-space")
    if amharic and ("/" in traced.text or "." in traced.text):
        traced.replace(abbreviations.PATTERN, abbreviations.expand, "abbreviation")
    _compose(traced)
    kept = tuple(traced.find(_LATIN, "latin-word")) if amharic else ()
    return Normalized(traced.text, tuple(traced.changes), kept)


Rule = tuple[re.Pattern[str], re.Pattern[str], Callable[[re.Match[str]], str], str]


@cache
def _number_rules() -> tuple[Rule, ...]:
    """Return the number rules in their order: the more a rule knows, the earlier it comes.

    Each begins with a pattern that a text must have for the rule to find anything; looking for it
    is much faster than the rule.
    """
    dash = "[-‐‑‒–—−]"
    units = f"[{quantities.starts('units')}]"
    currencies = f"[{quantities.starts('currencies')}]"
    rules: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str], str], ...] = (
        ("[.]", abbreviations.BEFORE_NUMBER, abbreviations.expand_before_number, "abbreviation"),
        ("[-/.]", dates.YEAR_FIRST, dates.year_first, "date"),
        (dash, dates.SPAN, dates.span, "date"),
        ("[-/.]", dates.YEAR_LAST, dates.year_last, "date"),
        ("[/]", dates.AFTER_MONTH, dates.after_month, "date"),
        ("[0-9]{9}|[0-9][ -][0-9]|[+][0-9]", identifiers.PATTERN, identifiers.read, "digits"),
        ("[፥]", dates.VERSE, dates.verse, "verse"),
        (dash, dates.TIMES, dates.times, "time"),
        ("[:፡]", dates.TIME, dates.time, "time"),
        ("[/]", quantities.FRACTION, quantities.fraction, "fraction"),
        ("[½¼¾⅓-⅞]", quantities.FRACTION_SIGN, quantities.fraction_sign, "fraction"),
        (currencies, quantities.money_before(), quantities.money, "currency"),
        (currencies, quantities.money_after(), quantities.money, "currency"),
        (f"[{quantities.PERCENT}]", quantities.PERCENTAGE, quantities.percentage, "percent"),
        (units, quantities.units(), quantities.quantity, "unit"),
        ("[ኛ]", quantities.ORDINAL_RANGE, quantities.ordinal_span, "range"),
        ("[ኛ]", quantities.ORDINAL, quantities.ordinal, "ordinal"),
        (dash, quantities.RANGE, quantities.span, "range"),
        (dash, quantities.NEGATIVE, quantities.negative, "negative"),
        ("[፩-፼]", _GEEZ, _geez, "ge'ez-number"),
        ("[0-9]", _NUMBER, _number, "number"),
    )
    return tuple((re.compile(needed), pattern, make, rule) for needed, pattern, make, rule in rules)


def _constant(after: str) -> Callable[[re.Match[str]], str]:
    return lambda match: after


@cache
def _punctuation() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    columns = ("pattern", "rule", "replacement", "why")
    return tuple(
        (
            re.compile(pattern.replace("$A", f"[{_LETTERS}{_MARKS}]")),
            replacement.replace("\\s", " "),
            rule,
        )
        for pattern, rule, replacement, _ in rows("amharic_tts.text", "punctuation.tsv", columns)
    )


def _compose(traced: Traced) -> None:
    if not unicodedata.is_normalized("NFC", traced.text):
        traced.replace(
            _COMPOSABLE, lambda match: unicodedata.normalize("NFC", match[0]), "unicode-nfc"
        )


def _space(match: re.Match[str]) -> str:
    edge = match.start() == 0 or match.end() == len(match.string)
    return "" if edge else " "


def _geez(match: re.Match[str]) -> str:
    return fit(match, numerals.geez(match[0]))


def _number(match: re.Match[str]) -> str:
    return fit(match, quantities.value(match[0]))
