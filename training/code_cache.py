"""Make the audio codes of a dataset before a training, on this machine or on a cluster.

``python -m training.code_cache WORKSPACE BASE DATASET [--engine ray] [--address ADDRESS]`` tells
events as JSON lines on stdout. A training finds the codes in the cache and makes those that lack.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from amharic_tts.base_models import PRACTICE, resolve
from amharic_tts.base_models.practice import build
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.workers import PROCESS, Engine, mapped
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Clock, Done, Event, Failed, Finding, to_json
from amharic_tts.workspace import Workspace
from training.codes import AudioCodes, file_hash


@dataclass(frozen=True)
class Coded:
    """What became of one clip."""

    fresh: bool = False
    """Its codes were not in the cache before."""
    problem: UserError | None = None
    """Why it can't be read."""


def make(workspace: Workspace, base_name: str, name: str, engine: Engine) -> Iterator[Event]:
    """Make the codes of a dataset's accepted clips that are not in the cache yet.

    Every clip is coded by one thread, wherever that is, so the codes are the same.

    Args:
        workspace: Where dataset, base and cache are.
        base_name: `practice`, `xtts-v2` or a folder.
        name: Of the dataset.
        engine: Where it is done.

    Yields:
        Findings, progress in clips, then `Done` with ``clips``, ``made``, ``unreadable`` and
        ``folder``.

    Raises:
        UserError: No such dataset or base, or the engine can't be used.
    """
    dataset = Dataset.load(workspace.dataset(name))
    base = resolve(workspace, base_name)
    base = build(base) if base_name == PRACTICE else base
    rows = dataset.accepted()
    folder = _codes(base, workspace.cache).folder
    clock, made, unreadable = Clock(len(rows), "audio codes"), 0, 0
    work = functools.partial(code, base, workspace.cache)
    results = mapped(work, (dataset.wav(row) for row in rows), engine, chunk=4)
    for done, (row, result) in enumerate(zip(rows, results, strict=True), 1):
        made += result.fresh
        if result.problem is not None:
            unreadable += 1
            yield Finding("unreadable_audio", result.problem.message, "error", row.id)
        yield clock.progress(done)
    counts = {"clips": len(rows), "made": made, "unreadable": unreadable}
    yield Done({"dataset": name, "base": base_name, **counts, "folder": str(folder)})


@functools.lru_cache(maxsize=1)
def _codes(base: Path, cache: Path) -> AudioCodes:
    return AudioCodes(base, cache)


def code(base: Path, cache: Path, wav: Path) -> Coded:
    """Put the codes of a clip into the cache; may run on a worker."""
    torch.set_num_threads(1)
    codes = _codes(base, cache)
    try:
        if not wav.is_file():
            raise UserError(f"`{wav}` is missing", "Build the dataset again")
        there = (codes.folder / f"{file_hash(wav)}.npy").exists()
        codes.get(wav)
    except UserError as error:
        return Coded(problem=error)
    return Coded(fresh=not there)


def main() -> int:
    """Run as a process; the outermost border for errors of the user."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("base")
    parser.add_argument("dataset")
    parser.add_argument("--engine", default=PROCESS)
    parser.add_argument("--address", default="")
    asked = parser.parse_args()
    engine = Engine(asked.engine, asked.address)
    try:
        for event in make(Workspace.open(asked.workspace), asked.base, asked.dataset, engine):
            sys.stdout.write(to_json(event) + "\n")
            sys.stdout.flush()
    except StudioError as error:
        sys.stdout.write(to_json(Failed(error.message, error.hint, error.exit_code)) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    # By its own name: a worker finds `code` in the module, not in a script.
    from training.code_cache import main as run

    raise SystemExit(run())
