"""Commands: phonemes-convert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.jobs import task
from amharic_tts.phonemes.convert import convert
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("phonemes-convert")(_convert)


def _convert(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            help="fast, accurate, fast-english, timit-ipa, base-960h, a hub id or a folder."
        ),
    ],
    int8: Annotated[
        bool, typer.Option("--int8/--fp32", help="Small and fast, or exactly as trained.")
    ] = True,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit; else the newest.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the model into this folder.")] = None,
    notation: Annotated[
        str | None,
        typer.Option(help="ipa, arpabet or letters; else guessed from the vocabulary."),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="A language that it was trained on; may be repeated.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Another model hub (a mirror).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    job: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Download a phoneme model and convert it once, so that it runs fast in little memory."""
    events = convert(
        model,
        out=out,
        dtype="int8" if int8 else "fp32",
        revision=revision,
        notation=notation,
        languages=language,
        endpoint=endpoint,
    )
    result = task.run(Workspace.open(context.obj), job, events) if job else output.follow(events)
    if json:
        output.as_json(result)
    elif result:
        output.data(str(result["folder"]))
