"""Training runs as jobs: make one, start it, resume it, read its result. Needs no torch."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amharic_tts import machine
from amharic_tts.base_models import CATALOG, PRACTICE, is_ready, resolve
from amharic_tts.base_models.download import NOTE
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.files import write_text
from amharic_tts.jobs import early_stop, process, store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.jobs.store import History, Job
from amharic_tts.text import languages
from amharic_tts.tokenizer.practice import practice_base_vocabulary
from amharic_tts.tokenizer.vocabulary import language_tag, load_vocabulary, token_ids
from amharic_tts.workspace import Workspace
from training import config as configs
from training.config import FinetuneConfig

CONFIG = "config.yaml"
READY = "ready"


_KEYS = {
    "bf16": "mixed_precision bf16",
    "fp16": "mixed_precision fp16",
    "adamw_8bit": "optimizer adamw_8bit",
}
"""How an ability is asked for, where its name is not the setting's."""


def effective_device(config: FinetuneConfig) -> str:
    """Return the device that a run will take, `cpu` or `cuda`."""
    return machine.training_device(config.device)


def _flag_problems(config: FinetuneConfig) -> list[str]:
    """Return what this machine can't do of what the flags ask."""
    abilities = {ability.name: ability for ability in machine.attention()}
    asked = {
        "use_flash_attention": config.wanted_attention == "flash_attention_2",
        "bf16": config.mixed_precision == "bf16" and effective_device(config) == "cuda",
        "fp16": config.mixed_precision == "fp16",
        "tf32": config.tf32,
        "adamw_8bit": config.optimizer == "adamw_8bit",
    }
    if asked["fp16"] and effective_device(config) == "cpu":
        return ["mixed_precision: `fp16` needs a GPU; take bf16, or no"]
    found = []
    for name, wanted in asked.items():
        ability = abilities.get(name)
        if wanted and ability is not None and not ability.ok:
            key = _KEYS.get(name, name)
            found.append(f"{key}: can't work here: {ability.reason}")
    return found


def _revision_problems(config: FinetuneConfig, folder: Path) -> list[str]:
    """Return why a base is not of the revision that is asked for."""
    wanted = config.base_revision
    if not wanted:
        return []
    if not (folder / NOTE).is_file():
        return [f"base_revision: `{folder}` wasn't downloaded here: its revision is unknown"]
    note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    if wanted in (note["revision"], note["commit"]):
        return []
    return [
        f"base_revision: `{wanted}` is asked for, and `{note['revision']}` is downloaded; get it "
        f"with: amharic-tts base download --revision {wanted} --accept-license"
    ]


def _replay_problems(workspace: Workspace, config: FinetuneConfig) -> list[str]:
    """Return what is wrong with the replay dataset, its language and the languages' weights."""
    name = config.replay_dataset
    if not name or name == config.dataset:
        return []
    try:
        dataset = Dataset.load(workspace.dataset(name))
        language = languages.canonical(dataset.language)
        own = languages.canonical(config.language)
    except UserError as error:
        return [f"replay_dataset: {error.message}"]
    found = []
    if not dataset.accepted("train"):
        found.append(
            f"replay_dataset: no row of `{name}` is accepted for training; see: "
            f"amharic-tts dataset check {name}"
        )
    known = {own, language}
    if config.language_sampling == "balanced" and len(known) == 1:
        found.append(f"language_sampling: both datasets are in `{own}`: nothing to balance")
    if config.language_sampling == "weights" and set(config.language_weights) != known:
        wanted = ",".join(f"{code}=1" for code in sorted(known))
        found.append(f"language_weights: name just the languages of the clips, such as {wanted}")
    with contextlib.suppress(UserError):  # what is wrong with the base is told with the base
        if language != own and language_tag(language) not in _base_tokens(workspace, config):
            found.append(f"replay_dataset: the base has no token for its language, `{language}`")
    return found


def _base_tokens(workspace: Workspace, config: FinetuneConfig) -> Mapping[str, int]:
    """Return the vocabulary of the base, which the run extends by its own language only."""
    if config.base == PRACTICE and not is_ready(workspace, PRACTICE):
        return token_ids(practice_base_vocabulary())  # the run unpacks it
    return token_ids(load_vocabulary(resolve(workspace, config.base) / "vocab.json"))


def problems(workspace: Workspace, config: FinetuneConfig) -> list[str]:
    """Return everything that keeps a run from being started, all at once."""
    found = config.problems()
    if config.dataset:
        try:
            dataset = Dataset.load(workspace.dataset(config.dataset))
            if not dataset.accepted("train"):
                found.append(
                    f"dataset: no row of `{config.dataset}` is accepted for training; see: "
                    f"amharic-tts dataset check {config.dataset}"
                )
        except UserError as error:
            found.append(f"dataset: {error.message}")
    found += _replay_problems(workspace, config)
    try:
        if config.base != PRACTICE:  # the practice base is unpacked by the run itself
            found += _revision_problems(config, resolve(workspace, config.base))
        elif config.base_revision:
            found.append("base_revision: does nothing with the base `practice`")
    except UserError as error:
        found.append(f"base: {error}")
    if config.report_to_tensorboard and importlib.util.find_spec("tensorboard") is None:
        found.append(
            "report_to_tensorboard: the package `tensorboard` is not installed; "
            "pip install tensorboard"
        )
    if not found:
        found += _flag_problems(config)
    return found


