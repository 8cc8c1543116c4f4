"""The view Check and mend: its handlers as plain functions, with a real workspace and no server."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amharic_tts.audio.read import RATE
from amharic_tts.dataset import repair
from amharic_tts.dataset.checks.run import CheckRequest, check
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Started
from amharic_tts.jobs import process, store
from amharic_tts.settings import Settings
from amharic_tts.ui import words
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from made_speech import dataset, speech

SAY = words.load("en")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A dataset with two faults in the sound and one in the text, checked without phones."""
    workspace = Workspace.open(tmp_path_factory.mktemp("check"))
    quiet = 4e-4 * np.random.default_rng(0).normal(0, 1, RATE).astype(np.float32)
    sounds = {f"c{i}": speech(2.6, 100 + 9 * i, i) for i in range(5)}
    sounds["c1"] = np.concatenate([quiet, sounds["c1"]])
    sounds["c2"] = 0.1 * sounds["c2"]
    texts = {"c3": "ሰላም <b>hello ደህና ነህ ወይ ወንድሜ"}
    dataset(workspace.dataset("mine"), sounds, texts, phonemes="səlam", g2p="x")
    list(check(workspace, CheckRequest("mine", model="")))
    dataset(workspace.dataset("new"), {"c0": sounds["c0"]})
    return workspace


@pytest.fixture(scope="module")
def part(workspace: Workspace) -> Any:
    import gradio as gr

    from amharic_tts.ui.pages import dataset_check

    with gr.Blocks():
        chosen = gr.Dropdown([])
        return dataset_check.build(Studio(Settings(workspace.root), workspace, SAY), chosen)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are started; none is really run."""
    started: list[list[str]] = []

    def start(workspace: Workspace, folder: Path) -> None:
        spec = store.JobSpec.load(folder)
        started.append(spec.command[4:-2])

    monkeypatch.setattr(process, "start", start)
    return started


def test_a_workspace_without_datasets_and_one_that_was_never_checked(part: Any) -> None:
    empty = part.show(None)
    assert empty[part.nothing].visible is True
    assert [empty[box].visible for box in (part.top, part.box, part.repair.box)] == [False] * 3
    new = part.show("new")
    assert new[part.top].visible is True
    assert new[part.box].visible is new[part.repair.box].visible is False
    assert "Length, seconds" in new[part.spreads]


def test_what_a_check_found_the_gravest_first(part: Any) -> None:
    shown = part.shown("mine")
    assert [row[0] for row in shown[part.table]] == ["c3", "c2", "c1"]
    script = shown[part.table][0]
    assert script[2].startswith("Another script: ")
    assert "are not of the script of `am`: bhelo" in script[2]
    assert (script[3][-1], script[4]) == ("%", "correct the text")
    assert "Clips checked" in shown[part.tiles]
    assert [code for _, code in shown[part.kind].choices] == [
        *("", "quiet", "silence_start", "wrong_script")
    ]
    assert [row[0] for row in part.choose("mine", "quiet")] == ["c2"]
    with open(shown[part.csv].value["path"], encoding="utf-8-sig", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["Clip", "c3", "c2", "c1"]


def test_pictures_and_phones(part: Any) -> None:
    shown = part.shown("mine")
    assert shown[part.spreads].count("<figure") >= 4
    assert "<title>" in shown[part.spreads]
    assert "phone-missing" in shown[part.phones]
    assert "To be recorded" in shown[part.phones]


def test_the_plan_and_another_choice(part: Any) -> None:
    card = part.repair
    shown = card.ended("mine")
    assert [value for _, value in shown[card.mends].choices] == ["trim", "normalise_loudness"]
    assert "cut the silence" in shown[card.plan]
    assert "Another script 1" in shown[card.plan]
    assert shown[card.done].visible is False
    only = card.replan("mine", ["trim"], None)
    assert "set the loudness" not in only[card.plan]
    every = card.replan("mine", [], -26)
    assert every[card.plan].count("set the loudness") >= 4
    with pytest.raises(UserError, match="out of bounds"):
        card.replan("mine", [], 3)
    assert card.ended(None)[card.box].visible is False


def test_the_commands_that_are_started(part: Any, commands: list[list[str]]) -> None:
    part.begin("mine", False)
    part.repair.begin("mine", ["trim"], None)
    part.repair.begin("mine", ["trim"], -26)
    assert commands == [
        ["dataset", "validate", "mine", "--no-phones"],
        ["dataset", "repair", "mine", "--yes", "--mend=trim"],
        [
            *("dataset", "repair", "mine", "--yes", "--mend=trim"),
            *("--mend=normalise_loudness", "--loudness=-26"),
        ],
    ]
    with pytest.raises(UserError, match="no dataset to check"):
        part.begin(None, True)
    with pytest.raises(UserError, match="Nothing is chosen"):
        part.repair.begin("mine", [], None)


def test_a_clip_is_heard_before_and_after_the_repair(
    part: Any, workspace: Workspace, commands: list[list[str]]
) -> None:
    card = part.repair
    assert Path(card.sound("mine", "c1").value["path"]).stat().st_size > 100_000
    with pytest.raises(UserError, match="no sound for `nobody`"):
        card.sound("mine", "nobody")
    card.begin("mine", ["trim"], None)
    job = store.jobs(workspace, "task")[0]
    done = list(repair.repair(workspace, "mine", ["trim"]))[-1]
    assert isinstance(done, Done)
    (job.folder / "result.json").write_text(json.dumps(done.result), encoding="utf-8")
    job.events.append(Started())
    job.events.append(Done({"file": str(job.folder / "result.json")}))
    shown = card.ended("mine")
    assert shown[card.done].visible is True
    assert shown[card.charts].count("bar-1") >= 2
    assert shown[card.which].choices == [("c1", "c1")]
    assert "1 clips changed since the last check" in shown[card.plan]
    pair = card.compare("mine", "c1")
    assert pair[card.before].visible is pair[card.after].visible is True
    with pytest.raises(UserError, match="did not mend `c0`"):
        card.compare("mine", "c0")
    assert card.ended("mine")[card.charts]
    assert Dataset.load(workspace.dataset("mine")).utterances[1].duration < 3
