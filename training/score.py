"""Speak and score checkpoints that are there: `python -m training.score RUN_DIR [STEP...]`.

It writes one event a line to stdout; the command `runs checkpoints --score` calls this.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import transformers

from amharic_tts.base_models import resolve
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Clock, Done, Event, Failed, to_json
from amharic_tts.jobs.scores import Scores
from amharic_tts.workspace import Workspace
from training import config as configs
from training import decisions
from training import export as exporting
from training.checkpoints import Checkpoint, Checkpoints
from training.speaking import Speaker
from training.weights import voice_state


def score(workspace: Workspace, run: Path, steps: Sequence[int] = ()) -> Iterator[Event]:
    """Yield the events of speaking with checkpoints; what is measured goes into `scores.json`.

    Args:
        workspace: Where the run is.
        run: Its folder.
        steps: Which ones; without any all kept ones that have no scores yet.

    Raises:
        UserError: A step has no checkpoint, or a sentence can't be said.
    """
    config = configs.load(run / "config.yaml")
    chosen = _chosen(run, steps)
    told: list[Event] = []
    speaker = Speaker(
        run,
        resolve(workspace, config.base),
        exporting.text_settings(run),
        config,
        Dataset.load(workspace.dataset(config.dataset)),
        decisions.device(config).used,
        told.append,
    )
    clock = Clock(len(chosen), "checkpoints scored")
    for number, checkpoint in enumerate(chosen):
        yield clock.progress(number)
        speaker.speak(checkpoint.step, voice_state(checkpoint, config))
        yield from told
        told.clear()
    yield clock.progress(len(chosen))
    yield Done({"run": run.name, "steps": [checkpoint.step for checkpoint in chosen]})


def _chosen(run: Path, steps: Sequence[int]) -> list[Checkpoint]:
    kept = {checkpoint.step: checkpoint for checkpoint in Checkpoints(run).all()}
    for step in steps:
        if step not in kept:
            raise exporting.no_checkpoint(run, step, kept)
    if not kept:
        raise UserError(
            f"`{run.name}` has no checkpoint to score",
            f"Train it further: amharic-tts runs resume {run.name}",
        )
    scored = Scores(run).read()
    return [kept[step] for step in (sorted(set(steps)) or sorted(kept.keys() - scored.keys()))]


def main(arguments: Sequence[str]) -> int:
    """Score the checkpoints of the run given on the command line; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    transformers.logging.set_verbosity_error()  # its advice is not for our readers
    run = Path(arguments[0]).absolute()
    try:
        for event in score(Workspace.open(run.parents[1]), run, [int(a) for a in arguments[1:]]):
            _tell(event)
    except StudioError as error:
        _tell(Failed(error.message, error.hint, error.exit_code))
        return error.exit_code
    return 0


def _tell(event: Event) -> None:
    sys.stdout.write(to_json(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
