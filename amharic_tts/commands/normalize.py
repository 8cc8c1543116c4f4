"""Commands: normalize."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.commands.lines import lines, opened
from amharic_tts.text import normalize as normalizer
from amharic_tts.text.normalize import Normalized
from amharic_tts.text.trace import Change


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("normalize")(normalize)


def normalize(
    file: Annotated[
        str, typer.Argument(help="Text file in UTF-8, one text a line; - reads stdin.")
    ] = "-",
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="After each line, one indented line for each change: place in the text as it "
            "came (characters, end not included), from, to, rule.",
        ),
    ] = False,
    language: Annotated[str, typer.Option(help="Language of the text.")] = "am",
    json_: Annotated[
        bool, typer.Option("--json", help="A list with text, normalized and changes.")
    ] = False,
) -> None:
    """Write text as the studio reads it: numbers as words, one spelling of each mark.

    One line out for each line in, in order; empty lines stay.
    """
    with opened(file) as stream:
        found = ((line, normalizer.normalize(line, language)) for line in lines(stream, file))
        for text in _json(found) if json_ else _written(found, explain):
            output.data(text)


def _written(found: Iterable[tuple[str, Normalized]], explain: bool) -> Iterator[str]:
    for _, normalized in found:
        yield normalized.text
        if explain:
            # A normalised line never begins with a space, so that these can be told from it.
            yield from (f"    {_explained(change)}" for change in normalized.changes)


def _explained(change: Change) -> str:
    """Return one change; `repr` shows characters that can't be seen as escapes."""
    start, end = change.span
    return f"{start}-{end}\t{change.before!r}\t{change.after!r}\t{change.rule}"


def _json(found: Iterable[tuple[str, Normalized]]) -> Iterator[str]:
    """Yield a JSON list line by line, so that a long input does not fill the memory."""
    before = "["
    for text, normalized in found:
        changes = [
            {"span": list(c.span), "from": c.before, "to": c.after, "rule": c.rule}
            for c in normalized.changes
        ]
        item = {"text": text, "normalized": normalized.text, "changes": changes}
        yield before + json.dumps(item, ensure_ascii=False)
        before = ","
    yield "]" if before == "," else "[]"
