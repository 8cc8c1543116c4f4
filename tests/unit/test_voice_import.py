"""A voice brought in: everything that is refused before weights are looked at."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from made_voices import CONFIG, stock, voice, zipped
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding
from amharic_tts.synthesis import foreign, sums, takeaway, voice_import, voices
from amharic_tts.synthesis.takeaway import TakeawayRequest
from amharic_tts.synthesis.voice_import import ImportRequest, import_voice
from amharic_tts.workspace import Workspace

AM = {"language": "am", "text_mode": "letters"}


@pytest.fixture
def unweighed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights pass unseen: what is done with them is tested with real ones."""
    monkeypatch.setattr(foreign, "check_weights", lambda folder, settings: "float32")
    monkeypatch.setattr(foreign, "check_speakers", lambda folder: None)
    monkeypatch.setattr(voice_import, "read_reference", lambda path: path)


def bring(workspace: Workspace, source: Path, **said: Any) -> tuple[dict[str, Any], list[Event]]:
    events = list(import_voice(workspace, ImportRequest(source, **said)))
    last = events[-1]
    assert isinstance(last, Done)
    return last.result, events


def refused(workspace: Workspace, source: Path, **said: Any) -> UserError:
    """The error of an import, which has left nothing behind."""
    before = sorted(workspace.voices.glob("*"))
    with pytest.raises(UserError) as caught:
        bring(workspace, source, **said)
    assert sorted(workspace.voices.glob("*")) == before
    assert ".import-" not in caught.value.message
    return caught.value


def codes(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Finding)]


def exported(tmp_path: Path, zipped: bool = False, **changed: Any) -> Path:
    target = tmp_path / ("taken.zip" if zipped else "taken")
    made = voice(tmp_path / "ready", **changed)
    list(takeaway.export(made, TakeawayRequest(target, zipped)))
    return target


@pytest.mark.usefixtures("unweighed")
@pytest.mark.parametrize("as_zip", [False, True])
def test_what_was_exported_comes_in_bit_for_bit(
    workspace: Workspace, tmp_path: Path, as_zip: bool
) -> None:
    list(takeaway.export(voice(tmp_path / "ready"), TakeawayRequest(tmp_path / "folder")))
    source = exported(tmp_path / "b", zipped=True) if as_zip else tmp_path / "folder"
    result, events = bring(workspace, source, name="ድምፅ")
    folder = workspace.voices / "ድምፅ"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "folder").iterdir()
    }
    assert result == {
        **{"voice": "ድምፅ", "folder": str(folder), "language": "am", "text_mode": "letters"},
        **{"made_by": "studio", "reference": True},
        "bytes": sum(path.stat().st_size for path in folder.iterdir()),
    }
    assert codes(events) == ["reads_otherwise"]  # the normaliser of the made voice is an old one
    assert voices.find(workspace, "ድምፅ") == folder
    (listed,) = voices.list_voices(workspace)
    assert (listed.id, listed.imported, listed.problems) == ("ድምፅ", True, ())
    assert [path.name for path in workspace.voices.iterdir()] == ["ድምፅ"]


@pytest.mark.usefixtures("unweighed")
def test_the_folder_of_another_tool_becomes_a_voice(workspace: Workspace, tmp_path: Path) -> None:
    made = stock(tmp_path / "from coqui", dvae_pth=b"x")
    (made / "LICENSE.txt").write_text("its own terms")
    result, events = bring(workspace, made, **AM)
    folder = workspace.voices / "from coqui"
    assert {path.name for path in folder.iterdir()} == {
        *("model.pth", "config.json", "vocab.json", "voice.json", "MODEL_CARD.md"),
        *("LICENSE.txt", "LICENSE-CPML.txt", "NOTICE.txt"),
    }
    assert (result["made_by"], result["reference"]) == ("other", False)
    assert codes(events) == ["licence_assumed", "left_out", "no_reference"]
    checked = voices.check_voice(folder)
    assert (checked.language, checked.settings.text_mode) == ("am", "letters")
    assert (folder / "LICENSE.txt").read_text() == "its own terms"
    report = list(sums.compare(folder))[-1]
    assert isinstance(report, sums.Report) and report.ok


