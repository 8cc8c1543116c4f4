"""Typed events: how long work tells about itself, on the page, in the terminal and on disk.

A job appends one JSON object per line to ``events.jsonl`` and flushes it; readers keep a byte
cursor and never see half a line. The last event of a run's segment is final (`Done`, `Failed` or
`Stopped`); a resumed run begins a new segment with `Started`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Event:
    """Base class; `at` is the wall-clock time in seconds since the epoch."""

    at: float = field(default_factory=time.time, kw_only=True)


@dataclass(frozen=True)
class Started(Event):
    """A job process began, from scratch (``step == 0``) or from a checkpoint."""

    step: int = 0
    pid: int = 0


@dataclass(frozen=True)
class Progress(Event):
    """`done` of `total` units of the work called `note`; `seconds_left` when it is known."""

    done: float
    total: float
    note: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True)
class Metric(Event):
    """One measured number, such as ``loss`` or ``eval_loss``, at a training step."""

    step: int
    name: str
    value: float


@dataclass(frozen=True)
class Finding(Event):
    """Something worth knowing that does not stop the work: a stable code and plain words."""

    code: str
    message: str
    level: Level = "warning"
    subject: str = ""


@dataclass(frozen=True)
class Sample(Event):
    """A sound made on the way; `audio` is a path relative to the job directory."""

    step: int
    audio: str
    text: str


@dataclass(frozen=True)
class Chunk(Event):
    """The next stretch of a speech while it is made: 16-bit little-endian mono, as base64."""

    pcm: str
    rate: int


@dataclass(frozen=True)
class Sentence(Event):
    """One sentence of a speech is made; it lies from `start` to `stop`, in seconds."""

    number: int
    """From 1."""
    total: int
    text: str
    """As it was written."""
    start: float
    stop: float
    seed: int
    codes: int
    cut: bool
    """The model did not stop by itself."""
    takes: int = 1
    """How often it was said until this one was kept."""
    check: dict[str, Any] | None = None
    """What `synthesis.check` found, where it was asked."""


@dataclass(frozen=True)
class Done(Event):
    """The work is finished; `result` is what the command prints with ``--json``."""

    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stopped(Event):
    """The work was stopped on request and saved at `step`; it can be resumed."""

    step: int = 0
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed(Event):
    """The work ended with an error; `exit_code` is 2 where the user can put it right, else 1."""

    message: str
    hint: str = ""
    exit_code: int = 1


FINAL = (Done, Stopped, Failed)
_TYPES: dict[str, type[Event]] = {
    cls.__name__.lower(): cls
    for cls in (Started, Progress, Metric, Finding, Sample, Chunk, Sentence, Done, Stopped, Failed)
}


def to_json(event: Event) -> str:
    """Return the event as one line of JSON, its type under ``"event"``."""
    body = {"event": type(event).__name__.lower(), **dataclasses.asdict(event)}
    return json.dumps(body, ensure_ascii=False)


def from_json(line: str) -> Event:
    """Return the event of one line.

    Raises:
        ValueError: The line is not an event that this version knows.
    """
    body = json.loads(line)
    if not isinstance(body, dict) or body.get("event") not in _TYPES:
        raise ValueError(f"not an event: {line[:80]!r}")
    cls = _TYPES[body.pop("event")]
    known = {f.name for f in dataclasses.fields(cls)}
    return cls(**{k: v for k, v in body.items() if k in known})


class EventLog:
    """The append-only `events.jsonl` of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: Event) -> None:
        """Write one event as a whole line and flush it, so that a reader sees it at once."""
        line = to_json(event) + "\n"
        with open(self.path, "a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                # A killed writer may have left half a line; ours must not be glued to it.
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(line.encode("utf-8"))
            file.flush()
            if isinstance(event, FINAL):
                os.fsync(file.fileno())

    def follow(self, events: Iterable[Event]) -> Iterator[Event]:
        """Append each event of an iterator and hand it on."""
        for event in events:
            self.append(event)
            yield event

    def read(self, cursor: int = 0) -> tuple[list[Event], int]:
        """Return the whole events from byte `cursor` on, and the next cursor.

        A half-written last line stays for the next call; a damaged line (a writer was killed in
        the middle of it) is passed over.
        """
        if not self.path.exists():
            return [], cursor
        with open(self.path, "rb") as file:
            file.seek(cursor)
            data = file.read()
        end = data.rfind(b"\n") + 1
        events: list[Event] = []
        for raw in data[:end].splitlines():
            try:
                events.append(from_json(raw.decode("utf-8")))
            except (ValueError, TypeError):
                continue
        return events, cursor + end


class Clock:
    """Turns `done` of `total` into a `Progress` with the time left, from the pace so far."""

    def __init__(self, total: float, note: str, done: float = 0) -> None:
        self.total, self.note = total, note
        self._first, self._began = done, time.monotonic()

    def progress(self, done: float, note: str | None = None) -> Progress:
        """Return the progress at `done` units; time left is unknown before the first unit."""
        gone = done - self._first
        left = None
        if gone > 0:
            pace = (time.monotonic() - self._began) / gone
            left = max(0.0, (self.total - done) * pace)
        return Progress(done, self.total, self.note if note is None else note, left)
