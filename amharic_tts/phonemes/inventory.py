"""Which phones a recogniser may write: those of a language, or a given list."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import Symbols

LANGUAGES = ("am", "en")

# Two notations of one sound: Amharic's ቀ and ጸ (see `g2p.base`).
_SAME = {"q": "kʼ", "tsʼ": "sʼ"}
_SPELLINGS = (
    *(("͡", ""), ("͜", ""), ("ˈ", ""), ("ˌ", ""), ("g", "ɡ"), ("ʧ", "tʃ"), ("ʤ", "dʒ")),
    *(("’", "ʼ"), ("'", "ʼ"), ("ːʼ", "ʼː"), ("ːʷ", "ʷː"), ("ʷʼ", "ʼʷ")),
)


def plain(phone: str) -> str:
    """Return a phone without tie bars and stress, in one spelling (``d͡ʒ`` -> ``dʒ``)."""
    phone = unicodedata.normalize("NFC", phone.strip())
    for other, ours in _SPELLINGS:
        phone = phone.replace(other, ours)
    return phone


@cache
def of_language(language: str) -> frozenset[str]:
    """Return the phones of ``am`` (`g2p.base.inventory`) or ``en`` (``data/english.tsv``).

    Raises:
        UserError: There is no list for that language.
    """
    if language == "am":
        from amharic_tts.g2p import base

        return frozenset(base.inventory())
    if language == "en":
        return frozenset(phone for spellings in _english() for phone in spellings)
    raise UserError(f"There is no list of the phones of `{language}`", _hint())


def given(inventory: Sequence[str] | str) -> frozenset[str]:
    """Return the phones of a language code, a text file, a string or a list.

    Args:
        inventory: ``am`` or ``en``; a file with phones apart by spaces or lines (a line that
            begins with ``#`` is a comment); phones apart by spaces or commas; or a list of phones.

    Raises:
        UserError: Neither a language nor a file nor several phones, or no phones in it.
    """
    if not isinstance(inventory, str):
        found = [phone for phone in inventory if phone.strip()]
    elif inventory.strip() in LANGUAGES:
        return of_language(inventory.strip())
    elif _is_file(inventory):
        found = _read(Path(inventory))
    else:
        found = inventory.replace(",", " ").split()
        if len(found) == 1:
            raise UserError(f"`{inventory}` is neither a language nor a file of phones", _hint())
    if not found:
        raise UserError("The inventory holds no phones", _hint())
    return frozenset(found)


def allowed(symbols: Symbols, phones: Iterable[str]) -> frozenset[int]:
    """Return the columns of a model that write these phones, its blank and word mark included.

    A phone is written by one column (``tʃ``) or by several (``b`` and ``ː``); modifiers are allowed
    as soon as one phone has them.

    Raises:
        UserError: The model can write none of them.
    """
    columns = _columns(symbols)
    wanted = {plain(phone) for phone in phones}
    found = {i for phone in wanted for name in _writing(phone, columns) for i in columns[name]}
    if not found - symbols.modifiers:
        some = ", ".join(sorted(wanted)[:10])
        raise UserError(f"The model can write none of the phones {some}", _hint())
    also = {symbols.blank} if symbols.word is None else {symbols.blank, symbols.word}
    return frozenset(found | also)


def missing(symbols: Symbols, phones: Iterable[str]) -> list[str]:
    """Return the phones that a model can't write, sorted; one stands for its long forms too."""
    columns = _columns(symbols)
    wanted = {plain(phone) for phone in phones}
    lost = {phone for phone in wanted if not _writing(phone, columns)}
    return sorted(phone for phone in lost if not lost & _shorter(phone))


def _shorter(phone: str) -> set[str]:
    """Return the phone without its length, its rounding, or both."""
    return {phone.replace("ː", ""), phone.replace("ʷ", ""), phone.rstrip("ʷː")} - {phone}


def _columns(symbols: Symbols) -> dict[str, list[int]]:
    """Return the columns that write sounds by their plain name."""
    found: dict[str, list[int]] = {}
    for i, name in enumerate(symbols.names):
        if i not in symbols.ignored and i not in (symbols.blank, symbols.word):
            key = plain(name)
            found.setdefault(_SAME.get(key, key), []).append(i)
    return found


def _writing(phone: str, columns: dict[str, list[int]]) -> list[str]:
    """Return the columns' names that joined are the phone, the longest first; else nothing."""
    phone = _SAME.get(phone, phone)
    found, at = [], 0
    while at < len(phone):
        end = next((e for e in range(len(phone), at, -1) if phone[at:e] in columns), None)
        if end is None:
            return []
        found.append(phone[at:end])
        at = end
    return found


@cache
def _english() -> tuple[tuple[str, ...], ...]:
    from amharic_tts.text.tables import rows

    table = rows("amharic_tts.phonemes", "english.tsv", ("arpabet", "phone", "others"))
    return tuple((phone, *others.split()) for _, phone, others in table)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or a null character in it
        return False


def _read(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"`{path}` can't be read as a list of phones: {error}", "Write it as UTF-8 text"
        ) from error
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return " ".join(lines).replace(",", " ").split()


def _hint() -> str:
    languages = ", ".join(f"`{language}`" for language in LANGUAGES)
    return f"Give {languages}, a text file, or phones apart by spaces"
