"""The memory plan of a run that is not started: settings, base and dataset against what is free."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amharic_tts import cli, machine
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.sample import build
from amharic_tts.errors import UserError
from amharic_tts.install.inspection import Gpu, Machine
from amharic_tts.jobs import plan
from amharic_tts.jobs.memory import Load, Row, Sizes
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

XTTS = Sizes(layers=30, width=1024, heads=16, text_tokens=6681, audio_tokens=1026)
ROWS = [Row(text=100, codes=200)] * 100
GB = 10**9


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.open(tmp_path_factory.mktemp("studio"))
    list(build(workspace))
    return workspace


def planned(room: float, **settings: Any) -> plan.MemoryPlan:
    config = FinetuneConfig(**{"dataset": "d", "batch_size": 8, **settings}).check()
    load = plan.load_of(config, XTTS, "bf16", fused=True)
    return plan.for_rows(config, XTTS, load, ROWS, ("cuda", int(room * GB)))


def test_a_batch_that_fits() -> None:
    found = planned(40, effective_batch=64)
    assert (found.batch_size, found.accumulation, found.step) == (8, 8, 64)
    assert found.warnings == () and found.largest > 8
    assert found.suggested[0] * found.suggested[1] == 64
    assert planned(40).suggested[0] * planned(40).suggested[1] == 252


def test_a_batch_that_does_not_fit_is_told_with_what_would() -> None:
    found = planned(11)
    assert 0 < found.largest < 8
    (warning,) = found.warnings
    assert warning.startswith("8 of the longest clips at once want about 1")
    assert "11.0 GB are free for them: take batch_size" in warning
    assert "or use_grad_checkpoint, with which" in warning
    (little,) = planned(5).warnings
    assert planned(5).largest == 0 and little.endswith(
        "LoRA (lora_rank), or a machine with more memory"
    )


def test_what_fits_narrowly_is_told() -> None:
    total = planned(40).expected.total
    (warning,) = planned(total * 1.05 / GB).warnings
    assert warning.endswith("that is tight")


@pytest.mark.parametrize(
    ("settings", "load"),
    [
        ({}, Load("bf16", trainable=XTTS.parameters)),
        (
            {"use_grad_checkpoint": True, "checkpoint_blocks": 5, "ema_decay": 0.9},
            Load("bf16", True, 5, True, XTTS.parameters, ema=True),
        ),
        (
            {"use_grad_checkpoint": True, "checkpoint_conditioning": False},
            Load("bf16", True, 30, False, XTTS.parameters),
        ),
        (
            {"optimizer": "adamw_8bit", "freeze_blocks": 10, "freeze_conditioning": True},
            Load(
                "bf16",
                trainable=XTTS.parameters
                - 10 * XTTS.block_parameters
                - XTTS.conditioning_parameters,
                optimizer_bytes=2,
            ),
        ),
    ],
)
def test_what_of_the_settings_weighs(settings: dict[str, Any], load: Load) -> None:
    config = FinetuneConfig(dataset="d", **settings).check()
    assert plan.load_of(config, XTTS, "bf16", fused=True) == load


def test_a_plan_before_the_practice_base_is_built(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda device: 3 * GB)
    config = FinetuneConfig(dataset="sample", device="cpu", effective_batch=12)
    found = plan.make(studio, config.check())
    assert (found.device, found.room) == ("cpu", 2 * GB)
    accepted = Dataset.load(studio.dataset("sample")).accepted("train")
    assert found.clips == len(accepted)
    assert found.longest.codes == max(-(-round(u.duration * 22050) // 1024) for u in accepted)
    assert (found.batch_size, found.accumulation) == (4, 3)
    assert found.trained == found.parameters and found.warnings == ()
    assert found.to_dict()["expected"]["total"] == found.expected.total


def test_what_is_missing_is_said(studio: Workspace) -> None:
    with pytest.raises(UserError, match="base model `xtts-v2` is not downloaded"):
        plan.make(studio, FinetuneConfig(dataset="sample", base="xtts-v2"))
    with pytest.raises(UserError, match="nothing"):
        plan.make(studio, FinetuneConfig(dataset="nothing"))


def test_the_command_prints_the_plan(studio: Workspace) -> None:
    words = ["--workspace", str(studio.root), "train-plan", "--dataset", "sample"]
    words += ["--set", "device=cpu", "--set", "lora_rank=8"]
    told = CliRunner().invoke(cli.app, words)
    assert told.exit_code == 0, told.output
    lines = dict(line.split(": ", 1) for line in told.stdout.splitlines())
    assert list(lines) == [*("device", "model", "clips", "batch", "expected", "fits", "suggested")]
    assert lines["batch"] == "4 x 1, 4 clips a step"
    body = json.loads(CliRunner().invoke(cli.app, [*words, "--json"]).stdout)
    assert body["measured"] is None and body["clips_a_step"] == 4
    assert f"{body['trained']:,} of them trained" in lines["model"]


def test_free_memory_of_a_gpu_and_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = Gpu("Test", "550.54", 8192)
    found = Machine("Linux", "x86_64", "glibc 2.36", (3, 11, 7), gpus=(gpu,))
    monkeypatch.setattr(machine, "_machine", lambda: found)
    monkeypatch.setattr(machine.inspection, "run_quietly", lambda argv: (0, "6000\n"))
    assert machine.free_memory("cuda") == 6000 << 20
    monkeypatch.setattr(machine.inspection, "run_quietly", lambda argv: (127, "not found"))
    assert machine.free_memory("cuda") == 8192 << 20
    assert machine._left_in_container(tmp_path) == sys.maxsize
    (tmp_path / "memory.max").write_text("4000\n")
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 2500\ninactive_file 500\n")
    assert machine._left_in_container(tmp_path) == 1500
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._left_in_container(tmp_path) == sys.maxsize
