"""A text cut into Ethiopic words, boundaries, and what has no sound in Amharic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

from amharic_tts.text.ethiopic import MARKS, TONE_MARKS, letter_class

Kind = Literal["word", "boundary", "other"]

_MARKS = "".join((*MARKS, *TONE_MARKS))
_TOKEN = re.compile(f"(?P<word>[{letter_class()}{_MARKS}]+)|(?P<space>\\s+)|(?P<other>.)", re.S)


def tokens(text: str) -> Iterator[tuple[Kind, str]]:
    """Yield the pieces of a text, in order; joined they are the text.

    ``word`` is a run of Ethiopic letters and their marks, ``boundary`` white space or one
    punctuation mark, ``other`` one character without a sound here: a digit, a letter of another
    script, an emoji.
    """
    for match in _TOKEN.finditer(text):
        if match["word"]:
            yield "word", match["word"]
        elif match["space"] or unicodedata.category(match["other"])[0] in "PZ":
            yield "boundary", match[0]
        else:
            yield "other", match["other"]


def by_word(text: str, convert: Callable[[str], str]) -> str:
    """Return a text with each Ethiopic word converted, one space between words.

    Punctuation ends a word and is left out; everything else that is no Ethiopic word stays.
    """
    words = [""]
    for kind, token in tokens(text):
        if kind == "boundary":
            if words[-1]:
                words.append("")
        else:
            words[-1] += convert(token) if kind == "word" else token
    return " ".join(words).rstrip(" ")
