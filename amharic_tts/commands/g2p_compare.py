"""Commands: g2p-compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.g2p import registry
from amharic_tts.g2p.bulk import ListRequest, convert_list
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace

_NAMES = ", ".join(backend.name for backend in registry.backends())


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("g2p-compare")(g2p_compare)


def g2p_compare(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="UTF-8, one text a line; of a line with tabs, the first column.", metavar="FILE"
        ),
    ],
    out: Annotated[Path, typer.Option(help="The table to write: `.csv` or `.tsv`.")],
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", help=f"One of: {_NAMES}; repeat it (default: all that work)."),
    ] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="Your own words, which go before every backend.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Write what every backend makes of each line of a list, side by side, into a table.

    Without fallback: where a backend can't do a line, its cell is empty and the last column says
    why.
    """
    events = convert_list(ListRequest(file, out, tuple(backend or ()), lexicon))
    result = task.run(Workspace.open(context.obj), job, events) if job else output.follow(events)
    if json_:
        output.as_json(result)
    elif result:
        output.data(
            f"{result['file']}: {result['rows']} rows by {', '.join(result['backends'])}; "
            f"they do not agree on {result['differ']}"
        )
