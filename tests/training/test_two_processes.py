"""Two processes on one run: the losses of one process on the same clips a step, and resumed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from run_fixtures import call, command, events_of, make_workspace, manifest_of, series, wait_for

from amharic_tts.events import Failed, Finding, Stopped
from amharic_tts.jobs import process, training
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

LOSSES = ("loss", "loss_text", "loss_mel", "grad_norm", "eval_loss")
# Six clips, four a step: the second step of each epoch has two clips and is filled up with blanks;
# of the two clips for evaluation one process has both and the other has blanks only.
SETTINGS = {
    "dataset": "tiny",
    "steps": 7,
    "learning_rate": 2e-3,
    "warmup_steps": 2,
    "eval_every": 3,
    "save_every": 3,
    "device": "cpu",
    "dropout": False,
}
ONE = {**SETTINGS, "batch_size": 4}
TWO = {**SETTINGS, "batch_size": 2, "processes": 2}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


def train(studio: Workspace, settings: dict[str, Any]) -> Path:
    words = [w for k, v in settings.items() if k != "dataset" for w in ("--set", f"{k}={v}")]
    done = call(studio, "train", "--dataset", "tiny", *words, "--json")
    return studio.run(json.loads(done.stdout)["run"])


def told(run: Path) -> dict[str, dict[int, float]]:
    return {name: series(run, name) for name in LOSSES}


@pytest.fixture(scope="module")
def alone(studio: Workspace) -> Path:
    return train(studio, ONE)


@pytest.fixture(scope="module")
def together(studio: Workspace) -> Path:
    return train(studio, TWO)


def test_two_processes_train_as_one_on_the_same_clips_a_step(alone: Path, together: Path) -> None:
    """Also in the step right after an evaluation, and where clips do not go into the steps."""
    one, two = told(alone), told(together)
    assert sorted(one["loss"]) == sorted(two["loss"]) == list(range(1, 8))
    assert sorted(two["eval_loss"]) == [3, 6, 7]
    for name in LOSSES:
        assert two[name] == pytest.approx(one[name], rel=2e-5), name


def test_the_first_process_alone_tells_and_writes(together: Path) -> None:
    body = manifest_of(together)
    assert [part["processes"] for part in body["parts"]] == [2]
    assert "torch.distributed.run --standalone --nproc-per-node=2" in body["command"]
    lines = {e.subject: e.message for e in events_of(together) if isinstance(e, Finding)}
    assert lines["processes"] == "2" and lines["batch"].startswith("4 clips a step")
    newest = together / "checkpoints" / "checkpoint-7"
    assert {path.name for path in newest.glob("rng_state*")} == {
        "rng_state_0.pth",
        "rng_state_1.pth",
    }
    assert (together / "ready" / "model.pth").is_file()


def test_stopped_in_mid_epoch_and_resumed_two_processes_lose_nothing(
    studio: Workspace, together: Path
) -> None:
    job = training.start_run(studio, FinetuneConfig(**TWO))
    wait_for(lambda: 1 in series(job.folder, "loss"), "the first step")
    process.stop(job.folder)
    events = events_of(job.folder)
    assert isinstance(events[-1], Stopped) and 1 <= events[-1].step < 7
    call(studio, "runs", "resume", job.id)
    assert told(job.folder) == told(together)


def test_another_number_of_clips_a_step_is_refused(studio: Workspace, together: Path) -> None:
    body = (together / "config.yaml").read_text(encoding="utf-8")
    (together / "config.yaml").write_text(body.replace("steps: 7", "steps: 8"), encoding="utf-8")
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "training.finetune", str(together)],
        capture_output=True,
        text=True,
        env={**os.environ, **process.environment()},
    )
    (together / "config.yaml").write_text(body, encoding="utf-8")
    failed = events_of(together)[-1]
    assert done.returncode == 2 and isinstance(failed, Failed)
    assert (
        "4 clips a step (2 processes x 2 x 1); with 1 processes it would have 2" in failed.message
    )
    assert command(studio)  # the run can be resumed as before
