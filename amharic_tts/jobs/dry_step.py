"""Which batch really fits: steps on the longest clips in a process that may run out of memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

from amharic_tts import events
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Failed, Finding, Metric
from amharic_tts.jobs import memory
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

PEAK, SECONDS, BEFORE = "memory_peak", "seconds", "memory_before"
"""Metrics of the process: at each batch, in the place of the step."""


_KILLED = (-9, 137)
"""Exit codes of a process that the system ended for want of memory."""


def run(workspace: Workspace, config: FinetuneConfig, room: int) -> Iterator[Event]:
    """Train two steps at growing batch until the memory is not enough; end in `Done`.

    The result: ``batches`` (each with its ``peak`` bytes and ``seconds`` a step), ``before`` (bytes
    of the process before it had a model), ``largest`` (the largest batch that fits), ``suggested``
    (batch and accumulation), ``room``.

    Args:
        workspace: Has the base and the dataset.
        config: Of the run.
        room: Bytes that the whole process may take.

    Raises:
        StudioError: The process ended before it had measured anything, not for want of memory.
    """
    argv = [sys.executable, "-m", "training.dry_step", str(workspace.root), str(room)]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin and process.stdout
    found: dict[int, dict[str, float]] = {}
    finished = False
    try:
        process.stdin.write(config.to_yaml())
        process.stdin.close()
        for event in _lines(process.stdout):
            if isinstance(event, Failed):
                problem: StudioError = UserError(event.message, event.hint)
                problem.exit_code = event.exit_code
                raise problem
            if isinstance(event, Done):
                finished = True
                break
            if isinstance(event, Metric):
                found.setdefault(event.step, {})[event.name] = event.value
            yield event
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    before = found.pop(0, {}).get(BEFORE, 0.0)
    if not finished:
        if not before or code not in _KILLED:
            raise StudioError(f"The dry step ended with code {code}", "Look at what it printed")
        # Killed by the system, which takes the process that asks for too much.
        yield Finding("memory.killed", f"the system ended the process (code {code})", "warning")
    yield Done(_result(config, found, before, room))


def _lines(stdout: IO[str]) -> Iterator[Event]:
    for line in stdout:
        if line.startswith("{"):
            yield events.from_json(line)


def _result(
    config: FinetuneConfig, found: dict[int, dict[str, float]], before: float, room: int
) -> dict[str, Any]:
    batches = [
        {"batch": batch, "peak": int(one[PEAK]), "seconds": one[SECONDS]}
        for batch, one in sorted(found.items())
        if SECONDS in one
    ]
    largest = max((one["batch"] for one in batches if one["peak"] <= room), default=0)
    wanted = config.effective_batch or memory.ADVISED_BATCH
    suggested = memory.split_batch(wanted, max(1, int(largest)))
    return {
        "before": int(before),
        "room": room,
        "batches": batches,
        "largest": largest,
        "suggested": list(suggested),
    }
