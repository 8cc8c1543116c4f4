"""The whole way by commands, on real recordings: build, check, train, export, load, speak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

STEPS = 12
ONE_CODE = 1000
"""Samples at the least: a practice voice draws at random and may stop after its first code."""


def run(workspace: Path, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == code, f"{args}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


def result(workspace: Path, *args: str) -> Any:
    return json.loads(run(workspace, *args, "--json").stdout)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journey") / "workspace"


@pytest.fixture(scope="module")
def checked(studio: Path, ljspeech: Path) -> dict[str, Any]:
    before = {p.name: p.stat().st_mtime_ns for p in ljspeech.iterdir()}
    run(studio, "dataset", "build", str(ljspeech), "--name", "lj", "--language", "en")
    assert {p.name: p.stat().st_mtime_ns for p in ljspeech.iterdir()} == before
    return dict(result(studio, "dataset", "check", "lj"))


@pytest.fixture(scope="module")
def trained(studio: Path, checked: dict[str, Any]) -> dict[str, Any]:
    settings = ["batch_size=4", "eval_every=4", "save_every=4", "learning_rate=5e-4"]
    pairs = [word for pair in settings for word in ("--set", pair)]
    done = run(studio, "train", "--dataset", "lj", "--steps", str(STEPS), *pairs, "--set",
               "language=en", "--json")  # fmt: skip
    assert "-m training.finetune" in done.stderr  # the exact command is shown
    return dict(json.loads(done.stdout))


def test_every_clip_is_accepted_or_refused_for_a_reason(checked: dict[str, Any]) -> None:
    assert len(checked["rows"]) == 24
    for row in checked["rows"]:
        if row["decision"] == "rejected":
            assert any(f["level"] == "error" for f in row["findings"]), row
    accepted = [row for row in checked["rows"] if row["decision"] == "accepted"]
    assert len(accepted) == checked["accepted"] >= 20


def test_training_finishes_and_the_loss_falls(studio: Path, trained: dict[str, Any]) -> None:
    assert set(trained) == {"run", "state", "steps", "loss", "eval_loss", "voice"}
    assert (trained["state"], trained["steps"]) == ("done", STEPS)
    lines = (studio / "runs" / trained["run"] / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    losses = [e["value"] for e in events if e["event"] == "metric" and e["name"] == "loss"]
    assert len(losses) == STEPS
    assert np.mean(losses[-4:]) < np.mean(losses[:4]) - 0.1, losses
    evals = [e["value"] for e in events if e["event"] == "metric" and e["name"] == "eval_loss"]
    assert evals[-1] < evals[0]


def test_the_voice_loads_in_stock_coqui_and_speaks(trained: dict[str, Any], ljspeech: Path) -> None:
    import torch
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(str(Path(trained["voice"]) / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=trained["voice"], eval=True, strict=True)
    clip, rate = soundfile.read(ljspeech / "LJ001-0002.flac", dtype="float32")
    audio = torch.from_numpy(clip)[None]
    latents = model.get_gpt_cond_latents(audio, rate)
    speaker = model.get_speaker_embedding(audio, rate)
    wav = model.inference("hello there.", "en", latents, speaker, max_new_tokens=20)["wav"]
    assert wav.ndim == 1 and len(wav) >= ONE_CODE and bool(np.isfinite(wav).all())


def test_speak_writes_a_sound(studio: Path, trained: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "hello.wav"
    run(studio, "speak", "--voice", trained["run"], "--text", "hello there", "--language", "en",
        "--out", str(out))  # fmt: skip
    samples, rate = soundfile.read(out)
    assert rate == 24000 and len(samples) >= ONE_CODE and bool(np.isfinite(samples).all())


def test_runs_are_listed_and_shown(studio: Path, trained: dict[str, Any]) -> None:
    listed = result(studio, "runs", "list")
    assert [(r["run"], r["state"]) for r in listed] == [(trained["run"], "done")]
    shown = result(studio, "runs", "show", trained["run"])
    assert shown["state"] == "done" and shown["steps"] == STEPS
    assert run(studio, "runs", "stop", trained["run"], code=2).stderr.startswith("error: ")
