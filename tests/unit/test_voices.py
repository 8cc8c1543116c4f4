from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from amharic_tts.errors import UserError
from amharic_tts.synthesis import voices
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import vocabulary_hash
from amharic_tts.workspace import Workspace


def make(folder: Path, created: float = 1.0) -> Path:
    """A voice folder whose model is an empty zip: enough for everything that needs no torch."""
    folder.mkdir(parents=True)
    with ZipFile(folder / "model.pth", "w") as model:
        model.writestr("data.pkl", "weights")
    (folder / "config.json").write_text(json.dumps({"model": "xtts", "model_args": {}}))
    (folder / "vocab.json").write_text(json.dumps(practice_vocabulary()))
    names = ("model.pth", "config.json", "vocab.json")
    body = {
        "format": 1,
        "text": TextSettings("am", normalizer="1").to_dict(),
        "vocabulary_sha256": vocabulary_hash(folder / "vocab.json"),
        "created": created,
        "note": "a note",
        "files": {name: {"bytes": (folder / name).stat().st_size} for name in names},
        "manifest": {"steps": 3},
    }
    (folder / "voice.json").write_text(json.dumps(body))
    return folder


def test_a_whole_voice_is_read(tmp_path: Path) -> None:
    voice = voices.check_voice(make(tmp_path / "ready"))
    assert voice.language == "am"
    assert voice.manifest == {"steps": 3}
    assert voice.problems == ()
    assert voice.reference == tmp_path / "ready" / "reference.wav"


def test_voices_of_runs_are_listed_newest_first_damaged_ones_too(workspace: Workspace) -> None:
    make(workspace.runs / "one" / "ready", created=1)
    make(workspace.runs / "two" / "ready", created=2)
    (make(workspace.runs / "three" / "ready", created=3) / "model.pth").write_bytes(b"PK")
    (workspace.runs / "four" / "ready").mkdir(parents=True)
    (workspace.runs / "five").mkdir()
    found = voices.list_voices(workspace)
    assert [voice.id for voice in found] == ["three", "two", "one", "four"]
    assert found[0].problems == ("model.pth is cut short",)
    assert found[1].problems == ()
    assert "has no voice.json" in found[3].problems[0]


def test_a_voice_is_found_by_run_id_or_folder(workspace: Workspace, tmp_path: Path) -> None:
    ready = make(workspace.runs / "one" / "ready")
    other = make(tmp_path / "elsewhere")
    assert voices.find(workspace, "one") == ready
    assert voices.find(workspace, str(ready)) == ready
    assert voices.find(workspace, workspace.runs / "one") == ready
    assert voices.find(workspace, other) == other


@pytest.mark.parametrize("name", ["none", "", "../runs/one", "/nowhere"])
def test_an_unknown_voice_is_named(workspace: Workspace, name: str) -> None:
    make(workspace.runs / "one" / "ready")
    with pytest.raises(UserError, match="There is no voice") as caught:
        voices.find(workspace, name)
    assert caught.value.hint == "There are: one, practice"


def test_the_built_in_voice_is_found_before_it_is_unpacked(workspace: Workspace) -> None:
    assert voices.find(workspace, "practice") == workspace.bases / "practice"


def test_a_run_without_a_voice_says_so(workspace: Workspace) -> None:
    (workspace.runs / "one").mkdir(parents=True)
    with pytest.raises(UserError, match="The run `one` has no finished voice yet"):
        voices.find(workspace, "one")


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "ready")
    (folder / "config.json").unlink()
    (folder / "model.pth").write_bytes((folder / "model.pth").read_bytes()[:-20])
    with pytest.raises(UserError) as caught:
        voices.check_voice(folder)
    assert caught.value.message.splitlines()[1:] == [
        "- model.pth is cut short",
        "- config.json is missing",
    ]
    (folder / "model.pth").write_bytes(b"")
    assert "model.pth is empty" in voices.read_voice(folder).problems


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "ready")
    text = (folder / "vocab.json").read_text()
    (folder / "vocab.json").write_text(text.replace('"a": ', '"A": ', 1))
    with pytest.raises(UserError, match="is not the one that the voice was trained with"):
        voices.check_voice(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "can't be read"),
        ("[]", "does not describe a voice"),
        ('{"format": 9, "text": {}}', "has the voice format 9, this version reads 1"),
        ('{"format": 1, "text": {"speed": "1"}}', "`speed` is unknown"),
    ],
)
def test_a_bad_description_is_named(tmp_path: Path, content: str, message: str) -> None:
    folder = make(tmp_path / "ready")
    (folder / "voice.json").write_text(content)
    with pytest.raises(UserError, match=message):
        voices.check_voice(folder)
    with pytest.raises(UserError, match="There is no voice folder"):
        voices.check_voice(tmp_path / "none")
