"""Commands: train-habits."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from amharic_tts import machine
from amharic_tts.base_models import PRACTICE, resolve
from amharic_tts.commands import output
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.jobs import child, process
from amharic_tts.workspace import Workspace

COLUMNS = ("loss", "codes", "stop", "later_stops", "text")


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("train-habits")(train_habits)


def train_habits(
    context: typer.Context,
    base: Annotated[
        str, typer.Argument(help="practice, xtts-v2, or a folder with the files of XTTS v2.")
    ],
    dataset: Annotated[str, typer.Option(help="A dataset, in a language that the base knows.")],
    clips: Annotated[int, typer.Option(min=2, help="Read at most so many clips.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure an untouched base under stock coqui's two training habits, to choose defaults.

    The habits are the settings extra_stops and hide_text_stop.
    """
    workspace = Workspace.open(context.obj)
    if not Dataset.load(workspace.dataset(dataset)).accepted():
        raise UserError(
            f"No row of `{dataset}` is accepted", f"See: amharic-tts dataset check {dataset}"
        )
    if base != PRACTICE:
        resolve(workspace, base)
    device = machine.training_device("auto")
    holder = process.device_holder(workspace, device)
    if holder:
        raise UserError(
            f"`{holder}` is already running on the {device.upper()}",
            f"Wait for it, or stop it: amharic-tts runs stop {holder}",
        )
    words = [str(workspace.root.absolute()), base, dataset, str(clips)]
    result = output.follow(child.follow("training.quirks", words))
    if as_json:
        output.data(json.dumps(result, ensure_ascii=False))
        return
    for line in table(result):
        output.data(line)


def table(result: dict[str, Any]) -> list[str]:
    """Return the result as lines for people."""
    lines = [f"{result['clips']} clips of {result['dataset']}, read by {result['base']}, untrained"]
    lines.append(f"{'':16}" + "".join(f"{name.replace('_', ' '):>13}" for name in COLUMNS))
    for row in result["rows"]:
        cells = (
            f"{row[name]:>13.5f}" if row[name] is not None else f"{'-':>13}" for name in COLUMNS
        )
        lines.append(f"{row['habit']:16}" + "".join(cells))
    return [*lines, *result["meaning"]]
