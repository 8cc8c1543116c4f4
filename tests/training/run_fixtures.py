"""A workspace with a tiny dataset and the practice base, for tests of whole runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile
from training_fixtures import TEXTS, write_sounds

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.events import Event, EventLog, Metric
from amharic_tts.workspace import Workspace

LENGTHS = (1.5, 2.9, 1.8, 2.6, 2.1, 2.4, 1.6, 3.0)
STEPS = 12
SETTINGS = {
    "dataset": "tiny",
    "steps": STEPS,
    "batch_size": 4,
    "learning_rate": 2e-3,
    "warmup_steps": 2,
    "eval_every": 4,
    "save_every": 4,
    "device": "cpu",
}


def make_workspace(root: Path, practice_base: Path) -> Workspace:
    """Return a workspace with the dataset `tiny` (6 + 2 clips) and the practice base."""
    workspace = Workspace.open(root)
    workspace.bases.mkdir()
    (workspace.bases / "practice").symlink_to(practice_base)
    make_dataset(workspace)
    return workspace


def make_dataset(workspace: Workspace, name: str = "tiny", **changes: Any) -> Dataset:
    """Write a dataset of eight synthetic clips; `changes` go into every row."""
    folder = workspace.dataset(name)
    rows = []
    for number, wav in enumerate(write_sounds(folder / "wavs", LENGTHS)):
        row = {
            "id": wav.stem,
            "audio": f"wavs/{wav.name}",
            "text": TEXTS[number],
            "source": wav.name,
            "duration": soundfile.info(wav).frames / 22050,
            "split": "train" if number < 6 else "eval",
            **changes,
        }
        rows.append(Utterance(**row))
    dataset = Dataset(folder)
    dataset.save_header()
    return dataset.save(rows)


def command(workspace: Workspace, *words: str) -> list[str]:
    """Return a command line of the studio."""
    return [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace.root), *words]


def call(
    workspace: Workspace, *words: str, code: int = 0, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run a command of the studio and check its exit code."""
    done = subprocess.run(
        command(workspace, *words), capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def assignments(**changes: Any) -> list[str]:
    """Return `SETTINGS` as words of the command line, the dataset left out."""
    values = {**SETTINGS, **changes}
    del values["dataset"]
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def events_of(run: Path) -> list[Event]:
    """Return all events of a run."""
    return EventLog(run / "events.jsonl").read()[0]


def series(run: Path, name: str) -> dict[int, float]:
    """Return a metric by step, as the last process that measured it told it."""
    found = [e for e in events_of(run) if isinstance(e, Metric) and e.name == name]
    return {e.step: e.value for e in found}


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.02)


def manifest_of(run: Path) -> Any:
    """Return the manifest of a run."""
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))
