"""Commands: g2p-lexicon import, g2p-lexicon check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError
from amharic_tts.files import write_text
from amharic_tts.g2p import importers
from amharic_tts.g2p.lexicon import MOST_SHOWN, Lexicon, read_lines

_FORMATS = "; ".join(f"{kind.name}: {kind.what}" for kind in importers.FORMATS.values())

group = typer.Typer(help="Lexicons: your own words for `g2p`.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.add_typer(group, name="g2p-lexicon")


@group.command("import")
def import_list(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help=f"{_FORMATS}.")],
    file: Annotated[Path, typer.Argument(help="The list, in UTF-8.")],
    out: Annotated[Path, typer.Option("--out", help="The lexicon to write; a new file.")],
) -> None:
    """Make a lexicon of somebody's pronunciation list; its licence goes with what you make."""
    kind = importers.get(form)
    if out.exists():
        raise UserError(f"`{out}` is there already", "Give another name; nothing is overwritten")
    found = importers.read(kind, read_lines(file))
    for line, reason in found.skipped[:MOST_SHOWN]:
        output.note(f"line {line} left out: {reason}")
    if len(found.skipped) > MOST_SHOWN:
        output.note(f"and {len(found.skipped) - MOST_SHOWN} more left out")
    if not found.readings:
        raise UserError(f"No word was found in `{file}`", f"Is it of the format `{form}`?")
    write_text(out, importers.lexicon_text(kind, file.name, found))
    if kind.machine_made:
        output.note("This list was written by a program: it is no better than that program")
    output.data(
        f"{out}: {len(found.readings)} words; {len(found.others)} other readings kept as comments; "
        f"{len(found.skipped)} left out"
    )


@group.command("check")
def check(file: Annotated[Path, typer.Argument(help="A lexicon.")]) -> None:
    """Read a lexicon and say how many words it has, or which lines are wrong."""
    lexicon = Lexicon.load(file)
    output.data(f"{file}: {len(lexicon)} words, {lexicon.version}")
