"""The user's own pronunciations: a file of words that goes before every backend.

A line is one of three; ``#`` starts a comment line, a third column is a note that nothing reads:

* ``word<TAB>phonemes``: IPA, with or without spaces between the phones, long consonants with ``ː``
  or written twice;
* ``word<TAB>spelling``: how it is read in Ethiopic letters, each long consonant marked with U+135F
  (a spelling without a mark has no long consonant);
* ``spelling``: the same for the word that is left without the marks; it needs at least one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors
from amharic_tts.g2p.base import inventory, phones, studio_notation
from amharic_tts.g2p.gemination import skeleton
from amharic_tts.g2p.letters import spell
from amharic_tts.g2p.rules import as_marked
from amharic_tts.g2p.words import tokens
from amharic_tts.text.ethiopic import GEMINATION, GEMINATION_AND_VOWEL_LENGTH, MARKS, is_letter

NAME = "lexicon"
"""What results name as the maker of phonemes that come from here."""
MOST_SHOWN = 10
"""How many wrong lines one error lists."""
_STRIP_MARKS = str.maketrans("", "", "".join(MARKS))


class BadLine(ValueError):
    """One line of a lexicon can't be used; the message says why."""


@dataclass(frozen=True)
class Piece:
    """A part of a text: a word with its reading, or what is left for a backend."""

    text: str
    ipa: str | None
    joined: bool
    """Whether it follows the piece before it without a boundary."""


class Lexicon:
    """Words and their phonemes."""

    def __init__(self, readings: dict[str, str], homophones: bool = False) -> None:
        """Hold words with valid phonemes; `load` and `parse` make them from a file.

        Args:
            readings: IPA in the studio's notation by word, the words without marks of length.
            homophones: Also find a word that is spelt with other letters of the same sound
                (ሠላም for ሰላም), where all such spellings in the lexicon have the same reading.
        """
        self._readings = dict(readings)
        self.homophones = homophones
        self._by_sound = _by_sound(readings) if homophones else {}
        lines = "".join(f"{word}\t{ipa}\n" for word, ipa in sorted(readings.items()))
        short = hashlib.sha256(lines.encode()).hexdigest()[:8]
        self.version = f"{NAME}-{short}{'-homophones' if homophones else ''}"

    @classmethod
    def load(cls, path: Path, homophones: bool = False) -> Lexicon:
        """Read a file in UTF-8.

        Raises:
            UserError: It can't be read, or lines are wrong; all of them are counted, the first
                ones are named with their numbers.
        """
        return cls.parse(read_lines(path), f"`{path}`", homophones)

    @classmethod
    def parse(cls, lines: Iterable[str], name: str, homophones: bool = False) -> Lexicon:
        """Read lines; see `load`."""
        readings: dict[str, str] = {}
        first: dict[str, int] = {}
        wrong: list[str] = []
        for number, raw in enumerate(lines, 1):
            line = raw.removesuffix("\r")
            if not line.strip() or line.startswith("#"):
                continue
            try:
                word, ipa = entry(line)
                if readings.setdefault(word, ipa) != ipa:
                    raise BadLine(f"`{word}` has another reading in line {first[word]}")
                first.setdefault(word, number)
            except BadLine as problem:
                wrong.append(f"line {number}: {problem}")
        if wrong:
            shown = "\n".join(wrong[:MOST_SHOWN])
            more = f"\nand {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
            raise UserError(
                f"The lexicon {name} has lines that can't be used:\n{shown}{more}",
                "A line is `word<TAB>phonemes`, `word<TAB>spelling` or a spelling with U+135F",
            )
        return cls(readings, homophones)

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self._readings)

    def get(self, word: str) -> str | None:
        """Return the reading of a word; None where it has none, or is marked in the text itself."""
        found = self._readings.get(word)
        if found is None and self._by_sound and all(map(is_letter, word)):
            found = self._by_sound.get(skeleton(spell(word)))
        return found

    def split(self, text: str) -> list[Piece]:
        """Cut a normalised text into words that are here and stretches between them."""
        pieces: list[Piece] = []
        rest, rest_joined, joined = "", False, False
        for kind, token in tokens(text):
            ipa = self.get(token) if kind == "word" else None
            if ipa is None:
                rest_joined = rest_joined if rest else joined and kind != "boundary"
                rest += token
            else:
                if rest:
                    pieces.append(Piece(rest, None, rest_joined))
                pieces.append(Piece(token, ipa, joined))
                rest = ""
            joined = kind != "boundary"
        if rest:
            pieces.append(Piece(rest, None, rest_joined))
        return [piece for piece in pieces if piece.ipa is not None or _speaks(piece.text)]


