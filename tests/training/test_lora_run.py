"""A whole run with LoRA and an average: resumed, merged, and a voice that stock coqui loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from run_fixtures import SETTINGS, make_workspace, series
from safetensors.torch import load_file

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.events import Done, EventLog, Finding
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig
from training.session import Session
from training.stopping import StopSwitch

LORA: dict[str, Any] = {
    **{"lora_rank": 4, "ema_decay": 0.5, "freeze_embeddings": True, "use_grad_checkpoint": True},
    **{"eval_every": 2, "save_every": 2, "attention_dropout": False},
}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


def work(studio: Workspace, name: str, steps: int) -> Path:
    folder = studio.run(name)
    if not folder.exists():
        store.create(studio, JobSpec(name, "train", name, ["-m", "training.finetune", str(folder)]))
    config = FinetuneConfig(**{**SETTINGS, **LORA, "steps": steps}).check()
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    events = EventLog(folder / "events.jsonl")
    last = Session(studio, folder, config, events.append, StopSwitch(folder)).work()
    assert isinstance(last, Done)
    return folder


@pytest.fixture(scope="module")
def run(studio: Workspace) -> Path:
    work(studio, "lora", 2)
    return work(studio, "lora", 4)


def test_stock_coqui_loads_the_merged_voice_strictly(run: Path, studio: Workspace) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(str(run / "ready" / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(run / "ready"), eval=True, strict=True)
    name = "gpt.gpt.h.0.attn.c_attn.weight"
    evals = series(run, "eval_loss")
    best = run / "checkpoints" / f"checkpoint-{min(evals, key=lambda step: evals[step])}"
    base = load_model_state(studio.bases / "practice" / "model.pth")
    average = load_file(best / "ema.safetensors")
    stem = name.removesuffix(".weight")
    down, up = (average[f"{stem}.lora_{part}.default.weight"] for part in "AB")
    merged = base[name] + 2.0 * (up @ down).T
    assert torch.allclose(model.state_dict()[name], merged, atol=1e-7)
    assert not torch.equal(merged, base[name])
    assert torch.equal(model.state_dict()["gpt.final_norm.weight"], base["gpt.final_norm.weight"])


def test_what_is_told_and_written(run: Path) -> None:
    body = json.loads((run / "effective.json").read_text(encoding="utf-8"))
    used = {line["name"]: line["used"] for line in body["settings"]}
    assert used["trained"].startswith("LoRA adapters of rank 4, scale 2, on all matrices")
    assert used["average"].startswith("decay 0.5")
    assert used["kernel"] == "flash kernel: yes, flash runs"
    assert used["parameters"].endswith("are trained")
    trained, total = used["parameters"].removesuffix(" are trained").split(" of ")
    assert int(trained.replace(",", "")) < 0.2 * int(total.replace(",", ""))
    events = EventLog(run / "events.jsonl").read()[0]
    warned = [e.message for e in events if isinstance(e, Finding) and e.level == "warning"]
    assert any("new tokens stay untrained" in message for message in warned)
