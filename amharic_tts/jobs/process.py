"""Start, watch and stop the process of a job; one job at a time on a device.

A process is known by its id *and* its start time, so a reused id is never taken for the job.
Who has a device stands in ``locks/<device>.json``, read and written under a file lock that the
system drops when its holder dies: two tabs, the command line and a script can't start two runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import FINAL, EventLog, Failed, Started, Stopped
from amharic_tts.files import disk_errors, write_text
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace

STOP_FILE = "stop"
"""A job looks for this file in its folder between steps; it works on every system."""


_children: list[subprocess.Popen[bytes]] = []


def identity(pid: int) -> dict[str, float]:
    """Return the id and start time of a process.

    Raises:
        StudioError: There is no such process.
    """
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.Error as error:
        raise StudioError(f"process {pid} is gone") from error


def is_alive(who: dict[str, float]) -> bool:
    """Tell whether the process of an `identity` still runs."""
    try:
        process = psutil.Process(int(who["pid"]))
        same = abs(process.create_time() - who["started"]) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, ValueError, TypeError):
        return False


def _read(path: Path) -> dict[str, float]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return body if isinstance(body, dict) else {}
    except (OSError, ValueError):
        return {}


def alive(folder: Path) -> bool:
    """Tell whether the process of a job's folder runs."""
    return is_alive(_read(folder / "process.json"))


@contextlib.contextmanager
def _exclusive(workspace: Workspace, device: str) -> Iterator[Path]:
    """Hold the lock of a device's record for a moment and give the record's path."""
    with disk_errors(workspace.locks):
        workspace.locks.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(workspace.locks / f"{device}.lock", timeout=20):
                yield workspace.locks / f"{device}.json"
        except Timeout as error:
            raise StudioError(f"The lock of `{device}` is held by another process") from error


def device_holder(workspace: Workspace, device: str) -> str | None:
    """Return the id of the job that runs on a device now, or None."""
    record = _read(workspace.locks / f"{device}.json")
    return str(record["job"]) if is_alive(record) else None


def _refuse_if_held(record: Path, device: str, job_id: str) -> None:
    holder = _read(record)
    if is_alive(holder) and holder.get("job") != job_id:
        raise UserError(
            f"`{holder.get('job')}` is already running on the {device.upper()}",
            f"Wait for it, or stop it: amharic-tts runs stop {holder.get('job')}",
        )


def _claim(record: Path, device: str, job_id: str, pid: int) -> None:
    _refuse_if_held(record, device, job_id)
    write_text(record, json.dumps({"job": job_id, **identity(pid)}))


def start(workspace: Workspace, folder: Path) -> JobSpec:
    """Start the process of a job, or start it again to resume, in well under a second.

    Raises:
        UserError: It runs already, or another job has the device.
    """
    spec = JobSpec.load(folder)
    with _exclusive(workspace, spec.device or f"job-{spec.id}") as record:
        if alive(folder):
            raise UserError(f"`{spec.id}` is already running")
        if spec.device:
            _refuse_if_held(record, spec.device, spec.id)
        (folder / STOP_FILE).unlink(missing_ok=True)
        with disk_errors(folder), open(folder / "log.txt", "ab") as log:
            process = subprocess.Popen(
                spec.argv(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(),
                start_new_session=True,
            )
        write_text(folder / "process.json", json.dumps(identity(process.pid)))
        # Kept to be reaped when it ends, so that it never lingers as a zombie of this server.
        _children.append(process)
        if spec.device:
            _claim(record, spec.device, spec.id, process.pid)
    return spec


def environment() -> dict[str, str]:
    """Return the environment of a job: it finds this very code from any working directory."""
    code = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([code, known] if known else [code]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def reap() -> None:
    """Collect ended children of this process."""
    _children[:] = [child for child in _children if child.poll() is None]


def enter(workspace: Workspace, folder: Path) -> JobSpec:
    """Say, from inside the job's process, that it is the job's process; take the device.

    A person may type the command of a job; it is then held to the same rule as the page. Where a
    launcher was started (`torchrun`), the process that it starts takes its place.

    Raises:
        UserError: Another process runs this job, or another job has the device.
    """
    spec = JobSpec.load(folder)
    with _exclusive(workspace, spec.device or f"job-{spec.id}") as record:
        other = _read(folder / "process.json")
        ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        if is_alive(other) and other.get("pid") not in ours:
            raise UserError(f"`{spec.id}` is already running as process {other.get('pid'):.0f}")
        if spec.device:
            _claim(record, spec.device, spec.id, os.getpid())
        write_text(folder / "process.json", json.dumps(identity(os.getpid())))
    return spec


def request_stop(folder: Path) -> None:
    """Ask a job to save and stop; it looks between steps."""
    with disk_errors(folder):
        (folder / STOP_FILE).touch()
    who = _read(folder / "process.json")
    if os.name == "posix" and is_alive(who):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(who["pid"]), signal.SIGTERM)


def stop_requested(folder: Path) -> bool:
    """Tell, inside a job, whether somebody asked it to stop."""
    return (folder / STOP_FILE).exists()


def stop(folder: Path, patience: float = 60.0) -> None:
    """Ask, signal, wait until the job has saved, and after `patience` seconds kill it.

    Raises:
        UserError: The job does not run.
    """
    if not alive(folder):
        raise UserError(f"`{folder.name}` is not running")
    request_stop(folder)
    deadline = time.monotonic() + patience
    while alive(folder) and time.monotonic() < deadline:
        reap()
        time.sleep(0.1)
    who = _read(folder / "process.json")
    if is_alive(who):
        kill(folder)
    _note_early_end(folder)


def _note_early_end(folder: Path) -> None:
    """Write down that a job was stopped, where it was ended before it could hear the request."""
    log = EventLog(folder / "events.jsonl")
    events, _ = log.read()
    began = [event for event in events if isinstance(event, Started)]
    if not events or isinstance(events[-1], Started):
        log.append(Stopped(step=began[-1].step if began else 0))


def kill(folder: Path) -> None:
    """End the process of a job and its children at once."""
    who = _read(folder / "process.json")
    if not is_alive(who):
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(int(who["pid"]))
        family = [*process.children(recursive=True), process]
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(family, timeout=10)
    reap()
    log = EventLog(folder / "events.jsonl")
    events, _ = log.read()
    if not events or not isinstance(events[-1], FINAL):
        log.append(
            Failed(
                "The job did not stop in time and was ended",
                "Resume it: it goes on from its last checkpoint",
            )
        )
