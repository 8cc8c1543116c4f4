"""Commands: transcribe, transcribe-models, transcribe-download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.commands.engines import Address, EngineName, engine_of
from amharic_tts.dataset.workers import PROCESS
from amharic_tts.errors import UserError
from amharic_tts.jobs import task
from amharic_tts.recognition import catalog, store
from amharic_tts.recognition.download import download
from amharic_tts.recognition.files import FORMS, FilesRequest, run
from amharic_tts.text.languages import canonical
from amharic_tts.workspace import Workspace

Model = Annotated[
    str,
    typer.Option(
        help=f"{', '.join(one.name for one in catalog.ENTRIES)}, a hub id or a folder "
        f"(default: {catalog.MMS} for Amharic, else {catalog.WHISPER})."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[int, typer.Option(min=0, max=256, help="On the CPU; 0: at most 4.")]
Revision = Annotated[str, typer.Option(help="Branch, tag or commit of the hub.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JobFolder = Annotated[Path | None, typer.Option("--job", hidden=True)]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("transcribe")(_transcribe)
    app.command("transcribe-models")(_models)
    app.command("transcribe-download")(_download)


def _transcribe(
    context: typer.Context,
    sources: Annotated[
        list[Path], typer.Argument(help="Recordings, and folders of them.", metavar="SOURCE...")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the results; a second run goes on there.")],
    model: Model = "",
    language: Annotated[str, typer.Option(help="What is spoken.")] = "am",
    form: Annotated[
        str, typer.Option("--format", help=f"{', '.join(FORMS)}; JSON is always written too.")
    ] = "srt",
    again: Annotated[bool, typer.Option("--again", help="Write finished files anew.")] = False,
    engine: EngineName = PROCESS,
    address: Address = "",
    device: Device = "auto",
    threads: Threads = 0,
    revision: Revision = "",
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Write what is said in recordings, sentence by sentence with times: subtitles for a build."""
    workspace, code = Workspace.open(context.obj), canonical(language)
    request = FilesRequest(
        tuple(sources),
        out,
        model or catalog.default(code),
        code,
        form,
        engine_of(engine, address),
        device,
        threads,
        revision,
        again,
    )
    events = run(workspace, request)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.note(
            f"{result['written']} written, {result['skipped']} there already, "
            f"{result['refused']} refused; {result['cues']} sentences in `{result['out']}`"
        )
        output.note("cut a recording by them: amharic-tts dataset build FILE --subtitles FILE.srt")
    if result and result["refused"]:
        raise UserError(f"{result['refused']} of {result['files']} can't be read", "See above")


def _models(
    context: typer.Context,
    language: Annotated[str, typer.Option(help="What is spoken.")] = "am",
    json: Json = False,
) -> None:
    """List the recognisers that are known by name, and whether they are here."""
    workspace, code = Workspace.open(context.obj), canonical(language)
    rows = [
        {
            "name": one.name,
            "source": one.source,
            "title": one.title,
            "licence": one.licence,
            "gigabytes": one.gigabytes,
            "ready": store.is_here(workspace, one.name, code),
            "default": one.name == catalog.default(code),
        }
        for one in catalog.ENTRIES
    ]
    if json:
        output.as_json(rows)
        return
    for row in rows:
        state = "ready" if row["ready"] else f"{row['gigabytes']} GB to fetch"
        output.data(f"{row['name']}\t{state}\t{row['licence']}\t{row['title']}")


def _download(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A name of transcribe-models, or a hub id.")],
    language: Annotated[str, typer.Option(help="What it shall recognise.")] = "am",
    revision: Revision = "",
    endpoint: Annotated[str | None, typer.Option(help="Another model hub (a mirror).")] = None,
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Fetch a recogniser; started again, it goes on where it stopped."""
    workspace = Workspace.open(context.obj)
    events = download(workspace, model, language, revision, endpoint)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.data(str(result["folder"]))
