"""Commands: train."""

from __future__ import annotations

import dataclasses
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
from training import config_text
from training.config import FinetuneConfig

Base = Annotated[
    str | None, typer.Option(help="practice, xtts-v2, or a folder with the files of XTTS v2.")
]
Config = Annotated[
    str | None,
    typer.Option(help="A preset (small_data, default, low_memory, new_language) or a file."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be given many times."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command()(train)


def train(
    context: typer.Context,
    dataset: Annotated[
        str | None,
        typer.Option(help="Name of a dataset (see: dataset list), unless the file says it."),
    ] = None,
    base: Base = None,
    config: Config = None,
    assignments: Assignments = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps in all.")] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Print the settings as a file for --config; no run."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result on one line.")] = False,
) -> None:
    """Train a voice in the foreground; Ctrl-C saves and stops."""
    workspace = Workspace.open(context.obj)
    settings = chosen(workspace, dataset, base, config, assignments or [], steps)
    if print_config:
        _print(workspace, settings)
        return
    show_result(follow(training.start_run(workspace, settings)), as_json)


def _print(workspace: Workspace, config: FinetuneConfig) -> None:
    """Print settings as YAML; those that can't run as well, to be put right in a file.

    Raises:
        UserError: After the printing, with everything that keeps them from being run.
    """
    try:
        config = training.ready_config(workspace, config)
    finally:
        output.data(config.to_commented_yaml().rstrip())


def chosen(
    workspace: Workspace,
    dataset: str | None,
    base: str | None,
    config: str | None,
    assignments: list[str],
    steps: int | None,
) -> FinetuneConfig:
    """Return the settings of a run: preset or file first, then `--set`, then the named options.

    The language is the dataset's, unless a file or `--set` says another.

    Raises:
        UserError: Settings are unknown or wrong, all at once; the preset, the file or the dataset
            is not there.
    """
    values: dict[str, Any] = config_text.read(_config_path(config)) if config else {}
    values.update(configs.parse_assignments(assignments))
    for key, value in (("dataset", dataset), ("base", base), ("steps", steps)):
        if value is not None:
            values[key] = value
    asked = configs.from_mapping(values)
    if "language" in values or not asked.dataset:
        return asked
    language = Dataset.load(workspace.dataset(asked.dataset)).language
    return dataclasses.replace(asked, language=language)


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
