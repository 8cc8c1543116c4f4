"""Commands: book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.jobs import task
from amharic_tts.jobs.book import FORMATS, BookRequest, run
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.request import PRECISIONS, PRESETS, sampling
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("book")(book)


def book(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A text file, or subtitles (SRT, VTT, ASS).")],
    voice: Annotated[str, typer.Option(help="Run id or folder of a finished voice, or practice.")],
    out: Annotated[Path, typer.Option(help="Folder of the results; a second run goes on there.")],
    one_file: Annotated[
        bool, typer.Option("--one-file/--per-line", help="One file for all, or one a line or cue.")
    ] = True,
    per_chapter: Annotated[
        bool, typer.Option("--per-chapter", help="One file a chapter: lines that begin with #.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "wav",
    language: Annotated[str | None, typer.Option(help="Default: the voice's own.")] = None,
    reference: Annotated[
        list[Path] | None, typer.Option(help="Recording whose voice is imitated; several are fine.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Same seed, same speech; kept in the folder by default.")
    ] = None,
    preset: Annotated[str, typer.Option(help=", ".join(PRESETS))] = "own",
    speed: Annotated[float | None, typer.Option(help="1.25 speaks a quarter faster.")] = None,
    precision: Annotated[str, typer.Option(help=", ".join(PRECISIONS))] = "auto",
    check: Annotated[
        bool, typer.Option("--check", help="Compare every sentence with what is heard.")
    ] = False,
    takes: Annotated[
        int, typer.Option(help="With --check: say a sentence that fails up to so many times.")
    ] = 1,
    phonemes: Annotated[
        bool, typer.Option("--phonemes", help="The lines are phones, words apart by |.")
    ] = False,
    skip: Annotated[
        bool, typer.Option("--skip", help="Leave out lines that can't be said, and say which.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look whether every line can be said.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Speak a whole text or subtitles; stopped or killed, the same command goes on."""
    if takes > 1 and not check:
        raise UserError("--takes chooses by the check", "Give --check too")
    workspace = Workspace.open(context.obj)
    request = BookRequest(
        *(file, voice, out),
        "chapter" if per_chapter else "one" if one_file else "line",
        *(form, language, seed),
        sampling(preset, speed=speed),
        tuple(reference or ()),
        precision,  # type: ignore[arg-type]  # the request refuses what is none
        check,
        takes,
        phonemes,
        skip,
    )
    client = SpeechClient(workspace)
    try:
        events = run(workspace, request, client, dry=dry_run)
        result = task.run(workspace, job, events) if job else output.follow(events)
    finally:
        client.close()
    if json:
        output.as_json(result)
    elif result:
        _tell(result, dry_run)
    if dry_run and result.get("troubles"):
        raise UserError(f"{len(result['troubles'])} lines can't be said", "See above")


def _tell(result: dict[str, Any], dry_run: bool) -> None:
    if dry_run:
        for one in result["troubles"]:
            output.note(f"line {one['line']}: {one['reason']}: {one['text'][:60]}")
        spoken = output.duration(result["expected_seconds"])
        output.note(f"{result['lines']} lines, about {spoken} of speech")
        return
    verdicts = ", ".join(f"{count} {name}" for name, count in sorted(result["verdicts"].items()))
    output.note(
        f"{output.duration(result['seconds'])} of speech; {result['spoken']} pieces spoken, "
        f"{result['kept']} kept from before, {result['skipped']} lines left out"
        + (f"; sentences: {verdicts}" if verdicts else "")
    )
    output.data(result["file"] or result["manifest"])
