"""What the dataset commands print, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_media import wav
from typer.testing import CliRunner, Result

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.events import Done, EventLog, Started
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace


def command(workspace: Workspace, *words: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(workspace.root), "dataset", *words])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for i, name in enumerate("abc"):
        wav(folder / f"{name}.wav", 1.0, 200 + 30 * i)
    wav(folder / "d.wav", 0.3, 400)
    table = "a|ሰላም\nb|ደህና ነኝ\nc|እንዴት ነህ\nd|አዎ\n"
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    return folder


def test_build_prints_a_summary(workspace: Workspace, data: Path) -> None:
    done = command(workspace, "build", str(data), "--name", "mine")
    assert (done.exit_code, done.stdout) == (
        0,
        f"dataset:    mine (am), in {workspace.dataset('mine')}\n"
        "accepted:   3 clips, 3 s\n"
        "refused:    1 (too_short 1)\n"
        "split:      2 train, 1 eval\n"
        "speakers:   speaker 3\n"
        "recordings: 4\n"
        "this build: 4 rows added, 0 were there already\n",
    )
    assert done.stderr == (
        "info: the text comes from `metadata.csv`\n"
        "info: metadata.csv: no header; read as audio | text\n"
        "4/4 clips, 0 s left\n"
        "see every row: amharic-tts dataset check mine\n"
    )


def test_build_check_show_and_list_as_json(workspace: Workspace, data: Path) -> None:
    built = json.loads(command(workspace, "build", str(data), "--name", "m", "--json").stdout)
    shown = json.loads(command(workspace, "show", "m", "--json").stdout)
    assert {**shown, "added": 4, "already": 0, "mended": 0} == built
    checked = json.loads(command(workspace, "check", "m", "--json").stdout)
    assert (checked["accepted"], checked["rejected"]) == (3, 1)
    assert set(checked["rows"][0]) == {
        *("id", "text", "speaker", "source", "split"),
        *("duration", "tokens", "findings", "decision"),
    }
    listed = json.loads(command(workspace, "list", "--json").stdout)
    assert listed == [
        {
            "dataset": "m",
            "language": "am",
            "rows": 4,
            "accepted": 3,
            "rejected": 1,
            "seconds": 3.0,
        }
    ]


def test_check_prints_every_row_with_its_reasons(workspace: Workspace, data: Path) -> None:
    command(workspace, "build", str(data), "--name", "m")
    lines = command(workspace, "check", "m").stdout.splitlines()
    assert lines[0].split() == ["id", "sec", "tokens", "split", "decision"]
    assert [line.split()[0] for line in lines[1:5]] == ["a", "b", "c", "d"]
    assert lines[4].split()[4:] == ["REFUSED", "አዎ"]
    assert lines[5].strip() == "error: too_short: 0.30 s, and the least is 0.50 s"
    assert lines[6] == "3 accepted, 1 refused (too_short 1)"


def test_all_refused_is_still_exit_0(workspace: Workspace, tmp_path: Path) -> None:
    wav(tmp_path / "data/a.wav", 0.1)
    (tmp_path / "data/metadata.csv").write_text("a|x\n")
    done = command(workspace, "build", str(tmp_path / "data"), "--name", "m")
    assert done.exit_code == 0
    assert "accepted:   0 clips, 0 s" in done.stdout
    assert "error: no row can be trained on: too_short 1" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "none"], "There is no dataset `none`"),
        (["show", "../etc"], "`../etc` can't be the name of a dataset"),
        (["build", "nowhere", "--name", "m"], "There is no file or folder"),
        (["build", ".", "--name", "m", "--language", "??"], "`??` is not a language code"),
    ],
)
def test_mistakes_are_user_errors(workspace: Workspace, words: list[str], message: str) -> None:
    done = command(workspace, *words)
    assert isinstance(done.exception, UserError)
    assert message in done.exception.message


def test_a_mistake_is_one_message_and_exit_2(workspace: Workspace) -> None:
    words = ["-m", "amharic_tts", "--workspace", str(workspace.root), "dataset", "check", "x"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "error: There is no dataset `x`\nhint: See them with: amharic-tts dataset list\n",
    )


def test_an_empty_list(workspace: Workspace) -> None:
    done = command(workspace, "list")
    assert (done.stdout, done.stderr) == (
        "",
        "no datasets yet; make one with: amharic-tts sample\n",
    )


def test_build_as_a_job(workspace: Workspace, data: Path) -> None:
    arguments: list[Any] = ["-m", "amharic_tts", "--workspace", str(workspace.root)]
    arguments += ["dataset", "build", str(data), "--name", "m"]
    folder = workspace.tasks / "t"
    job = store.create(workspace, JobSpec("t", "task", "build", [*arguments, "--job", str(folder)]))
    done = subprocess.run(job.spec.argv(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    events = EventLog(folder / "events.jsonl").read()[0]
    assert isinstance(events[0], Started) and isinstance(events[-1], Done)
    assert events[-1].result["accepted"] == 3
