"""Lists of words with their pronunciation by people: what a backend is measured against."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors
from amharic_tts.g2p.symbols import segments
from amharic_tts.text.lines import decoded

_FORM = "A gold file has a word, a tab and its IPA on each line: `ሰላም<TAB>s ə l a m`"


@dataclass(frozen=True)
class GoldLine:
    """One pronunciation of one word."""

    number: int
    """Line number in the file, from 1."""
    word: str
    ipa: str
    extra: tuple[str, ...] = ()
    """Further columns; they are not looked at here."""


@dataclass(frozen=True)
class GoldFile:
    """A list of pronunciations; a word may have several lines, each of them right."""

    name: str
    lines: tuple[GoldLine, ...]

    @property
    def words(self) -> dict[str, list[str]]:
        """The pronunciations of each word, both in the order of the file."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            found.setdefault(line.word, []).append(line.ipa)
        return found

    @classmethod
    def read(cls, path: Path, name: str = "") -> GoldFile:
        """Read a file of ``word<TAB>IPA`` in UTF-8, with or without a byte-order mark.

        Further columns are kept aside, empty lines are passed over; `\\r\\n` ends a line too.

        Args:
            path: The file.
            name: What messages call it; empty takes the path.

        Raises:
            UserError: No such file, nothing in it, or a line that is not UTF-8, has no word, or has
                no IPA; the message has the number of the line.
        """
        shown = name or str(path)
        if not path.is_file():
            raise UserError(f"There is no file `{shown}`", _FORM)
        with disk_errors(path), open(path, "rb") as file:
            lines = tuple(_parsed(file, shown))
        if not lines:
            raise UserError(f"`{shown}` holds no words", _FORM)
        return cls(path.name, lines)


def _parsed(raw_lines: Iterable[bytes], path: str) -> Iterator[GoldLine]:
    hint = "Save the file as UTF-8 (in a spreadsheet: text with tabs, UTF-8)"
    for number, text in decoded(raw_lines, lambda at: f"`{path}` line {at}", hint):
        where = f"`{path}` line {number}"
        text = text.rstrip("\r\n")
        if not text.strip():
            continue
        word, *columns = text.split("\t")
        if not columns:
            raise UserError(f"{where} has no tab: `{text[:60]}`", _FORM)
        word = unicodedata.normalize("NFC", word.strip())
        if not word:
            raise UserError(f"{where} has no word before its tab", _FORM)
        if not segments(columns[0]):
            raise UserError(f"{where} has no IPA for `{word[:60]}`", _FORM)
        yield GoldLine(number, word, columns[0], tuple(columns[1:]))
