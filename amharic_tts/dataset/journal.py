"""Decisions on single rows: an append-only journal beside `utterances.jsonl`.

A line of the journal names for each row what its fields were and what they are now. An edit whose
rows have changed since they were read is refused; so two tabs never write over each other. What is
undone stays in the journal, with the undo behind it. See `states.py` for which journal counts.
"""

from __future__ import annotations

import functools
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amharic_tts.dataset.states import (
    ROWS,
    Fields,
    Head,
    append,
    damaged,
    head,
    journal_file,
    last_number,
    locked,
    record,
    rows_hash,
)
from amharic_tts.errors import UserError
from amharic_tts.files import write_text


@dataclass(frozen=True)
class Change:
    """What an edit does to one row."""

    id: str
    before: Fields | None
    """The fields that change, as they were; None for a row that the edit makes."""
    after: Fields | None
    """The same fields as they are now; None for a row that an undo takes back."""
    follows: str = ""
    """Of a new row: the row behind which it stands."""


@dataclass(frozen=True)
class Edit:
    """One decision, which may be about many rows; it is undone as one."""

    kind: str
    """``text``, ``ends``, ``split``, ``merge``, ``accept``, ``reject``, ``speaker``, ``undo``."""
    changes: tuple[Change, ...]
    by: str = ""
    """Who decided: a tab of the page, a command, or ``recognised by MODEL``."""
    state: int | None = None
    """Number of the state that was seen; None takes the one that is there."""
    of: int = 0
    """Of an undo: which edit."""
    n: int = 0
    """Place in the journal, from 1; given when it is written."""
    at: float = 0.0
    """Seconds since the epoch."""
    was: Fields | None = None
    """Of kind ``unfit``: the line of an edit that a rebuild of the dataset overtook."""

    def to_line(self) -> str:
        """Return the edit as one line of JSON."""
        body: Fields = {"n": self.n, "at": round(self.at, 3), "kind": self.kind, "by": self.by}
        body |= {"of": self.of} if self.of else {}
        body |= {"was": self.was} if self.was is not None else {}
        body["changes"] = [
            {"id": c.id, "before": c.before, "after": c.after, "follows": c.follows}
            for c in self.changes
        ]
        return json.dumps(body, ensure_ascii=False) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Edit:
        """Return the edit of one line.

        Raises:
            ValueError, KeyError, TypeError: It is not one.
        """
        body = json.loads(line)
        changes = tuple(Change(**change) for change in body["changes"])
        return cls(
            str(body["kind"]),
            changes,
            str(body["by"]),
            None,
            int(body.get("of", 0)),
            int(body["n"]),
            float(body["at"]),
            body.get("was"),
        )


