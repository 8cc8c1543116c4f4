"""Commands: speak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("speak")(speak)


def speak(
    context: typer.Context,
    voice: Annotated[str, typer.Option(help="Run id or folder of a finished voice, or practice.")],
    text: Annotated[str, typer.Option(help="What to say.")],
    out: Annotated[Path, typer.Option(help="The WAV file to write.")],
    language: Annotated[str | None, typer.Option(help="Default: the voice's own.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Recording whose voice is imitated (default: the voice's).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same speech.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say a text with a finished voice and write it as WAV (24 kHz, mono)."""
    if out.suffix.lower() != ".wav":
        raise UserError(f"--out {out}: only WAV is written", "Give a name that ends in .wav")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder", "Give the name of a file that ends in .wav")
    client = SpeechClient(Workspace.open(context.obj))
    try:
        references = () if reference is None else (reference,)
        request = SpeechRequest(voice, text, language, references, seed, out=out)
        result = output.follow(client.speak(request))
    finally:
        client.close()
    if json:
        output.as_json(result)
        return
    if result["note"]:
        output.note(f"note: {result['note']}")
    output.data(result["audio"])
