"""A whole run as a process: trained, stopped, killed, resumed; by the commands that people type."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from run_fixtures import (
    SETTINGS,
    STEPS,
    assignments,
    call,
    command,
    events_of,
    make_workspace,
    manifest_of,
    series,
    wait_for,
)

from amharic_tts.errors import UserError
from amharic_tts.events import Failed, Finding, Progress, Started, Stopped
from amharic_tts.jobs import process, training
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


@pytest.fixture(scope="module")
def finished(studio: Workspace) -> dict[str, Any]:
    done = call(studio, "train", "--dataset", "tiny", *assignments(), "--json")
    assert "-m training.finetune" in done.stderr
    return dict(json.loads(done.stdout))


def losses(run: Path) -> dict[str, dict[int, float]]:
    return {name: series(run, name) for name in ("loss", "loss_text", "loss_mel", "eval_loss")}


def test_the_result_and_the_files_of_a_run(studio: Workspace, finished: dict[str, Any]) -> None:
    run = studio.run(finished["run"])
    evals = series(run, "eval_loss")
    assert finished == {
        "run": run.name,
        "state": "done",
        "steps": STEPS,
        "loss": series(run, "loss")[STEPS],
        "eval_loss": min(evals.values()),
        "voice": str(run / "ready"),
    }
    assert {path.name for path in run.iterdir()} == {
        *("job.json", "config.yaml", "process.json", "events.jsonl", "log.txt"),
        *("effective.json", "manifest.json", "vocab.json", "text.json", "checkpoints", "ready"),
    }
    kept = {path.name for path in (run / "checkpoints").iterdir()} - {".writing"}
    best = min(evals, key=lambda step: evals[step])
    assert kept == {f"checkpoint-{step}" for step in {8, 12, best}}
    assert {path.name for path in (run / "checkpoints" / "checkpoint-12").iterdir()} == {
        *("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"),
        *("trainer_state.json", "training_args.bin"),
    }
    assert {path.name for path in (run / "ready").iterdir()} == {
        *("model.pth", "config.json", "vocab.json", "speakers_xtts.pth", "reference.wav"),
        *("voice.json", "MODEL_CARD.md"),
    }


def test_the_loss_falls(studio: Workspace, finished: dict[str, Any]) -> None:
    told = losses(studio.run(finished["run"]))
    assert sorted(told["loss"]) == list(range(1, STEPS + 1))
    assert np.mean([told["loss"][s] for s in (11, 12)]) < told["loss"][1] - 0.3
    assert sorted(told["eval_loss"]) == [4, 8, 12]
    mix = {s: 0.01 * told["loss_text"][s] + told["loss_mel"][s] for s in told["loss"]}
    assert mix == pytest.approx(told["loss"], rel=1e-5)


def test_what_a_run_tells(studio: Workspace, finished: dict[str, Any]) -> None:
    run = studio.run(finished["run"])
    events = events_of(run)
    findings = {e.subject: e.message for e in events if isinstance(e, Finding)}
    assert findings["attention"].startswith("sdpa") and findings["precision"].startswith("fp32")
    effective = json.loads((run / "effective.json").read_text(encoding="utf-8"))
    assert {line["name"]: line["used"] for line in effective["settings"]}["attention"] == "sdpa"
    steps = [e for e in events if isinstance(e, Progress) and e.note == "training"]
    assert (steps[-1].done, steps[-1].total, steps[-1].seconds_left) == (STEPS, STEPS, 0)
    body = manifest_of(run)
    assert (body["dataset"]["train"], body["dataset"]["eval"]) == (6, 2)
    assert body["config"]["seed"] == body["seed"] == 7
    assert body["versions"]["torch"] == torch.__version__.split("+")[0]
    assert body["result"] == finished and body["parts"][0]["ended"]


def test_the_voice_is_the_best_checkpoint_and_stock_coqui_speaks_with_it(
    studio: Workspace, finished: dict[str, Any]
) -> None:
    from safetensors.torch import load_file
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    run = studio.run(finished["run"])
    config = XttsConfig()
    config.load_json(str(run / "ready" / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(run / "ready"), eval=True, strict=True)
    evals = series(run, "eval_loss")
    best = min(evals, key=lambda step: evals[step])
    trained = load_file(run / "checkpoints" / f"checkpoint-{best}" / "model.safetensors")
    state = model.state_dict()
    assert all(torch.equal(state[name], weights) for name, weights in trained.items())
    latents, speaker = torch.randn(1, 32, 128), torch.randn(1, 512, 1)
    wav = model.inference("hello", "en", latents, speaker, max_new_tokens=12)["wav"]
    assert len(wav) > 1000 and bool(np.isfinite(wav).all())


def test_stop_resume_kill_resume_gives_the_same_losses(
    studio: Workspace, finished: dict[str, Any]
) -> None:
    config = FinetuneConfig(**SETTINGS)
    job = training.start_run(studio, config)
    with pytest.raises(UserError, match="already running on the CPU"):
        training.start_run(studio, config)
    wait_for(lambda: 1 in series(job.folder, "loss"), "step 1")
    process.request_stop(job.folder)  # at once: a command takes longer to start than the run takes
    wait_for(lambda: not process.alive(job.folder), "its end")
    stopped = training.result(job)
    assert stopped["state"] == "stopped" and 1 <= stopped["steps"] < STEPS
    assert isinstance(events_of(job.folder)[-1], Stopped)
    assert stopped["voice"] is None

    training.resume_run(studio, job.id)
    wait_for(lambda: 6 in series(job.folder, "loss"), "step 6")
    os.kill(json.loads((job.folder / "process.json").read_text())["pid"], signal.SIGKILL)
    wait_for(lambda: not process.alive(job.folder), "its death")
    assert job.state() == "lost"

    result = json.loads(call(studio, "runs", "resume", job.id, "--json").stdout)
    starts = [e.step for e in events_of(job.folder) if isinstance(e, Started)]
    assert starts[:2] == [0, stopped["steps"]] and starts[2] in (4, 5, 8)
    assert losses(job.folder) == losses(studio.run(finished["run"]))  # to the last bit
    assert {**result, "run": 0, "voice": 0} == {**finished, "run": 0, "voice": 0}


def test_ctrl_c_in_the_foreground_saves_and_stops(studio: Workspace) -> None:
    words = ("train", "--dataset", "tiny", *assignments(steps=500, save_every=500))
    shell = subprocess.Popen(
        command(studio, *words, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert shell.stderr is not None
    for line in shell.stderr:
        if line.startswith("step 2/500"):
            shell.send_signal(signal.SIGINT)
            break
    out, err = shell.communicate(timeout=120)
    assert shell.returncode == 0, err
    result = json.loads(out)
    assert result["state"] == "stopped" and 2 <= result["steps"] < 500
    assert "saves a checkpoint" in err and "stopped and saved at step" in err


def test_a_full_disk_is_said_and_the_checkpoint_before_stays_whole(
    studio: Workspace, finished: dict[str, Any]
) -> None:
    """In this process no file may grow beyond 1 MB, so its next checkpoint can't be written."""
    run = studio.run(finished["run"])
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace(f"steps: {STEPS}", f"steps: {STEPS + 2}", 1))
    before = (run / "checkpoints" / "checkpoint-12" / "model.safetensors").read_bytes()

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [sys.executable, "-m", "training.finetune", str(run)],
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (run / "config.yaml").write_text(config)
    assert done.returncode == 2, done.stderr
    last = events_of(run)[-1]
    assert isinstance(last, Failed) and last.exit_code == 2
    assert last.message.startswith("The checkpoint of step 14 could not be written")
    assert "checkpoint of step 12 is whole" in last.hint
    assert (run / "checkpoints" / "checkpoint-12" / "model.safetensors").read_bytes() == before