@dataclass
class State:
    """What the edits of a journal come to, taken in one by one."""

    number: int = 0
    count: int = 0
    size: int = 0
    """Bytes of the journal up to there."""
    latest: dict[str, Fields] = field(default_factory=dict)
    """Fields of the rows that were changed; all fields of those that were made."""
    followers: dict[str, list[str]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    """Rows that were made and taken back."""
    made: set[str] = field(default_factory=set)

    def take(self, edit: Edit) -> None:
        """Apply one edit."""
        for change in edit.changes:
            if change.after is None:
                self.dead.add(change.id)
                continue
            if change.before is None:
                self.dead.discard(change.id)
                if change.id not in self.made:
                    self.followers.setdefault(change.follows, []).insert(0, change.id)
                self.made.add(change.id)
                self.latest[change.id] = dict(change.after)
            else:
                self.latest.setdefault(change.id, {}).update(change.after)
        self.count = edit.n

    def check(self, edit: Edit) -> None:
        """Check that the rows are still as the edit saw them.

        Raises:
            UserError: One is not.
        """
        for change in edit.changes:
            known = self.latest.get(change.id, {})
            alive = change.id in known and change.id not in self.dead
            if change.before is None:
                fits = not alive
            else:
                there = change.id not in self.dead
                fits = there and all(known.get(k, v) == v for k, v in change.before.items())
            if not fits:
                raise UserError(
                    f"`{change.id}` has been changed meanwhile, in another tab or by a command",
                    "Look at it as it is now, then decide again",
                )


def edits(folder: Path, number: int) -> list[Edit]:
    """Return the edits on a state, the first one first.

    Raises:
        UserError: A line is damaged or missing.
    """
    return _read(journal_file(folder, number))[0]


def _read(path: Path, start: int = 0, count: int = 0) -> tuple[list[Edit], int]:
    """Return the edits of a file from a byte on, and where the last of them ends.

    Args:
        path: The journal.
        start: Where to begin, at the end of a line.
        count: How many edits stand before it.
    """
    content = b""
    if path.is_file():
        with open(path, "rb") as file:
            file.seek(start)
            content = file.read()
    size = content.rfind(b"\n") + 1
    found = []
    for place, line in enumerate(content[:size].splitlines(), count + 1):
        try:
            edit = Edit.from_line(line.decode("utf-8"))
            if edit.n != place:
                raise ValueError(f"it is edit {edit.n}, and edit {place} should be here")
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(path, place, error) from error
        found.append(edit)
    return found, start + size


def state_of(folder: Path, number: int) -> State:
    """Return what the edits on a state come to.

    Raises:
        UserError: The journal is damaged.
    """
    state = State(number)
    if number:
        done, state.size = _read(journal_file(folder, number))
        for edit in done:
            state.take(edit)
    return state


class Follower:
    """What the edits of one file come to, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._inode, self._state = 0, State()

    def state(self, number: int) -> State:
        """Return what the edits come to now; not to be changed.

        Raises:
            UserError: A line is damaged or missing.
        """
        with self._lock:
            stat = self._path.stat() if self._path.is_file() else None
            same = stat is not None and stat.st_ino == self._inode
            if stat is None or not same or stat.st_size < self._state.size:
                self._state = State(number)
            if stat is not None:
                self._inode = stat.st_ino
                done, self._state.size = _read(self._path, self._state.size, self._state.count)
                for edit in done:
                    self._state.take(edit)
            return self._state


@functools.lru_cache(maxsize=16)
def _follower(path: Path) -> Follower:
    return Follower(path)


class Journal:
    """The journal of a dataset as it is now.

    Args:
        folder: The dataset.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def edits(self) -> list[Edit]:
        """Return the edits on the present state, the first one first.

        Raises:
            UserError: The journal is damaged.
        """
        number = head(self.folder).number
        return edits(self.folder, number) if number else []

    def apply(self, edit: Edit) -> Edit:
        """Write an edit; when this returns it is on the disk.

        Args:
            edit: What to change; `n` and `at` are filled in.

        Raises:
            UserError: A row has changed since it was read, the dataset was rebuilt meanwhile, or
                the disk is full; nothing is changed then.
        """
        with locked(self.folder):
            fresh = not head(self.folder).known
            now = self._recorded()
            if edit.state not in (None, 0 if fresh else now.number, now.number):
                raise UserError(
                    f"The dataset `{self.folder.name}` has been rebuilt meanwhile",
                    "Look at it as it is now, then decide again",
                )
            state = _follower(journal_file(self.folder, now.number)).state(now.number)
            return self._write(state, edit)

    def undo(self, by: str = "") -> Edit:
        """Take back the last edit that was not taken back yet, and return the undo.

        Args:
            by: Only edits by this one; empty takes anyone's.

        Raises:
            UserError: There is none, or its rows have been changed again by someone else.
        """
        with locked(self.folder):
            now = self._recorded()
            done = edits(self.folder, now.number)
            taken = {edit.of for edit in done if edit.kind == "undo"}
            able = (
                e
                for e in reversed(done)
                if e.changes and e.kind != "undo" and e.n not in taken and by in ("", e.by)
            )
            last = next(able, None)
            if last is None:
                raise UserError(
                    "There is nothing to undo",
                    "What was done before the last build or repair is among the versions",
                )
            state = State(now.number)
            for edit in done:
                state.take(edit)
            back = tuple(Change(c.id, c.after, c.before, c.follows) for c in reversed(last.changes))
            return self._write(state, Edit("undo", back, by or last.by, of=last.n))

    def recorded(self) -> Head:
        """Return the head, after giving a number to a dataset that has none yet.

        Raises:
            UserError: The log is damaged, or the disk can't be written.
        """
        now = head(self.folder)
        if now.known:
            return now
        with locked(self.folder):
            return self._recorded()

    def _recorded(self) -> Head:
        now = head(self.folder)
        if not now.known:
            record(self.folder, now.last + 1, rows_hash(self.folder), "found as it was")
            now = head(self.folder)
        return now

    def _write(self, state: State, edit: Edit) -> Edit:
        state.check(edit)
        made = Edit(
            edit.kind,
            edit.changes,
            edit.by,
            None,
            edit.of,
            state.count + 1,
            time.time(),
        )
        append(journal_file(self.folder, state.number), made.to_line())
        return made


def switch(
    folder: Path, text: str, reason: str, seen: tuple[int, int] | None, rows: Mapping[str, Fields]
) -> int:
    """Replace all rows in one step and return the number of the new state.

    Edits that came in since the rows were read are carried over. One that does not fit the new
    rows stays on record as ``unfit`` and changes nothing.

    Args:
        folder: The dataset.
        text: The new content of `utterances.jsonl`.
        reason: What makes the new state, in words.
        seen: Number of the state that was read and how many of its edits; None to skip the check.
        rows: The new rows by id, for the edits that are carried over; asked for those only.

    Raises:
        UserError: The rows were replaced since they were read; or the disk is full.
    """
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    with locked(folder):
        there = (folder / ROWS).is_file()
        now = head(folder) if there else Head(0, last_number(folder), "", 0.0, False)
        if seen is not None and there and now.number != seen[0]:
            raise UserError(
                f"The dataset `{folder.name}` has been rebuilt meanwhile", "Do the same again"
            )
        late = edits(folder, now.number)[seen[1] :] if seen and now.number else []
        number = now.last + 1
        if late:
            write_text(journal_file(folder, number), "".join(_refitted(late, rows)))
        record(folder, number, digest, reason)
        write_text(folder / ROWS, text)
    return number


def _refitted(late: Sequence[Edit], rows: Mapping[str, Fields]) -> Iterator[str]:
    """Yield the lines of edits on top of new rows."""
    state = State()
    for place, edit in enumerate(late, 1):
        for change in edit.changes:
            if change.id in rows and change.id not in state.latest:
                state.latest[change.id] = dict(rows[change.id])
        missing = any(c.before is not None and c.id not in state.latest for c in edit.changes)
        try:
            if missing:
                raise UserError("the row is gone")
            state.check(edit)
            of = max(0, edit.of - late[0].n + 1)
            kept = Edit(edit.kind, edit.changes, edit.by, None, of, place, edit.at)
        except UserError:
            was = json.loads(edit.to_line())
            kept = Edit("unfit", (), edit.by, None, 0, place, edit.at, was)
        state.take(kept)
        yield kept.to_line()
