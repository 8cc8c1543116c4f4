"""Frequent words that the embedded model learnt with a wrong pronunciation, put right.

hama writes every *of* as `ɔf` and every *the* as `ði`, at a probability of 0.99 whatever was
said: it was taught so. On read English such words are a third of all its errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

from amharic_tts.phonemes.inventory import plain
from amharic_tts.phonemes.result import Phone
from amharic_tts.text.tables import rows

_VOWELS = frozenset("aeiouæɐɑɒɔəɘɚɛɜɝɪɨʊʌ")


@dataclass(frozen=True)
class Form:
    """What is said where the model writes this word."""

    said: tuple[str, ...]
    before_consonant: bool


@cache
def forms() -> dict[tuple[str, ...], Form]:
    """Return the corrections by the phones of the word as the model writes it."""
    columns = ("heard", "said", "before", "word")
    table = rows("amharic_tts.phonemes", "hama_words.tsv", columns)
    return {
        tuple(heard.split()): Form(tuple(said.split()), before == "consonant")
        for heard, said, before, _ in table
    }


def sounds() -> frozenset[str]:
    """Return the phones that the corrections write."""
    return frozenset(phone for form in forms().values() for phone in form.said)


def corrected(phones: Iterable[Phone]) -> Iterator[Phone]:
    """Yield the phones with those words put right; times stay.

    A phone that is replaced becomes the first of the runners-up, and its confidence is kept: the
    model was as sure of the word.

    Args:
        phones: Of the embedded model, in order.
    """
    before: list[Phone] = []
    for _, group in groupby(phones, key=lambda phone: phone.word):
        word = list(group)
        yield from _corrected(before, word[0])
        before = word
    yield from _corrected(before, None)


def _corrected(word: list[Phone], following: Phone | None) -> list[Phone]:
    form = forms().get(tuple(phone.phone for phone in word))
    if form is None:
        return word
    consonant = following is not None and plain(following.phone)[0] not in _VOWELS
    if form.before_consonant and not consonant:
        return word
    return [_said(phone, name) for phone, name in zip(word, form.said, strict=True)]


def _said(phone: Phone, name: str) -> Phone:
    if phone.phone == name:
        return phone
    others = [(other, p) for other, p in phone.runners_up if other != name]
    runners_up = ((phone.phone, phone.confidence), *others)[: max(1, len(phone.runners_up))]
    return replace(phone, phone=name, runners_up=runners_up)
