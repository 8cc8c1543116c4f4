"""Commands: dataset versions, dataset restore, dataset export, dataset trash."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.commands.dataset_clips import Json, Name, job_target
from amharic_tts.dataset import states, trash, versions
from amharic_tts.dataset.exporting import LAYOUTS, ExportRequest, export
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.prepare import held
from amharic_tts.errors import UserError
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to `dataset`."""
    app.command("versions")(_versions)
    app.command("restore")(_restore)
    app.command("export")(_export)
    app.command("trash")(_trash)


def _versions(
    context: typer.Context,
    name: Name,
    compare: Annotated[
        tuple[int, int] | None, typer.Option(help="Show what distinguishes two versions.")
    ] = None,
    keep: Annotated[str, typer.Option(help="Keep the present state; say what it is.")] = "",
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take utterances.jsonl as something else wrote it.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the samples of every clip by their hash.")
    ] = False,
    json: Json = False,
) -> None:
    """List the versions of a dataset; compare two of them."""
    workspace = Workspace.open(context.obj)
    folder = workspace.dataset(name)
    if adopt or keep:
        with held(workspace, folder.name):
            if adopt:
                output.note(f"now version {states.adopt(folder)}")
            if keep:
                versions.keep_now(folder, keep)
    if verify:
        _verify(Dataset.load(folder))
    if compare:
        _compare(folder, *compare, json)
        return
    found = versions.listed(folder)
    if json:
        output.as_json([dataclasses.asdict(version) for version in found])
        return
    for version in found:
        now = "*" if version.current else " "
        edits = f", {version.edits} edits since" if version.edits else ""
        output.data(
            f"{now}{version.number:4}  {versions.age(version):16}  {version.accepted} of "
            f"{version.rows} clips, {output.duration(version.seconds)}  {version.reason}{edits}  "
            f"{version.hash[:12]}"
        )


def _verify(dataset: Dataset) -> None:
    changed = versions.changed_sounds(dataset)
    if changed:
        raise UserError(
            f"{len(changed)} clips of `{dataset.name}` have other samples than when they were "
            f"written, or none: {', '.join(changed[:5])}",
            "Put copies of them back, or build the dataset again",
        )
    output.note("the samples of every clip are those that were written")


def _compare(folder: Path, before: int, after: int, json: bool) -> None:
    one, two = versions.rows_of(folder, before), versions.rows_of(folder, after)
    found = versions.compare(one, two)
    if json:
        output.as_json(dataclasses.asdict(found))
        return
    for sign, ids in (("+", found.added), ("-", found.removed)):
        for id in ids:
            output.data(f"{sign} {id}")
    for id, fields in found.changed.items():
        output.data(f"~ {id}: {', '.join(fields)}")
    output.note(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    )


def _restore(
    context: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(help="Number of the version.", metavar="VERSION")],
) -> None:
    """Bring a version back; the present state stays among the versions."""
    workspace = Workspace.open(context.obj)
    with held(workspace, name):
        restored = versions.restore(workspace.dataset(name), version)
    output.data(f"version {version} is restored, as version {restored.state}")


def _export(
    context: typer.Context,
    name: Name,
    layout: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(LAYOUTS)}.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder or zip to make; it must not be there yet.")
    ] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="Make one zip of it.")] = False,
    json: Json = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Write a dataset in the layout of another tool; `studio` keeps everything."""
    workspace = Workspace.open(context.obj)
    dataset = Dataset.load(workspace.dataset(name))
    target = job_target(job, to, f"{dataset.name}-{layout}" + (".zip" if zipped else ""))
    events = export(dataset, ExportRequest(layout, target, zipped))
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        size = result["bytes"] / 1e6
        output.data(f"{result['clips']} clips, {size:.1f} MB, in {result['target']}")


def _trash(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Dataset to move to the trash.", metavar="NAME")
    ] = None,
    back: Annotated[str, typer.Option(help="Bring this dataset back from the trash.")] = "",
    called: Annotated[str, typer.Option("--name", help="With --back: its new name.")] = "",
    empty: Annotated[bool, typer.Option("--empty", help="Delete what is in it, for good.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json: Json = False,
) -> None:
    """Move a dataset to the workspace's trash, list what is there, bring it back, or empty it."""
    workspace = Workspace.open(context.obj)
    if name and not (back or empty):
        _ask(yes, f"Move the dataset `{name}` to the trash?")
        place = trash.discard(workspace, name)
        output.data(f"moved to {place}")
        output.note(f"bring it back with: amharic-tts dataset trash --back {place.name}")
        return
    if back:
        output.data(f"the dataset `{trash.back(workspace, back, called)}` is back")
        return
    found = trash.items(workspace)
    if empty:
        size = sum(item.size for item in found) / 1e6
        _ask(yes, f"Delete {len(found)} things in the trash ({size:.1f} MB) for good?")
        output.data(f"{trash.empty(workspace)} deleted")
        return
    if json:
        output.as_json([dataclasses.asdict(item) for item in found])
        return
    for item in found:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(item.at))
        output.data(f"{item.id:40} {at}  {item.size / 1e6:8.1f} MB")
    if not found:
        output.note("the trash is empty")


def _ask(yes: bool, question: str) -> None:
    if not yes and not typer.confirm(question, default=False, err=True):
        raise UserError("Nothing was done", "Answer y, or give --yes")
