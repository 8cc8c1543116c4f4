"""Commands: runs checkpoints, runs export."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts import events
from amharic_tts.commands import output
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import FINAL, Event, Failed
from amharic_tts.files import disk_errors
from amharic_tts.jobs import checkpoints as core
from amharic_tts.jobs import process, store, task, training
from amharic_tts.jobs.checkpoints import CheckpointRow
from amharic_tts.jobs.store import Job
from amharic_tts.workspace import Workspace

RunId = Annotated[str, typer.Argument(metavar="ID", help="A run (see: runs list).")]
_HEAD = ("step", "loss", "eval_loss", "PER", "agrees", "voice", "seconds", "notes")
_WIDTHS = (7, 8, 9, 7, 6, 6, 13)


def register(runs: typer.Typer) -> None:
    """Add the commands of this file to the group `runs`."""
    runs.command("checkpoints")(checkpoints)
    runs.command("export")(export)


def checkpoints(
    context: typer.Context,
    run_id: RunId,
    score: Annotated[
        bool, typer.Option("--score", help="First speak with the kept ones that have no scores.")
    ] = False,
    step: Annotated[
        list[int] | None,
        typer.Option(help="With --score: this one, scored again if need be; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Compare the checkpoints of a run: losses, and what was heard in its spoken samples."""
    workspace = Workspace.open(context.obj)
    run = store.get(workspace, run_id)
    if step and not score:
        raise UserError("--step says which checkpoints --score speaks with", "Add --score")
    if job:
        task.run(workspace, job, scored(run, step or ()))
        return
    if score:
        output.follow(scored(run, step or ()))
    rows = core.table(run.folder)
    if as_json:
        output.as_json([row.to_dict() for row in rows])
        return
    for line in lines(rows):
        output.data(line)


def lines(rows: Sequence[CheckpointRow]) -> Iterator[str]:
    """Yield the table for people."""
    if not rows:
        yield "there are no checkpoints yet"
        return
    yield _line(_HEAD)
    for row in rows:
        seconds = None
        if row.seconds is not None:
            seconds = f"{row.seconds:.1f} of {row.expected_seconds or 0:.1f}"
        cells = (
            str(row.step),
            *(_number(value, 4) for value in (row.loss, row.eval_loss)),
            "-" if row.phoneme_error is None else f"{row.phoneme_error:.1%}",
            *(_number(value, 2) for value in (row.agreement, row.similarity)),
            seconds or "-",
        )
        yield _line((*cells, ", ".join(_notes(row))))
    yield ""
    yield "PER, agrees: what is heard in the samples, against their text; voice: likeness to the"
    yield "reference; seconds: of the samples, and usual for their text. `best` is by eval_loss."
    for why in sorted({f"{name}: {why}" for row in rows for name, why in row.reasons.items()}):
        yield f"not measured: {why}"


def _notes(row: CheckpointRow) -> Iterator[str]:
    for name, holds in (("best", row.best), ("exported", row.exported), ("kept", row.kept)):
        if holds:
            yield name
    if row.ran_away:
        yield f"{row.ran_away} of {len(row.samples)} did not end"
    if row.stopped_early:
        yield f"{row.stopped_early} of {len(row.samples)} stopped early"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    padded = [f"{cell:>{width}}" for cell, width in zip(cells[:-1], _WIDTHS, strict=True)]
    return "  ".join([*padded, cells[-1]]).rstrip()


def scored(job: Job, steps: Sequence[int]) -> Iterator[Event]:
    """Yield the events of a process that speaks with checkpoints and measures.

    Args:
        job: The run.
        steps: Which checkpoints; without any those that have no scores.

    Raises:
        UserError: The run is training.
        StudioError: The process ended without a result.
    """
    _check_idle(job)
    command = [sys.executable, "-m", "training.score", str(job.folder), *map(str, steps)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", env=process.environment()
    ) as speaking:
        assert speaking.stdout is not None
        try:
            for line in speaking.stdout:
                event = events.from_json(line)
                if isinstance(event, Failed):
                    raise _problem(event.message, event.hint, event.exit_code)
                yield event
                if isinstance(event, FINAL):
                    return
        finally:
            speaking.terminate()
    raise StudioError("The scoring ended without a result", "Look at the lines above")


def export(
    context: typer.Context,
    run_id: RunId,
    step: Annotated[
        int | None, typer.Option(help="Of this checkpoint (see: runs checkpoints), not the best.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "--to", help="Write the voice to this new folder.")
    ] = None,
    job_folder: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Write a run's voice from its best checkpoint, or another; or copy the voice it has.

    The voice that the run had before goes to the trash; with --out it stays.
    """
    workspace = Workspace.open(context.obj)
    job = store.get(workspace, run_id)
    if out is not None and out.exists():
        raise UserError(f"`{out}` exists already", "Give a folder that is not there yet")
    _check_idle(job)
    if job_folder:
        task.run(workspace, job_folder, _told(job, step, out))
        return
    output.data(str(_export(job, step, out)))


def _told(job: Job, step: int | None, out: Path | None) -> Iterator[Event]:
    yield events.Progress(0, 0, "writing the voice")
    yield events.Done({"run": job.id, "voice": str(_export(job, step, out))})


def _export(job: Job, step: int | None, out: Path | None) -> Path:
    """Write or copy a voice; return its folder."""
    ready = job.folder / training.READY
    if step is not None:
        _write(job, "--step", str(step), *(("--out", str(out.absolute())) if out else ()))
    elif out is None or not ready.is_dir():
        _write(job)
    if out is not None:
        if step is None:
            _copy(ready, out)
        ready = out
    return ready


def _check_idle(job: Job) -> None:
    if process.alive(job.folder):
        raise UserError(f"`{job.id}` is running", f"Stop it first: amharic-tts runs stop {job.id}")


def _write(job: Job, *options: str) -> None:
    """Write a voice in a process of its own: it needs torch."""
    output.note("writing the voice")
    command = [sys.executable, "-m", "training.export", str(job.folder), *options]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=process.environment(), check=False
    )
    if done.returncode:
        try:
            body = json.loads(done.stdout)
        except ValueError:
            body = {"message": "The voice could not be written", "hint": "See the lines above"}
        raise _problem(body["message"], body["hint"], done.returncode)


def _problem(message: str, hint: str, exit_code: int) -> StudioError:
    problem = StudioError(message, hint)
    problem.exit_code = exit_code
    return problem


def _copy(ready: Path, to: Path) -> None:
    """Copy a voice aside and rename it, so that `to` is whole or not there."""
    with disk_errors(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}."))
        try:
            shutil.copytree(ready, aside, dirs_exist_ok=True)
            aside.chmod(0o755)
            aside.rename(to)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
