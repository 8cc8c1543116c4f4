"""`amharic-tts book` and its task: with a process that speaks, stopped, killed, resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from book_fakes import make_voice, manifest, names
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.jobs import process, store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace

SPEAKER = """
import json, os, select, sys, wave
log = sys.argv[1]
with open(log + ".pid", "w") as file:
    file.write(str(os.getpid()))
for line in iter(sys.stdin.readline, ""):
    ask = json.loads(line)
    if "cancel" in ask:
        continue
    def tell(**body):
        sys.stdout.write(json.dumps({"id": ask["id"], **body}) + "\\n")
        sys.stdout.flush()
    with open(log, "a") as file:
        file.write(ask["text"] + "\\n")
    broken = False
    while ask["text"] == "wait" and not os.path.exists(log + ".go") and not broken:
        tell(event="progress", done=0, total=0, note="waiting")
        broken = bool(select.select([sys.stdin], [], [], 0.02)[0])
    if broken:
        continue
    with wave.open(ask["out"] + ".part", "wb") as file:
        file.setparams((1, 2, 24000, 0, "NONE", ""))
        file.writeframes(b"\\1\\0" * 2400)
    os.replace(ask["out"] + ".part", ask["out"])
    tell(event="done", result={"audio": ask["out"], "cut": 0})
"""
"""Notes what it is asked, and holds at the word "wait" until a file is there."""
RUN = """
import signal
import sys
from pathlib import Path
from amharic_tts.jobs import book, task
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace
root, text, out, speaker, log, *job = sys.argv[1:]
workspace = Workspace(Path(root))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has none
request = book.BookRequest(Path(text), "one", Path(out), "line", language="en", seed=1)
client = SpeechClient(workspace, (sys.executable, speaker, log))
try:
    events = book.run(workspace, request, client)
    if job:
        task.run(workspace, Path(job[0]), events)
    else:
        list(events)
finally:
    client.close()
"""


class Studio:
    """A workspace, a text, and the command in a process of its own."""

    def __init__(self, workspace: Workspace, tmp: Path, text: str) -> None:
        self.workspace, self.out, self.log = workspace, tmp / "out", tmp / "said.txt"
        make_voice(workspace)
        (tmp / "text.txt").write_text(text, encoding="utf-8")
        (tmp / "speaker.py").write_text(SPEAKER, encoding="utf-8")
        (tmp / "run.py").write_text(RUN, encoding="utf-8")
        self.tmp = tmp
        self.arguments = ["book", str(tmp / "text.txt"), "--voice=one", f"--out={self.out}"]
        self.arguments += ["--per-line", "--language=en", "--seed=1", "--json"]

    def command(self, *job: str) -> list[str]:
        places = (self.workspace.root, self.tmp / "text.txt", self.out, self.tmp / "speaker.py")
        return [str(self.tmp / "run.py"), *map(str, places), str(self.log), *job]

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, *self.command()]
        return subprocess.Popen(command, stderr=subprocess.PIPE, env=process.environment())

    @property
    def said(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").split() if self.log.exists() else []

    def wait_for(self, word: str) -> None:
        for _ in range(3000):  # a process that never begins must not hold the tests for ever
            if word in self.said:
                return
            time.sleep(0.02)
        raise AssertionError(f"`{word}` was never asked for")

    def go_on(self) -> None:
        (self.tmp / "said.txt.go").touch()


@pytest.fixture
def studio(workspace: Workspace, tmp_path: Path) -> Studio:
    return Studio(workspace, tmp_path, "one\ntwo\nwait\nfour\n")


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
def test_killed_in_the_middle_and_gone_on_with(studio: Studio) -> None:
    running = studio.start()
    studio.wait_for("wait")
    running.kill()
    running.communicate()
    assert studio.said == ["one", "two", "wait"]
    assert names(studio.out) == {"0001.wav", "0002.wav"}
    studio.go_on()
    again = studio.start()
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert studio.said == ["one", "two", "wait", "wait", "four"], "nothing whole is said twice"
    assert names(studio.out) == {
        *("0001.wav", "0002.wav", "0003.wav", "0004.wav", "book.json", "book.csv")
    }
    assert [row["text"] for row in manifest(studio.out)["rows"]] == ["one", "two", "wait", "four"]


def test_a_task_is_stopped_and_resumed(studio: Studio) -> None:
    job_id = store.new_id("book")
    folder = store.folder_of(studio.workspace, "task", job_id)
    command = studio.command(str(folder))
    job = store.create(studio.workspace, JobSpec(job_id, "task", "A book", command))
    process.start(studio.workspace, job.folder)
    studio.wait_for("wait")
    process.stop(job.folder)
    assert job.history().state == "stopped"
    studio.go_on()
    process.start(studio.workspace, job.folder)
    while job.history().state == "running":
        time.sleep(0.02)
    process.reap()
    history = job.history()
    assert history.state == "done", job.log_tail()
    assert history.result["kept"] == 2 and history.result["files"] == 4
    assert history.progress is not None and history.progress.done == 4
    assert studio.said == ["one", "two", "wait", "wait", "four"]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
def test_ctrl_c_leaves_no_process_behind(studio: Studio) -> None:
    running = studio.start()
    studio.wait_for("wait")
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert running.returncode != 0
    assert names(studio.out) == {"0001.wav", "0002.wav"}
    assert not psutil.pid_exists(int((studio.tmp / "said.txt.pid").read_text()))


@pytest.fixture
def speaker(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """The studio with the command in this process."""
    studio.go_on()
    words = (sys.executable, str(studio.tmp / "speaker.py"), str(studio.log))
    monkeypatch.setattr(
        "amharic_tts.commands.book.SpeechClient", lambda workspace: SpeechClient(workspace, words)
    )
    return studio


def call(studio: Studio, *more: str) -> tuple[int, str, BaseException | None]:
    place = ["--workspace", str(studio.workspace.root)]
    found = CliRunner().invoke(app, [*place, *studio.arguments, *more])
    return found.exit_code, found.stdout, found.exception


def test_the_command(speaker: Studio) -> None:
    code, out, _ = call(speaker)
    assert code == 0
    result = json.loads(out)
    assert result["out"] == str(speaker.out) and result["files"] == 4
    speaker.arguments.remove("--json")
    speaker.arguments.remove("--per-line")
    code, out, _ = call(speaker, "--one-file", "--format=mp3")
    assert code == 0 and out.strip() == str(speaker.out / "book.mp3")
    assert " ".join(speaker.said) == "one two wait four one two wait four", "lines, then one text"


def test_the_command_refuses(speaker: Studio) -> None:
    for more, message in (
        (["--takes=3"], "--takes chooses by the check"),
        (["--preset=loud"], "no preset `loud`"),
        (["--precision=int4"], "there is no `int4`"),
        (["--speed=9"], "outside of 0.5 to 2"),
        (["--reference=none.wav"], "no reference clip `none.wav`"),
    ):
        code, _, error = call(speaker, *more)
        assert code == 1 and isinstance(error, UserError) and message in str(error)
    assert speaker.said == []


def test_a_dry_run(speaker: Studio) -> None:
    code, out, _ = call(speaker, "--dry-run")
    assert code == 0 and json.loads(out)["lines"] == 4
    (speaker.tmp / "text.txt").write_text("one\n漢字\n", encoding="utf-8")
    code, out, error = call(speaker, "--dry-run")
    assert [one["line"] for one in json.loads(out)["troubles"]] == [2]
    assert isinstance(error, UserError) and speaker.said == []
