"""`checks.jsonl` beside the rows: what the deep check measured and found, a line a clip.

While a check runs it appends to `checks.part.jsonl`, so that a stopped one goes on where it was;
at the end both become the new `checks.jsonl` in one step.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from amharic_tts.dataset.checks.record import Record, is_valid
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.rules import Note
from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors, writing

NAME, PART = "checks.jsonl", "checks.part.jsonl"


def load(folder: Path) -> dict[str, Record]:
    """Return the records of a dataset's last check by id; none where it was never checked.

    Raises:
        UserError: The file is damaged.
    """
    return _read(folder / NAME, whole=True)


def resumable(folder: Path) -> dict[str, Record]:
    """Return the records of the last check and of one that was stopped, the newer ones first."""
    return {**load(folder), **_read(folder / PART, whole=False)}


def _read(path: Path, whole: bool) -> dict[str, Record]:
    if not path.is_file():
        return {}
    found: dict[str, Record] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = json.loads(line.decode("utf-8"))
                found[record["id"]] = record
            except (ValueError, KeyError, TypeError) as error:
                if not whole:  # the last line of a check that was killed
                    continue
                raise UserError(
                    f"`{path}` line {number} is damaged: {error}",
                    "Check the dataset again; move that file away first",
                ) from error
    return found


@contextlib.contextmanager
def appending(folder: Path) -> Iterator[Callable[[Record], None]]:
    """Open the file of a running check; what is given is called with each record.

    Raises:
        UserError: It can't be written, or the disk is full.
    """
    path = folder / PART
    with disk_errors(path), open(path, "ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # half a line of a check that was killed
                file.write(b"\n")

        def append(record: Record) -> None:
            file.write(_line(record))
            file.flush()

        yield append


def save(folder: Path, records: Iterable[Record]) -> None:
    """Replace `checks.jsonl` in one step; the file of the running check goes.

    Raises:
        UserError: It can't be written.
    """
    with writing(folder / NAME) as file:
        for record in records:
            file.write(_line(record))
    (folder / PART).unlink(missing_ok=True)


def _line(record: Record) -> bytes:
    return (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8")


def findings(dataset: Dataset) -> dict[str, list[Note]]:
    """Return what the last check found, by id, for the rows that are as they were then.

    Raises:
        UserError: The file is damaged.
    """
    return of_records(dataset, load(dataset.folder))


def merged(own: Sequence[Note], checked: Sequence[Note]) -> list[Note]:
    """Return a row's own findings and those of the check, which replace own ones of their code."""
    codes = {item["code"] for item in checked}
    return [*(item for item in own if item["code"] not in codes), *checked]


def stamp(folder: Path) -> int:
    """Return what changes with every check: the time of its file, 0 where there is none."""
    path = folder / NAME
    return path.stat().st_mtime_ns if path.exists() else 0


def of_records(dataset: Dataset, records: Mapping[str, Record]) -> dict[str, list[Note]]:
    """Return the findings of records that are still valid."""
    found = {}
    for row in dataset.utterances:
        record = records.get(row.id)
        if record and is_valid(record, row, dataset.language):
            found[row.id] = list(record.get("findings", []))
    return found
