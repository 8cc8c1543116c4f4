"""What every G2P backend is: a name, a version, an answer whether it works here, and `convert`.

The studio writes one notation whatever the backend: IPA without tie bars, `ɡ` (U+0261), ejectives
with `ʼ` (U+02BC), `kʼ` and `sʼ` (not `q`, `t͡sʼ`), labialised consonants with `ʷ`, long consonants
with `ː`, marks in the order `ʼʷː`; one space between words; punctuation kept out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from amharic_tts.text.tables import rows


@dataclass(frozen=True)
class Availability:
    """Whether a backend works on this machine; where not, why, and the command that mends it."""

    ok: bool
    reason: str = ""
    hint: str = ""


class Backend(Protocol):
    """One way to turn Amharic text into phonemes."""

    @property
    def name(self) -> str:
        """The name that commands, configurations and datasets use."""

    @property
    def version(self) -> str:
        """Changes whenever the output may; names the table or the model that is used."""

    @property
    def writes_long(self) -> bool:
        """Whether it can tell long consonants (``ː``) where the text does not mark them."""

    @property
    def writes_stress(self) -> bool:
        """Whether its source marks stress. The studio's notation has none: it is dropped."""

    def availability(self) -> Availability:
        """Return whether it works here, without loading anything heavy."""

    def convert(self, text: str) -> str:
        """Return the IPA of a text that `amharic_tts.text.normalize` has been over.

        What can't be pronounced (digits, other scripts) is passed through, never dropped.

        Raises:
            MissingPart: The backend is not available here.
        """


# A consonant with its marks, or a vowel; anything else is a phone of one character. `tʃ` without a
# tie bar is read as the affricate: the sequence t + ʃ is written the same and is rare.
_PHONE = re.compile(
    "(?:t[͜͡]?ʃ|d[͜͡]?ʒ|t[͜͡]s|ts(?=ʼ)|[^\\W\\d_]|\\S)[\u02bc\u02b0\u02b2\u02b7\u02d0\u02d1\u0300-\u036f]*"
)


def phones(ipa: str) -> list[str]:
    """Split IPA into phones, marks joined to their consonant: ``tʃʼəbːɨ`` -> tʃʼ ə bː ɨ.

    White space separates and is left out; nothing else is dropped, so that joining the phones of a
    word gives the word.
    """
    return _PHONE.findall(ipa)


def studio_phones(ipa: str) -> list[str]:
    """Split IPA in the studio's notation, where ጸ is `sʼ`, so that `tsʼ` is a t before it.

    Such as in አትጽፍ, ``ʔatsʼɨf``. `phones` takes it for the affricate of other notations.
    """
    found: list[str] = []
    for phone in phones(ipa):
        found += ["t", phone[1:]] if phone.startswith("tsʼ") else [phone]
    return found


@dataclass(frozen=True)
class Phone:
    """One line of the inventory."""

    phone: str
    kind: str
    """``vowel`` or ``consonant``."""
    sonority: int
    """Place on the sonority scale of `rules`, 0 (stops) to 9 (vowels)."""


@cache
def phone_table() -> dict[str, Phone]:
    """Return the short, plain phones of Amharic, from ``data/phones.tsv``."""
    table = rows("amharic_tts.g2p", "phones.tsv")
    return {row[0]: Phone(row[0], row[1], int(row[2])) for row in table}


def inventory() -> list[str]:
    """Return every phone that our backends may write for Amharic, long and labialised ones too."""
    found: list[str] = []
    for phone in phone_table().values():
        if phone.kind == "vowel":
            found.append(phone.phone)
        else:
            shapes = ("", "ʷ") if phone.phone not in ("w", "j") else ("",)
            found += [f"{phone.phone}{shape}{length}" for shape in shapes for length in ("", "ː")]
    return found


_NOTATION = (
    *(("͡", ""), ("͜", ""), ("g", "ɡ"), ("’", "ʼ"), ("'", "ʼ")),
    *(("tsʼ", "sʼ"), ("qʼ", "kʼ"), ("q", "kʼ"), ("ːʼ", "ʼː"), ("ːʷ", "ʷː"), ("ʷʼ", "ʼʷ")),
)


def studio_notation(ipa: str) -> str:
    """Return IPA of another source in the studio's notation; no sound is changed by it.

    Tie bars go; ቀ is `kʼ`, not `q`; ጸ is `sʼ`, not `t͡sʼ` (one phoneme, two notations each).
    """
    for other, ours in _NOTATION:
        ipa = ipa.replace(other, ours)
    return ipa