@pytest.mark.usefixtures("unweighed")
def test_nothing_is_written_over(workspace: Workspace, tmp_path: Path) -> None:
    made = stock(tmp_path / "one")
    (workspace.runs / "run-1").mkdir(parents=True)
    assert bring(workspace, made, **AM)[0]["voice"] == "one"
    assert bring(workspace, made, **AM)[0]["voice"] == "one-2"
    for taken in ("one", "ONE", "run-1", "practice"):
        assert "already" in refused(workspace, made, name=taken, **AM).message
    for bad in ("../x", ".hidden", "a/b", "nul"):
        assert "can't be the name" in refused(workspace, made, name=bad, **AM).message


@pytest.mark.usefixtures("unweighed")
def test_what_a_killed_import_left_is_cleared(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.voices / ".import-x" / "made").mkdir(parents=True)
    assert voices.list_voices(workspace) == []
    bring(workspace, stock(tmp_path / "one"), **AM)
    assert [path.name for path in workspace.voices.iterdir()] == ["one"]


def test_how_it_reads_text_must_be_said(workspace: Workspace, tmp_path: Path) -> None:
    made = stock(tmp_path / "one")
    for said in ({}, {"language": "am"}, {"text_mode": "letters"}):
        error = refused(workspace, made, **said)
        assert "The voice has no voice.json" in error.message
        assert "--language am --text-mode letters" in error.hint
        assert "these languages: en, am" in error.hint
    wrong = {
        "`xx`: its vocabulary has no token `[xx]`": {"language": "xx", "text_mode": "letters"},
        "is not a language code": {"language": "??", "text_mode": "letters"},
        "The text mode `words` is not one of": {"language": "am", "text_mode": "words"},
        "reads no phonemes of the studio": {"language": "am", "text_mode": "phonemes"},
    }
    for message, said in wrong.items():
        assert message in refused(workspace, made, **said).message


def weights(compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as out:
        out.writestr("archive/data.pkl", b"x" * 5000)
    return content.getvalue()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model_pth": None}, "model.pth is missing"),
        ({"model_pth": None, "vocab_json": None}, "vocab.json is missing\n- model.pth is missing"),
        ({"model_pth": b""}, "model.pth is empty"),
        ({"model_pth": weights()[:3000]}, "model.pth is cut short"),
        ({"model_pth": b"hello there"}, "model.pth is not a weights file"),
        ({"model_pth": pickle.dumps({"model": {}})}, "old form of torch.save, which is not opened"),
        ({"model_pth": weights(zipfile.ZIP_DEFLATED)}, "packed in a way that torch.save never"),
        ({"config_json": b"{"}, "config.json is not JSON"),
        ({"config_json": b'{"model": "vits"}'}, "config.json is not one of XTTS"),
        ({"config_json": b"[" * 100_000}, "config.json is not what its name says"),
        ({"vocab_json": b"{}"}, "is not a vocabulary of XTTS"),
        ({"vocab_json": b'{"model": {"vocab": {"a": "x"}}}'}, "vocab.json is not what its name"),
    ],
)
def test_missing_and_wrong_files_are_named(
    workspace: Workspace, tmp_path: Path, files: dict[str, bytes | None], message: str
) -> None:
    assert message in refused(workspace, stock(tmp_path / "one", **files), **AM).message


def test_a_model_of_another_name_is_pointed_at(workspace: Workspace, tmp_path: Path) -> None:
    made = stock(tmp_path / "one")
    (made / "model.pth").rename(made / "best_model_1000.pth")
    assert "best_model_1000.pth" in refused(workspace, made, **AM).hint


