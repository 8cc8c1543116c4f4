"""Follow a job's process from the foreground: its events as they come, Ctrl-C asks it to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from amharic_tts.events import FINAL, Event, Failed
from amharic_tts.jobs import process
from amharic_tts.jobs.store import Job

POLL = 0.1
"""Seconds between two looks at the events."""
TAIL = 3000
"""Bytes of the log that are shown when a job died."""


def watch(job: Job, cursor: int = 0, on_stop: Callable[[], None] = lambda: None) -> Iterator[Event]:
    """Yield the events of a started job until its process has ended.

    While it is watched, SIGINT and SIGTERM ask the job to save and stop; its events go on until it
    has. The last event is final: a job that died without one ends with a `Failed` that holds the
    end of its log.

    Args:
        job: A job whose process was started.
        cursor: Byte of `events.jsonl` to begin at.
        on_stop: Called once, when a stop was asked for.
    """

    def ask(_number: int, _frame: FrameType | None) -> None:
        if not process.stop_requested(job.folder):
            on_stop()
        process.request_stop(job.folder)

    last: Event | None = None
    with _Signals(ask):
        while True:
            running = process.alive(job.folder)  # before the events: the last may come between
            events, cursor = job.events.read(cursor)
            for event in events:
                last = event
                yield event
            if not running:
                break
            time.sleep(POLL)
    process.reap()
    if not isinstance(last, FINAL):
        where = f"The end of {job.folder / 'log.txt'}:\n{job.log_tail(TAIL)}"
        hint = "Resume it: it goes on from its last checkpoint. "
        yield Failed(f"`{job.id}` stopped unexpectedly", hint + where)


class _Signals:
    """Handlers of SIGINT and SIGTERM for a while; only the main thread can set them."""

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self._handler = handler
        self._old: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._handler)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
