"""How number words are joined to the letters that touch the number: በ2017, 5ቱ, 1980ዎቹ."""

from __future__ import annotations

import re
from functools import cache

from amharic_tts.text.ethiopic import MARKS, letter_class
from amharic_tts.text.tables import rows

_LONGEST = 8
_TAIL = re.compile(f"[{letter_class()}{''.join(MARKS)}]{{1,{_LONGEST + 1}}}")
_SIXTH = 5
"""Place of the sixth order within the eight code points of a consonant."""


@cache
def prefixes() -> tuple[str, ...]:
    """Return the words that are written together with what follows, longest first."""
    found = (row[0] for row in rows("amharic_tts.text", "number_prefixes.tsv", ("prefix",)))
    return tuple(sorted(found, key=len, reverse=True))


@cache
def _suffixes() -> dict[str, str]:
    columns = ("suffix", "joined", "example")
    return {row[0]: row[1] for row in rows("amharic_tts.text", "number_suffixes.tsv", columns)}


@cache
def _prefix_set() -> frozenset[str]:
    return frozenset(prefixes())


def touching(text: str, position: int) -> str:
    """Return the letters and digits that end at a position, at most eight of them."""
    start = position
    while start > 0 and position - start < _LONGEST and text[start - 1].isalnum():
        start -= 1
    return text[start:position]


def has_prefix(text: str, position: int) -> bool:
    """Return whether a prefix, and nothing else, touches the position from the left."""
    return touching(text, position) in _prefix_set()


def fit(match: re.Match[str], words: str) -> str:
    """Return the words as they stand in the place of `match`.

    A prefix stays attached (በ2017 -> በሁለት ሺህ ...), and so does a suffix of the table; one that
    repeats the last consonant takes its place (5ቱ -> አምስቱ). Any other letter or digit that touches
    is kept apart by a space.
    """
    text, (start, end) = match.string, match.span()
    before = touching(text, start)
    head = " " if before and before not in _prefix_set() else ""
    if end >= len(text) or not text[end].isalnum():
        return f"{head}{words}"
    tail = _TAIL.match(text, end)
    joined = _suffixes().get(tail[0]) if tail else None
    if joined is None:
        return f"{head}{words} "
    if joined == "merged" and _same_consonant(words[-1], text[end]):
        words = words[:-1]
    return f"{head}{words}"


def _same_consonant(last: str, first: str) -> bool:
    """Return whether a sixth-order letter and the letter after it are one consonant: ት, ቱ."""
    return ord(last) & 7 == _SIXTH and ord(last) & ~7 == ord(first) & ~7
