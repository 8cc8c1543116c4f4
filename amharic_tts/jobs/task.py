"""Run a generator of events as a job: its events go to the job's folder, a stop request ends it."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from amharic_tts.errors import StudioError
from amharic_tts.events import FINAL, Done, Event, EventLog, Failed, Started, Stopped
from amharic_tts.files import write_text
from amharic_tts.jobs import process
from amharic_tts.workspace import Workspace

logger = logging.getLogger(__name__)

RESULT = "result.json"
"""In a job's folder: a result that is too long for a line of `events.jsonl`."""


def run(workspace: Workspace, folder: Path, events: Iterator[Event]) -> dict[str, Any]:
    """Do the work of a job inside its own process and return its result.

    Every event is appended to the job's `events.jsonl`; between two events the work looks whether
    it was asked to stop. This is the outermost border of a task process: an unexpected error is
    logged with its traceback and told as `Failed`.

    Raises:
        StudioError: What the work raised, after it was written down.
    """
    process.enter(workspace, folder)
    asked = _TermFlag()
    log = EventLog(folder / "events.jsonl")
    log.append(Started(pid=os.getpid()))
    try:
        for event in log.follow(events):
            if isinstance(event, FINAL):
                return dict(getattr(event, "result", {}))
            if asked.raised or process.stop_requested(folder):
                log.append(Stopped())
                return {}
        log.append(Done())
        return {}
    except StudioError as error:
        log.append(Failed(error.message, error.hint, error.exit_code))
        raise
    except Exception as error:
        logger.exception("the task failed")
        log.append(Failed(f"{type(error).__name__}: {error}", "This is our mistake; see the log"))
        raise


def keeping(events: Iterator[Event], path: Path) -> Iterator[Event]:
    """Hand events on; a long result is written to a file, and `Done` only names it."""
    for event in events:
        if isinstance(event, Done):
            write_text(path, json.dumps(event.result, ensure_ascii=False))
            event = Done({"file": str(path)}, at=event.at)
        yield event


class _TermFlag:
    """Remembers a SIGTERM instead of dying of it."""

    def __init__(self) -> None:
        self.raised = False
        signal.signal(signal.SIGTERM, self._set)

    def _set(self, _number: int, _frame: FrameType | None) -> None:
        self.raised = True
