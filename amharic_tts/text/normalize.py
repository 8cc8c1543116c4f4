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

from amharic_tts.text import numerals
from amharic_tts.text.ethiopic import MARKS, letter_class
from amharic_tts.text.languages import canonical
from amharic_tts.text.tables import rows
from amharic_tts.text.trace import Change, Traced

VERSION = "1"
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
_NUMBER = re.compile(r"([0-9](?:[0-9.,]*[0-9])?)(\s?%|ኛ)?")
_GROUPED = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?")
_DECIMAL = re.compile(r"([0-9]+)\.([0-9]+)")


@dataclass(frozen=True)
class Normalized:
    """A normalised text and every change that led to it, in the order in which they were made."""

    text: str
    changes: tuple[Change, ...]


def normalize(text: str, language: str = "am") -> Normalized:
    """Return the text as the rest of the studio reads it; the same text again changes nothing.

    Amharic: invisible and control characters and quotation marks dropped, NFC, numbers as words,
    one spelling of each punctuation mark, single spaces. Other languages: the same clean-up, lower
    case, and nothing else (as the multilingual cleaners of XTTS); their numbers stay.

    Args:
        text: Any string at all, lone surrogates and NUL included.
        language: A language code, see `amharic_tts.text.languages.canonical`.

    Raises:
        UserError: `language` is not a language code.
    """
    amharic = canonical(language) == "am"
    traced = Traced(text)
    traced.replace(_INVISIBLE, lambda match: "", "invisible-character")
    traced.replace(_QUOTES, lambda match: "", "quotation-mark")
    _compose(traced)
    traced.replace(_STRAY_MARK, lambda match: "", "stray-mark")
    if amharic:
        traced.replace(_GEEZ, _geez, "ge'ez-number")
        traced.replace(_NUMBER, _number, "number")
        for pattern, after, rule in _punctuation():
            traced.replace(pattern, _constant(after), rule)
    else:
        traced.replace(_WORD, lambda match: match[0].lower(), "lower-case")
    traced.replace(_SPACES, _space, "white-space")
    _compose(traced)
    return Normalized(traced.text, tuple(traced.changes))


def _constant(after: str) -> Callable[[re.Match[str]], str]:
    return lambda match: after


@cache
def _punctuation() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    return tuple(
        (
            re.compile(pattern.replace("$A", f"[{_LETTERS}{_MARKS}]")),
            replacement.replace("\\s", " "),
            rule,
        )
        for rule, pattern, replacement, _ in rows("amharic_tts.text", "punctuation.tsv")
    )


def _compose(traced: Traced) -> None:
    if not unicodedata.is_normalized("NFC", traced.text):
        traced.replace(
            _COMPOSABLE, lambda match: unicodedata.normalize("NFC", match[0]), "unicode-nfc"
        )


def _space(match: re.Match[str]) -> str:
    edge = match.start() == 0 or match.end() == len(match.string)
    return "" if edge else " "


@cache
def _prefixes() -> frozenset[str]:
    return frozenset(row[0] for row in rows("amharic_tts.text", "number_prefixes.tsv"))


def _apart(match: re.Match[str], words: str) -> str:
    """Return `words` with a space on each side where a word touches; a prefix stays attached."""
    text, (start, end) = match.string, match.span()
    before = start
    while before > 0 and start - before < 8 and text[before - 1].isalnum():
        before -= 1
    touching = text[before:start]
    head = " " if touching and touching not in _prefixes() else ""
    tail = " " if end < len(text) and text[end].isalnum() else ""
    return f"{head}{words}{tail}"


def _geez(match: re.Match[str]) -> str:
    return _apart(match, numerals.geez(match[0]))


def _number(match: re.Match[str]) -> str:
    written, sign = match[1], match[2] or ""
    words = _value(written)
    if sign == "ኛ" and written.isdigit() and len(written) <= 15:
        words = numerals.ordinal(int(written))
    elif sign:
        words += "ኛ" if sign == "ኛ" else f" {numerals.percent()}"
    return _apart(match, words)


def _value(written: str) -> str:
    grouped = _GROUPED.fullmatch(written)
    if grouped:
        written = written.replace(",", "")
    point = _DECIMAL.fullmatch(written)
    if point:
        return numerals.decimal(point[1], point[2])
    # Neither a number with thousands nor a decimal (12,5 or 1.2.3): part by part.
    parts = re.split(r"([.,]+)", written)
    return "".join(
        f"{part} " if part[0] in ".," else numerals.number(part) for part in parts if part
    )
