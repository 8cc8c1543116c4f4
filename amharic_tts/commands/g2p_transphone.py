"""Commands: g2p-transphone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.g2p import transphone_files


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("g2p-transphone")(g2p_transphone)


def g2p_transphone(
    model: Annotated[Path, typer.Argument(help=f"From {transphone_files.MODEL_URL}.")],
    inventory: Annotated[Path, typer.Argument(help=f"From {transphone_files.INVENTORY_URL}.")],
) -> None:
    """Put the model of the backend transphone in its place, out of the two archives you have."""
    found = transphone_files.place(model, inventory)
    output.data(f"model: {found.checkpoint}")
    output.data(f"sounds of Amharic: {found.inventory}")