def ready_config(workspace: Workspace, config: FinetuneConfig) -> FinetuneConfig:
    """Return the settings that a run is made with.

    Raises:
        UserError: With all of `problems()`.
    """
    found = problems(workspace, config)
    if found:
        raise UserError("This run can't be started:\n" + "\n".join(f"- {p}" for p in found))
    if config.base in CATALOG:
        return config
    # A resumed run may begin in another working directory.
    return dataclasses.replace(config, base=str(resolve(workspace, config.base)))


def create_run(workspace: Workspace, config: FinetuneConfig) -> Job:
    """Make the folder of a run with `job.json` and `config.yaml`; it is not started yet.

    Raises:
        UserError: With all of `problems()`, or another run has the device.
    """
    config = ready_config(workspace, config)
    device = effective_device(config)
    holder = process.device_holder(workspace, device)
    if holder:
        raise UserError(
            f"`{holder}` is already running on the {device.upper()}",
            f"Wait for it, or stop it: amharic-tts runs stop {holder}",
        )
    run_id = store.new_id("run")
    spec = JobSpec(
        id=run_id,
        kind="train",
        title=f"{config.dataset} on {config.base}",
        command=[*_launcher(config, device), "-m", "training.finetune", str(workspace.run(run_id))],
        device=device,
        details={"dataset": config.dataset, "base": config.base, "steps": config.steps},
    )
    job = store.create(workspace, spec)
    write_text(job.folder / CONFIG, config.to_yaml())
    return job


def processes(config: FinetuneConfig, device: str, gpus: int) -> int:
    """Return how many processes train a run: those asked for, else one for each GPU.

    Args:
        config: The run's.
        device: What it takes, `cpu` or `cuda`.
        gpus: GPUs of this machine.
    """
    return config.processes or (max(1, gpus) if device == "cuda" else 1)


def _launcher(config: FinetuneConfig, device: str) -> list[str]:
    """Return what stands before the training command where several processes train together."""
    count = processes(config, device, len(machine.facts().gpus) if device == "cuda" else 0)
    if count == 1:
        return []
    return ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]


def start_run(workspace: Workspace, config: FinetuneConfig) -> Job:
    """Make a run and start its process.

    Raises:
        UserError: See `create_run`; a run that lost the race for the device leaves no folder.
    """
    job = create_run(workspace, config)
    try:
        process.start(workspace, job.folder)
    except UserError:
        workspace.discard(job.folder)
        raise
    return job


def resume_run(workspace: Workspace, run_id: str, steps: int | None = None) -> Job:
    """Start a run again; it goes on from its newest whole checkpoint.

    Args:
        workspace: Where the run is.
        run_id: The run.
        steps: A new number of steps in all; None keeps the old one.

    Raises:
        UserError: There is no such run, it is running, or it has that many steps already.
    """
    job = store.get(workspace, run_id)
    if process.alive(job.folder):
        raise UserError(f"`{run_id}` is already running")
    config = configs.load(job.folder / CONFIG)
    reached = job.history().step
    if steps is not None:
        if steps <= reached:
            raise UserError(
                f"`{run_id}` has {reached} steps already",
                f"Give more than that: amharic-tts runs resume {run_id} --steps {reached * 2}",
            )
        config = configs.from_mapping({"steps": steps}, config).check()
    _check_unfinished(job, config, reached)
    if steps is not None:
        write_text(job.folder / CONFIG, config.to_yaml())
    process.start(workspace, job.folder)
    return job


def _check_unfinished(job: Job, config: FinetuneConfig, reached: int) -> None:
    """Check that there is something left to train.

    Raises:
        UserError: The run has all of its steps, or its eval loss ended it.
    """
    if reached < config.steps:
        losses = job.history().metrics.get("eval_loss", {})
        early = early_stop.ended(losses, config.early_stop_patience)
        if early is not None and job.state() == "done":
            what = f"`{job.id}` is finished: early_stop_patience {early.message}"
            raise UserError(what, early.hint(config.steps))
    elif job.state() == "done":
        raise UserError(
            f"`{job.id}` is finished: it has all of its {config.steps} steps",
            f"Train it further: amharic-tts runs resume {job.id} --steps {config.steps * 2}",
        )


def result(job: Job, history: History | None = None) -> dict[str, Any]:
    """Return the state of a run as `train --json` prints it."""
    history = history or job.history()
    ready = job.folder / READY
    if history.state in ("done", "stopped") and history.result:
        return {**history.result, "voice": str(ready) if ready.is_dir() else None}
    evals = history.metrics.get("eval_loss", {})
    return {
        "run": job.id,
        "state": history.state,
        "steps": history.step,
        "loss": history.latest("loss"),
        "eval_loss": min(evals.values()) if evals else None,
        "voice": str(ready) if ready.is_dir() else None,
    }
