"""Commands: phonemes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.jobs import task
from amharic_tts.phonemes import batch, batch_files, export
from amharic_tts.phonemes.models.base import LoadOptions
from amharic_tts.phonemes.result import Recognition
from amharic_tts.workspace import Workspace

STDIN = "-"
_SHORT = 500_000
"""Bytes of a short file: some ten seconds of WAV."""


class Format(str, Enum):
    """Forms of the output."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    TEXTGRID = "textgrid"


class Backend(str, Enum):
    """What runs the model."""

    AUTO = "auto"
    HAMA = "hama"
    ONNXRUNTIME = "onnxruntime"
    TORCH = "torch"


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("phonemes")(phonemes)


def phonemes(
    context: typer.Context,
    audio: Annotated[
        list[str], typer.Argument(help="Sound or video files, folders of them, or - for stdin.")
    ],
    model: Annotated[
        str,
        typer.Option(
            help="embedded (English, no download); after phonemes-convert also fast, accurate, "
            "fast-english, timit-ipa, base-960h (letters), a Hugging Face id or a folder."
        ),
    ] = "embedded",
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="text: a line a file, words apart by |; json: a list; csv: a row a phone; "
            "textgrid: for Praat, one file (several with --out).",
        ),
    ] = Format.TEXT,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write one file for each sound and the tables phones.csv and phones.jsonl into "
            "this folder; a second run goes on where the first stopped."
        ),
    ] = None,
    language: Annotated[
        str, typer.Option(help="Write only phones of this language: am or en.")
    ] = "",
    inventory: Annotated[
        str, typer.Option(help="Write only these phones: apart by spaces, or a file of them.")
    ] = "",
    top: Annotated[
        int | None, typer.Option(min=0, help="Runners-up of each phone in JSON.")
    ] = None,
    int8: Annotated[
        bool | None,
        typer.Option("--int8/--fp32", help="Number format of a converted model."),
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What runs the model.")] = Backend.AUTO,
    threads: Annotated[
        int, typer.Option(min=0, max=256, help="0: as many as there are, at most 4.")
    ] = 0,
    again: Annotated[
        bool, typer.Option("--again", help="With --out: hear finished files once more.")
    ] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Recognise the phonemes in recordings, with their times and confidences."""
    dtype = {None: "auto", True: "int8", False: "fp32"}[int8]
    options = LoadOptions(backend=backend.value, dtype=dtype, threads=threads)  # type: ignore[arg-type]
    if language and inventory:
        raise UserError("--language and --inventory don't go together", "Give one of them")
    phones = language or inventory or None
    if out is None:
        _direct(audio, form, model, options, phones, top)
        return
    if STDIN in audio:
        raise UserError("`-` (stdin) and --out don't go together", "Give a file, or leave --out")
    sources = tuple(Path(name) for name in audio)
    request = batch.BatchRequest(
        *(sources, out, form.value, model, options, phones, top), resume=not again
    )
    if job is not None:
        task.run(Workspace.open(context.obj), job, batch.run(request))
    else:
        _batch(request)


def _batch(request: batch.BatchRequest) -> None:
    """Write the phones of the sounds into a folder."""
    result = output.follow(batch.run(request))
    output.note(
        f"{result['heard']} heard, {result['skipped']} heard before, {result['refused']} refused; "
        f"results in `{result['out']}`, all phones in `{result['table']}`"
    )
    if result["refused"]:
        _refused(result["refused"], result["files"])


def _direct(
    audio: list[str],
    form: Format,
    model: str,
    options: LoadOptions,
    phones: str | None,
    top: int | None,
) -> None:
    """Print the phones of the sounds."""
    from amharic_tts.phonemes.extractor import PhonemeExtractor

    sounds = list(_sounds(audio))
    if form is Format.TEXTGRID and len(sounds) > 1:
        raise UserError(
            f"A TextGrid holds one sound, and there are {len(sounds)}",
            "Give --out FOLDER for one file each",
        )
    options = replace(options, pack=not _one_short(sounds))
    extractor = PhonemeExtractor(model=model, options=options, inventory=phones)
    found: list[tuple[str, Recognition]] = []
    refused = 0
    for name, sound in sounds:
        try:
            recognition = extractor.extract_phoneme(
                sys.stdin.buffer.read() if sound is None else sound
            )
        except UserError as error:
            if len(sounds) == 1:
                raise
            refused += 1
            output.error(error)
            continue
        found.append((name, export.limited(recognition, top)))
        for note in recognition.notes:
            output.note(f"{name}: {note}")
    output.data(export.WRITERS[form.value](found).removesuffix("\n"))
    if refused:
        _refused(refused, len(sounds))


def _sounds(audio: list[str]) -> Iterator[tuple[str, Path | None]]:
    """Yield name and path of each sound, None for stdin; folders give all sounds in them."""
    for name in audio:
        if name == STDIN:
            yield "stdin", None
        elif Path(name).is_dir():
            inside = batch_files.collect([Path(name)])
            for finding in inside.findings:
                output.event(finding)
            yield from ((sound.name, sound.path) for sound in inside.sounds)
        else:
            yield name, Path(name)


def _one_short(sounds: list[tuple[str, Path | None]]) -> bool:
    """Return whether there is so little to hear that starting counts for more than pace."""
    path = sounds[0][1] if len(sounds) == 1 else None
    return path is not None and path.is_file() and path.stat().st_size < _SHORT


def _refused(count: int, total: int) -> None:
    raise UserError(f"{count} of {total} sounds could not be read", "See above")
