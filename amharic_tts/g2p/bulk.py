"""A long list by every backend, line by line into a table; memory holds one line."""

from __future__ import annotations

import codecs
import csv
import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Clock, Done, Event, Finding
from amharic_tts.files import disk_errors, writing
from amharic_tts.g2p import registry
from amharic_tts.g2p.base import Backend
from amharic_tts.g2p.compare import Comparison, compare
from amharic_tts.g2p.lexicon import Lexicon
from amharic_tts.spreadsheet import harmless
from amharic_tts.text.lines import decoded

PAUSE = 0.5
"""Seconds between two events of progress; at each, the reader may stop the work."""
FORMS = (".csv", ".tsv")
_HINT = "Save the list as text in UTF-8, one text a line"
_BREAKS = str.maketrans(dict.fromkeys("\t\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))


@dataclass(frozen=True)
class ListRequest:
    """What is to be converted and where to."""

    source: Path
    """UTF-8, one text a line; of a line with tabs, what stands before the first one."""
    out: Path
    """The table: ``.csv`` for spreadsheets, ``.tsv`` plain."""
    backends: tuple[str, ...] = ()
    """Names; none takes all that work here."""
    lexicon: Path | None = None
    """The user's own words; they go before every backend."""

    def check(self) -> None:
        """Check the files before any work.

        Raises:
            UserError: There is no such list, or the table has another ending.
        """
        if not self.source.is_file():
            raise UserError(f"There is no file `{self.source}`", _HINT)
        if self.out.suffix.lower() not in FORMS:
            raise UserError(
                f"`{self.out.name}` is no name of a table", "Let it end in `.csv` or `.tsv`"
            )


def convert_list(request: ListRequest) -> Iterator[Event]:
    """Write a row for each line that is not empty: text, normalised text, each backend's phonemes.

    Stopped half way, it leaves no table.

    Yields:
        Progress and findings, then `Done` with ``file``, ``rows``, ``differ`` (rows on which the
        backends do not agree), ``backends`` and ``unavailable``.

    Raises:
        UserError: See `ListRequest.check`; or a line is not UTF-8, the list is empty, a backend
            is not known, the lexicon has lines that can't be used, the disk is full.
        MissingPart: A backend that was named does not work here.
    """
    request.check()
    lexicon = Lexicon.load(request.lexicon) if request.lexicon else None
    chosen = _chosen(request.backends)
    missing = [b.name for b in registry.backends() if not b.availability().ok]
    for name in () if request.backends else missing:
        reason = registry.get(name).availability().reason
        yield Finding("g2p_unavailable", f"not in the table: {reason}", "info", name)
    clock = Clock(_count(request.source), "lines")
    names = [backend.name for backend in chosen]
    rows = differ = 0
    told = float("-inf")
    lines = _Lines(request.source)
    with writing(request.out) as out:
        table = _Table(out, request.out.suffix.lower() == ".tsv")
        table.row(["line", "text", "normalized", *names, "agree", "problems"])
        for found in compare(lines, names, lexicon):
            if time.monotonic() - told >= PAUSE:
                told = time.monotonic()
                yield clock.progress(min(lines.number - 1, clock.total))
            table.row(_cells(lines.number, found))
            rows += 1
            differ += not found.agree
        if not rows:
            raise UserError(f"`{request.source.name}` holds no text", _HINT)
    if lines.cut:
        message = f"further columns were not read, on {lines.cut} lines"
        yield Finding("g2p_columns", message, "warning", request.source.name)
    about = {"file": str(request.out), "rows": rows, "differ": differ}
    yield Done({**about, "backends": names, "unavailable": missing})


def _chosen(names: Sequence[str]) -> list[Backend]:
    if not names:
        return [backend for backend in registry.backends() if backend.availability().ok]
    chosen = [registry.get(name) for name in dict.fromkeys(names)]
    for backend in chosen:
        state = backend.availability()
        if not state.ok:
            message = f"The backend `{backend.name}` does not work here: {state.reason}"
            raise MissingPart(message, state.hint)
    return chosen


def _count(source: Path) -> int:
    with disk_errors(source), open(source, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


class _Lines:
    """The texts of a list: of each line that is not empty, what stands before the first tab."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self.number = 0
        """Line of the last text, from 1."""
        self.cut = 0
        """Lines with more than one column so far."""

    def __iter__(self) -> Iterator[str]:
        where = f"of `{self._source.name}`"
        with disk_errors(self._source), open(self._source, "rb") as file:
            for number, line in decoded(file, lambda at: f"Line {at} {where}", _HINT):
                text, tab, _ = line.rstrip("\r\n").partition("\t")
                self.number, self.cut = number, self.cut + bool(tab)
                if text.strip():
                    yield text


def _cells(number: int, found: Comparison) -> list[object]:
    problems = [f"{side.backend}: {p}" for side in found.sides for p in side.problems]
    if found.unpronounced:
        problems.append(f"without a sound in Amharic: {' '.join(found.unpronounced)}")
    outputs = (side.ipa for side in found.sides)
    agree = "yes" if found.agree else "no"
    return [number, found.text, found.normalized, *outputs, agree, "; ".join(problems)]


class _Table:
    """Rows of a file in UTF-8: CSV as spreadsheets read it, or plain TSV without quotes."""

    def __init__(self, file: BinaryIO, plain: bool) -> None:
        self._file, self._plain = file, plain
        if not plain:
            file.write(codecs.BOM_UTF8)

    def row(self, cells: Sequence[object]) -> None:
        """Write one row."""
        if self._plain:
            line = "\t".join(str(cell).translate(_BREAKS) for cell in cells) + "\n"
        else:
            buffer = io.StringIO()
            csv.writer(buffer).writerow([harmless(cell) for cell in cells])
            line = buffer.getvalue()
        self._file.write(line.encode("utf-8", "replace"))


def short_text(path: Path, most: int) -> str:
    """Return the texts of a short list, a line each, to be shown at once.

    Args:
        path: UTF-8, one text a line; of a line with tabs, what stands before the first one.
        most: Characters that it may have.

    Raises:
        UserError: A line is not UTF-8, there is no text in it, or it is too long.
    """
    found: list[str] = []
    length = 0
    for text in _Lines(path):
        found.append(text)
        length += len(text) + 1
        if length > most + 1:
            raise UserError(
                f"`{path.name}` has more than {most} characters", "Convert it as a long list"
            )
    if not found:
        raise UserError(f"`{path.name}` holds no text", _HINT)
    return "\n".join(found)
