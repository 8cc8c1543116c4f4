"""Out of memory in the middle of a run: it goes on with a smaller batch and the same steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from run_fixtures import SETTINGS, make_workspace
from training_fixtures import Kit

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Metric
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace
from training import config as configs
from training import finetune
from training.config import FinetuneConfig
from training.memory import LongestFirst
from training.model import PackedXtts
from training.ranks import Ranks
from training.session import Session
from training.stopping import StopSwitch, out_of_memory

NO_LUCK = "CUDA out of memory. Tried to allocate 2.00 GiB"
RUN = {"steps": 5, "save_every": 3, "eval_every": 3, "dropout": False, "keep_checkpoints": 9}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("memory") / "workspace", practice_base)


def session(studio: Workspace, name: str, **settings: Any) -> tuple[Session, list[Event]]:
    config = FinetuneConfig(**{**SETTINGS, **RUN, **settings}).check()
    folder = studio.run(name)
    if not folder.exists():
        store.create(studio, JobSpec(name, "train", name, ["-m", "training.finetune", str(folder)]))
        (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    told: list[Event] = []
    config = configs.load(folder / "config.yaml")
    return Session(studio, folder, config, told.append, StopSwitch(folder)), told


def losses(told: list[Event], name: str = "loss") -> dict[int, float]:
    return {e.step: e.value for e in told if isinstance(e, Metric) and e.name == name}


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Lets the fourth and later forward passes of training hold two rows at most."""
    plain = PackedXtts.forward
    rows: list[int] = []

    def limited(self: PackedXtts, *args: Any, **batch: Any) -> Any:
        if self.training:
            rows.append(len(batch["clip"]))
            if len(rows) > 3 and rows[-1] > 2:
                raise torch.OutOfMemoryError(NO_LUCK)
        return plain(self, *args, **batch)

    monkeypatch.setattr(PackedXtts, "forward", limited)
    yield rows


@pytest.fixture(scope="module")
def whole(studio: Workspace) -> list[Event]:
    work, told = session(studio, "whole")
    assert isinstance(work.work(), Done)
    return told


def test_the_run_goes_on_with_half_the_batch_and_the_same_losses(
    studio: Workspace, whole: list[Event], little_memory: list[int]
) -> None:
    work, told = session(studio, "less")
    final = work.work()
    assert isinstance(final, Done) and final.result["steps"] == 5
    found = [e for e in told if isinstance(e, Finding) and e.code == "memory.stepped_down"]
    assert [(f.level, f.subject) for f in found] == [("warning", "batch_size")]
    assert "the checkpoint of step 3 with 2 x 2 in place of 4 x 1" in found[0].message
    assert little_memory[5:] == [2, 2, 2]
    for name in ("loss", "eval_loss"):
        assert losses(told, name) == pytest.approx(losses(whole, name), rel=1e-5)
    kept = configs.load(work.run / "config.yaml")
    assert kept.batch() == (2, 2)
    lines = json.loads((work.run / "effective.json").read_text(encoding="utf-8"))["settings"]
    (line,) = [line for line in lines if line["name"] == "batch"]
    assert line["reason"] == "4 at once ran out of memory" and "4 clips a step" in line["used"]
    assert [x["name"] for x in lines].count("parameters") == 1


def test_at_one_clip_a_pass_it_fails_with_advice(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: PackedXtts, *_args: Any, **_batch: Any) -> Any:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes")

    monkeypatch.setattr(PackedXtts, "forward", never)
    work, told = session(studio, "never", batch_size=2)
    with pytest.raises(RuntimeError) as caught:
        work.work()
    assert [e.code for e in told if isinstance(e, Finding) and e.code.startswith("memory.")] == [
        "memory.stepped_down"
    ]
    failed = finetune._failed(caught.value, work.config)
    assert failed.exit_code == 2 and failed.hint.startswith("switch on use_grad_checkpoint")


def test_several_processes_do_not_step_down(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: Any) -> bool:
        raise torch.OutOfMemoryError(NO_LUCK)

    monkeypatch.setattr(Session, "_train", too_much)
    work, told = session(studio, "several")
    work.ranks = Ranks(0, 2, 2)
    anything: Any = None
    with pytest.raises(UserError, match="each of 2 processes; only a run of one") as caught:
        work._train_within_memory(anything, anything)
    assert "so that 4 x 1 stays 4" in caught.value.hint
    assert told == [] and configs.load(work.run / "config.yaml").batch_size == 4


def test_the_longest_clips_come_first_and_change_nothing(kit: Kit, tmp_path: Path) -> None:
    def run(first: bool) -> tuple[list[float], list[int]]:
        trainer, _, events = kit.trainer(tmp_path / str(first), steps=3, batch_size=2)
        lengths: list[int] = []
        if first:
            trainer.add_callback(LongestFirst(trainer, 8))
        plain = trainer.model.forward

        def seen(*args: Any, **batch: Any) -> Any:
            lengths.append(batch["row_length"])
            return plain(*args, **batch)

        trainer.model.forward = seen
        trainer.train()
        return [e.value for e in events if isinstance(e, Metric) and e.name == "loss"], lengths

    (before, without), (after, lengths) = run(False), run(True)
    assert after == before and len(after) == 3
    assert len(lengths) == len(without) + 1
    assert lengths[0] == max(clip.length for clip in kit.clips[:6]) + 3


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError(NO_LUCK), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
        (RuntimeError("shape mismatch"), False),
        (OSError("out of memory"), False),
    ],
)
def test_how_out_of_memory_is_known(error: Exception, is_it: bool) -> None:
    assert out_of_memory(error) is is_it
