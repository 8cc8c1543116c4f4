"""Commands: dataset transcribe, dataset codes."""

from __future__ import annotations

from typing import Annotated

import typer

from amharic_tts.base_models import PRACTICE
from amharic_tts.commands import output
from amharic_tts.commands.engines import Address, EngineName, engine_of
from amharic_tts.commands.transcribe import Device, JobFolder, Json, Model, Revision, Threads
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.transcribe import TranscribeRequest, transcribe
from amharic_tts.dataset.workers import PROCESS
from amharic_tts.jobs import child, task
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to those of `dataset`."""
    app.command("transcribe")(_transcribe)
    app.command("codes")(_codes)


def _codes(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the dataset.", metavar="NAME")],
    base: Annotated[
        str, typer.Option(help="practice, xtts-v2, or a folder with the files of XTTS v2.")
    ] = PRACTICE,
    engine: EngineName = PROCESS,
    address: Address = "",
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Make the audio codes that a training needs, before it; a second run makes what lacks."""
    workspace = Workspace.open(context.obj)
    where = engine_of(engine, address)
    Dataset.load(workspace.dataset(name))
    words = [str(workspace.root.absolute()), base, name, f"--engine={where.name}"]
    events = child.follow("training.code_cache", [*words, f"--address={where.address}"])
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.note(
            f"{result['made']} of {result['clips']} clips coded now, the others were there; "
            f"{result['unreadable']} unreadable; in `{result['folder']}`"
        )


def _transcribe(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the dataset.", metavar="NAME")],
    model: Model = "",
    again: Annotated[
        bool, typer.Option("--again", help="Texts that a recogniser wrote are written anew.")
    ] = False,
    engine: EngineName = PROCESS,
    address: Address = "",
    device: Device = "auto",
    threads: Threads = 0,
    revision: Revision = "",
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Write the missing texts by speech recognition; your own texts are never touched."""
    workspace = Workspace.open(context.obj)
    request = TranscribeRequest(
        name, model, again, engine_of(engine, address), device, threads, revision
    )
    events = transcribe(workspace, request)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.note(
            f"{result['transcribed']} texts written by `{result['model']}`, {result['silent']} "
            f"clips without words, {result['unreadable']} unreadable"
        )
