"""Commands: speak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.history import History
from amharic_tts.synthesis.request import SpeechRequest, sampling
from amharic_tts.workspace import Workspace

WRITTEN = ("wav", "mp3", "flac", "ogg", "opus")


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("speak")(speak)


def speak(
    context: typer.Context,
    voice: Annotated[str, typer.Option(help="Run id or folder of a finished voice, or practice.")],
    text: Annotated[str, typer.Option(help="What to say.")],
    out: Annotated[Path, typer.Option(help="The file to write: .wav, .mp3, .flac, .ogg, .opus.")],
    language: Annotated[str | None, typer.Option(help="Default: the voice's own.")] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(help="Recording whose voice is imitated (default: the voice's); repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same speech.")] = None,
    preset: Annotated[str, typer.Option(help="own, steady, lively or likeliest.")] = "own",
    temperature: Annotated[float | None, typer.Option(help="0: the likeliest code.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw among so many codes; 0: all.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw among this share.")] = None,
    repetition_penalty: Annotated[float | None, typer.Option(help="1: off.")] = None,
    speed: Annotated[float, typer.Option(help="0.5 to 2.")] = 1.0,
    phonemes: Annotated[
        bool, typer.Option("--phonemes", help="The text is phones, words apart by |.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Have each sentence listened to and compared.")
    ] = False,
    takes: Annotated[int, typer.Option(help="Tries of a sentence that fails its check.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say a text with a finished voice and write it as sound (24 kHz, mono)."""
    form = _form(out)
    drawn = sampling(
        preset,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=repetition_penalty,
        speed=speed,
    )
    workspace = Workspace.open(context.obj)
    request = SpeechRequest(
        voice,
        text,
        language,
        tuple(reference or ()),
        seed,
        drawn,
        phonemes,
        check,
        takes,
        precision=precision,  # type: ignore[arg-type]
        out=out if form == "wav" else History(workspace).new_sound(),
    )
    client = SpeechClient(workspace)
    try:
        result = output.follow(client.speak(request))
    finally:
        client.close()
    if form != "wav":
        assert request.out is not None
        result |= {"audio": _encoded(request.out, out, form)}
    if json:
        output.as_json(result)
    else:
        _tell(result)


def _form(out: Path) -> str:
    """Return the format that a file's name asks for.

    Raises:
        UserError: It is none that is written, or the file is a folder.
    """
    form = out.suffix.lower().removeprefix(".")
    if form not in WRITTEN:
        raise UserError(
            f"--out {out}: this kind of file is not written",
            f"Give a name that ends in {', '.join('.' + name for name in WRITTEN)}",
        )
    if out.is_dir():
        raise UserError(f"--out {out} is a folder", "Give the name of a file")
    return form


def _tell(result: dict[str, Any]) -> None:
    if result["note"]:
        output.note(f"note: {result['note']}")
    output.note(
        f"{result['precision']} ({result['precision_reason']}): "
        f"{result['codes_a_second']:.0f} codes a second, "
        f"{result['real_time_factor']:.2f} s of work for a second of sound"
    )
    output.data(result["audio"])


def _encoded(made: Path, out: Path, form: str) -> str:
    """Write a sound in another format and return its path; the WAV goes."""
    import soundfile

    from amharic_tts.audio.encode import encode
    from amharic_tts.files import disk_errors, writing

    samples, rate = soundfile.read(made, dtype="float32")
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with writing(out) as file:
            file.write(encode(samples, rate, form))
    made.unlink()
    return str(out)
