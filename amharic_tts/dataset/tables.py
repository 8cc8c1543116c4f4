"""Transcript tables: which separator, which columns, and every row with its line number.

`id|text`, `id|raw|normalised` (LJSpeech), `audio_file|text|speaker_name` (coqui), CSV and TSV, with
or without a header. What was decided is told as a finding, so that a wrong guess can be seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from amharic_tts.dataset.textfile import read_text
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_HEADER = {
    "audio": "audio_file audio file file_name filename path wav wav_file id clip clip_id "
    "utterance utterance_id",
    "text": "text transcript transcription sentence raw_text raw raw_transcription",
    "normalised": "normalized_text normalised_text normalized normalised "
    "normalized_transcription normalised_transcription",
    "speaker": "speaker_name speaker speaker_id client_id",
}
_ROLES = {word: role for role, words in _HEADER.items() for word in words.split()}
_NAMES = {"audio": "audio", "text": "text", "normalised": "normalised text", "speaker": "speaker"}
_MAX_SPEAKER = 40
_MAX_QUOTED_LINES = 50
_OPEN = re.compile(r'\s*"[^"]*(?:""[^"]*)*')
"""A quoted cell that goes on after the end of the line."""
_EXAMPLE = "Write a first line such as `audio_file|text|speaker_name`, or lines `id|text`"


@dataclass(frozen=True)
class TableRow:
    """One row: `audio` names a file in any way, `problem` says why the row can't be understood."""

    line: int
    audio: str
    text: str
    speaker: str = ""
    problem: str = ""
    raw: str = ""
    """The text as it was written, where `text` is from a column of normalised ones."""


@dataclass(frozen=True)
class Table:
    """The rows of a transcript table and what was decided while reading it."""

    path: Path
    rows: list[TableRow]
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class _Line:
    number: int
    cells: list[str]


def read_table(path: Path) -> Table:
    """Read a transcript table.

    Raises:
        UserError: No such file, another encoding, no rows, no separator, or unclear columns.
    """
    if path.suffix.lower() in (".jsonl", ".parquet"):
        from amharic_tts.dataset.records import read_records

        return read_records(path)
    text = read_text(path)
    lines = [line for line in enumerate(text.split("\n"), 1) if line[1].strip()]
    if not lines:
        raise UserError(f"`{path}` holds no rows", _EXAMPLE)
    separator = _separator(path, [line for _, line in lines])
    findings: list[Finding] = []
    cells = _cells(path, lines, separator, findings)
    roles = roles_of(cells[0].cells)
    if roles:
        unused = [name for name, role in zip(cells[0].cells, roles, strict=True) if not role]
        cells = cells[1:]
        if not cells:
            raise UserError(f"`{path}` holds a header and no rows", _EXAMPLE)
    else:
        roles, unused = _guess_roles(path, cells, separator), []
    findings.append(columns_finding(path, roles, unused, header=bool(_header_line(lines, cells))))
    return Table(path, [_row(line, roles, separator) for line in cells], findings)


def _header_line(lines: Sequence[tuple[int, str]], cells: Sequence[_Line]) -> bool:
    return cells[0].number != lines[0][0]


def columns_finding(
    path: Path, roles: Sequence[str], unused: Sequence[str], header: bool
) -> Finding:
    """Return what the columns of a table were taken for."""
    read_as = " | ".join(_NAMES[role] for role in roles if role)
    start = "the header says" if header else "no header; read as"
    tail = f"; not used: {', '.join(unused)}" if unused else ""
    return Finding("columns", f"{start} {read_as}{tail}", "info", path.name)


def _separator(path: Path, lines: Sequence[str]) -> str:
    """Return the separator: the header's, else the one that comes first in most lines."""
    for separator in "|\t,;":
        if roles_of(_split(lines[0], separator)):
            return separator
    for candidates in ("|\t", ",;"):
        first = Counter(
            min((line.index(c), c) for c in candidates if c in line)[1]
            for line in lines[:200]
            if any(c in line for c in candidates)
        )
        if first and sum(first.values()) * 2 > len(lines[:200]):
            return first.most_common(1)[0][0]
    raise UserError(f"`{path}` has no `|`, tab or comma between the columns", _EXAMPLE)


def _split(line: str, separator: str) -> list[str]:
    """Split a line; a cell is unquoted only where its closing quote ends the cell.

    So the lone quotation mark of ``id|"Printing," he said`` stays a letter like any other. White
    space stays: a separator inside the text is put back later.
    """
    return _scan(line, separator)[0]


