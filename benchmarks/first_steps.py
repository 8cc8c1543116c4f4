"""The newcomer's clock: how long each first step takes on this machine, in a fresh workspace.

    python -m benchmarks.first_steps [--quick] [--json]

There is no peer for these steps: no other tool of this kind has an offline way from nothing to a
trained voice, so `peer` and `ratio` are null. Wall seconds are what a person waits; CPU seconds
(with those of the children) stand beside them, since shared machines make wall times noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TEXT = "ሰላም ለዓለም"


def measured(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the medians of wall and CPU seconds of `rounds` calls, children included."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, before = time.monotonic(), os.times()
        work()
        walls.append(time.monotonic() - wall)
        after = os.times()
        cpus.append(
            after.children_user
            - before.children_user
            + after.children_system
            - before.children_system
        )
    return statistics.median(walls), statistics.median(cpus)


def command(workspace: Path, *words: str) -> str:
    """Run one `amharic-tts` command and return its output."""
    argv = [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace), *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


def open_page(workspace: Path) -> None:
    """Start the page, wait until it answers, end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "xtts_demo.py", "--workspace", str(workspace), "--port", str(port)]
    page = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise SystemExit("the page did not answer within two minutes")
    finally:
        page.terminate()
        page.wait()


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Time the first steps of a newcomer.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, 4 training steps")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    rounds, steps = (1, 4) if options.quick else (3, 40)
    rows: list[dict[str, Any]] = []

    def row(measure: str, seconds: tuple[float, float], goal: float | None = None) -> None:
        for unit, value in zip(("s wall", "s CPU"), seconds, strict=True):
            told = goal if unit == "s wall" else None
            entry = {"measure": measure, "unit": unit, "peer": None, "ours": round(value, 2)}
            rows.append({**entry, "ratio": None, "goal": told})

    with tempfile.TemporaryDirectory() as name:
        space = Path(name) / "workspace"
        row("the command line answers", measured(lambda: command(space, "--version"), rounds))
        row("the page answers", measured(lambda: open_page(space), rounds))
        row("sample project", measured(lambda: command(space, "sample"), 1))
        train = ("train", "--dataset", "sample", "--steps", str(steps), "--json")
        printed: list[str] = []
        took = measured(lambda: printed.append(command(space, *train)), 1)
        row(f"practice voice, {steps} steps, first time", took)
        run = json.loads(printed[0])["run"]
        speak = ("speak", "--voice", run, "--text", TEXT, "--out", str(Path(name) / "a.wav"))
        row("speak a sentence, cold", measured(lambda: command(space, *speak), 1))
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for entry in rows:
        print(f"{entry['measure']:45} {entry['ours']:8.2f} {entry['unit']}")


if __name__ == "__main__":
    main()
