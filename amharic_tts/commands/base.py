"""Commands: base list, base download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts import base_models
from amharic_tts.base_models.catalog import CATALOG, XTTS_V2
from amharic_tts.base_models.download import download as download_events
from amharic_tts.commands import output
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    base = typer.Typer(help="Base models: what a training starts from.", no_args_is_help=True)
    base.command("list")(show)
    base.command("download")(download)
    app.add_typer(base, name="base")


def show(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the base models and whether they are here."""
    workspace = Workspace.open(context.obj)
    rows: list[dict[str, Any]] = [
        {
            "name": model.name,
            "title": model.title,
            "ready": base_models.is_ready(workspace, model.name),
            "folder": str(base_models.base_folder(workspace, model.name)),
            "licence": model.licence.name if model.licence else "",
        }
        for model in CATALOG.values()
    ]
    if json:
        output.as_json(rows)
        return
    for row in rows:
        missing = "downloaded on request" if CATALOG[row["name"]].repo else "built on first use"
        output.data(f"{row['name']}\t{'ready' if row['ready'] else missing}\t{row['title']}")


def download(
    context: typer.Context,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="You have read and accept its licence.")
    ] = False,
    name: Annotated[str, typer.Option(help="Which base.")] = XTTS_V2,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit.")] = "main",
    endpoint: Annotated[str | None, typer.Option(help="Another model hub (a mirror).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    job: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Download a base model; started again, it goes on where it stopped."""
    workspace = Workspace.open(context.obj)
    events = download_events(workspace, accept_license, endpoint, revision, name)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.data(str(result["folder"]))
