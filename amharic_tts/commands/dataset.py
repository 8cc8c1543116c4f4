"""Commands: dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import (
    dataset_check,
    dataset_clips,
    dataset_sources,
    dataset_transcribe,
    dataset_versions,
    output,
)
from amharic_tts.commands.engines import Address, EngineName, engine_of
from amharic_tts.dataset import encoders, prepare, validate
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.summary import summary
from amharic_tts.dataset.workers import PROCESS
from amharic_tts.g2p import registry
from amharic_tts.jobs import store, task
from amharic_tts.workspace import Workspace

_NAMES = ", ".join(backend.name for backend in registry.backends())

_app = typer.Typer(help="Build, check and show datasets of speech clips.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the dataset.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JobFolder = Annotated[Path | None, typer.Option("--job", hidden=True)]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    dataset_clips.register(_app)
    dataset_versions.register(_app)
    dataset_check.register(_app)
    dataset_transcribe.register(_app)
    dataset_sources.add_to(_app)
    app.add_typer(_app, name="dataset")


@_app.command("build")
def _build(
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Files and folders with recordings, datasets, archives.", metavar="SOURCE..."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the dataset; what is in it stays.")],
    transcript: Annotated[
        Path | None,
        typer.Option(help="Table of texts: `id|text`, coqui's or LJSpeech's metadata, CSV, TSV."),
    ] = None,
    subtitles: Annotated[
        Path | None,
        typer.Option(help="SRT, VTT or TextGrid of the one recording among the sources."),
    ] = None,
    language: Annotated[
        str, typer.Option(help="Language of the texts (default: the dataset's own, else am).")
    ] = "",
    speaker: Annotated[
        str, typer.Option(help="Speaker of the rows that name none.")
    ] = prepare.SPEAKER,
    g2p: Annotated[
        str,
        typer.Option(help=f"Backend of the phonemes: {_NAMES} (default: the dataset's own)."),
    ] = "",
    lexicon: Annotated[
        Path | None, typer.Option(help="Your own words for the phonemes (see g2p --lexicon).")
    ] = None,
    engine: EngineName = PROCESS,
    address: Address = "",
    cut: dataset_sources.Cut = "exact",
    cuts: dataset_sources.Cuts = None,
    target: dataset_sources.Target = None,
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Turn recordings and texts into checked 22.05 kHz clips; your files are never changed."""
    workspace = Workspace.open(context.obj)
    request = prepare.BuildRequest(
        tuple(sources),
        name,
        transcript,
        subtitles,
        language,
        speaker=speaker,
        g2p=g2p,
        lexicon=lexicon,
        engine=engine_of(engine, address),
        cutting=dataset_sources.cutting(cut, cuts, target),
    )
    events = prepare.build(workspace, request)
    result = task.run(workspace, job, events) if job else output.follow(events)
    show_result(result, json)


def show_result(result: dict[str, Any], json: bool) -> None:
    """Print what a build ended with."""
    if json:
        output.as_json(result)
    elif result:
        output.data(_summary_text(result))
        output.note(f"see every row: amharic-tts dataset check {result['dataset']}")


def _summary_text(numbers: dict[str, Any]) -> str:
    """Return a summary as aligned lines."""
    lines = {
        "dataset": f"{numbers['dataset']} ({numbers['language']}), in {numbers['folder']}",
        "accepted": f"{numbers['accepted']} clips, {output.duration(numbers['seconds'])}",
        "refused": str(numbers["rejected"]) + _counted(numbers["reasons"]),
        "split": f"{numbers['train']} train, {numbers['eval']} eval",
        "speakers": _counted(numbers["speakers"]).strip(" ()") or "none",
        "recordings": str(numbers["sources"]),
    }
    warnings = {c: n for c, n in numbers["findings"].items() if c not in numbers["reasons"]}
    if warnings:
        lines["warnings"] = _counted(warnings).strip(" ()")
    if "added" in numbers:
        lines["this build"] = (
            f"{numbers['added']} rows added, {numbers['already']} were there already"
            + (f", {numbers['mended']} mended" if numbers["mended"] else "")
        )
    return "\n".join(f"{key + ':':12}{value}" for key, value in lines.items())


def _counted(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f" ({listed})" if listed else ""


@_app.command("check")
def _check(
    context: typer.Context,
    name: Name,
    run: Annotated[str, typer.Option(help="Count tokens as this run does.")] = "",
    text_mode: Annotated[str, typer.Option(help="letters or phonemes.")] = "letters",
    vocabulary: Annotated[
        str, typer.Option(help="characters or bpe: count tokens as a run with it would.")
    ] = "characters",
    new_tokens: Annotated[int, typer.Option(help="Pieces of bpe; 0: the advised number.")] = 0,
    engine: EngineName = PROCESS,
    address: Address = "",
    json: Json = False,
) -> None:
    """Show every row, and every reason for which training would not take it. Changes nothing."""
    workspace = Workspace.open(context.obj)
    dataset = Dataset.load(workspace.dataset(name))
    if run:
        encoder = encoders.of_run(store.get(workspace, run).folder)
    else:
        encoder = encoders.of_settings(dataset, text_mode, vocabulary, new_tokens)
    report = validate.check(dataset, encoder, engine_of(engine, address))
    if json:
        output.as_json(report.to_dict())
        return
    output.data(f"{'id':24} {'sec':>6} {'tokens':>6} {'split':5}  decision")
    for row in report.rows:
        decision = "accepted" if row.decision == "accepted" else "REFUSED"
        output.data(
            f"{row.id:24} {row.duration:6.2f} {row.tokens:6} {row.split:5}  {decision}  {row.text}"
        )
        for item in row.findings:
            output.data(f"{'':40} {item['level']}: {item['code']}: {item['message']}")
    refused = _counted(report.reasons())
    output.data(f"{report.accepted} accepted, {report.rejected} refused{refused}")
    output.note(report.pace())


@_app.command("show")
def _show(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show a dataset in numbers: clips, hours, speakers, split, findings."""
    numbers = summary(Dataset.load(Workspace.open(context.obj).dataset(name)))
    if json:
        output.as_json(numbers)
    else:
        output.data(_summary_text(numbers))
        for item in numbers["notes"]:
            output.note(f"{item['level']}: {item['message']}")


@_app.command("list")
def _list(context: typer.Context, json: Json = False) -> None:
    """List the datasets of the workspace."""
    workspace = Workspace.open(context.obj)
    found = [summary(Dataset.load(workspace.dataset(n))) for n in Dataset.names(workspace)]
    if json:
        keys = ("dataset", "language", "rows", "accepted", "rejected", "seconds")
        output.as_json([{key: numbers[key] for key in keys} for numbers in found])
        return
    for numbers in found:
        output.data(
            f"{numbers['dataset']:24} {numbers['language']:5} {numbers['accepted']:6} clips "
            f"{output.duration(numbers['seconds']):>12} {numbers['rejected']:6} refused"
        )
    if not found:
        output.note("no datasets yet; make one with: amharic-tts sample")
