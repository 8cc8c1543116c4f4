"""Amharic abbreviations read in full: ዓ.ም, ወ/ሮ, የት/ቤቶች; the table is `data/abbreviations.tsv`.

A short form is looked up whole, between letters that do not belong to it; a prefix (የ በ ለ ከ ...)
and an ending stay attached. What is not in the table (እና/ወይም) stays as it is. The full stop after
a dotted form belongs to it and goes with it; after one with a slash it ends the sentence and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from amharic_tts.text.attach import prefixes, touching
from amharic_tts.text.ethiopic import MARKS, letter_class
from amharic_tts.text.tables import rows

_LETTER = f"[{letter_class()}{''.join(MARKS)}]"
PATTERN = re.compile(
    f"(?<![./])(?<!{_LETTER})"
    f"(?P<short>{_LETTER}(?:\\.\\s{_LETTER})+(?!{_LETTER})|{_LETTER}+(?:[./]{_LETTER}+)+)"
    f"(?![./]{_LETTER})(?P<stop>\\.(?=[\\s፣።፤,)]|\\Z))?"
)
"""Letters with full stops or slashes between them; `stop` is a full stop after them."""
BEFORE_NUMBER = re.compile(f"(?<![./])(?<!{_LETTER})(?P<short>{_LETTER}{{1,6}})\\.\\s?(?=[0-9፩-፼])")
_Find = Callable[[str], "str | None"]
_ENDINGS = ("ንም", "ን", "ና", "ም", "ስ")


@cache
def _table() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]], dict[str, str]]:
    """Return whole forms, open forms (all but the last part -> last part, words), number forms."""
    whole: dict[str, str] = {}
    opened: dict[str, list[tuple[str, str]]] = {}
    number: dict[str, str] = {}
    columns = ("short", "words", "kind")
    for short, words, kind in rows("amharic_tts.text", "abbreviations.tsv", columns):
        if kind == "open":
            head, _, last = short.rpartition("/")
            opened.setdefault(head, []).append((last, words.rpartition(" ")[0]))
        elif kind == "number":
            number[short[:-1]] = words
        else:
            whole[short] = words
    return whole, opened, number


def expand(match: re.Match[str]) -> str:
    """Return an abbreviation in full, or what is written where the table has none."""
    short = re.sub(r"\s", "", match["short"]).replace(".", "/")
    words = _with_prefix(short, _in_full)
    if words is None:
        return match[0]
    stop = match["stop"] or ""
    if "." in match["short"]:
        stop = ""
    return _spaced(match, words + stop)


def expand_before_number(match: re.Match[str]) -> str:
    """Return a form such as ቁ. that stands before a number, in full."""
    words = _with_prefix(match["short"], _table()[2].get)
    return match[0] if words is None else _spaced(match, words)


def _with_prefix(short: str, find: _Find) -> str | None:
    words = find(short)
    if words is not None:
        return words
    for prefix in prefixes():
        if short.startswith(prefix):
            words = find(short[len(prefix) :])
            if words is not None:
                return prefix + words
    return None


def _in_full(short: str) -> str | None:
    whole, opened, _ = _table()
    for ending in ("", *_ENDINGS):
        if short.endswith(ending):
            words = whole.get(short[: len(short) - len(ending)])
            if words is not None:
                return words + ending
    head, _, last = short.rpartition("/")
    for word, words in opened.get(head, ()):
        if _inflected(last, word):
            return f"{words} {last}"
    return None


def _inflected(written: str, word: str) -> bool:
    """Return whether a written word is `word`, perhaps with an ending: ቤት, ቤቱ, ቤቶች."""
    stem, end = word[:-1], len(word)
    same_consonant = len(written) >= end and ord(written[end - 1]) & ~7 == ord(word[-1]) & ~7
    return written.startswith(stem) and same_consonant


def _spaced(match: re.Match[str], words: str) -> str:
    text, (start, end) = match.string, match.span()
    head = " " if touching(text, start) else ""
    tail = " " if end < len(text) and text[end].isalnum() else ""
    return f"{head}{words}{tail}"
