"""Hear phonemes: IPA as espeak-ng's mnemonics, and what it says for them.

So that the outputs of two backends can be told apart by ear. What it can't say is named, never cut
silently: see ``data/espeak_mnemonics.tsv``.

Example:
    >>> speakable("səlːam ʕa")
    Speakable(mnemonics=("[[s|'@|l|l|a|m]]", "[['a]]"), dropped=('ʕ',))
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from amharic_tts.errors import StudioError, UserError
from amharic_tts.espeak import client
from amharic_tts.g2p.base import phone_table, phones, studio_notation
from amharic_tts.g2p.espeak_backend import VOICE, studio_ipa
from amharic_tts.text.tables import rows

RATE = 22_050
"""Samples a second."""
SPEED, PITCH = 120, 50
"""Words a minute, a little slower than people read, and espeak-ng's own pitch."""
_LONGEST_WORD = 40
"""Phones; longer words are said in parts."""
_AT_ONCE = 400
"""Characters of mnemonics: espeak-ng 1.52 cuts brackets apart somewhere beyond 800."""


class Speakable(NamedTuple):
    """Phonemes for espeak-ng."""

    mnemonics: tuple[str, ...]
    """One item in double brackets for each word."""
    dropped: tuple[str, ...]
    """Phones that espeak-ng's Amharic voice does not have, each once."""


class Spoken(NamedTuple):
    """What was heard."""

    samples: np.ndarray
    """Mono, float32 between -1 and 1, `RATE` a second."""
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class _Mnemonic:
    short: str
    long: str


@cache
def _table() -> dict[str, _Mnemonic]:
    found = rows("amharic_tts.g2p", "espeak_mnemonics.tsv")
    return {phone: _Mnemonic(short, "".join(long)) for phone, short, *long in found}


def mnemonic(phone: str) -> str:
    """Return how espeak-ng is told to say a phone; empty where it can't say it."""
    labialised = "ʷ" in phone
    entry = _table().get(phone.replace("ʷ", "").removesuffix("ː"))
    if entry is None:
        return ""
    said = entry.long if phone.endswith("ː") else entry.short
    return f"{said}|w" if said and labialised else said


def speakable(ipa: str) -> Speakable:
    """Return phonemes as espeak-ng takes them, and those that it can't say.

    The first vowel of each word is stressed, whatever the backend: no backend of the studio
    writes stress, and without any espeak-ng would say a word flat.
    """
    said, dropped = _chosen(ipa)
    return Speakable(tuple(_brackets(word) for word in said), dropped)


def speak(ipa: str) -> Spoken:
    """Return phonemes as sound.

    Raises:
        UserError: There is nothing in it that can be said.
        MissingPart: espeak-ng can't be run here.
        StudioError: espeak-ng said something else.
    """
    words, dropped = _chosen(ipa)
    if not words:
        raise UserError(
            f"There is nothing to say in `{ipa}`", "Give phonemes as the backends write them"
        )
    parts = _parts(words)
    answer = client.shared().ask(
        {
            "do": "pronounce",
            "voice": VOICE,
            "speed": SPEED,
            "pitch": PITCH,
            "texts": [" ".join(map(_brackets, part)) for part in parts],
        }
    )
    for part, heard in zip(parts, answer["ipa"], strict=True):
        read_back = [_plain(phones(word)) for word in studio_ipa(heard).split()]
        if read_back != [_plain(word) for word in part]:
            wanted = " ".join("".join(word) for word in part)
            raise StudioError(f"espeak-ng said `{heard}` for `{wanted}`")
    if answer["rate"] != RATE:
        raise StudioError(f"espeak-ng speaks at {answer['rate']} samples a second, not {RATE}")
    samples = np.frombuffer(base64.b64decode(answer["sound"]), dtype="<i2")
    return Spoken(samples.astype(np.float32) / 32_768, dropped)


def _chosen(ipa: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Return the words that can be said, as phones, and the phones that can't."""
    words: list[list[str]] = []
    dropped: dict[str, None] = {}
    for word in studio_notation(ipa).split():
        found = phones(word)
        dropped.update(dict.fromkeys(phone for phone in found if not mnemonic(phone)))
        said = [phone for phone in found if mnemonic(phone)]
        words += [said[at : at + _LONGEST_WORD] for at in range(0, len(said), _LONGEST_WORD)]
    return words, tuple(dropped)


def _parts(words: list[list[str]]) -> list[list[list[str]]]:
    """Share words out so that each part can be said at once."""
    parts: list[list[list[str]]] = [[]]
    length = 0
    for word in words:
        length += len(_brackets(word)) + 1
        if length > _AT_ONCE and parts[-1]:
            parts.append([])
            length = len(_brackets(word)) + 1
        parts[-1].append(word)
    return parts


def _brackets(word: list[str]) -> str:
    said = [mnemonic(phone) for phone in word]
    first = next((at for at, phone in enumerate(word) if _is_vowel(phone)), None)
    if first is not None:
        said[first] = "'" + said[first]
    return f"[[{'|'.join(said)}]]"


def _is_vowel(phone: str) -> bool:
    return phone in phone_table() and phone_table()[phone].kind == "vowel"


def _plain(word: list[str]) -> str:
    """Return phones without what espeak-ng may write in two ways: length, w, allophones, ts."""
    out = ""
    for phone in word:
        once = phone.replace("ʷ", "").removesuffix("ː")
        closure = "t" if once == "sʼ" else once
        out += closure * phone.endswith("ː") + ("ts" if once == "sʼ" else once)
        out += "w" * ("ʷ" in phone)
    return out.replace("β", "b").replace("x", "h")
