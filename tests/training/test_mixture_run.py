"""A run with a replay dataset in another language: what is read, told, judged, and resumed."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from run_fixtures import SETTINGS, make_dataset, make_workspace

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.events import Done, Event, Finding, Metric
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import current
from amharic_tts.workspace import Workspace
from training import effective
from training.checkpoints import Checkpoints
from training.config import FinetuneConfig
from training.session import Session
from training.stopping import StopSwitch

ENGLISH = ("Good morning.", "How are you?", "It rains.", "Come in.", "Sit down.", "Thank you.")
MIXED = {
    **SETTINGS,
    "replay_dataset": "english",
    "language_sampling": "balanced",
    "conditioning_from": "other",
    "loader_workers": 1,
    "batch_size": 4,
    "steps": 7,
    "eval_every": 2,
    "save_every": 2,
    "keep_checkpoints": 9,
}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)
    made = make_dataset(workspace, "english").utterances[:6]
    (workspace.dataset("english") / "dataset.json").unlink()
    english = Dataset(workspace.dataset("english"), language="en")
    english.save_header()
    english.save(
        dataclasses.replace(
            row, text=text, split="train" if n < 4 else "eval", speaker="x" if n == 3 else ""
        )
        for n, (row, text) in enumerate(zip(made, ENGLISH, strict=True))
    )
    return workspace


def session(studio: Workspace, name: str, **settings: Any) -> tuple[Session, list[Event]]:
    config = FinetuneConfig(**{**MIXED, **settings}).check()
    folder = studio.run(name)
    store.create(studio, JobSpec(name, "train", name, ["-m", "training.finetune", str(folder)]))
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    told: list[Event] = []
    return Session(studio, folder, config, told.append, StopSwitch(folder)), told


@pytest.fixture(scope="module")
def through(studio: Workspace) -> tuple[Session, list[Event]]:
    work, told = session(studio, "through")
    assert isinstance(work.work(), Done)
    return work, told


def metric(told: list[Event], name: str) -> dict[int, float]:
    return {e.step: e.value for e in told if isinstance(e, Metric) and e.name == name}


def messages(told: list[Event]) -> dict[str, str]:
    return {e.code: e.message for e in told if isinstance(e, Finding)}


def test_each_clip_is_read_in_its_own_language(studio: Workspace, practice_base: Path) -> None:
    work, _ = session(studio, "read", text_mode="phonemes")
    clips = work._prepare(effective.make_plan(work.config)).clips
    assert [(c.id, c.language, c.replay) for c in clips.train][4:8] == [
        ("clip4", "am", False),
        ("clip5", "am", False),
        ("english/clip0", "en", True),
        ("english/clip1", "en", True),
    ]
    assert [len(part) for part in (clips.train, clips.evaluation, clips.replayed)] == [10, 2, 2]
    stock = TextEncoder(practice_base / "vocab.json", current("en"))
    ids = json.loads((work.run / "vocab.json").read_text(encoding="utf-8"))["model"]["vocab"]
    for clip, text in zip(clips.train[6:], ENGLISH, strict=False):
        assert clip.tokens == tuple(stock.encode(stock.prepare(text)))
        assert clip.tokens[0] == ids["[en]"]
    assert {clip.tokens[0] for clip in clips.train[:6]} == {ids["[am]"]}


def test_what_is_drawn_and_judged_is_told(through: tuple[Session, list[Event]]) -> None:
    work, told = through
    found = messages(told)
    assert found["draws"] == (
        "10 draws an epoch: `am` 5 (50.0%) of 6 clips, `en` 5 (50.0%) of 4 clips"
    )
    assert found["conditioning_from.alone"] == (
        "1 of 10 clips are the only one of their speaker, such as `english/clip3`: "
        "their prompt is cut from themselves"
    )
    assert found["effective.loader_workers"] == "1"
    assert "each language as often" in found["effective.language_sampling"]
    assert sorted(metric(told, "eval_loss")) == [2, 4, 6, 7]
    replayed = metric(told, "eval_loss_replay")
    assert sorted(replayed) == [2, 4, 6, 7]
    assert not set(replayed.values()) & set(metric(told, "eval_loss").values())
    body = json.loads((work.run / "manifest.json").read_text(encoding="utf-8"))
    assert (body["dataset"]["train"], body["dataset"]["eval"]) == (6, 2)
    assert (body["replay"]["name"], body["replay"]["train"], body["replay"]["eval"]) == (
        *("english", 4),
        2,
    )


@pytest.mark.parametrize("step", [2, 6])
def test_resumed_it_goes_on_as_if_nothing_had_been(
    studio: Workspace, through: tuple[Session, list[Event]], step: int
) -> None:
    """Balanced, replay, other clips' prompts, a worker; in mid-epoch, and at the end of one."""
    whole, all_told = through
    again, told = session(studio, f"resumed{step}")
    for name in ("vocab.json", "text.json", "manifest.json"):
        shutil.copy(whole.run / name, again.run / name)
    name = f"checkpoint-{step}"
    shutil.copytree(Checkpoints(whole.run).folder / name, again.checkpoints.folder / name)
    assert isinstance(again.work(), Done)
    for name in ("loss", "loss_mel", "eval_loss", "eval_loss_replay"):
        late = {n: value for n, value in metric(all_told, name).items() if n > step}
        assert late and metric(told, name) == late