def join(pieces: Sequence[Piece], convert: Callable[[str], str]) -> str:
    """Return the IPA of a split text, what has no reading converted by a backend."""
    out = ""
    for piece in pieces:
        ipa = convert(piece.text) if piece.ipa is None else piece.ipa
        out += ipa if piece.joined or not (out and ipa) else f" {ipa}"
    return out


def read_lines(path: Path, name: str = "") -> list[str]:
    """Return the lines of a list in UTF-8.

    Args:
        path: The file.
        name: What messages call it; empty takes the path.

    Raises:
        UserError: It is not there, can't be read, or is not UTF-8 (which line).
    """
    if not path.is_file():
        raise UserError(f"There is no file `{path}`", "Give a text file in UTF-8")
    with disk_errors(path):
        raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"Line {line} of `{name or path}` is not UTF-8", "Save the file as UTF-8"
        ) from error
    return text.split("\n")


def entry(line: str) -> tuple[str, str]:
    """Return the word and the IPA of one line.

    Raises:
        BadLine: It can't be used.
    """
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) > 3:
        raise BadLine(f"it has {len(columns)} columns, not two and a note")
    if len(columns) == 1:
        if GEMINATION not in line and GEMINATION_AND_VOWEL_LENGTH not in line:
            raise BadLine(f"`{columns[0]}` has neither phonemes nor a mark of length (U+135F)")
        columns.append(columns[0])
        columns[0] = columns[0].translate(_STRIP_MARKS)
    word, reading = columns[0], columns[1]
    if not word or not all(map(is_letter, word)):
        raise BadLine(f"`{word}` is not one Ethiopic word without marks")
    if not reading:
        raise BadLine(f"`{word}` has no reading")
    return word, spelt(reading) if any(map(is_letter, reading)) else valid_phones(reading)


def spelt(spelling: str) -> str:
    """Return the IPA of a spelling whose long consonants are all marked.

    Raises:
        BadLine: It is not one Ethiopic word, or begins with a mark.
    """
    if spelling[0] in MARKS or not all(is_letter(c) or c in MARKS for c in spelling):
        raise BadLine(f"the spelling `{spelling}` is not one Ethiopic word")
    return as_marked(spelling)


def valid_phones(ipa: str) -> str:
    """Return IPA in the studio's notation, a consonant written twice as a long one.

    Raises:
        BadLine: It holds phones that Amharic has not; each is named.
    """
    known = _inventory()
    found: list[str] = []
    for phone in phones(studio_notation(ipa)):
        if found and phone == found[-1] and f"{phone}ː" in known:
            found[-1] += "ː"
        else:
            found.append(phone)
    unknown = dict.fromkeys(phone for phone in found if phone not in known)
    if unknown:
        listed = ", ".join(f"`{phone}`" for phone in unknown)
        raise BadLine(f"{listed} in `{ipa}`: no phone of Amharic")
    return "".join(found)


@cache
def _inventory() -> frozenset[str]:
    return frozenset(inventory())


def _by_sound(readings: dict[str, str]) -> dict[str, str]:
    sounds: dict[str, set[str]] = {}
    for word, ipa in readings.items():
        sounds.setdefault(skeleton(spell(word)), set()).add(ipa)
    return {sound: ipa.pop() for sound, ipa in sounds.items() if len(ipa) == 1}


def _speaks(text: str) -> bool:
    return any(kind != "boundary" for kind, _ in tokens(text))
