"""Commands: train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from amharic_tts.commands import output
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Failed, Metric, Progress, Started
from amharic_tts.jobs import training, watch
from amharic_tts.jobs.store import Job
from amharic_tts.workspace import Workspace
from training import config as configs
from training.config import FinetuneConfig


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command()(train)


def train(
    context: typer.Context,
    dataset: Annotated[str, typer.Option(help="Name of a dataset (see: dataset list).")],
    base: Annotated[
        str | None, typer.Option(help="practice, xtts-v2, or a folder with the files of XTTS v2.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(help="A preset (small_data, default, low_memory, new_language) or a file."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be given many times."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps in all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result on one line.")] = False,
) -> None:
    """Train a voice in the foreground; Ctrl-C saves and stops."""
    workspace = Workspace.open(context.obj)
    job = training.start_run(
        workspace, chosen(workspace, dataset, base, config, assignments or [], steps)
    )
    show_result(follow(job), as_json)


def chosen(
    workspace: Workspace,
    dataset: str,
    base: str | None,
    config: str | None,
    assignments: list[str],
    steps: int | None,
) -> FinetuneConfig:
    """Return the settings of a run: preset or file first, then `--set`, then the named options.

    The language is the dataset's, unless a file or `--set` says another.

    Raises:
        UserError: A setting is unknown or wrong; the preset or the file is not there.
    """
    start = configs.load(_config_path(config)) if config else FinetuneConfig()
    values: dict[str, Any] = {"dataset": dataset}
    if start.language == FinetuneConfig.language:
        values["language"] = Dataset.load(workspace.dataset(dataset)).language
    values.update(configs.parse_assignments(assignments))
    for key, value in (("base", base), ("steps", steps)):
        if value is not None:
            values[key] = value
    return configs.from_mapping(values, start)


def _config_path(given: str) -> Path:
    """Return the file of a preset's name or of a path."""
    presets = {path.stem: path for path in sorted(configs.PRESETS.glob("*.yaml"))}
    if given in presets:
        return presets[given]
    path = Path(given).expanduser()
    if not path.is_file():
        raise UserError(
            f"There is no settings file and no preset `{given}`",
            f"Presets: {', '.join(presets)}",
        )
    return path


def follow(job: Job, cursor: int = 0) -> dict[str, Any]:
    """Tell the events of a started run on stderr until it ends, and return its result.

    Raises:
        StudioError: The run failed, or its process died.
    """
    output.note(f"run {job.id}: {job.spec.command_line()}")
    teller = _Teller()

    def on_stop() -> None:
        output.note("stopping: the run saves a checkpoint first")

    for event in watch.watch(job, cursor, on_stop):
        teller.tell(event)
        if isinstance(event, Failed):
            problem = StudioError(event.message, event.hint)
            problem.exit_code = event.exit_code
            raise problem
    return training.result(job)


def show_result(result: dict[str, Any], as_json: bool) -> None:
    """Print the result of a run: for people, or on one line for a script."""
    if as_json:
        output.data(json.dumps(result, ensure_ascii=False))
    else:
        output.as_json(result)


class _Teller:
    """Tells a run's events, the numbers of a step on one line."""

    def __init__(self) -> None:
        self._step = 0
        self._numbers: dict[str, float] = {}
        self._total = 0.0
        self._left: float | None = None

    def tell(self, event: Event) -> None:
        """Tell one event on stderr."""
        if isinstance(event, Metric):
            if event.step != self._step:
                self._flush()
            self._step = event.step
            self._numbers[event.name] = event.value
            return
        if isinstance(event, Progress) and event.note == "training":
            self._total, self._left = event.total, event.seconds_left
            return
        self._flush()
        if isinstance(event, Started) and event.step:
            output.note(f"goes on from step {event.step}")
        elif not isinstance(event, (Started, Done)):
            output.event(event)

    def _flush(self) -> None:
        if not self._numbers:
            return
        shown = [
            f"{name} {self._numbers[name]:.4f}"
            for name in ("loss", "loss_text", "loss_mel", "eval_loss")
            if name in self._numbers
        ]
        left = "" if self._left is None else f", {output.duration(self._left)} left"
        output.note(f"step {self._step}/{self._total:g}: {'  '.join(shown)}{left}")
        self._numbers = {}
