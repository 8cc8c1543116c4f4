"""`phones.jsonl`: all results of a batch, one JSON object a line, and what was heard already.

Lines are only appended while the work goes on, so that a kill at any moment costs the sound at
hand; the last line of a sound counts. At the end the file is written anew without the old lines.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors, writing
from amharic_tts.phonemes import export
from amharic_tts.phonemes.batch_files import Stamp

NAME = "phones.jsonl"
TABLE = "phones.csv"


@dataclass(frozen=True)
class Entry:
    """What the table knows about one sound without its phones."""

    file: str
    """Where its own result lies, in the folder, without ending."""
    stamp: Stamp
    made: str
    """Hash of everything that the result depends on but the sound; empty while it is not made."""
    begins: int
    """Byte at which its line begins."""


class Ledger:
    """The results in a folder.

    Raises:
        UserError: A file of that name is there and holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.table = folder / TABLE
        self.entries: dict[str, Entry] = {}
        self._lines = 0
        if self.path.exists():
            self._read()
        elif self.table.exists():
            raise UserError(
                f"`{self.table}` is there already and not from a batch",
                "Choose another folder with --out",
            )

    def _read(self) -> None:
        at = 0
        with disk_errors(self.path), open(self.path, "rb") as file:
            for raw in file:
                begins, at = at, at + len(raw)
                if not raw.endswith(b"\n"):
                    break  # a killed batch left half a line
                try:
                    line = json.loads(raw)
                except ValueError:
                    continue  # what a second batch after such a kill went on from
                self._take(line, begins)

    def _take(self, line: Any, begins: int) -> None:
        try:
            stamp = Stamp(int(line["bytes"]), int(line["modified"]), str(line["sha256"]))
            entry = Entry(str(line["file"]), stamp, str(line["made"]), begins)
            self.entries[str(line["path"])] = entry
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"`{self.path}` is there already and not from a batch",
                "Choose another folder with --out",
            ) from error
        self._lines += 1

    def claim(self, key: str, file: str) -> None:
        """Write down that a result file is ours, before it is there or replaced."""
        if key not in self.entries or self.entries[key].made:
            self.add(key, Entry(file, Stamp(0, 0), "", 0), {})

    def add(self, key: str, entry: Entry, result: dict[str, Any]) -> None:
        """Append a line.

        Raises:
            UserError: The disk is full, or the folder can't be written any more.
        """
        stamp = entry.stamp
        line = {
            **result,
            "path": key,
            "file": entry.file,
            "bytes": stamp.size,
            "modified": stamp.modified,
            "sha256": stamp.sha256,
            "made": entry.made,
        }
        raw = json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"
        with disk_errors(self.path), open(self.path, "a+b") as file:
            begins = file.seek(0, os.SEEK_END)
            if begins:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    raw, begins = b"\n" + raw, begins + 1
            file.write(raw)
        self.entries[key] = Entry(entry.file, stamp, entry.made, begins)
        self._lines += 1

    def result(self, key: str) -> dict[str, Any]:
        """Return the line of a sound."""
        return dict(json.loads(self._raw(key)))

    def _raw(self, key: str) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(self.entries[key].begins)
            return file.readline()

    def finished(self) -> Iterator[dict[str, Any]]:
        """Yield the results in the order of their files, one at a time in memory."""
        for key in sorted(self.entries, key=lambda key: (self.entries[key].file, key)):
            if self.entries[key].made:
                yield self.result(key)

    def close(self) -> None:
        """Write both tables anew: `phones.jsonl` without old lines, `phones.csv` from it.

        Raises:
            UserError: The disk is full.
        """
        if self._lines > len(self.entries):
            with writing(self.path) as file:
                for key in sorted(self.entries, key=lambda key: self.entries[key].begins):
                    file.write(self._raw(key))
            self.entries.clear()
            self._lines = 0
            self._read()
        with writing(self.table) as file:
            text = TextIOWrapper(file, encoding="utf-8", newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow((*export.CSV_COLUMNS, "model"))
            for line in self.finished():
                found = export.from_dict(line)
                for row in export.csv_rows(line["audio"], found):
                    writer.writerow((*row, found.model))
            text.flush()
            text.detach()
