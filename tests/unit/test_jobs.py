"""Jobs are folders and processes: start, state, one per device, stop, kill -9, resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from amharic_tts.errors import UserError
from amharic_tts.jobs import process, store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace

JOB = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from amharic_tts.events import Done, Progress
    from amharic_tts.jobs import task
    from amharic_tts.workspace import Workspace

    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])

    def work():
        for n in range(int(seconds * 20)):
            yield Progress(n, seconds * 20, "waiting")
            time.sleep(0.05)
        yield Done({"answer": 42})

    task.run(Workspace.open(folder.parent.parent), folder, work())
    """
)


def make(workspace: Workspace, job_id: str, seconds: float, device: str = "cpu") -> store.Job:
    script = workspace.root / "job.py"
    script.write_text(JOB, encoding="utf-8")
    folder = store.folder_of(workspace, "train", job_id)
    command = [str(script), str(folder), str(seconds)]
    return store.create(workspace, JobSpec(job_id, "train", "test", command, device))


def wait(job: store.Job, states: tuple[str, ...], seconds: float = 30) -> store.History:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        history = job.history()
        if history.state in states:
            return history
        time.sleep(0.05)
    raise AssertionError(f"still {job.history().state}: {job.log_tail()}")


def wait_for_progress(job: store.Job) -> None:
    deadline = time.monotonic() + 30
    while job.history().progress is None:
        assert time.monotonic() < deadline, job.log_tail()
        time.sleep(0.05)


def test_a_job_runs_to_its_end(workspace: Workspace) -> None:
    job = make(workspace, "a", 0.2)
    assert job.history().state == "created"
    process.start(workspace, job.folder)
    history = wait(job, ("done", "failed"))
    assert (history.state, history.result) == ("done", {"answer": 42})
    names = {p.name for p in job.folder.iterdir()}
    assert names == {"job.json", "process.json", "events.jsonl", "log.txt"}
    assert process.device_holder(workspace, "cpu") is None


def test_two_starts_at_once(workspace: Workspace) -> None:
    first, second = make(workspace, "a", 20), make(workspace, "b", 20)
    process.start(workspace, first.folder)
    with pytest.raises(UserError, match="`a` is already running"):
        process.start(workspace, first.folder)
    with pytest.raises(UserError, match="`a` is already running on the CPU"):
        process.start(workspace, second.folder)
    assert second.history().state == "created"
    process.stop(first.folder)
    process.start(workspace, second.folder)
    process.stop(second.folder)


def test_many_starts_at_the_same_moment_run_one(workspace: Workspace) -> None:
    jobs = [make(workspace, f"j{n}", 20) for n in range(4)]
    code = (
        "import sys; from pathlib import Path\n"
        "from amharic_tts.jobs import process; from amharic_tts.workspace import Workspace\n"
        "from amharic_tts.errors import UserError\n"
        "try: process.start(Workspace.open(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "except UserError: sys.exit(2)\n"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code, str(workspace.root), str(job.folder)])
        for job in jobs
    ]
    assert sorted(start.wait(60) for start in starts) == [0, 2, 2, 2]
    live = [job for job in jobs if process.alive(job.folder)]
    assert len(live) == 1
    process.stop(live[0].folder)


