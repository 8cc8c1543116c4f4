"""Commands: g2p-eval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.events import Event
from amharic_tts.g2p import registry
from amharic_tts.g2p.alignment import CATEGORY_LABELS, Category
from amharic_tts.g2p.evaluate import evaluate
from amharic_tts.g2p.gold import GoldFile
from amharic_tts.g2p.symbols import LABELS
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace

_NAMES = ", ".join(backend.name for backend in registry.backends())
_SHOWN = 3
"""Examples of a category in the table; `--json` has them all."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("g2p-eval")(g2p_eval)


def g2p_eval(
    context: typer.Context,
    gold: Annotated[
        Path,
        typer.Argument(help="Lines of word, tab, IPA, in UTF-8; further columns are ignored."),
    ],
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", help=f"One of: {_NAMES}; repeat it (default: all that work)."),
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the whole result, wrong words included.")
    ] = False,
    job: Annotated[Path | None, typer.Option("--job", hidden=True)] = None,
) -> None:
    """Measure backends on a list of words with their pronunciation.

    PER is edits over segments, WER the share of words with any edit, both in percent. Of several
    lines for one word the nearest counts.
    """
    if job:
        # Of a copy in the workspace, people know the name only.
        events = task.keeping(measured(gold, backend, gold.name), job / task.RESULT)
        task.run(Workspace.open(context.obj), job, events)
        return
    result = output.follow(measured(gold, backend))
    if json_:
        output.as_json(result)
        return
    for line in table(result):
        output.data(line)


def measured(gold: Path, backend: list[str] | None, name: str = "") -> Iterator[Event]:
    """Yield the events of a measurement; the file is read as the first part of it."""
    yield from evaluate(GoldFile.read(gold, name), backend or None)


def table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a result for people.

    Args:
        result: What `amharic_tts.g2p.evaluate.evaluate` ends with.
    """
    about = result["gold"]
    yield f"{about['name']}: {about['words']} words, {about['pronunciations']} pronunciations"
    yield ""
    width = max(12, *(len(found["backend"]) for found in result["backends"]))
    yield "  ".join((f"{'PER / WER, %':{width}}", *(f"{label:>15}" for label in LABELS.values())))
    for found in result["backends"]:
        rates = (found["rates"][view.value] for view in LABELS)
        cells = (_percent(rate) for rate in rates)
        yield "  ".join((f"{found['backend']:{width}}", *cells))
    for found in result["backends"]:
        yield ""
        yield f"{found['backend']} ({found['version']}), mistakes in the strict view:"
        for item in found["categories"]:
            label = CATEGORY_LABELS[Category(item["category"])]
            examples = (
                f"{e['word']} {e['wanted']} not {e['written'] or 'nothing'}"
                for e in item["examples"][:_SHOWN]
            )
            yield f"{item['count']:6}  {label:34}  {'; '.join(examples)}"
        if not found["categories"]:
            yield "  none"
        for failure in found["failures"][:_SHOWN]:
            yield f"  not converted: {failure['word']}: {failure['reason']}"
        if len(found["failures"]) > _SHOWN:
            yield f"  and {len(found['failures']) - _SHOWN} more words not converted"


def _percent(rate: dict[str, float]) -> str:
    both = f"{100 * rate['per']:.2f} / {100 * rate['wer']:.1f}"
    return f"{both:>15}"
