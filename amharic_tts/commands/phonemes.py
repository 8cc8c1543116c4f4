"""Commands: phonemes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.files import write_text


class Format(str, Enum):
    """Forms of the output."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    TEXTGRID = "textgrid"


_ENDINGS = {
    Format.TEXT: ".txt",
    Format.JSON: ".json",
    Format.CSV: ".csv",
    Format.TEXTGRID: ".TextGrid",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("phonemes")(phonemes)


def phonemes(
    audio: Annotated[list[str], typer.Argument(help="Sound or video files.")],
    model: Annotated[
        str,
        typer.Option(
            help="embedded (English, no download), fast, accurate, a Hugging Face id or a folder; "
            "this version has only embedded."
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
        typer.Option(help="Write one file for each sound into this folder instead of stdout."),
    ] = None,
) -> None:
    """Recognise the phonemes in recordings, with their times and confidences."""
    from amharic_tts.phonemes import export
    from amharic_tts.phonemes.extractor import PhonemeExtractor
    from amharic_tts.phonemes.result import Recognition

    if form is Format.TEXTGRID and len(audio) > 1 and out is None:
        raise UserError(
            f"A TextGrid holds one sound, and there are {len(audio)}",
            "Give --out FOLDER for one file each",
        )
    extractor = PhonemeExtractor(model=model)
    found: list[tuple[str, Recognition]] = []
    refused: list[str] = []
    for name in audio:
        try:
            recognition = extractor.extract_phoneme(name)
        except UserError as error:
            if len(audio) == 1:
                raise
            refused.append(name)
            output.error(error)
            continue
        found.append((name, recognition))
        for note in recognition.notes:
            output.note(f"{name}: {note}")
    writers: dict[Format, Callable[[Iterable[tuple[str, Recognition]]], str]] = {
        Format.TEXT: export.to_text,
        Format.JSON: export.to_json,
        Format.CSV: export.to_csv,
        Format.TEXTGRID: lambda items: "".join(export.to_textgrid(r) for _, r in items),
    }
    write = writers[form]
    if out is None:
        output.data(write(found).removesuffix("\n"))
    else:
        for path, item in zip(_targets(out, [n for n, _ in found], form), found, strict=True):
            write_text(path, write([item]))
            output.note(f"{item[0]}: written to `{path}`")
    if refused:
        raise UserError(f"{len(refused)} of {len(audio)} sounds could not be read", "See above")


def _targets(folder: Path, names: list[str], form: Format) -> list[Path]:
    """Return one new file a sound; sounds of the same name get a number."""
    taken: dict[str, int] = {}
    found = []
    for name in names:
        stem = Path(name).stem or "sound"
        taken[stem] = taken.get(stem, 0) + 1
        number = f"-{taken[stem]}" if taken[stem] > 1 else ""
        found.append(folder / f"{stem}{number}{_ENDINGS[form]}")
    return found
