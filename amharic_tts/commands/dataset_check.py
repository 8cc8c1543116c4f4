"""Commands: dataset validate, repair, coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.commands.engines import Address, EngineName, engine_of
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.workers import PROCESS
from amharic_tts.jobs import task
from amharic_tts.workspace import Workspace

Name = Annotated[str, typer.Argument(help="Name of the dataset.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JobFolder = Annotated[Path | None, typer.Option("--job", hidden=True)]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to `amharic-tts dataset`."""
    app.command("validate")(_validate)
    app.command("repair")(_repair)
    app.command("coverage")(_coverage)


def _validate(
    context: typer.Context,
    name: Name,
    phones: Annotated[
        bool,
        typer.Option("--phones/--no-phones", help="Hear the phones, compare with the text."),
    ] = True,
    model: Annotated[
        str, typer.Option(help="Recogniser: embedded, fast, accurate, or a folder.")
    ] = "embedded",
    again: Annotated[
        bool, typer.Option("--again", help="Measure clips that did not change, too.")
    ] = False,
    engine: EngineName = PROCESS,
    address: Address = "",
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Measure the sound and text of every clip and show what is odd, worst first. Edits nothing."""
    from amharic_tts.dataset.checks import run

    workspace = Workspace.open(context.obj)
    heard_by = model if phones else ""
    request = run.CheckRequest(name, heard_by, again, engine_of(engine, address))
    events = run.check(workspace, request)
    result = task.run(workspace, job, events) if job else output.follow(events)
    if job or not result:
        return
    report = run.report(workspace.dataset(name))
    if json:
        output.as_json(report)
        return
    for clip in report["clips"]:
        output.data(f"{clip['id']:24} {clip['text']}")
        for item in clip["findings"]:
            output.data(f"{'':24} {item['code']}: {item['message']} ({item.get('mend', '')})")
    counts = ", ".join(f"{code} {count}" for code, count in report["findings"].items())
    output.data(f"{report['clean']} of {report['checked']} clips without a finding")
    output.data(counts or "nothing was found")
    output.note(f"what can be mended: amharic-tts dataset repair {name}")


def _repair(
    context: typer.Context,
    name: Name,
    mend: Annotated[
        list[str] | None,
        typer.Option(help="Only trim, normalise_loudness, resample, resplit or drop; repeat it."),
    ] = None,
    clip: Annotated[
        list[str] | None, typer.Option(help="Only the clip of this id; repeat it.")
    ] = None,
    loudness: Annotated[
        float | None, typer.Option(help="Bring every clip to so many LUFS (EBU R 128 has -23).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Carry the plan out.")] = False,
    json: Json = False,
    job: JobFolder = None,
) -> None:
    """Show what a repair would change; with --yes make the new state. Old sounds stay."""
    from amharic_tts.dataset import repair

    workspace = Workspace.open(context.obj)
    mends, ids = tuple(mend or repair.KINDS), tuple(clip or ())
    if not yes:
        plan = repair.plan(Dataset.load(workspace.dataset(name)), loudness).only(mends, ids)
        _show(plan.to_dict(), json)
        return
    events = repair.repair(workspace, name, mends, ids, loudness)
    if job:
        task.run(workspace, job, task.keeping(events, job / task.RESULT))
        return
    result = output.follow(events)
    if json:
        output.as_json(result)
        return
    done = ", ".join(f"{kind} {count}" for kind, count in result["repaired"].items())
    output.data(f"mended: {done}")
    output.note(f"check the new state: amharic-tts dataset validate {name}")


def _show(plan: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(plan)
        return
    for action in plan["actions"]:
        change = ""
        if action["before"] is not None:
            change = f": {action['before']:.2f} -> {action['after']:.2f} {action['unit']}"
        output.data(f"{action['id']:24} {action['mend']}{change}  ({action['reason']})")
        for start, end, text in action["parts"]:
            output.data(f"{'':24}   {start:.2f} to {end:.2f} s: {text}")
    counts = ", ".join(f"{kind} {count}" for kind, count in plan["counts"].items())
    output.data(f"to mend: {counts or 'nothing'}")
    by_hand = ", ".join(f"{code} {count}" for code, count in plan["by_hand"].items())
    if by_hand:
        output.data(f"left for you: {by_hand}")
    if plan["unchecked"]:
        output.note(f"{plan['unchecked']} rows changed since the last check; check them first")
    if plan["actions"]:
        output.note("nothing is changed yet; carry it out with --yes")


def _coverage(
    context: typer.Context,
    name: Name,
    count: Annotated[int, typer.Option(help="Sentences to propose.")] = 10,
    json: Json = False,
) -> None:
    """Show how often each phone occurs, and sentences that would bring the rare ones."""
    from amharic_tts.dataset import coverage

    dataset = Dataset.load(Workspace.open(context.obj).dataset(name))
    found = coverage.coverage(dataset)
    sentences = coverage.suggestions(dataset, found, count)
    if json:
        proposed = [{"text": one.text, "brings": dict(one.brings)} for one in sentences]
        output.as_json({"dataset": name, **found.to_dict(), "sentences": proposed})
        return
    for phone, number in found.counts.items():
        output.data(f"{phone:6} {number:7}")
    output.data(f"missing: {' '.join(found.missing) or 'none'}")
    output.data(f"rare:    {' '.join(found.rare) or 'none'}")
    for one in sentences:
        output.data(f"  {one.text}  ({' '.join(one.brings)})")
    if found.unread:
        output.note(f"{found.unread} clips are not counted: their phones come with a check")
