"""A voice taken away: what lies in it, its hashes, and what becomes of a damaged one."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from made_voices import describe, voice
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.synthesis import sums, takeaway
from amharic_tts.synthesis.sums import Report, parsed, written
from amharic_tts.synthesis.takeaway import TakeawayRequest
from amharic_tts.synthesis.voices import check_voice
from amharic_tts.workspace import Workspace

OURS = {"NOTICE.txt", "MODEL_CARD.md", "voice.json", "SHA256SUMS"}
FILES = {"model.pth", "config.json", "vocab.json", "reference.wav", *OURS}


def export(folder: Path, target: Path, **options: bool) -> dict[str, Any]:
    last = list(takeaway.export(folder, TakeawayRequest(target, **options)))[-1]
    assert isinstance(last, Done)
    return last.result


def compare(path: Path) -> Report:
    last = list(sums.compare(path))[-1]
    assert isinstance(last, Report)
    return last


def test_a_folder_holds_the_voice_its_hashes_and_what_binds_it(tmp_path: Path) -> None:
    made = voice(tmp_path / "ready")
    result = export(made, tmp_path / "out")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == FILES | {"LICENSE-CPML.txt"}
    assert result == {
        **{"voice": str(made), "target": str(out), "files": 9, "precision": "float32"},
        "bytes": sum(path.stat().st_size for path in out.iterdir()),
        "model_bytes": (made / "model.pth").stat().st_size,
        **{"licence": "CPML", "sha256": ""},
    }
    listed = parsed((out / "SHA256SUMS").read_text())
    assert listed == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.iterdir()
        if path.name != "SHA256SUMS"
    }
    told = json.loads((out / "voice.json").read_text())
    assert told["files"]["MODEL_CARD.md"] == describe(out / "MODEL_CARD.md")
    assert check_voice(out).language == "am"
    notice = (out / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Coqui Public Model License" in notice and "dataset `ሰዎች`" in notice
    assert "non-commercial use of a machine learning model" in (out / "LICENSE-CPML.txt").read_text(
        encoding="utf-8"
    )
    assert {p.name for p in tmp_path.iterdir()} == {"ready", "out"}


def test_a_voice_of_the_practice_base_is_not_bound_by_the_release(tmp_path: Path) -> None:
    made = voice(tmp_path / "ready", note="It does not speak")
    assert export(made, tmp_path / "out")["licence"] == ""
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert "Apache-2.0" in (tmp_path / "out" / "NOTICE.txt").read_text()


def test_the_card_says_what_other_tools_cannot_do(tmp_path: Path) -> None:
    made = voice(tmp_path / "ready")
    export(made, tmp_path / "out")
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# An XTTS voice for `am`")
    last = card.partition("## Taken away")[2]
    assert "Weights in float32" in last
    assert "\"Language 'am' is not supported\"" in last
    export(tmp_path / "out", tmp_path / "again")
    assert (tmp_path / "again" / "MODEL_CARD.md").read_text(encoding="utf-8") == card
    (made / "MODEL_CARD.md").write_text("# Its own card\n")
    export(made, tmp_path / "own")
    assert (tmp_path / "own" / "MODEL_CARD.md").read_text().startswith("# Its own card\n\n## Taken")


def test_a_zip_holds_one_folder_and_is_the_same_each_time(tmp_path: Path) -> None:
    made = voice(tmp_path / "ready")
    result = export(made, tmp_path / "my voice.zip", zipped=True)
    path = tmp_path / "my voice.zip"
    assert result["bytes"] == path.stat().st_size
    assert result["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        assert {Path(name).name for name in packed.namelist()} == FILES | {"LICENSE-CPML.txt"}
        assert {Path(name).parts[0] for name in packed.namelist()} == {"my voice"}
    assert compare(path) == Report("SHA256SUMS", 8, (), (), ())
    (tmp_path / "b").mkdir()
    again = export(made, tmp_path / "b" / "my voice.zip", zipped=True)
    assert again["sha256"] == result["sha256"]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not installed here")
def test_the_hash_list_is_read_by_sha256sum(tmp_path: Path) -> None:
    export(voice(tmp_path / "ready"), tmp_path / "out")
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK\n") == 8


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ready", "is there already; nothing is written over"),
        ("none/out", "There is no folder"),
        ("con", "can't be the name of a export"),
    ],
)
def test_a_target_that_cannot_be(tmp_path: Path, target: str, message: str) -> None:
    made = voice(tmp_path / "ready")
    with pytest.raises(UserError, match=message):
        export(made, tmp_path / target)
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]


def test_a_damaged_voice_is_not_taken_away(tmp_path: Path) -> None:
    made = voice(tmp_path / "ready")
    content = bytearray((made / "reference.wav").read_bytes())
    content[100] ^= 1
    (made / "reference.wav").write_bytes(content)
    with pytest.raises(UserError, match="reference.wav` is not what was written"):
        export(made, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    (made / "reference.wav").unlink()
    with pytest.raises(UserError, match="reference.wav is missing"):
        export(made, tmp_path / "out")


def test_a_voice_json_that_names_files_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    told = describe(tmp_path / "secret")
    made = voice(tmp_path / "ready", files={"../secret": told})
    with pytest.raises(UserError, match="`../secret` can't be the name of a file of a voice"):
        export(made, tmp_path / "out")


def test_what_a_voice_says_of_itself_does_not_become_the_result(tmp_path: Path) -> None:
    hostile = {
        "target": "/etc/passwd",
        "precision": "<b>",
        "largest_difference": "x",
        "sha256": "1",
    }
    made = voice(tmp_path / "ready", taken={**hostile, "model_bytes_before": 7})
    result = export(made, tmp_path / "out")
    assert result["target"] == str(tmp_path / "out")
    assert (result["precision"], result["sha256"]) == ("float32", "")
    assert "largest_difference" not in result and result["model_bytes_before"] == 7


def test_an_export_that_is_broken_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "_TICK", -1.0)
    steps = takeaway.export(voice(tmp_path / "ready"), TakeawayRequest(tmp_path / "out"))
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]


def test_hash_lists_are_read_as_sha256sum_writes_them() -> None:
    one, two = "a" * 64, "B" * 64
    assert parsed(f"{one}  model.pth\r\n{two} *./my file.json\n\n") == {
        "model.pth": one,
        "my file.json": "b" * 64,
    }
    assert written({"b": one, "a": two}) == f"{two}  a\n{one}  b\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "SHA256SUMS is empty"),
        ("a" * 64 + "  x\nnothing\n", "Line 2 of SHA256SUMS is not"),
        ("a" * 63 + "  x\n", "Line 1 of SHA256SUMS is not"),
        ("a" * 64 + "  ../x\n", "`../x` can't be the name"),
        ("a" * 64 + "  /etc/passwd\n", "`/etc/passwd` can't be the name"),
        ("a" * 64 + "  .hidden\n", "`.hidden` can't be the name"),
        ("a" * 64 + "  a\\b\n", "can't be the name"),
    ],
)
def test_a_hash_list_that_is_none(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace("..", r"\.\.")):
        parsed(text)


def test_what_is_missing_changed_or_extra_is_told(tmp_path: Path) -> None:
    export(voice(tmp_path / "ready"), tmp_path / "out")
    out = tmp_path / "out"
    (out / "config.json").unlink()
    (out / "NOTICE.txt").write_text("other terms")
    (out / "README.md").write_text("more")
    report = compare(out)
    assert report == Report("SHA256SUMS", 7, ("config.json",), ("NOTICE.txt",), ("README.md",))
    with pytest.raises(UserError, match="config.json is missing\n- NOTICE.txt is not what was"):
        report.require("out")


def test_a_voice_without_a_list_is_compared_with_its_voice_json(tmp_path: Path) -> None:
    made = voice(tmp_path / "ready")
    assert compare(made) == Report("voice.json", 4, (), (), ("voice.json",))
    (made / "voice.json").unlink()
    with pytest.raises(UserError, match="there is nothing to compare with"):
        compare(made)
    (made / "voice.json").write_text("[]")
    with pytest.raises(UserError, match="names no hashes"):
        compare(made)


def test_a_damaged_zip(tmp_path: Path) -> None:
    export(voice(tmp_path / "ready"), tmp_path / "v.zip", zipped=True)
    whole = (tmp_path / "v.zip").read_bytes()
    at = whole.index(b"RIFF") + 100
    (tmp_path / "v.zip").write_bytes(whole[:at] + b"\1" + whole[at + 1 :])
    assert compare(tmp_path / "v.zip").changed == ("reference.wav",)
    (tmp_path / "v.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="can't be read as a zip"):
        compare(tmp_path / "v.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("SHA256SUMS", bytes(150_000_000))
    with pytest.raises(UserError, match="would take 150 MB unpacked"):
        compare(tmp_path / "bomb.zip")
    with pytest.raises(UserError, match="There is no folder or zip"):
        compare(tmp_path / "none.zip")


def run(workspace: Workspace, *arguments: object) -> Any:
    argv = ["--workspace", str(workspace.root), "voices", *map(str, arguments)]
    return CliRunner().invoke(app, argv)


def test_the_commands_list_export_and_verify(workspace: Workspace, tmp_path: Path) -> None:
    voice(workspace.runs / "one" / "ready")
    voice(workspace.voices / "two", note="does not speak")
    rows = json.loads(run(workspace, "list", "--json").stdout)
    assert [(row["id"], row["kind"], row["language"]) for row in rows] == [
        ("two", "brought in", "am"),
        ("one", "of a run", "am"),
        ("practice", "built in", "am"),
    ]
    assert rows[0]["licence"] == "Apache-2.0" and "CPML" in rows[1]["licence"]
    assert run(workspace, "list").stdout.splitlines()[1] == "one\tam\tletters\tof a run"
    done = run(workspace, "export", "one", "--to", tmp_path / "v.zip", "--json")
    assert json.loads(done.stdout)["target"] == str(tmp_path / "v.zip")
    for what in ("one", "two", tmp_path / "v.zip"):
        assert json.loads(run(workspace, "verify", what, "--json").stdout)["ok"] is True
    (workspace.voices / "two" / "config.json").write_text("{}")
    wrong = run(workspace, "verify", "two", "--json")
    assert json.loads(wrong.stdout)["changed"] == ["config.json"]
    assert isinstance(wrong.exception, UserError)
    missing = run(workspace, "export", "three", "--to", tmp_path / "x")
    assert "There is no voice `three`" in str(missing.exception)
