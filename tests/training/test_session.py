"""A run in trouble, inside this process: refused rows, damage, NaN, no room, an early stop."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from run_fixtures import SETTINGS, TEXTS, make_dataset, make_workspace

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Finding, Metric, Stopped
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace
from training import finetune
from training.checkpoints import Checkpoints, fault
from training.config import FinetuneConfig
from training.model import PackedXtts
from training.session import Session
from training.stopping import StopSwitch


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


def session(studio: Workspace, name: str, **settings: Any) -> tuple[Session, list[Event]]:
    """A session on a run of this name, made where it is not there yet."""
    config = FinetuneConfig(**{**SETTINGS, "steps": 2, **settings}).check()
    folder = studio.run(name)
    if not folder.exists():
        store.create(studio, JobSpec(name, "train", name, ["-m", "training.finetune", str(folder)]))
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    told: list[Event] = []
    return Session(studio, folder, config, told.append, StopSwitch(folder)), told


def findings(told: list[Event], prefix: str) -> list[tuple[str, str, str]]:
    found = [e for e in told if isinstance(e, Finding) and e.code.startswith(prefix)]
    return [(e.code, e.subject, e.level) for e in found]


def test_rows_that_can_not_be_trained_on_are_named(studio: Workspace) -> None:
    dataset = make_dataset(studio, "odd")
    rows = list(dataset.utterances)
    rows[0] = dataclasses.replace(rows[0], text="ሰላም ☃")
    rows[1] = dataclasses.replace(rows[1], text="ሀ" * 300)
    rows[2] = dataclasses.replace(rows[2], decision="rejected")
    dataset.save(rows)
    dataset.wav(rows[3]).unlink()
    work, told = session(studio, "odd", dataset="odd")
    assert isinstance(work.work(), Done)
    refused = findings(told, "row.")
    assert [(subject, level) for _, subject, level in refused] == [
        *((f"clip{number}", "warning") for number in range(4))
    ]
    assert [code for code, _, _ in refused][:2] == ["row.unknown_characters", "row.too_many_tokens"]
    body = json.loads((work.run / "manifest.json").read_text(encoding="utf-8"))
    assert (body["dataset"]["train"], body["dataset"]["eval"]) == (2, 2)


def test_a_dataset_of_refused_rows_only_says_why(studio: Workspace) -> None:
    make_dataset(studio, "refused", text="☃")
    work, _ = session(studio, "refused", dataset="refused")
    with pytest.raises(UserError) as caught:
        work.work()
    assert caught.value.exit_code == 2
    assert "8 of 8 rows" in caught.value.message and "☃" in caught.value.message
    assert "dataset check refused" in caught.value.hint
    assert not (work.run / "checkpoints").exists() and not (work.run / "ready").exists()


def test_without_rows_for_evaluation_the_last_checkpoint_becomes_the_voice(
    studio: Workspace,
) -> None:
    make_dataset(studio, "all", split="train")
    work, told = session(studio, "all", dataset="all")
    final = work.work()
    assert isinstance(final, Done) and final.result["eval_loss"] is None
    assert final.result["steps"] == 2 and Path(final.result["voice"]).is_dir()
    assert findings(told, "eval.") == [("eval.none", "evaluation", "warning")]


def test_a_stop_before_the_first_step_is_a_stop(studio: Workspace) -> None:
    work, told = session(studio, "early")
    (work.run / "stop").touch()
    final = work.work()
    assert isinstance(final, Stopped) and (final.step, final.result["steps"]) == (0, 0)
    assert not [e for e in told if isinstance(e, Metric)]


def test_half_written_checkpoints_are_moved_aside_and_the_one_before_is_taken(
    studio: Workspace,
) -> None:
    work, told = session(studio, "half", steps=4, save_every=2)
    first = work.work()
    assert isinstance(first, Done)
    before = {e.step: e.value for e in told if isinstance(e, Metric) and e.name == "loss"}
    folder = work.checkpoints.folder
    for step, damage in ((4, "optimizer.pt"), (5, "trainer_state.json"), (6, "model.safetensors")):
        if step > 4:
            shutil.copytree(folder / "checkpoint-2", folder / f"checkpoint-{step}")
        path = folder / f"checkpoint-{step}" / damage
        if damage == "trainer_state.json":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-100])
    (folder / ".writing" / "checkpoint-9").mkdir(parents=True)

    damaged = dict(work.checkpoints.clean(studio))
    assert damaged["checkpoint-4"] == "`optimizer.pt` is cut short"
    assert damaged["checkpoint-5"] == "`trainer_state.json` is missing"
    assert set(damaged) == {"checkpoint-4", "checkpoint-5", "checkpoint-6"}
    assert {p.name.split("-", 2)[2] for p in studio.trash.iterdir()} >= set(damaged)
    assert {p.name for p in folder.iterdir()} == {"checkpoint-2"}

    again, told = session(studio, "half", steps=4, save_every=2)
    assert isinstance(again.work(), Done)
    after = {e.step: e.value for e in told if isinstance(e, Metric) and e.name == "loss"}
    assert after == {step: before[step] for step in (3, 4)}


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_clips(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, _ = session(studio, "nan", steps=4, save_every=1, batch_size=2)
    plain = PackedXtts.forward
    calls: list[torch.Tensor] = []

    def spoiled(self: PackedXtts, *args: Any, **batch: Any) -> Any:
        out = plain(self, *args, **batch)
        if self.training:
            calls.append(batch["clip"])
            if len(calls) == 2:
                out["loss"] = out["loss"] * float("nan")
        return out

    monkeypatch.setattr(PackedXtts, "forward", spoiled)
    with pytest.raises(StudioError, match="loss of step 2 is not a number") as caught:
        work.work()
    assert all(f"`clip{number}`" in caught.value.message for number in calls[1].tolist())
    assert "learning_rate" in caught.value.hint
    assert [c.step for c in work.checkpoints.all()] == [1]


def test_too_little_room_is_said_before_a_checkpoint_is_begun(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, _ = session(studio, "room", steps=3, save_every=1)
    usage = namedtuple("usage", "total used free")
    one = work.checkpoints.folder / "checkpoint-1"
    monkeypatch.setattr(
        "shutil.disk_usage", lambda _: usage(1 << 40, 0, 1 << (20 if one.exists() else 40))
    )
    with pytest.raises(UserError, match="Disk full: the next checkpoint needs") as caught:
        work.work()
    assert "Free some space" in caught.value.hint
    assert [c.step for c in work.checkpoints.all()] == [1]
    assert not fault(one)


def test_more_steps_go_on_from_the_last(studio: Workspace) -> None:
    work, _ = session(studio, "more", steps=2)
    assert isinstance(work.work(), Done)
    old = (work.run / "ready" / "voice.json").read_text(encoding="utf-8")
    again, told = session(studio, "more", steps=4)
    final = again.work()
    assert isinstance(final, Done) and final.result["steps"] == 4
    assert [e.step for e in told if isinstance(e, Metric) and e.name == "loss"] == [3, 4]
    assert (work.run / "ready" / "voice.json").read_text(encoding="utf-8") != old
    assert [p for p in studio.trash.iterdir() if "ready" in p.name]  # the old voice is not lost


class StopAtCall(StopSwitch):
    """Asks for a stop at the nth look."""

    calls = 0
    nth = 0

    def asked(self) -> bool:
        self.calls += 1
        return self.calls >= self.nth


PASSES = {"steps": 5, "batch_size": 1, "accumulation": 2, "save_every": 99, "eval_every": 99}


@pytest.fixture(scope="module")
def uninterrupted(studio: Workspace) -> dict[int, float]:
    work, told = session(studio, "uninterrupted", **PASSES)
    work.work()
    return _losses(told)


@pytest.mark.parametrize("step", [0, 1, 3])
def test_a_stop_between_the_passes_of_a_step_loses_nothing(
    studio: Workspace, uninterrupted: dict[int, float], step: int
) -> None:
    """Three steps an epoch, two passes a step: stopped in the first, in mid-epoch, in a new one."""
    first, before = session(studio, f"passes{step}", **PASSES)
    stop = StopAtCall(first.run)
    # A look after each clip's codes and one before training; then one in and one after each step.
    stop.nth = len(TEXTS) + 2 + 2 * step
    first.stop = stop
    stopped = first.work()
    assert isinstance(stopped, Stopped) and stopped.step == step
    again, after = session(studio, f"passes{step}", **PASSES)
    assert isinstance(again.work(), Done)
    assert {**_losses(before), **_losses(after)} == uninterrupted


@pytest.mark.parametrize("look", [len(TEXTS) + 3, len(TEXTS) + 4])
def test_an_evaluation_that_a_stop_broke_off_is_made_up_for(studio: Workspace, look: int) -> None:
    """The stop comes at the end of step 2, where an evaluation is due, or in the evaluation."""
    settings = {"steps": 3, "save_every": 2, "eval_every": 2}
    name = f"owing{look}"
    whole, _ = session(studio, "owing", **settings)
    if whole.checkpoints.newest() is None:
        whole.work()
    first, before = session(studio, name, **settings)
    stop = StopAtCall(first.run)
    stop.nth = look
    first.stop = stop
    stopped = first.work()
    assert isinstance(stopped, Stopped) and stopped.step == 2
    assert not _evals(before)
    again, after = session(studio, name, **settings)
    assert isinstance(again.work(), Done)
    assert sorted(_evals(after)) == [2, 3]
    reference = {c.step: c.eval_loss for c in whole.checkpoints.all()}
    assert {c.step: c.eval_loss for c in again.checkpoints.all()} == reference


def _evals(told: list[Event]) -> dict[int, float]:
    return {e.step: e.value for e in told if isinstance(e, Metric) and e.name == "eval_loss"}


def _losses(told: list[Event]) -> dict[int, float]:
    return {e.step: e.value for e in told if isinstance(e, Metric) and e.name == "loss"}


def test_phoneme_mode_adds_the_phones(studio: Workspace) -> None:
    letters, _ = session(studio, "letters")
    letters._encoder(_base(letters))
    phonemes, _ = session(studio, "phonemes", text_mode="phonemes")
    assert isinstance(phonemes.work(), Done)
    counts = [len(json.loads((s.run / "vocab.json").read_text())["model"]["vocab"])
              for s in (letters, phonemes)]  # fmt: skip
    assert counts[1] > counts[0] + 30
    voice = json.loads((phonemes.run / "ready" / "voice.json").read_text(encoding="utf-8"))
    assert voice["text"]["text_mode"] == "phonemes" and voice["text"]["g2p"] == "rule_based"


def _base(work: Session) -> Any:
    from training.base import read_base

    return read_base(work._base())


def test_a_changed_dataset_is_told_on_resume(studio: Workspace) -> None:
    dataset = make_dataset(studio, "changing")
    work, _ = session(studio, "changing", dataset="changing", steps=1)
    assert isinstance(work.work(), Done)
    rows = [dataclasses.replace(row, text=TEXTS[0] + " ነው") for row in dataset.utterances]
    Dataset.load(dataset.folder).save(rows)
    again, told = session(studio, "changing", dataset="changing", steps=2)
    assert isinstance(again.work(), Done)
    assert findings(told, "dataset.") == [("dataset.changed", "changing", "warning")]


@pytest.mark.parametrize(
    ("error", "code", "hint"),
    [
        (MemoryError(), 2, "Lower batch_size (now 4)"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), 2, "use_grad_checkpoint"),
        (OSError(28, "No space left on device"), 2, "Free some space"),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos"),
            2,
            "Free some",
        ),
        (KeyError("x"), 1, "log.txt"),
    ],
)
def test_unforeseen_errors_become_words(error: Exception, code: int, hint: str) -> None:
    failed = finetune._failed(error, FinetuneConfig(**SETTINGS))
    assert failed.exit_code == code and hint in failed.hint


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, caplog: Any) -> None:
    assert finetune.main([str(tmp_path)]) == 2
    assert finetune.main([]) == 2
    assert "is not the folder of a run" in caplog.text


def test_checkpoints_of_an_empty_run(tmp_path: Path) -> None:
    empty = Checkpoints(tmp_path)
    assert (empty.all(), empty.newest(), empty.best()) == ([], None, None)
