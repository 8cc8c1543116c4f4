"""One notation for what is wanted and what is heard, and what a model can write of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

from amharic_tts.phonemes.features import distance
from amharic_tts.phonemes.models.base import Symbols
from amharic_tts.text.tables import rows

NEAR = 0.25
"""A phone that a model can't write is compared with its nearest one no farther than this."""

_MARKS = "ʼʰʱʲʷːˑˠˤ˞\u0300-\u036f"
# Tie bars, stress, syllables, what is not heard as another phone (dental, unreleased, ...).
_PASSED_OVER = re.compile("[\u0361\u035cˈˌ.‿|\u032f\u032a\u033a\u033b\u031a\u0348\\s]+")
_ORDER = (("ːʼ", "ʼː"), ("ːʷ", "ʷː"), ("ʷʼ", "ʼʷ"), (":", "ː"), ("’", "ʼ"), ("'", "ʼ"))
_SEGMENT = re.compile(f".[{_MARKS}]*", re.DOTALL)
_NO_LENGTH = ("en",)
"""Languages whose long vowels are told apart by their quality, and no consonant is long."""


@cache
def _table(language: str) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    found = {
        written: tuple(phones.split())
        for of, written, phones in rows("amharic_tts.phonemes", "notation.tsv")
        if of in ("*", language)
    }
    longest = sorted(found, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest))}|.)([{_MARKS}]*)", re.DOTALL), found


@lru_cache(maxsize=16_384)
def fold(ipa: str, language: str = "") -> tuple[str, ...]:
    """Return a phone, or a word in IPA, as the phones that are compared.

    Args:
        ipa: IPA of any source. Nothing but stress, ties and boundaries is left out.
        language: ISO code; its ways of writing are folded too (`data/notation.tsv`).

    Example:
        >>> fold("wˈɜːld", "en"), fold("t͡ʃʼ")
        (('w', 'ɝ', 'l', 'd'), ('tʃʼ',))
    """
    text = _PASSED_OVER.sub("", unicodedata.normalize("NFC", ipa))
    for written, ours in _ORDER:
        text = text.replace(written, ours)
    pattern, table = _table(language)
    found: list[str] = []
    for base, marks in pattern.findall(text):
        phones = table.get(base, (base,))
        found += [*phones[:-1], phones[-1] + marks]
    if language in _NO_LENGTH:
        found = [phone.rstrip("ːˑ") for phone in found]
    return tuple(phone for phone in found if phone)


@cache
def english() -> frozenset[str]:
    """Return the phones of English as they are compared: what a recogniser of it can tell apart."""
    return frozenset(arpabet().values())


@cache
def arpabet() -> dict[str, str]:
    """Return the phone of each ARPAbet symbol, as it is compared."""
    table = rows("amharic_tts.phonemes", "english.tsv", ("arpabet", "phone", "others"))
    return {symbol: fold(phone, "en")[0] for symbol, phone, _ in table}


@cache
def _english_nearest() -> dict[str, str]:
    return {row[0]: row[1] for row in rows("amharic_tts.phonemes", "english_nearest.tsv")}


def ways_of_writing(languages: Sequence[str], language: str) -> str:
    """Return the language whose ways of writing a model follows.

    Args:
        languages: What the model knows; one of English alone writes everything as English.
        language: What is compared.
    """
    return "en" if tuple(languages) == ("en",) else language


def heard_phones(written: str, notation: str, language: str) -> tuple[str, ...]:
    """Return what a model wrote as the phones that are compared.

    Args:
        written: One of its symbols.
        notation: ``ipa`` or ``arpabet``.
        language: See `ways_of_writing`.
    """
    if notation == "arpabet":
        return fold(arpabet().get(written.rstrip("012").upper(), written), "en")
    return fold(written, language)


class Alphabet:
    """What a model can write, in the notation that is compared."""

    def __init__(
        self,
        symbols: Symbols | None,
        languages: Sequence[str] = (),
        language: str = "",
        notation: str = "ipa",
    ) -> None:
        """Gather the phones.

        Args:
            symbols: The model's; None where they are not known.
            languages: Those that it was trained on. One of English alone can only write English
                phones, whatever else its table holds.
            language: What is compared.
            notation: ``ipa`` or ``arpabet``.
        """
        self.english_only = english_only = tuple(languages) == ("en",)
        self.columns: dict[tuple[str, ...], tuple[int, ...]] = {}
        """The model's columns by the phones that they stand for."""
        self.modifiers: dict[str, int] = {}
        self.known = symbols is not None or english_only
        found: dict[tuple[str, ...], list[int]] = {}
        language = ways_of_writing(languages, language)
        for at, name in enumerate(symbols.names if symbols else ()):
            if symbols is None or at in (symbols.blank, symbols.word) or at in symbols.ignored:
                continue
            if at in symbols.modifiers:
                if not english_only:
                    self.modifiers[name] = at
                continue
            phones = heard_phones(name, notation, language)
            if phones and not (english_only and set(phones) - english()):
                found.setdefault(phones, []).append(at)
        self.columns = {phones: tuple(at) for phones, at in found.items()}
        written = {phone for phones in self.columns for phone in phones}
        self.phones = frozenset(written or (english() if english_only else ()))
        """The phones that it can write, some of them perhaps only together with another."""
        self._spelled: dict[str, tuple[str, ...]] = {}

    def writes(self, phone: str) -> bool:
        """Return whether it can write a phone; True where that is not known."""
        return not self.known or phone in self.phones

    def columns_of(self, part: str) -> tuple[int, ...]:
        """Return the columns of a phone or mark out of `spell`."""
        if (part,) in self.columns:
            return self.columns[(part,)]
        if part in self.modifiers:
            return (self.modifiers[part],)
        return tuple(at for phones, found in self.columns.items() if part in phones for at in found)

    def spell(self, phone: str) -> tuple[str, ...]:
        """Return how it would write a phone: itself, its parts, or its nearest one; () if none."""
        if phone not in self._spelled:
            self._spelled[phone] = self._spell(phone)
        return self._spelled[phone]

    def _spell(self, phone: str) -> tuple[str, ...]:
        if self.writes(phone):
            return (phone,)
        plain = phone.rstrip("".join(self.modifiers)) if self.modifiers else phone
        if plain != phone and plain in self.phones:
            return (plain, *phone[len(plain) :])
        parts = _SEGMENT.findall(phone)
        if len(parts) > 1 and all(part in self.phones for part in parts):
            return tuple(parts)
        if self.english_only and phone.rstrip("ːʼʷʰ") in _english_nearest():
            near = _english_nearest()[phone.rstrip("ːʼʷʰ")]
            return (near,) if near in self.phones else ()
        near = min(self.phones, key=lambda other: (distance(phone, other), other), default="")
        return (near,) if near and distance(phone, near) <= NEAR else ()
