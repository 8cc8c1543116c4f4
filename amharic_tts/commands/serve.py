"""Commands: serve."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    voice: Annotated[
        str, typer.Option(help="Who speaks when a request names no voice: run id, or practice.")
    ] = "",
    host: Annotated[str, typer.Option(help="Anything but loopback needs a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8000,
    key_file: Annotated[
        Path | None,
        typer.Option(help="Keys, one a line (default: api-keys in the workspace, where it is)."),
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Add a key to the file, print it, and end.")
    ] = False,
    characters: Annotated[int | None, typer.Option(help="Longest text (default: 4096).")] = None,
    a_minute: Annotated[
        int | None, typer.Option(help="Requests a minute of one key or address (default: 60).")
    ] = None,
    waiting: Annotated[
        int | None, typer.Option(help="Requests that may wait in line (default: 16).")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin of a web page that may ask, such as https://example.org."),
    ] = None,
) -> None:
    """Serve the voices by HTTP, in the style of the OpenAI speech API."""
    from amharic_tts.serving import alone, keys
    from amharic_tts.serving.limits import Limits
    from amharic_tts.serving.server import Serving

    workspace = Workspace.open(context.obj)
    path = key_file or keys.default_file(workspace)
    if new_key:
        output.data(keys.new(path))
        output.note(f"The key stands in {path}; who has it can speak")
        return
    if key_file is not None and not key_file.exists():
        raise UserError(
            f"There is no file of keys `{key_file}`",
            f"Make it with: amharic-tts serve --new-key --key-file {key_file}",
        )
    asked = {"characters": characters, "a_minute": a_minute, "most_waiting": waiting}
    given = {name: value for name, value in asked.items() if value is not None}
    limits = dataclasses.replace(Limits(), **given)
    serving = Serving(keys.read(path), voice, limits, tuple(allow_origin or ()))

    def ready(address: str) -> None:
        locked = "with a key" if serving.keys else "without a key, for this machine only"
        output.data(f"The speech API is at {address} ({locked})")
        sys.stdout.flush()

    alone.run(workspace, serving, host, port, ready)
