"""`train-habits`: what stock coqui's habits cost an untouched base, and what that means."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from run_fixtures import call, make_dataset, make_workspace
from training_fixtures import Kit

from amharic_tts.commands.train_habits import table
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.events import Done, Finding
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import current
from amharic_tts.workspace import Workspace
from training import quirks
from training.codes import AudioCodes
from training.data import ClipDataset, Limits, load_clips
from training.model import pack

HABITS = {h.name: (h.extra_stops, h.hide_text_stop) for h in quirks.HABITS}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)
    made = make_dataset(workspace, "english", text="It rains.").utterances
    (workspace.dataset("english") / "dataset.json").unlink()
    english = Dataset(workspace.dataset("english"), language="en")
    english.save_header()
    english.save(made)
    return workspace


def test_the_command_measures_what_training_would(studio: Workspace, kit: Kit) -> None:
    words = ("train-habits", "practice", "--dataset", "english", "--clips", "4", "--json")
    result = json.loads(call(studio, *words).stdout)
    rows = {row["habit"]: row for row in result["rows"]}
    assert list(rows) == list(HABITS) == ["plain", "hide_text_stop", "extra_stops=3", "both"]
    assert (result["base"], result["dataset"], result["clips"]) == ("practice", "english", 4)

    # The two clips kept for evaluation come first; the model is the base's own.
    dataset = Dataset.load(studio.dataset("english"))
    chosen = [dataset.utterances[n] for n in (6, 7, 0, 1)]
    part = dataclasses.replace(
        dataset, utterances=tuple(dataclasses.replace(u, split="train") for u in chosen)
    )
    encoder = TextEncoder(kit.base.folder / "vocab.json", current("en"))
    codes = AudioCodes(kit.base.folder, studio.cache)
    limits = Limits(kit.base.max_text, kit.base.max_codes)
    clips, _ = load_clips(part, encoder, codes, limits, lambda event: None)
    model, _, known = quirks._load(kit.base, "en")
    assert known
    data = ClipDataset(clips, kit.style, evaluation=True)
    for name, habit in HABITS.items():
        batch: Any = pack([data[i] for i in range(4)], model.special, *habit)
        loss = model(**batch)["loss"].item()
        assert rows[name]["loss"] == pytest.approx(loss, rel=1e-5), name
    # Later STOPs change nothing before them; hiding the text's STOP changes the codes.
    assert rows["extra_stops=3"]["codes"] == pytest.approx(rows["plain"]["codes"], rel=1e-6)
    assert rows["plain"]["later_stops"] is None and rows["both"]["later_stops"] > 1
    assert rows["hide_text_stop"]["codes"] != rows["plain"]["codes"]
    change = rows["hide_text_stop"]["codes"] - rows["plain"]["codes"]
    assert result["hiding"]["mean"] == pytest.approx(change, rel=0.5, abs=1e-5)
    assert "it was not trained with extra_stops" in result["meaning"][1]
    lines = table(result)
    assert lines[0] == "4 clips of english, read by practice, untrained"
    assert [line.split()[0] for line in lines[2:6]] == list(HABITS)
    assert lines[2].split()[4] == "-" and lines[6:] == result["meaning"]


@pytest.mark.parametrize(
    ("mean", "error", "words"),
    [
        (0.001, 0.001, "no difference is seen; leave hide_text_stop off"),
        (0.01, 0.001, "reads better with the STOP shown; leave hide_text_stop off"),
        (-0.01, 0.001, "is used to a hidden STOP"),
        (0.0, None, "one clip tells nothing"),
    ],
)
def test_what_hiding_means(mean: float, error: float | None, words: str) -> None:
    assert words in quirks.meaning_of_hiding(mean, error)


def test_what_later_stops_mean() -> None:
    assert "expects another with 99.0%: it was trained with" in quirks.meaning_of_stops(0.01)
    assert "expects another with 0.1%: it was not trained" in quirks.meaning_of_stops(6.93)


def test_a_language_that_the_base_does_not_know_is_said(studio: Workspace) -> None:
    told = list(quirks.measure(studio, "practice", "tiny", 2))
    findings = [event for event in told if isinstance(event, Finding)]
    assert [(f.code, f.subject, f.level) for f in findings] == [
        ("habits.language", "am", "warning")
    ]
    assert isinstance(told[-1], Done) and told[-1].result["clips"] == 2
