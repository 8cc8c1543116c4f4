"""Commands: sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.commands.dataset import show_result
from amharic_tts.dataset import sample
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("sample")(_sample)


def _sample(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name of the dataset.")] = "sample",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Make a small Amharic dataset in a synthetic voice, to try everything on."""
    workspace = Workspace.open(context.obj)
    events = sample.build(workspace, name)
    show_result(task.run(workspace, job, events) if job else output.follow(events), json)
