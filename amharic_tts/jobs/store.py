"""The jobs of a workspace, read from their folders; the server keeps nothing in memory."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.events import (
    FINAL,
    Done,
    Event,
    EventLog,
    Failed,
    Finding,
    Metric,
    Progress,
    Sample,
    Started,
    Stopped,
)
from amharic_tts.files import check_name, disk_errors
from amharic_tts.jobs import process
from amharic_tts.jobs.spec import JobSpec, Kind, State
from amharic_tts.workspace import Workspace

LOG_TAIL = 20_000
"""Bytes of the log that a reader is shown."""
STATE_TAIL = 65_536
"""Bytes at the end of the events that hold the last one, long messages included."""
_FINAL_STATES: dict[type[Event], State] = {Done: "done", Stopped: "stopped", Failed: "failed"}


@dataclass
class History:
    """Everything that a job's events tell, folded so that a resumed run reads as one."""

    state: State = "created"
    progress: Progress | None = None
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    """Name -> step -> value; what a killed run repeated after its checkpoint stands once."""
    findings: list[Finding] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    error: Failed | None = None
    step: int = 0
    last: Event | None = None

    def add(self, event: Event) -> None:
        """Fold one more event in."""
        self.last = event
        if isinstance(event, Started):
            self.state, self.error = "running", None
            for series in self.metrics.values():
                for step in [s for s in series if s > event.step]:
                    del series[step]
            self.samples = [sample for sample in self.samples if sample.step <= event.step]
            self.step = event.step
        elif isinstance(event, Metric):
            self.metrics.setdefault(event.name, {})[event.step] = event.value
            self.step = max(self.step, event.step)
        elif isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, Finding):
            self.findings.append(event)
        elif isinstance(event, Sample):
            self.samples.append(event)
        elif isinstance(event, Done):
            self.state, self.result = "done", event.result
        elif isinstance(event, Stopped):
            self.state, self.result = "stopped", event.result
            self.step = event.step
        elif isinstance(event, Failed):
            self.state, self.error = "failed", event

    def latest(self, name: str) -> float | None:
        """Return the value of a metric at its last step."""
        series = self.metrics.get(name)
        return series[max(series)] if series else None


@dataclass(frozen=True)
class Job:
    """A job's folder and what it was asked; everything else is read when asked for."""

    folder: Path
    spec: JobSpec

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def events(self) -> EventLog:
        return EventLog(self.folder / "events.jsonl")

    def history(self) -> History:
        """Return the folded events, with the state checked against the process."""
        history = History()
        self.follow(history)
        return history

    def follow(self, history: History, cursor: int = 0) -> int:
        """Fold what is new since byte `cursor` into `history`; return the next cursor.

        The state is checked against the process each time, so that a watcher sees a job that
        died without a word.
        """
        running = process.alive(self.folder)  # before the events: a final one may come between
        events, cursor = self.events.read(cursor)
        for event in events:
            history.add(event)
        history.state = self._settled(history.last, running)
        return cursor

    def state(self) -> State:
        """Return the state from the end of the log alone: cheap, however long the run was."""
        running = process.alive(self.folder)
        path = self.events.path
        size = path.stat().st_size if path.exists() else 0
        # From the middle of a line on: the damaged first one is passed over.
        events, _ = self.events.read(max(0, size - STATE_TAIL))
        return self._settled(events[-1] if events else None, running)

    def _settled(self, last: Event | None, running: bool) -> State:
        if running:
            return "running"
        if isinstance(last, FINAL):
            return _FINAL_STATES[type(last)]
        begun = last is not None or (self.folder / "process.json").exists()
        return "lost" if begun else "created"

    def log_tail(self, limit: int = LOG_TAIL) -> str:
        """Return the end of the log, at most `limit` bytes, from a whole line on."""
        path = self.folder / "log.txt"
        if not path.exists():
            return ""
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            data = file.read()
        if size > limit:
            data = data[data.find(b"\n") + 1 :]
        return data.decode("utf-8", "replace")


def new_id(prefix: str) -> str:
    """Return an id that sorts by time and never repeats."""
    return f"{prefix}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def folder_of(workspace: Workspace, kind: Kind, job_id: str) -> Path:
    """Return where a job lives.

    Raises:
        UserError: `job_id` can't name a folder.
    """
    parent = workspace.runs if kind == "train" else workspace.tasks
    return parent / check_name(job_id, "run")


def create(workspace: Workspace, spec: JobSpec) -> Job:
    """Make a job's folder with its `job.json`; it is not started yet.

    Raises:
        UserError: A job of this id exists, or the disk can't be written.
    """
    folder = folder_of(workspace, spec.kind, spec.id)
    with disk_errors(folder):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise UserError(f"There is already a run `{spec.id}`") from None
    spec.save(folder)
    return Job(folder, spec)


def get(workspace: Workspace, job_id: str, kind: Kind = "train") -> Job:
    """Return a job.

    Raises:
        UserError: There is none of this id.
    """
    folder = folder_of(workspace, kind, job_id)
    if not (folder / "job.json").exists():
        raise UserError(f"There is no run `{job_id}`", "See them with: amharic-tts runs list")
    return Job(folder, JobSpec.load(folder))


def jobs(workspace: Workspace, kind: Kind = "train") -> list[Job]:
    """Return all jobs of a kind, the newest first."""
    parent = workspace.runs if kind == "train" else workspace.tasks
    if not parent.is_dir():
        return []
    found = [Job(f, JobSpec.load(f)) for f in parent.iterdir() if (f / "job.json").exists()]
    return sorted(found, key=lambda job: (job.spec.created, job.id), reverse=True)


def running(workspace: Workspace, kind: Kind = "train") -> Job | None:
    """Return the newest job that runs now, or None."""
    return next((job for job in jobs(workspace, kind) if process.alive(job.folder)), None)
