"""The command `phonemes`: files, folders, stdin, forms, restrictions, batches, jobs."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.events import Done, EventLog
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.workspace import Workspace

pytestmark = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)


def run(*args: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["phonemes", *args], input=stdin)


def message(result: Result) -> str:
    assert isinstance(result.exception, UserError), result.output
    return result.exception.message


@pytest.fixture
def still(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "still.wav"
    path.parent.mkdir()
    soundfile.write(path, np.zeros(8000), 16000)
    return path


def test_one_file_with_runners_up(ljspeech: Path) -> None:
    clip = str(ljspeech / "LJ001-0002.flac")
    assert run(clip).stdout == "ɪ n | b i ŋ | k ə m p ɛ ɹ ə t ɪ v l i | m oʊ d ɝ n\n"
    [free] = json.loads(run("--format", "json", clip).stdout)
    [none] = json.loads(run("--format", "json", "--top", "0", clip).stdout)
    assert any(phone["runners_up"] for phone in free["phones"])
    assert not any(phone["runners_up"] for phone in none["phones"])


def test_stdin(ljspeech: Path) -> None:
    clip = ljspeech / "LJ001-0002.flac"
    found = json.loads(run("--format", "json", "-", stdin=clip.read_bytes()).stdout)
    assert found[0]["audio"] == "stdin"
    assert found[0]["phones"] == json.loads(run("--format", "json", str(clip)).stdout)[0]["phones"]


def test_an_inventory(ljspeech: Path, tmp_path: Path) -> None:
    clip = str(ljspeech / "LJ001-0002.flac")
    listed = tmp_path / "list.txt"
    listed.write_text("a i u\nm n", encoding="utf-8")
    for args in (("--inventory", "a i u m n"), ("--inventory", str(listed))):
        assert set(run(*args, clip).stdout.split()) <= {"a", "i", "u", "m", "n", "|"}
    assert set(run("--language", "am", clip).stdout.split()).isdisjoint({"ɹ", "ɪ", "oʊ"})
    assert message(run("--language", "am", "--inventory", "a i", clip)) == (
        "--language and --inventory don't go together"
    )


def test_a_folder_without_out(still: Path) -> None:
    (still.parent / "bad.mp3").write_bytes(b"no sound")
    result = run("--format", "json", str(still.parent))
    assert [item["audio"] for item in json.loads(result.stdout)] == [str(still)]
    assert message(result) == "1 of 2 sounds could not be read"


def test_a_textgrid_holds_one_sound(still: Path, tmp_path: Path) -> None:
    args = ("--format", "textgrid", str(still), str(still))
    assert message(run(*args)) == "A TextGrid holds one sound, and there are 2"
    assert run(*args[:-1]).stdout.startswith('File type = "ooTextFile"')


def test_a_batch_twice(still: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    args = ("--format", "csv", "--out", str(out), str(still.parent))
    first = run(*args)
    assert first.exception is None
    assert f"1 heard, 0 heard before, 0 refused; results in `{out}`" in first.stderr
    assert "0 heard, 1 heard before" in run(*args).stderr
    assert "1 heard, 0 heard before" in run(*args, "--again").stderr
    assert {path.name for path in out.iterdir()} == {
        *("still.csv", "phones.csv", "phones.jsonl", ".phones.lock")
    }
    (still.parent / "bad.mp3").write_bytes(b"no sound")
    assert message(run(*args)) == "1 of 2 sounds could not be read"
    assert message(run("--out", str(out), "-")).startswith("`-` (stdin) and --out")


def test_a_job(
    still: Path, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)  # pytest keeps its own
    folder = store.folder_of(workspace, "task", "p1")
    args = ["--out", str(tmp_path / "out"), "--job", str(folder), str(still)]
    store.create(workspace, JobSpec("p1", "task", "test", ["phonemes", *args], ""))
    command = ["--workspace", str(workspace.root), "phonemes", *args]
    result = CliRunner().invoke(app, command)
    assert result.exception is None, result.output
    events, _ = EventLog(folder / "events.jsonl").read()
    assert isinstance(events[-1], Done)
    assert (events[-1].result["heard"], events[-1].result["refused"]) == (1, 0)
