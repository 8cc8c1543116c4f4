"""Checkpoints of a run: written aside and renamed, found whole or not at all, the best one kept.

The Trainer writes into ``checkpoints/.writing/checkpoint-N``; when everything is there it is
flushed to disk and renamed to ``checkpoints/checkpoint-N``. A kill at any moment leaves either a
whole checkpoint or a leftover in `.writing`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from amharic_tts.errors import StudioError
from amharic_tts.files import disk_errors, require_space, sync_folder
from amharic_tts.workspace import Workspace

MODEL = "model.safetensors"
STATE = "trainer_state.json"
NEEDED = (MODEL, "optimizer.pt", "scheduler.pt", STATE)
WRITING = ".writing"
WEIGHT_BYTES = 4
MOMENT_BYTES = 8
"""AdamW's two moments of a trained weight, as fp32 at most."""
MARGIN = 64 << 20
"""Bytes that must stay free beside a checkpoint: events, log, samples."""


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint on disk."""

    folder: Path
    step: int
    loss: float | None
    """The last training loss that was logged before it."""
    eval_loss: float | None
    """The evaluation at this very step, if there was one."""

    @property
    def model(self) -> Path:
        """Weights of the GPT, named `gpt.*`."""
        return self.folder / MODEL


class Checkpoints:
    """The folder ``checkpoints`` of one run."""

    def __init__(self, run: Path) -> None:
        self.folder = run / "checkpoints"

    @property
    def writing(self) -> Path:
        """Where the Trainer writes."""
        return self.folder / WRITING

    def all(self) -> list[Checkpoint]:
        """Return the whole checkpoints, by step."""
        whole = [path for path in self._named() if not fault(path)]
        judged: dict[int, float] = {}
        for path in whole:  # a later one may know what was measured after an earlier was saved
            judged.update(_eval_losses(path))
        found = [_read(path, judged) for path in whole]
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    def has(self, step: int) -> bool:
        """Tell whether the checkpoint of a step is there."""
        return (self.folder / f"checkpoint-{step}").is_dir()

    def newest(self) -> Checkpoint | None:
        """Return the whole checkpoint of the highest step."""
        return max(self.all(), key=lambda checkpoint: checkpoint.step, default=None)

    def best(self) -> Checkpoint | None:
        """Return the one with the lowest eval loss; the newest where nothing was evaluated."""
        judged = [c for c in self.all() if c.eval_loss is not None]
        return min(judged, key=lambda c: c.eval_loss or 0.0, default=None) or self.newest()

    def eval_losses(self) -> dict[int, float]:
        """Return step -> eval loss of the whole run, up to its newest checkpoint."""
        newest = self.newest()
        return _eval_losses(newest.folder) if newest else {}

    def _named(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [p for p in self.folder.iterdir() if p.is_dir() and _step(p) is not None]

    def clean(self, workspace: Workspace) -> list[tuple[str, str]]:
        """Move damaged checkpoints to the trash and clear leftovers of our own writing.

        Returns:
            (name, what is wrong) of each damaged one.
        """
        with disk_errors(self.folder):
            if self.writing.exists():
                shutil.rmtree(self.writing)  # nobody has ever been told of these as checkpoints
            damaged = [(path, fault(path)) for path in self._named()]
            for path, wrong in damaged:
                if wrong:
                    workspace.discard(path)
        return [(path.name, wrong) for path, wrong in damaged if wrong]

    def require_room(self, parameters: int, trained: int, averaged: bool = False) -> None:
        """Check that the next checkpoint fits on the disk.

        Args:
            parameters: Of the model.
            trained: How many of them the optimizer holds.
            averaged: Whether an average of the trained ones is saved too.

        Raises:
            UserError: The disk is too full.
        """
        of_trained = MOMENT_BYTES + (WEIGHT_BYTES if averaged else 0)
        needed = parameters * WEIGHT_BYTES + trained * of_trained + MARGIN
        require_space(self.folder, needed, "Disk full: the next checkpoint")

    def publish(self, step: int, keep: int) -> Checkpoint:
        """Make what the Trainer wrote at `step` a checkpoint; keep the last `keep` and the best.

        Raises:
            StudioError: It is not whole.
        """
        name = f"checkpoint-{step}"
        written, final = self.writing / name, self.folder / name
        wrong = fault(written)
        if wrong:
            raise StudioError(f"`{written}` is not whole after writing: {wrong}")
        with disk_errors(final):
            for path in written.iterdir():
                _sync_file(path)
            sync_folder(written)
            if final.exists():  # the same step was saved before, say by a stop at its end
                self._remove(final)
            written.rename(final)
            sync_folder(self.folder)
            self._rotate(keep)
        return _read(final, _eval_losses(final))

    def _rotate(self, keep: int) -> None:
        whole, best = self.all(), self.best()
        for old in whole[:-keep]:
            if old != best:
                self._remove(old.folder)

    def _remove(self, folder: Path) -> None:
        """Take a checkpoint out of sight at once, then delete it."""
        aside = self.writing / f"old-{folder.name}"
        self.writing.mkdir(exist_ok=True)
        folder.rename(aside)
        shutil.rmtree(aside)


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _step(folder: Path) -> int | None:
    prefix, _, number = folder.name.partition("-")
    return int(number) if prefix == "checkpoint" and number.isdigit() else None


def _state(folder: Path) -> Mapping[str, object]:
    body = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def fault(folder: Path) -> str:
    """Return why a checkpoint can't be resumed from, or an empty string.

    Weights are checked against their own header's sizes, the others (zip files) by their end, so
    that gigabytes need not be read.
    """
    for name in NEEDED:
        if not (folder / name).is_file():
            return f"`{name}` is missing"
    try:
        state = _state(folder)
        if state.get("global_step") != _step(folder):
            return f"`{STATE}` tells of another step"
        for path in folder.glob("*.safetensors"):  # the average of the weights too
            with safe_open(path, framework="numpy") as weights:
                if not list(weights.keys()):
                    return f"`{path.name}` is empty"
    except (OSError, ValueError, SafetensorError) as error:
        return f"it can't be read: {error}"
    rng = sorted(folder.glob("rng_state*.pth"))
    if not rng:
        return "`rng_state.pth` is missing"
    named = {path.name for path in rng}
    for number in range(len(rng) if "rng_state.pth" not in named else 0):
        if f"rng_state_{number}.pth" not in named:
            return f"`rng_state_{number}.pth` is missing"
    for path in (folder / "optimizer.pt", folder / "scheduler.pt", *rng):
        if not _zip_ends_well(path):
            return f"`{path.name}` is cut short"
    return ""


def _zip_ends_well(path: Path) -> bool:
    """Tell whether the zip directory, which stands at the end, is there."""
    import zipfile

    return zipfile.is_zipfile(path)


def _entries(folder: Path) -> list[dict[str, float]]:
    history = _state(folder).get("log_history")
    return history if isinstance(history, list) else []


def _eval_losses(folder: Path) -> dict[int, float]:
    """Return step -> eval loss of everything that was measured up to a checkpoint."""
    judged = [entry for entry in _entries(folder) if "eval_loss" in entry]
    return {int(entry["step"]): float(entry["eval_loss"]) for entry in judged}


def _read(folder: Path, judged: Mapping[int, float]) -> Checkpoint:
    step = _step(folder)
    assert step is not None
    losses = [entry["loss"] for entry in _entries(folder) if "loss" in entry]
    return Checkpoint(folder, step, float(losses[-1]) if losses else None, judged.get(step))
