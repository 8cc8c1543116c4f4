"""Commands: runs."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Annotated, Any

import typer

from amharic_tts.commands import output, runs_checkpoints
from amharic_tts.commands.train import follow, show_result
from amharic_tts.errors import UserError
from amharic_tts.jobs import process, store, training
from amharic_tts.workspace import Workspace
from training import config as configs

runs = typer.Typer(help="List, show, stop, resume and export training runs.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="ID", help="A run (see: runs list).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    runs_checkpoints.register(runs)
    app.add_typer(runs, name="runs")


@runs.command("list")
def list_runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the runs, the newest first."""
    jobs = store.jobs(Workspace.open(context.obj))
    found = [{**training.result(job), "title": job.spec.title} for job in jobs]
    if as_json:
        output.as_json(found)
        return
    if not found:
        output.note("there are no runs yet; start one with: amharic-tts train --dataset NAME")
    for run in found:
        loss = "" if run["eval_loss"] is None else f"  eval_loss {run['eval_loss']:.4f}"
        output.data(f"{run['run']}  {run['state']:8}  {run['steps']:6} steps{loss}  {run['title']}")


@runs.command()
def show(context: typer.Context, run_id: RunId, as_json: AsJson = False) -> None:
    """Show a run: what was asked, how far it is, what it found."""
    job = store.get(Workspace.open(context.obj), run_id)
    history = job.history()
    body: dict[str, Any] = {
        **training.result(job, history),
        "title": job.spec.title,
        "command": job.spec.command_line(),
        "folder": str(job.folder),
        "findings": [dataclasses.asdict(finding) for finding in history.findings],
        "error": dataclasses.asdict(history.error) if history.error else None,
    }
    if as_json:
        output.as_json(body)
        return
    for key in ("run", "title", "state", "steps", "loss", "eval_loss", "voice", "folder"):
        output.data(f"{key:10} {'' if body[key] is None else body[key]}")
    output.data(f"{'command':10} {body['command']}")
    for finding in history.findings:
        output.data(f"{finding.level:10} {finding.subject or finding.code}: {finding.message}")
    if history.error:
        output.data(f"{'error':10} {history.error.message}")
        output.data(f"{'hint':10} {history.error.hint}")


@runs.command("config")
def show_config(context: typer.Context, run_id: RunId) -> None:
    """Print the settings of a run as a file for `train --config`."""
    job = store.get(Workspace.open(context.obj), run_id)
    path = job.folder / training.CONFIG
    try:
        output.data(configs.load(path).to_commented_yaml().rstrip())
    except UserError as error:
        if not path.is_file():
            raise
        output.data(path.read_text(encoding="utf-8").rstrip())
        output.note(f"as it was written; this version can't use it: {error}")


@runs.command("command")
def show_command(context: typer.Context, run_id: RunId) -> None:
    """Print the exact command of a run, and the one that makes another run of its settings."""
    job = store.get(Workspace.open(context.obj), run_id)
    output.data(job.spec.command_line())
    again = shlex.join(["amharic-tts", "train", "--config", str(job.folder / training.CONFIG)])
    output.note(f"another run with the same settings: {again}")


@runs.command()
def stop(context: typer.Context, run_id: RunId) -> None:
    """Save a checkpoint and stop a run; it can be resumed."""
    job = store.get(Workspace.open(context.obj), run_id)
    process.stop(job.folder)
    output.note(f"{job.state()} at step {training.result(job)['steps']}")


@runs.command()
def resume(
    context: typer.Context,
    run_id: RunId,
    steps: Annotated[int | None, typer.Option(help="A new number of steps in all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a run from its last checkpoint, in the foreground; Ctrl-C saves and stops."""
    workspace = Workspace.open(context.obj)
    events = store.get(workspace, run_id).events.path
    told = events.stat().st_size if events.exists() else 0
    job = training.resume_run(workspace, run_id, steps)
    show_result(follow(job, told), as_json)
