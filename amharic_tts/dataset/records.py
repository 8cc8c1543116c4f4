"""Transcript tables whose rows name their fields: JSON Lines and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amharic_tts.dataset.tables import Table, TableRow, columns_finding, roles_of
from amharic_tts.dataset.textfile import read_text
from amharic_tts.errors import UserError

_EXAMPLE = 'Write lines such as {"file_name": "a.wav", "text": "ሰላም"}'

Record = tuple[int, dict[str, Any]]
"""Number of the line or row, from 1 on, and its fields."""


def read_records(path: Path) -> Table:
    """Read a table of records.

    Raises:
        UserError: No such file, damaged (with the line), no rows, or no field names a file or text.
    """
    rows = list(_parquet(path) if path.suffix.lower() == ".parquet" else _lines(path))
    if not rows:
        raise UserError(f"`{path}` holds no rows", _EXAMPLE)
    names = list(dict.fromkeys(key for _, record in rows for key in record))
    roles = roles_of(names)
    if not roles:
        raise UserError(f"`{path}` has no fields for the file and its text", _EXAMPLE)
    fields = {role: name for name, role in zip(names, roles, strict=True) if role}
    unused = [name for name, role in zip(names, roles, strict=True) if not role]
    finding = columns_finding(path, roles, unused, header=True)
    return Table(path, [_row(number, record, fields) for number, record in rows], [finding])


def _lines(path: Path) -> Iterator[Record]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UserError(f"`{path}` line {number} is not JSON: {error}", _EXAMPLE) from error
        if not isinstance(record, dict):
            raise UserError(f"`{path}` line {number} is not an object", _EXAMPLE)
        yield number, record


def _parquet(path: Path) -> Iterator[Record]:
    from amharic_tts.dataset.parquet import open_parquet

    with open_parquet(path) as file:
        names = [name for name in file.schema_arrow.names if roles_of([name, "text", "file"])]
        number = 0
        for batch in file.iter_batches(batch_size=1000, columns=names):
            for record in batch.to_pylist():
                number += 1
                yield number, record


def _row(number: int, record: dict[str, Any], fields: dict[str, str]) -> TableRow:
    values = {role: record.get(name) for role, name in fields.items()}
    odd = [fields[r] for r, v in values.items() if not isinstance(v, str | int | None)]
    texts = {role: "" if value is None else str(value) for role, value in values.items()}
    texts = {role: text.strip() for role, text in texts.items()}
    return TableRow(
        number,
        texts["audio"],
        texts.get("normalised") or texts.get("text", ""),
        texts.get("speaker", ""),
        f"`{odd[0]}` is not a text" if odd else "",
        texts.get("text", "") if texts.get("normalised") else "",
    )
