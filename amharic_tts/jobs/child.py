"""A module that needs heavy libraries, run as a process that tells events as JSON lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence

from amharic_tts import events
from amharic_tts.errors import StudioError
from amharic_tts.events import FINAL, Event
from amharic_tts.jobs import process


def follow(module: str, arguments: Sequence[str]) -> Iterator[Event]:
    """Run ``python -m MODULE ARGUMENTS`` and yield what it tells on stdout, the last one final.

    Its stderr is ours. When the caller goes away, the process is ended.

    Raises:
        StudioError: It ended without a final event.
    """
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=process.environment()
    )
    assert child.stdout is not None
    ended = False
    try:
        for line in child.stdout:
            event = events.from_json(line)
            ended = isinstance(event, FINAL)
            yield event
    finally:
        child.stdout.close()
        if not ended:
            child.terminate()
        child.wait()
    if ended:
        return
    raise StudioError(
        f"The process `{module}` ended without a result (exit code {child.returncode})",
        "See the lines above",
    )
