"""Texts that the practice base learns from: words, made-up words and sentences of a language.

The words and the sentences' forms are in `data/LANGUAGE.tsv`; `english` and `amharic` know how a
word is bent to fit its place. Every word comes once before one comes again, so that a few hundred
texts hold every sound. What `unseen` gives is kept for the evaluation: no text of a writer holds
more than a few words of it in a row.

Example:
    >>> Writer("en", seed=0).sentence(max_characters=60)
    Text(language='en', text='Thomas is the widest smith in Berlin.')
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache

from amharic_tts.errors import UserError
from amharic_tts.text.tables import rows
from training.practice import amharic, english
from training.practice.words import Decks, Grammar, read_words

SHORTEST = 20
"""The least `max_characters` of a sentence; shorter ones are too few to choose from."""


@dataclass(frozen=True)
class Language:
    """What there is for a language."""

    file: str
    """Its words and sentences, in `data`."""
    grammar: type[Grammar]
    made_up: float
    """Share of made-up words among single words."""
    run: int
    """Words in a row that no text shares with an evaluation sentence."""


LANGUAGES = {
    # Most fidel are rare in common words, so more of the words are made up.
    "am": Language(amharic.FILE, amharic.Amharic, made_up=0.35, run=3),
    "en": Language(english.FILE, english.English, made_up=0.15, run=4),
}
_WORD = re.compile(r"[\w'፟-]+")


@dataclass(frozen=True)
class Text:
    """One utterance to be spoken."""

    language: str
    text: str


class Writer:
    """Writes texts of one language; the same seed gives the same texts in the same order.

    Raises:
        UserError: There are no words for the language.
    """

    def __init__(self, language: str, seed: int) -> None:
        own = _known(language)
        self.language = language
        self._made_up = own.made_up
        self._decks = Decks(read_words(own.file), random.Random(seed))
        self._grammar = own.grammar(self._decks)

    def words(self, n: int) -> Text:
        """Return an utterance of `n` words, usually 1 to 3, that need not make sense together.

        Raises:
            UserError: `n` is less than 1.
        """
        if n < 1:
            raise UserError(f"A text of {n} words says nothing", "Ask for 1 word or more")
        while True:
            found = [self._word() for _ in range(n)]
            text = " ".join(found)
            if not refused(self.language, text):
                return Text(self.language, text)

    def sentence(self, max_characters: int) -> Text:
        """Return a sentence of at most so many characters, its mark at the end included.

        Raises:
            UserError: `max_characters` is less than `SHORTEST`.
        """
        if max_characters < SHORTEST:
            raise UserError(
                f"A sentence of at most {max_characters} characters is too short",
                f"Ask for {SHORTEST} or more, or for single words",
            )
        while True:
            text = self._grammar.sentence()
            if len(text) <= max_characters and not refused(self.language, text):
                return Text(self.language, text)

    def _word(self) -> str:
        if self._decks.chance(self._made_up):
            return self._grammar.made_up()
        return self._grammar.word()


@cache
def unseen(language: str) -> tuple[str, ...]:
    """Return 20 sentences for evaluation, which no writer gives; see `refused`.

    Raises:
        UserError: There are no sentences for the language.
    """
    _known(language)
    table = rows("training.practice", "unseen.tsv", ("sentence", "language"))
    return tuple(text for text, of in table if of == language)


def refused(language: str, text: str) -> bool:
    """Return whether a text holds a part of an evaluation sentence: `run` words in a row."""
    return not _held(language).isdisjoint(_runs(text, LANGUAGES[language].run))


@cache
def _held(language: str) -> frozenset[tuple[str, ...]]:
    return frozenset(
        run for text in unseen(language) for run in _runs(text, LANGUAGES[language].run)
    )


def _runs(text: str, length: int) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return [tuple(words[at : at + length]) for at in range(max(0, len(words) - length) + 1)]


def _known(language: str) -> Language:
    """Return what there is for a language.

    Raises:
        UserError: There are no words for it; the message names those that there are.
    """
    if language not in LANGUAGES:
        raise UserError(
            f"There are no practice texts for the language `{language}`",
            f"There are some for: {', '.join(LANGUAGES)}; docs/practice.md says how to add one",
        )
    return LANGUAGES[language]
