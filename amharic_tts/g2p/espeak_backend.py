"""The backend `espeak`: espeak-ng's Amharic voice, asked over pipes, in the studio's notation.

The best public letter table for Amharic, without long consonants and with ɨ after every sixth-order
letter but the last. Each word is read by itself: measured on 3,169 words, the neighbours change
nothing but stress. Left to others, and left in the output as it is written so that the next backend
is asked: the letters of ``data/espeak_unread.tsv`` and the marks of a long consonant.
"""

from __future__ import annotations

import importlib.metadata
import re
import threading
from collections.abc import Iterable
from functools import cache

from amharic_tts.espeak import client
from amharic_tts.g2p.base import Availability, studio_notation
from amharic_tts.g2p.words import by_word, tokens
from amharic_tts.text.ethiopic import GEMINATION, GEMINATION_AND_VOWEL_LENGTH, is_letter
from amharic_tts.text.tables import rows

VOICE = "am"
NOTATION = 1
"""Raised with every change of `studio_ipa`."""
LONGEST_PIECE = 50
"""Letters read at once: espeak-ng 1.52 breaks a word after its 66th Ethiopic letter."""
_AT_ONCE = 4_096
_MOST_KEPT = 65_536

_SWITCH = re.compile(r"\([a-z-]+\)")
_LABIALISED = re.compile("([hlmsrʃkbvtnɲʔzʒdɡpfŋxβçʼ]ː?)w(?!w)")
_ALLOPHONES = str.maketrans({"β": "b", "ç": "h", "x": "h"})


def studio_ipa(ipa: str, fold: bool = True) -> str:
    """Return espeak-ng's IPA in the studio's notation.

    - ``(en)``, ``(am)``: dropped, a switch of language is no sound.
    - ``ˈ``, ``ˌ``: dropped, the studio writes no stress.
    - a backtick becomes ``ʼ``: it marks its ejectives.
    - ``ts`` becomes ``sʼ``: it writes so what it says for ጸ; it has a vowel between ት and ስ
      (``tɨs``), so that no other ``ts`` comes out of Amharic letters.
    - ``kw`` becomes ``kʷ``: for the same reason only the labialised letters give it.
    - ``β`` becomes ``b``, ``ç`` and ``x`` become ``h`` unless `fold` is off: sounds that one
      phoneme has in certain places (FSI Amharic Basic Course I, p. 7), which are not written.
    """
    ipa = _SWITCH.sub("", ipa).replace("ˈ", "").replace("ˌ", "").replace("`", "ʼ")
    ipa = re.sub("t(ː?)s(?!ʼ)", "sʼ\\1", ipa)
    ipa = studio_notation(_LABIALISED.sub("\\1ʷ", ipa))
    return ipa.translate(_ALLOPHONES) if fold else ipa


class EspeakBackend:
    """espeak-ng out of the package `espeakng-loader`, in a process of its own (GPL-3.0)."""

    name = "espeak"
    writes_long = False
    writes_stress = True

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The package's version, the voice, and the version of the mapping."""
        try:
            package = f"-{importlib.metadata.version('espeakng-loader')}"
        except importlib.metadata.PackageNotFoundError:
            package = ""
        return f"espeakng-loader{package}/{VOICE}-{NOTATION}"

    def availability(self) -> Availability:
        """Return whether the package is installed; the library is not loaded for it."""
        if not client.installed():
            return Availability(
                False, "the package `espeakng-loader` is not installed", client.HINT
            )
        return Availability(True)

    def convert(self, text: str) -> str:
        """Return the IPA of a text; letters that espeak-ng does not read stay Ethiopic.

        Raises:
            MissingPart: espeak-ng is not installed or can't be run here.
        """
        words = {token: _pieces(token) for kind, token in tokens(text) if kind == "word"}
        wanted = (piece for pieces in words.values() for piece in pieces if is_letter(piece[0]))
        read = self._read(piece for piece in wanted if piece[0] not in _unread())
        return by_word(text, lambda word: "".join(read.get(piece, piece) for piece in words[word]))

    def _read(self, pieces: Iterable[str]) -> dict[str, str]:
        wanted = dict.fromkeys(pieces)
        with self._lock:
            found = {piece: self._known[piece] for piece in wanted if piece in self._known}
        new = [piece for piece in wanted if piece not in found]
        for at in range(0, len(new), _AT_ONCE):
            texts = new[at : at + _AT_ONCE]
            answer = client.shared().ask({"do": "read", "voice": VOICE, "texts": texts})
            made = dict(zip(texts, map(studio_ipa, answer["ipa"]), strict=True))
            found.update(made)
            with self._lock:
                if len(self._known) > _MOST_KEPT:
                    self._known.clear()
                self._known.update(made)
        return found


@cache
def _unread() -> frozenset[str]:
    return frozenset("".join(row[1] for row in rows("amharic_tts.g2p", "espeak_unread.tsv")))


@cache
def _cuts() -> re.Pattern[str]:
    unread = "".join(_unread())
    return re.compile(f"[{unread}]|[^{unread}]{{1,{LONGEST_PIECE}}}")


def _pieces(word: str) -> list[str]:
    """Return what is read piece by piece; last the marks of length, which nothing here reads.

    Vowel length and tone marks are no sounds of Amharic.
    """
    letters = "".join(filter(is_letter, word))
    marks = [c for c in word if c in (GEMINATION, GEMINATION_AND_VOWEL_LENGTH)]
    return [*_cuts().findall(letters), *marks]
