"""What commands print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from amharic_tts.errors import StudioError
from amharic_tts.events import Done, Event, Failed, Finding, Metric, Progress, Stopped


def data(text: str) -> None:
    """Print one piece of the result."""
    sys.stdout.write(text + "\n")


def as_json(value: Any) -> None:
    """Print a result as JSON."""
    data(json.dumps(value, ensure_ascii=False, indent=1))


def note(text: str) -> None:
    """Tell the person something that is not the result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def error(problem: StudioError) -> None:
    """Tell what went wrong and what to do next."""
    note(f"error: {problem.message}")
    if problem.hint:
        note(f"hint: {problem.hint}")


def duration(seconds: float) -> str:
    """Return a duration in words: ``45 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def event(happened: Event) -> None:
    """Tell an event on stderr."""
    if isinstance(happened, Progress):
        left = ""
        if happened.seconds_left is not None:
            left = f", {duration(happened.seconds_left)} left"
        share = f"{happened.done:g}/{happened.total:g} " if happened.total else ""
        note(f"{share}{happened.note}{left}")
    elif isinstance(happened, Metric):
        note(f"step {happened.step}: {happened.name} {happened.value:.4g}")
    elif isinstance(happened, Finding):
        subject = f"{happened.subject}: " if happened.subject else ""
        note(f"{happened.level}: {subject}{happened.message}")
    elif isinstance(happened, Stopped):
        note(f"stopped and saved at step {happened.step}")


def follow(events: Iterable[Event]) -> dict[str, Any]:
    """Tell events until the final one and return its result.

    Raises:
        StudioError: The work failed.
    """
    for happened in events:
        event(happened)
        if isinstance(happened, Failed):
            problem = StudioError(happened.message, happened.hint)
            problem.exit_code = happened.exit_code
            raise problem
        if isinstance(happened, (Done, Stopped)):
            return happened.result
    raise StudioError("The work ended without a result", "Look at its log")
