"""A text cut into Ethiopic words, boundaries, and what has no sound in Amharic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

from amharic_tts.text.ethiopic import MARKS, PUNCTUATION, TONE_MARKS, letter_class

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


class Memory(dict[str, str]):
    """What texts were made into: two generations of at most `LIMIT` texts of at most `LONGEST`.

    When the young generation is full it becomes the old one, so that frequent texts stay.
    """

    LIMIT = 65_536
    LONGEST = 64

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__()
        self._old: dict[str, str] = {}

    def hold(self, text: str, made: str) -> None:
        """Remember what a text was made into, if it is not too long."""
        if len(text) <= self.LONGEST:
            if len(self) >= self.LIMIT:
                self._old = dict(self)
                self.clear()
            self[text] = made

    def held(self, text: str) -> str | None:
        """Return what a text was made into, or None where that is not held."""
        return self.get(text) or self._old.get(text)


class WordCache(Memory):
    """What a function made of each white-space word, so that running text is mostly looked up.

    (A `dict` with `__missing__`, because a lookup of it costs half of one of `lru_cache`.)
    """

    def __init__(self, convert: Callable[[str], str]) -> None:
        """Remember what `convert` makes of words; it must depend on nothing but the word."""
        super().__init__()
        self._convert = convert

    def __missing__(self, word: str) -> str:
        """Convert a word that is not held, and hold it."""
        made = self._old.get(word)
        if made is None:
            made = self._convert(word)
        self.hold(word, made)
        return made

    def convert(self, text: str) -> str:
        """Return a text with its words converted, one space between words."""
        for mark in PUNCTUATION:  # a boundary like white space; else `ቤት` and `ቤት።` are two words
            text = text.replace(mark, " ")
        return " ".join(filter(None, map(self.__getitem__, text.split())))


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
