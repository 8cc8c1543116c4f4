"""The sample project: our sentences, a real dataset, made once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from built_datasets import files, run
from made_media import findings, result, wav

from amharic_tts.dataset import sample
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.validate import check
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.text import ethiopic
from amharic_tts.tokenizer.encoder import default_encoder
from amharic_tts.workspace import Workspace

EVALUATION = {"sample-high-2.wav"}


def test_the_sentences() -> None:
    texts = sample.sentences()
    assert len(texts) == len(set(texts)) == 44
    assert all(2 <= len(text.split()) <= 9 for text in texts)
    assert all(ethiopic.is_ethiopic(c) or c in " ?!" for text in texts for c in text)
    encoder = default_encoder("am")
    assert [text for text in texts if encoder.unknown(text)] == []
    assert [text for text in texts if encoder.prepare(text) != text] == []
    # every consonant that Amharic writes, and all seven orders
    letters = [ord(c) - 0x1200 for text in texts for c in text if c <= "\u1357"]
    wanted = "ሀለሐመሠረሰሸቀበቨተቸኀነኘአከኸወዐዘዠየደጀገጠጨጰጸፀፈፐ"
    assert {ord(c) - 0x1200 >> 3 for c in wanted} <= {n >> 3 for n in letters}
    assert set(range(7)) <= {n & 7 for n in letters}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.open(tmp_path_factory.mktemp("sample") / "workspace")
    list(sample.build(workspace))
    return workspace


def test_every_clip_is_accepted_and_speaks(made: Workspace) -> None:
    dataset = Dataset.load(made.dataset("sample"))
    assert [row.text for row in dataset.utterances] == sample.sentences()
    assert len(dataset.accepted()) == len(dataset.utterances) == check(dataset).accepted == 44
    assert sorted({row.speaker for row in dataset.accepted()}) == [
        "sample-deep",
        "sample-fast",
        "sample-high",
        "sample-low",
    ]
    assert [row.findings for row in dataset.utterances if row.findings] == []
    for row in dataset.accepted():
        samples, rate = soundfile.read(dataset.wav(row))
        assert rate == 22050 and 1.0 < len(samples) / rate < 8.0
        assert float(np.sqrt(np.mean(samples**2))) > 0.01


def test_the_split_is_by_recording(made: Workspace) -> None:
    dataset = Dataset.load(made.dataset("sample"))
    sides: dict[str, set[str]] = {}
    for row in dataset.utterances:
        sides.setdefault(row.source, set()).add(row.split)
    assert len(sides) == 12 and all(len(side) == 1 for side in sides.values())
    kept = {row.source for row in dataset.accepted("eval")}
    assert kept == EVALUATION, "the same recordings on every machine, though their bytes differ"


def test_a_second_time_changes_nothing(made: Workspace) -> None:
    folder = made.dataset("sample")
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    events = list(sample.build(made))
    assert findings(events) == [("already_there", "info", "")]
    assert {name: (folder / name).read_bytes() for name in files(folder)} == before
    other = list(sample.build(made, "other"))
    numbers = {**result(other), "dataset": "sample", "folder": str(folder)}
    assert {k: v for k, v in numbers.items() if k != "seconds"} == {
        k: v for k, v in result(events).items() if k != "seconds"
    }


def test_a_dataset_of_this_name_that_is_another(workspace: Workspace, tmp_path: Path) -> None:
    wav(tmp_path / "data/a.wav")
    (tmp_path / "data/metadata.csv").write_text("a|x\n")
    run(workspace, tmp_path / "data", name="sample")
    with pytest.raises(UserError, match="already a dataset `sample`, and it is not the sample"):
        list(sample.build(workspace))


def test_two_at_once(workspace: Workspace) -> None:
    first = sample.build(workspace)
    next(first)
    with pytest.raises(UserError, match="`sample` is being built by another process"):
        list(sample.build(workspace))
    assert result(list(first))["accepted"] == 44


def test_where_espeak_is_missing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(MissingPart, match=r"can't be used here: it ended with 1"):
        list(sample.build(workspace))
    assert not workspace.dataset("sample").exists()


def test_a_voice_that_espeak_does_not_have(workspace: Workspace) -> None:
    wanted = {"out": "x.wav", "voice": "zz+q9", "speed": 1, "pitch": 1, "texts": ["a"]}
    with pytest.raises(MissingPart, match="espeak-ng has no voice `zz\\+q9`"):
        sample.run_espeak({"gap": 0.1, "recordings": [wanted]})