@cache
def _quoted(separator: str) -> re.Pattern[str]:
    return re.compile(rf'\s*"([^"]*(?:""[^"]*)*)"\s*(?={re.escape(separator)}|$)')


def _scan(line: str, separator: str) -> tuple[list[str], int]:
    """Return the cells and where the last one begins if it opens a quote and never closes it."""
    cells, at = [], 0
    while True:
        match = _quoted(separator).match(line, at)
        if match:
            cells.append(match[1].replace('""', '"'))
            end = match.end()
        else:
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end])
        if end >= len(line):
            return cells, at if not match and _OPEN.fullmatch(line, at) else -1
        at = end + 1


def _cells(
    path: Path, lines: Sequence[tuple[int, str]], separator: str, findings: list[Finding]
) -> list[_Line]:
    found, index = [], 0
    while index < len(lines):
        number, line = lines[index]
        used, opened = 1, -1
        if separator in ",;":
            opened = _scan(line, separator)[1]
        if opened >= 0:
            used = _quoted_lines(lines, index, separator, opened)
            if used == 1:
                findings.append(_stray_quote(path, number, line[opened:]))
        joined = " ".join(part for _, part in lines[index : index + used])
        found.append(_Line(number, _split(joined, separator)))
        index += used
    return found


def _quoted_lines(lines: Sequence[tuple[int, str]], index: int, separator: str, opened: int) -> int:
    """Return how many lines a quoted cell with line ends in it takes; 1 if it never closes."""
    joined = lines[index][1]
    for extra in range(1, min(_MAX_QUOTED_LINES, len(lines) - index)):
        joined += " " + lines[index + extra][1]
        if _quoted(separator).match(joined, opened):
            return extra + 1
        if not _OPEN.fullmatch(joined, opened):
            return 1  # a lone mark in the middle: these lines are not one cell
    return 1


def _stray_quote(path: Path, number: int, cell: str) -> Finding:
    message = (
        f"a quotation mark is opened and never closed ({cell.strip()[:20]}); "
        "it is taken as it stands"
    )
    return Finding("stray_quote", message, subject=f"{path.name} line {number}")


def roles_of(cells: Sequence[str]) -> list[str]:
    """Return the roles of the columns if this is a header, else nothing."""
    roles = [_ROLES.get(cell.strip().lower().replace(" ", "_"), "") for cell in cells]
    if "audio" not in roles or not {"text", "normalised"} & set(roles):
        return []
    # The first column of a role has it: `id,audio,text` and Common Voice's `client_id ... path`.
    seen: set[str] = set()
    for i, role in enumerate(roles):
        if role in seen:
            roles[i] = ""
        seen.add(role)
    return roles


def _guess_roles(path: Path, lines: Sequence[_Line], separator: str) -> list[str]:
    counts = Counter(len(line.cells) for line in lines)
    width = max(counts, key=lambda n: (counts[n], -n))
    if separator in ",;" and len(counts) > 1:
        width = 2  # commas inside unquoted text
    if width <= 2:
        return ["audio", "text"]
    if width > 3:
        raise UserError(
            f"`{path}` line {lines[0].number} has {width} columns and there is no header", _EXAMPLE
        )
    rows = [line.cells for line in lines if len(line.cells) == 3]
    if _is_speaker(rows):
        return ["audio", "text", "speaker"]
    return ["audio", "text", "normalised"]


def _is_speaker(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the third column names speakers: short, and a few names for many rows."""
    third = [row[2].strip() for row in rows]
    if any(len(name) > _MAX_SPEAKER for name in third):
        return False
    if len(rows) == 1:
        return len(third[0].split()) <= 1 < len(rows[0][1].split())
    return len(set(third)) <= len(rows) / 2


def _row(line: _Line, roles: Sequence[str], separator: str) -> TableRow:
    cells = line.cells
    surplus = len(cells) - len(roles)
    if surplus > 0:
        if "text" in roles and "normalised" in roles:
            problem = f"{len(cells)} columns instead of {len(roles)}: `{separator}` inside the text"
            text = separator.join(cells[1:]).strip()
            return TableRow(line.number, cells[0].strip(), text, problem=problem)
        at = roles.index("text" if "text" in roles else "normalised")
        cells = [
            *cells[:at],
            separator.join(cells[at : at + surplus + 1]),
            *cells[at + surplus + 1 :],
        ]
    values = {role: cell.strip() for role, cell in zip(roles, cells, strict=False)}
    return TableRow(
        line.number,
        values.get("audio", ""),
        values.get("normalised") or values.get("text", ""),
        values.get("speaker", ""),
        raw=values.get("text", "") if values.get("normalised") else "",
    )
