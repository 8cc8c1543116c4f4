"""From a checkpoint to a voice: `python -m training.export RUN_DIR` writes ``RUN_DIR/ready``."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amharic_tts.base_models import resolve
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError, UserError
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


def export(workspace: Workspace, run: Path, checkpoint: Checkpoint) -> Path:
    """Write the voice of a checkpoint into the run's `ready`; an older one goes to the trash.

    Raises:
        StudioError: The checkpoint, the base or the dataset does not fit the run any more.
    """
    config = configs.load(run / "config.yaml")
    dataset = Dataset.load(workspace.dataset(config.dataset))
    body = manifest.read(run)
    chosen = {"step": checkpoint.step, "eval_loss": checkpoint.eval_loss}
    return write_voice(
        run / READY,
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


def main(arguments: Sequence[str]) -> int:
    """Export the best checkpoint of a run; the command `runs export` calls this."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    run = Path(arguments[0]).absolute()
    try:
        checkpoint = Checkpoints(run).best()
        if checkpoint is None:
            raise UserError(
                f"`{run.name}` has no checkpoint to export yet",
                f"Train it further: amharic-tts runs resume {run.name}",
            )
        export(Workspace.open(run.parents[1]), run, checkpoint)
    except StudioError as error:
        sys.stdout.write(json.dumps({"message": error.message, "hint": error.hint}) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
