"""Commands: train-plan."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.commands.train import Assignments, Base, Config, chosen
from amharic_tts.jobs import dry_step, memory, plan
from amharic_tts.jobs.plan import MemoryPlan, gb
from amharic_tts.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("train-plan")(train_plan)


def train_plan(
    context: typer.Context,
    dataset: Annotated[str, typer.Option(help="Name of a dataset (see: dataset list).")],
    base: Base = None,
    config: Config = None,
    assignments: Assignments = None,
    measure: Annotated[
        bool, typer.Option("--dry-step", help="Train a few steps to measure what really fits.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Tell how much memory a training will take and which batch fits; nothing is started."""
    workspace = Workspace.open(context.obj)
    settings = chosen(workspace, dataset, base, config, assignments or [], None).check()
    made = plan.make(workspace, settings)
    measured: dict[str, Any] = {}
    if measure:
        room = made.room + (plan.LIBRARIES["cpu"] if made.device == "cpu" else 0)
        measured = output.follow(dry_step.run(workspace, settings, room))
    if as_json:
        output.as_json({**made.to_dict(), "measured": measured or None})
        return
    for line in _lines(made):
        output.data(line)
    for one in measured.get("batches", []):
        output.data(
            f"measured: {one['batch']} at once: peak {gb(one['peak'])}, {one['seconds']:.1f} s"
        )
    if measured:
        batch, passes = measured["suggested"]
        output.data(f"measured: {measured['largest']} fit; take {batch} x {passes}")
    for warning in made.warnings:
        output.note(f"warning: {warning}")


def _lines(made: MemoryPlan) -> list[str]:
    parts = made.expected
    kept = [
        ("weights", parts.weights),
        ("gradients", parts.gradients),
        ("optimizer", parts.optimizer),
        ("average", parts.average),
        ("activations", parts.activations),
    ]
    told = ", ".join(f"{name} {gb(size)}" for name, size in kept if size)
    batch, passes = made.suggested
    advised = batch * passes * made.processes
    why = " (the advice is at least 252)" if advised == memory.ADVISED_BATCH else ""
    largest = f"{made.largest} clips at once" if made.largest else "not even one clip"
    return [
        f"device: {made.device}, {gb(max(0, made.room))} free for it",
        f"model: {made.parameters:,} parameters, {made.trained:,} of them trained",
        f"clips: {made.clips}, the longest {made.longest.text} text tokens and "
        f"{made.longest.codes} codes",
        f"batch: {made.batch_size} x {made.accumulation}, {made.step} clips a step",
        f"expected: about {gb(parts.total)}: {told}",
        f"fits: {largest}",
        f"suggested: {batch} x {passes} for {advised} clips a step{why}",
    ]