def test_changed_and_missing_files_of_an_export_are_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    made = exported(tmp_path)
    (made / "NOTICE.txt").write_text("other terms")
    (made / "reference.wav").write_bytes(b"RIFF" + bytes(4999) + b"\1")
    error = refused(workspace, made)
    assert "by its SHA256SUMS:\n- NOTICE.txt is not what was written" in error.message
    assert "- reference.wav is not" in error.message
    (made / "vocab.json").unlink()
    assert "- vocab.json is missing" in refused(workspace, made).message
    (made / "SHA256SUMS").write_text("x\n")
    assert "Line 1 of SHA256SUMS" in refused(workspace, made).message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": []}, "`text` is missing or wrong"),
        ({"created": "now"}, "`created` is missing or wrong"),
        ({"created": True}, "`created` is missing or wrong"),
        ({"manifest": [1]}, "`manifest` is missing or wrong"),
        ({"note": None}, "`note` is missing or wrong"),
        ({"note": "x" * 3000}, "`note` or `created`"),
        ({"created": float("nan")}, "`note` or `created`"),
        ({"text": {"language": "<b>"}}, "is not a language code"),
        ({"text": {"language": "amh"}}, "names no language: `amh`"),
        ({"files": {"../x": {}}}, "`../x` can't be the name of a file"),
        ({"files": {"model.pth": 1}}, "tells no hash of `model.pth`"),
        ({"files": {}}, "does not name config.json, vocab.json, model.pth"),
        ({"format": 7}, "has the voice format 7"),
        ({"text": {"language": "am", "text_mode": "songs"}}, "text mode `songs`"),
        ({"vocabulary_sha256": "0"}, "is not the one that the voice was trained with"),
    ],
)
def test_a_voice_json_that_is_not_ours(
    workspace: Workspace, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    assert message in refused(workspace, voice(tmp_path / "one", **changed)).message


def test_a_voice_json_that_cannot_be_read(workspace: Workspace, tmp_path: Path) -> None:
    made = voice(tmp_path / "one")
    for content in (b"", b"\xff\xfe", b"[" * 100_000):
        (made / "voice.json").write_bytes(content)
        assert "voice.json" in refused(workspace, made).message


def test_hostile_archives_are_refused_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stock(tmp_path / "one")
    out = zipped(made, tmp_path / "out.zip", top="../../out/")
    assert "leads out of it" in refused(workspace, out, **AM).message
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("model.pth", bytes(150_000_000))
    assert "would take 150 MB unpacked" in refused(workspace, tmp_path / "bomb.zip").message
    link = zipfile.ZipInfo("v/model.pth")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    error = refused(workspace, tmp_path / "link.zip", **AM)
    assert "is refused: 1 link in the archive" in error.message
    with tarfile.open(tmp_path / "device.tar", "w") as tar:
        device = tarfile.TarInfo("model.pth")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    assert "is refused: 1 link" in refused(workspace, tmp_path / "device.tar").message
    whole = zipped(made, tmp_path / "whole.zip")
    monkeypatch.setattr(voice_import, "MOST_FILES", 2)
    assert "holds 3 files; the most is 2" in refused(workspace, whole, **AM).message
    monkeypatch.setattr(voice_import, "MOST_FILES", 5)
    monkeypatch.setattr(voice_import, "MOST_BYTES", 1000)
    assert "unpacked; the most is 0.0 GB" in refused(workspace, whole, **AM).message
    assert "GB at most" in refused(workspace, made, **AM).message


def test_what_is_no_voice_at_all(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.zip").write_bytes(b"hello")
    (tmp_path / "empty").mkdir()
    assert "There is no folder or archive" in refused(workspace, tmp_path / "none").message
    assert "neither a folder nor an archive" in refused(workspace, tmp_path / "a.txt").message
    assert "can't be read as a zip" in refused(workspace, tmp_path / "b.zip").message
    assert "config.json is missing" in refused(workspace, tmp_path / "empty").message


def test_a_zip_that_is_cut_short_is_not_taken_for_the_zip_inside(
    workspace: Workspace, tmp_path: Path
) -> None:
    whole = exported(tmp_path, zipped=True).read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: whole.index(b"RIFF") + 500])
    with zipfile.ZipFile(tmp_path / "half.zip") as inner:
        assert inner.namelist() == ["archive/data.pkl"]  # what zipfile makes of it
    assert "its table of contents is not there" in refused(workspace, tmp_path / "half.zip").message


@pytest.mark.usefixtures("unweighed")
def test_the_command_brings_in(workspace: Workspace, tmp_path: Path) -> None:
    made = zipped(stock(tmp_path / "one"), tmp_path / "one.zip")
    argv = ["--workspace", str(workspace.root), "voices", "import", str(made)]
    done = CliRunner().invoke(app, [*argv, "--language", "am", "--text-mode", "letters", "--json"])
    assert json.loads(done.stdout)["folder"] == str(workspace.voices / "one")
    assert CONFIG["languages"] == foreign.languages_of(workspace.voices / "one")
    assert "no voice.json" in str(CliRunner().invoke(app, argv).exception)
