"""Numbered states of a dataset: which one `utterances.jsonl` is in.

`versions/log.jsonl` numbers every state in which `utterances.jsonl` was written as a whole, with
the hash of its bytes; `journal/N.jsonl` holds the edits on top of state N. Which journal counts is
thus known by the content of `utterances.jsonl` alone, so that replacing that file by one rename
also ends the journal before it: a kill at any moment leaves either state whole.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors, sync_folder

ROWS = "utterances.jsonl"
LOG = "versions/log.jsonl"
FOLDER = "journal"
PATIENCE = 30.0
"""Seconds that a writer waits for another one."""

Fields = dict[str, Any]
"""Fields of a row, or of a line of these files, as JSON knows them."""


@dataclass(frozen=True)
class Head:
    """The state that `utterances.jsonl` is in."""

    number: int
    """0 where nothing has been recorded yet, as in datasets of older versions."""
    last: int
    """Highest number that was ever given."""
    reason: str
    at: float
    known: bool
    """False where the file was written by something else than the studio."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the dataset's rows and journal against other writers.

    Raises:
        UserError: Another one holds them for very long, or the disk can't be written.
    """
    with disk_errors(folder):
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / FOLDER / "lock", timeout=PATIENCE)
    try:
        with lock:
            yield
    except Timeout as error:
        raise UserError(
            f"The dataset `{folder.name}` is being written by another process", "Try again"
        ) from error


def rows_hash(folder: Path) -> str:
    """Return the SHA-256 of `utterances.jsonl`; computed once for a file that stays the same."""
    stat = (folder / ROWS).stat()
    return _hash(folder / ROWS, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=64)
def _hash(path: Path, _inode: int, _mtime: int, _size: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def complete_lines(path: Path) -> list[str]:
    """Return the whole lines of a file; what a kill left of the last one was never confirmed."""
    if not path.is_file():
        return []
    return path.read_bytes().decode("utf-8", "replace").split("\n")[:-1]


def log_lines(folder: Path) -> list[Fields]:
    """Return what `versions/log.jsonl` tells of every state: number, at, reason, rows.

    Raises:
        UserError: A line is damaged.
    """
    found = []
    for number, line in enumerate(complete_lines(folder / LOG), 1):
        try:
            body = json.loads(line)
            found.append({"number": int(body["number"]), "at": float(body["at"]), **body})
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(folder / LOG, number, error) from error
    return found


def damaged(path: Path, number: int, error: Exception) -> UserError:
    """Return what is told of a line that can't be read."""
    return UserError(
        f"`{path}` line {number} is damaged: {error}", "Put a copy of the dataset back"
    )


def head(folder: Path, digest: str = "") -> Head:
    """Return which state `utterances.jsonl` is in.

    Args:
        folder: The dataset.
        digest: SHA-256 of the file where it is known already.

    Raises:
        UserError: The log is damaged, or the file was replaced by something else than the studio
            while edits stood on the state before.
    """
    lines = log_lines(folder)
    last = max((line["number"] for line in lines), default=0)
    digest = digest or rows_hash(folder)
    for line in reversed(lines):
        if line["rows"] == digest:
            return Head(line["number"], last, str(line["reason"]), line["at"], True)
    if last and complete_lines(journal_file(folder, last)):
        raise UserError(
            f"`{folder / ROWS}` was changed outside the studio, and there are edits on what it "
            "was before",
            "Put the file back, or take it as it is, without those edits, with: "
            f"amharic-tts dataset versions {folder.name} --adopt",
        )
    return Head(0, last, "", 0.0, False)


def journal_file(folder: Path, number: int) -> Path:
    """Return where the edits on a state are."""
    return folder / FOLDER / f"{number:04d}.jsonl"


def record(folder: Path, number: int, digest: str, reason: str) -> None:
    """Enter a state into the log, before `utterances.jsonl` takes that content."""
    body = {"number": number, "at": round(time.time(), 3), "reason": reason, "rows": digest}
    append(folder / LOG, json.dumps(body, ensure_ascii=False) + "\n")


def adopt(folder: Path, reason: str = "changed outside the studio") -> int:
    """Take `utterances.jsonl` as it is for a new state, whatever wrote it, and return its number.

    Edits on the state before stay in its journal, and are not applied any more.
    """
    with locked(folder):
        last = last_number(folder)
        record(folder, last + 1, rows_hash(folder), reason)
        return last + 1


def last_number(folder: Path) -> int:
    """Return the highest number that was ever given, 0 where none was."""
    return max((line["number"] for line in log_lines(folder)), default=0)


def stamp(folder: Path) -> tuple[int, ...]:
    """Return numbers that change with every change of the rows, in no time."""
    found = []
    newest = sorted((folder / FOLDER).glob("*.jsonl"))[-1:]
    for path in (folder / ROWS, folder / LOG, *newest):
        stat = path.stat() if path.is_file() else None
        found += [stat.st_mtime_ns, stat.st_size, stat.st_ino] if stat else [0, 0, 0]
    return tuple(found)


def append(path: Path, line: str) -> None:
    """Append one line durably; half a line that a kill left behind is cut off first.

    Raises:
        UserError: The disk is full or can't be written.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with open(path, "ab+") as file:
            size = file.seek(0, os.SEEK_END)
            whole = whole_size(path)
            if whole != size:
                file.truncate(whole)
            try:
                file.write(line.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(whole)
                raise
        if new:
            sync_folder(path.parent)


def whole_size(path: Path) -> int:
    """Return how many bytes of a file are complete lines."""
    with open(path, "rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at > 0:
            start = max(0, at - 65536)
            file.seek(start)
            place = file.read(at - start).rfind(b"\n")
            if place >= 0:
                return start + place + 1
            at = start
    return 0
