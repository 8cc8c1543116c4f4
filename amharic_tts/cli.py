"""The command line: `amharic-tts [--workspace DIR] COMMAND`.

Data goes to stdout, logs and progress to stderr. Exit code 0: done; 2: the user can put it right
(one clear message, no traceback); 1: ours.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts import __version__
from amharic_tts.commands import (
    base,
    book,
    dataset,
    doctor,
    g2p,
    g2p_compare,
    g2p_eval,
    g2p_transphone,
    normalize,
    output,
    phonemes,
    phonemes_bench,
    phonemes_compare,
    phonemes_convert,
    runs,
    sample,
    serve,
    speak,
    train,
    train_habits,
    train_plan,
    transcribe,
    voices,
)
from amharic_tts.errors import StudioError
from amharic_tts.settings import default_workspace

app = typer.Typer(
    name="amharic-tts",
    help="Prepare a speech dataset, compare phonemes, train an XTTS voice, listen to it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.data(__version__)
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder that holds datasets, runs and voices (default: ./workspace)."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log on stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    context.obj = workspace or default_workspace()


_MODULES = (
    *(sample, dataset, base, train, train_habits, train_plan, runs, speak, book, voices, serve),
    *(g2p, g2p_compare, g2p_eval, g2p_transphone, normalize),
    *(phonemes, phonemes_bench, phonemes_compare, phonemes_convert, transcribe, doctor),
)
for _module in _MODULES:
    _module.register(app)


def main() -> None:
    """Run the command line; the outermost border for errors."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Ethiopic text on a Windows console, or LANG=C
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except StudioError as error:
        output.error(error)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # The reader of our output (`| head`) went away: not an error of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
