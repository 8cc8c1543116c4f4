"""Word lists dealt like cards: shuffled, and every word once before one comes again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Protocol

from amharic_tts.errors import StudioError
from amharic_tts.text.tables import rows

PHRASES = ("sentence", "greeting")
"""Kinds whose entries hold spaces and are parted by `|`."""
_SLOT = re.compile(r"\[([a-z.]+)\]")


class Grammar(Protocol):
    """What a language must know to make texts of its words."""

    def __init__(self, decks: Decks) -> None:
        """Make texts of these words."""

    def word(self) -> str:
        """Return a word of the language, in any form."""

    def made_up(self) -> str:
        """Return a word that means nothing but sounds like the language."""

    def sentence(self) -> str:
        """Return a sentence with its punctuation."""


@cache
def read_words(name: str) -> dict[str, tuple[str, ...]]:
    """Return the entries of each kind of a file in `data`; a kind may have several lines.

    Raises:
        StudioError: A line has not two columns.
    """
    found: dict[str, tuple[str, ...]] = {}
    for cells in rows("training.practice", name):
        if len(cells) != 2:
            raise StudioError(f"`{name}`: `{cells[0]}` has {len(cells)} columns, not 2")
        kind, text = cells
        entries = text.split("|") if kind in PHRASES else text.split()
        found[kind] = tuple(dict.fromkeys((*found.get(kind, ()), *entries)))
    return found


class Decks:
    """The words of each kind, each shuffled; a deck that is used up is shuffled again."""

    def __init__(self, words: Mapping[str, Sequence[str]], source: random.Random) -> None:
        self.words = dict(words)
        self.random = source
        self._left: dict[str, list[str]] = {}

    def add(self, kind: str, words: Sequence[str]) -> None:
        """Add a deck of words that a grammar made of others."""
        self.words[kind] = tuple(dict.fromkeys(words))

    def one(self, *kinds: str) -> str:
        """Return the next word of a kind; of several, larger ones are taken more often.

        Raises:
            StudioError: There is no such kind.
        """
        for each in kinds:
            if each not in self.words:
                raise StudioError(
                    f"A sentence of the practice texts asks for `[{each}]`, no kind of word",
                    "Correct the sentence, or add a line of that kind to the word list",
                )
        kind = kinds[0]
        if len(kinds) > 1:
            sizes = [len(self.words[each]) for each in kinds]
            kind = self.random.choices(kinds, sizes)[0]
        if not self._left.get(kind):
            self._left[kind] = self.random.sample(self.words[kind], len(self.words[kind]))
        return self._left[kind].pop()

    def chance(self, share: float) -> bool:
        """Return True in this share of the calls."""
        return self.random.random() < share


def fill(form: str, slot: Callable[[str, tuple[str, ...]], str]) -> str:
    """Return a sentence's form with `slot(kind, endings)` for each `[kind.ending]` in it."""

    def put(match: re.Match[str]) -> str:
        kind, *endings = match[1].split(".")
        return slot(kind, tuple(endings))

    return _SLOT.sub(put, form)
