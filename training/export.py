"""From a checkpoint to a voice: `python -m training.export RUN_DIR [--step N] [--out DIR]`.

Without ``--step`` it takes the best checkpoint; without ``--out`` it writes ``RUN_DIR/ready``.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from amharic_tts.base_models import resolve
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError, UserError
from amharic_tts.jobs.scores import Scores
from amharic_tts.synthesis.voice_files import write_voice
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import load_vocabulary
from amharic_tts.workspace import Workspace
from training import config as configs
from training import manifest
from training.checkpoints import Checkpoint, Checkpoints
from training.codes import read_clip
from training.weights import voice_state

VOCABULARY = "vocab.json"
TEXT = "text.json"
READY = "ready"
REFERENCE_SECONDS = 6.0
"""A reference clip of about this length is chosen: what XTTS was trained to listen to."""


def text_settings(run: Path) -> TextSettings:
    """Return how a run reads text."""
    return TextSettings.from_dict(json.loads((run / TEXT).read_text(encoding="utf-8")))


def export(
    workspace: Workspace, run: Path, checkpoint: Checkpoint, target: Path | None = None
) -> Path:
    """Write the voice of a checkpoint; an older one goes to the trash.

    Args:
        workspace: Where the run is.
        run: Its folder.
        checkpoint: One of its checkpoints.
        target: The folder of the voice; the run's `ready` by default.

    Raises:
        StudioError: The checkpoint, the base or the dataset does not fit the run any more.
    """
    config = configs.load(run / "config.yaml")
    dataset = Dataset.load(workspace.dataset(config.dataset))
    chosen = {"step": checkpoint.step, "eval_loss": checkpoint.eval_loss}
    body = {**manifest.read(run), **_effective(run), **_scores(run, checkpoint.step)}
    return write_voice(
        target or run / READY,
        resolve(workspace, config.base),
        load_vocabulary(run / VOCABULARY),
        voice_state(checkpoint, config),
        text_settings(run),
        reference_clip(dataset),
        {**body, "checkpoint": chosen},
        trash=workspace.trash,
    )


def reference_clip(dataset: Any) -> Any:
    """Return the samples of the clip whose length is nearest to 6 s."""
    clips = dataset.accepted("train")
    chosen = min(clips, key=lambda u: (abs(u.duration - REFERENCE_SECONDS), u.id))
    return read_clip(dataset.wav(chosen))


def _effective(run: Path) -> dict[str, Any]:
    """Return what the run really did, of its `effective.json`."""
    path = run / "effective.json"
    if not path.is_file():
        return {}
    return {"effective": json.loads(path.read_text(encoding="utf-8"))["settings"]}


def _scores(run: Path, step: int) -> dict[str, Any]:
    """Return what was measured of the spoken samples of a step."""
    scores = Scores(run).read().get(step)
    if scores is None:
        return {}
    names = ("phoneme_error", "agreement", "similarity")
    counts = {name: scores.count(name) for name in ("ran_away", "stopped_early")}
    means = {name: scores.mean(name) for name in names}
    return {"scores": {"samples": len(scores.samples), **means, **counts}}


def no_checkpoint(run: Path, step: int, kept: Iterable[int]) -> UserError:
    """Return the error for a step whose checkpoint is not there."""
    there = ", ".join(map(str, sorted(kept))) or "none"
    return UserError(
        f"`{run.name}` has no checkpoint of step {step}",
        f"There are: {there}; see them with: amharic-tts runs checkpoints {run.name}",
    )


def _chosen(run: Path, step: int | None) -> Checkpoint:
    """Return the checkpoint of a step, or the best one.

    Raises:
        UserError: It is not there.
    """
    checkpoints = Checkpoints(run)
    if step is None:
        best = checkpoints.best()
        if best is None:
            raise UserError(
                f"`{run.name}` has no checkpoint to export yet",
                f"Train it further: amharic-tts runs resume {run.name}",
            )
        return best
    kept = {checkpoint.step: checkpoint for checkpoint in checkpoints.all()}
    if step not in kept:
        raise no_checkpoint(run, step, kept)
    return kept[step]


def main(arguments: Sequence[str]) -> int:
    """Export a checkpoint of a run; the command `runs export` calls this."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="python -m training.export")
    parser.add_argument("run", type=Path)
    parser.add_argument("--step", type=int)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    run = asked.run.absolute()
    try:
        export(Workspace.open(run.parents[1]), run, _chosen(run, asked.step), asked.out)
    except StudioError as error:
        sys.stdout.write(json.dumps({"message": error.message, "hint": error.hint}) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
