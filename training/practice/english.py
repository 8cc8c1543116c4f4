"""English words in the forms that a sentence needs, and made-up English words."""

from __future__ import annotations

import re
from functools import cache

from training.practice.words import Decks, fill, read_words

FILE = "english.tsv"
_VOWELS = "aeiou"
_SAID_YOU = re.compile("(?:use|usu|uni|eu|one|once)")
"""Begins with the sound of `you` or `w`, for all that it is spelled with a vowel."""
_SILENT_H = re.compile("(?:hour|honest|honor|heir)")
_NOUNS = ("person", "animal", "thing", "food", "place", "body", "idea")
_VERBS = ("go", "do", "meet", "say", "verb")
_PLAIN = (
    *("adj", "state", "grade", "most", "adv", "adverb", "when", "day", "month", "number", "count"),
    *("order", "where", "word", "short", "cry", "the", "whose", "mass", "noun", "name", "city"),
)
_SINGLE = ("the", "the", "a", "a", "this", "that", "my", "your", "his", "her", "our", "their")
_RARE = ("every", "each", "another", "some", "any", "no")
_MASS = ("the", "the", "my", "your", "her", "our", "some", "this", "that", "no", "any", "")


def plural(noun: str) -> str:
    """Return the regular plural."""
    if re.search("(?:s|x|z|ch|sh)$", noun):
        return noun + "es"
    return noun[:-1] + "ies" if _ends_in_y(noun) else noun + "s"


def past(verb: str, doubled: bool = False) -> str:
    """Return the regular past; a doubled last letter as in `stopped`."""
    if verb.endswith("e"):
        return verb + "d"
    if _ends_in_y(verb):
        return verb[:-1] + "ied"
    return verb + verb[-1] * doubled + "ed"


def going(verb: str, doubled: bool = False) -> str:
    """Return the form in -ing."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not re.search("(?:ee|oe|ye)$", verb):
        return verb[:-1] + "ing"
    return verb + verb[-1] * doubled + "ing"


def third(verb: str) -> str:
    """Return the form of he, she and it."""
    return verb + "es" if verb.endswith("o") else plural(verb)


def article(word: str) -> str:
    """Return `a` or `an`, by the sound that the word begins with."""
    vowel = word[0].lower() in _VOWELS and not _SAID_YOU.match(word)
    return "an" if vowel or _SILENT_H.match(word) else "a"


class English:
    """English texts of the kinds in `data/english.tsv`."""

    def __init__(self, decks: Decks) -> None:
        """Draw from these words."""
        self._decks = decks
        decks.add("any", _every_form())

    def word(self) -> str:
        """Return a word in any of its forms."""
        return self._decks.one("any")

    def made_up(self) -> str:
        """Return one or two made-up syllables, spelled as English ones are."""
        decks = self._decks
        while True:
            word = decks.one("onset") + decks.one("rime")
            if decks.chance(0.3):
                word = decks.one("onset") + decks.one("link") + word
            elif decks.chance(0.4):
                word += decks.one("ending")
            if not any(rude in word for rude in decks.words["never"]):
                return word

    def sentence(self) -> str:
        """Return a sentence that begins with a capital letter."""
        text = " ".join(fill(self._decks.one("sentence"), self._slot).split())
        return text[0].upper() + text[1:]

    def _slot(self, kind: str, endings: tuple[str, ...]) -> str:
        decks = self._decks
        if kind == "a":
            word = decks.one(*endings)
            return f"{article(word)} {word}"
        if kind in _VERBS:
            return _verb(decks.one(kind), "".join(endings))
        if kind == "mass" and "bare" not in endings:
            return self._described(decks.random.choice(_MASS), decks.one(kind))
        if kind == "person" and not endings and decks.chance(0.25):
            return decks.one("name")
        if kind not in _NOUNS:
            return decks.one(kind)
        noun = _noun(decks.one(kind), many="many" in endings)
        if "bare" in endings:
            return noun
        if "many" in endings:
            return self._described(decks.one("whose"), noun)
        rare = decks.chance(0.1)
        return self._described(decks.random.choice(_RARE if rare else _SINGLE), noun)

    def _described(self, before: str, noun: str) -> str:
        """Return a noun behind its article and, in some, an adjective."""
        words = [self._decks.one("adj"), noun] if self._decks.chance(0.25) else [noun]
        if before == "a":
            before = article(words[0])
        return " ".join(([before] if before else []) + words)


def _noun(entry: str, many: bool) -> str:
    one, _, irregular = entry.partition("/")
    return (irregular or plural(one)) if many else one


def _verb(entry: str, form: str) -> str:
    verb, *irregular = entry.split("/")
    doubled = verb.endswith("+")
    verb = verb.rstrip("+")
    if form == "s":
        return third(verb)
    if form == "ing":
        return going(verb, doubled)
    if form in ("past", "done"):
        forms = [each.rstrip("+") for each in irregular] or [past(verb, doubled)]
        return forms[0] if form == "past" else forms[-1]
    return verb


def _ends_in_y(word: str) -> bool:
    return word.endswith("y") and word[-2:-1] not in _VOWELS


@cache
def _every_form() -> tuple[str, ...]:
    """Return every word in all its forms, for the single words."""
    words = read_words(FILE)
    found = [word for kind in _PLAIN for word in words[kind]]
    for kind in _NOUNS:
        for entry in words[kind]:
            found += [_noun(entry, many=False), _noun(entry, many=True)]
    for kind in _VERBS:
        for entry in words[kind]:
            found += [_verb(entry, form) for form in ("", "s", "past", "done", "ing")]
    return tuple(found)