def test_the_command_typed_by_hand_is_held_to_the_same_rule(workspace: Workspace) -> None:
    first, second = make(workspace, "a", 20), make(workspace, "b", 20)
    process.start(workspace, first.folder)
    done = subprocess.run(second.spec.argv(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "`a` is already running" in done.stderr
    process.stop(first.folder)


def test_stop_saves_and_ends(workspace: Workspace) -> None:
    job = make(workspace, "a", 60)
    process.start(workspace, job.folder)
    wait_for_progress(job)
    process.stop(job.folder)
    assert job.history().state == "stopped"
    with pytest.raises(UserError, match="is not running"):
        process.stop(job.folder)


def test_stop_in_the_first_moment_is_a_stop(workspace: Workspace) -> None:
    """Before the process can hear the request, the signal ends it; that is no accident."""
    job = make(workspace, "a", 60)
    process.start(workspace, job.folder)
    process.stop(job.folder)
    assert job.history().state == "stopped"


def test_kill_nine_is_stopped_unexpectedly_and_can_start_again(workspace: Workspace) -> None:
    job = make(workspace, "a", 60)
    process.start(workspace, job.folder)
    wait_for_progress(job)
    pid = json.loads((job.folder / "process.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    assert wait(job, ("lost",)).state == "lost"
    assert process.device_holder(workspace, "cpu") is None
    process.start(workspace, job.folder)
    wait(job, ("running",))
    process.stop(job.folder)


def test_a_server_killed_while_a_job_runs_finds_it_again(workspace: Workspace) -> None:
    """The starter dies by SIGKILL; the job lives on and any other process sees and stops it."""
    job = make(workspace, "a", 60)
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from amharic_tts.jobs import process; from amharic_tts.workspace import Workspace\n"
        "process.start(Workspace.open(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(workspace.root), str(job.folder)], timeout=60)
    wait_for_progress(job)
    assert job.history().state == "running"
    found = store.running(workspace)
    assert found is not None and found.id == "a"
    process.stop(job.folder)
    assert job.history().state == "stopped"


def test_a_job_that_ignores_the_request_is_ended(workspace: Workspace) -> None:
    folder = store.folder_of(workspace, "train", "deaf")
    code = (
        "import signal, sys, time; from pathlib import Path\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "Path(sys.argv[1], 'ready').touch(); time.sleep(60)\n"
    )
    job = store.create(workspace, JobSpec("deaf", "train", "t", ["-c", code, str(folder)], "cpu"))
    process.start(workspace, job.folder)
    while not (folder / "ready").exists():
        time.sleep(0.05)
    process.stop(job.folder, patience=0.5)
    history = job.history()
    assert history.state == "failed" and history.error is not None
    assert "did not stop in time" in history.error.message


def test_a_reused_process_id_is_not_the_job(workspace: Workspace) -> None:
    job = make(workspace, "a", 1)
    (job.folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    assert not process.alive(job.folder)
    assert job.history().state == "lost"


def test_unknown_and_unsafe_ids(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="There is no run `x`"):
        store.get(workspace, "x")
    with pytest.raises(UserError, match="can't be the name"):
        store.get(workspace, "../x")


def test_log_tail_starts_at_a_whole_line(workspace: Workspace) -> None:
    job = make(workspace, "a", 1)
    (job.folder / "log.txt").write_text("\n".join(f"line {n}" for n in range(1000)))
    tail = job.log_tail(50).splitlines()
    assert tail[-1] == "line 999" and tail[0].startswith("line ") and len(tail) == 5


def test_an_error_of_the_task_is_told_with_its_hint(workspace: Workspace, tmp_path: Path) -> None:
    folder = store.folder_of(workspace, "train", "bad")
    code = (
        "import sys; from pathlib import Path\n"
        "from amharic_tts.errors import UserError; from amharic_tts.events import Progress\n"
        "from amharic_tts.jobs import task; from amharic_tts.workspace import Workspace\n"
        "folder = Path(sys.argv[1])\n"
        "def work():\n"
        "    yield Progress(0, 1)\n"
        "    raise UserError('no clips', 'add some')\n"
        "task.run(Workspace.open(folder.parent.parent), folder, work())\n"
    )
    job = store.create(workspace, JobSpec("bad", "train", "t", ["-c", code, str(folder)]))
    process.start(workspace, job.folder)
    history = wait(job, ("failed",))
    assert history.error is not None
    assert (history.error.message, history.error.hint, history.error.exit_code) == (
        "no clips",
        "add some",
        2,
    )


def test_state_and_follow_agree_with_the_whole_history(workspace: Workspace) -> None:
    job = make(workspace, "run-a", 0.2)
    assert job.state() == "created"
    watched, cursor = store.History(), job.follow(store.History())
    assert cursor == 0
    process.start(workspace, job.folder)
    wait(job, ("done",))
    cursor = job.follow(watched, cursor)
    assert (watched.state, job.state()) == ("done", "done")
    assert watched.result == {"answer": 42}
    assert job.follow(watched, cursor) == cursor
