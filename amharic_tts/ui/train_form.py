"""The training form as plain values: its fields, and what this machine can do of them."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from amharic_tts.base_models import CATALOG
from amharic_tts.errors import UserError
from amharic_tts.ui.words import Words
from training import config as configs
from training.config import FinetuneConfig, from_mapping
from training.config_rules import CHOICES

if TYPE_CHECKING:
    from amharic_tts.machine import Ability


@dataclass(frozen=True)
class Group:
    """Settings that stand together under a name of plain words."""

    name: str
    fields: tuple[str, ...]


WHAT = ("dataset", "base", "text_mode")
"""What stands first, each with a widget of its own."""
MAIN = (
    *("steps", "learning_rate", "batch_size", "accumulation"),
    *("mixed_precision", "use_grad_checkpoint"),
)
"""The few that matter most."""
GROUPS = (
    Group(
        "data",
        (
            *("language", "base_revision", "conditioning_from", "vocabulary", "new_tokens"),
            *("replay_dataset", "replay_share", "language_sampling", "language_weights"),
        ),
    ),
    Group(
        "course",
        (
            *("effective_batch", "warmup_steps", "schedule", "optimizer", "weight_decay"),
            *("max_grad_norm", "label_smoothing", "seed"),
        ),
    ),
    Group(
        "trained",
        (
            *("lora_rank", "lora_alpha", "lora_dropout", "lora_targets", "freeze_blocks"),
            *("freeze_conditioning", "freeze_embeddings", "dropout", "attention_dropout"),
            "ema_decay",
        ),
    ),
    Group(
        "machine",
        (
            *("device", "processes", "attention", "use_sdpa", "use_flash_attention"),
            *("checkpoint_blocks", "checkpoint_conditioning", "tf32", "compile"),
            "loader_workers",
        ),
    ),
    Group(
        "watching",
        (
            *("eval_every", "save_every", "keep_checkpoints", "early_stop_patience"),
            *("sample_every", "sample_texts", "report_to_tensorboard"),
        ),
    ),
    Group("stock", ("extra_stops", "hide_text_stop")),
)
"""All the others; together with the above every field of `FinetuneConfig`, once."""
FIELDS = (*WHAT, *MAIN, *(name for group in GROUPS for name in group.fields))
BASES = ("practice", "xtts-v2", "folder")
DATASETS = ("dataset", "replay_dataset")
DEFAULTS = dataclasses.asdict(FinetuneConfig())
OWN = ("dataset", "base", "base_revision", "language", "text_mode", "replay_dataset")
"""What a preset leaves as it stands: it says how to train, not on what."""
PRESETS = ("small_data", "default", "low_memory", "new_language")
CHOICE_ABILITIES = {
    ("mixed_precision", "bf16"): "bf16",
    ("mixed_precision", "fp16"): "fp16",
    ("attention", "flash_attention_2"): "use_flash_attention",
    ("optimizer", "adamw_8bit"): "adamw_8bit",
}


def kind(name: str) -> str:
    """Return what widget a field has.

    One of ``dataset``, ``choice``, ``check``, ``whole``, ``number``, ``lines``, ``text``.
    """
    if name in DATASETS:
        return "dataset"
    if name in CHOICES:
        return "choice"
    of = _types()[name]
    if of == tuple[str, ...]:
        return "lines"
    return {bool: "check", int: "whole", float: "number"}.get(of, "text")


@functools.cache
def _types() -> Mapping[str, Any]:
    return get_type_hints(FinetuneConfig)


def shown(name: str, value: Any) -> Any:
    """Return a setting's value as its widget holds it."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={weight:g}" for key, weight in value.items())
    return "\n".join(value) if isinstance(value, (tuple, list)) else value


@functools.cache
def abilities() -> Mapping[str, Ability]:
    """Return what this machine can do, by name; asked once, since it looks for a GPU."""
    from amharic_tts import machine

    return {ability.name: ability for ability in machine.attention()}


@functools.cache
def gpu_obstacle() -> str:
    """Return why training can't use a GPU here, or empty where it can."""
    from amharic_tts import machine

    try:
        machine.training_device("cuda")
    except UserError as error:
        return error.message.partition("can't be used: ")[2] or error.message
    return ""


def obstacle(name: str, words: Words) -> str:
    """Return why a setting can't be used at all, or empty where it can."""
    reason = _missing(name)
    ability = abilities().get(name)
    if ability is not None and not ability.ok:
        reason = ability.reason
    return words("train.not_here", reason=reason) if reason else ""


@functools.cache
def _missing(name: str) -> str:
    """Return what this machine has not that a setting needs; empty where it has it."""
    if name == "report_to_tensorboard" and importlib.util.find_spec("tensorboard") is None:
        return "the package `tensorboard` is not installed: pip install tensorboard"
    if name == "compile" and gpu_obstacle():
        compilers = (os.environ.get("CXX") or "g++", "clang++")
        if not any(map(shutil.which, compilers)):
            return "torch.compile needs a C++ compiler"
    if name == "compile" and not gpu_obstacle() and importlib.util.find_spec("triton") is None:
        return "torch.compile needs the package triton"
    return ""


def choice_obstacle(name: str, choice: str) -> str:
    """Return why one choice of a setting can't be taken here, or empty where it can."""
    if (name, choice) == ("device", "cuda"):
        return gpu_obstacle()
    ability = abilities().get(CHOICE_ABILITIES.get((name, choice), ""))
    return "" if ability is None or ability.ok else ability.reason


def help_of(name: str, words: Words) -> str:
    """Return the help line of a field, with the reason where it or a choice can't be used."""
    told, blocked = [words(f"train.help.{name}")], obstacle(name, words)
    if blocked:
        told.append(blocked)
    for choice in CHOICES.get(name, ()) if not blocked else ():
        reason = choice_obstacle(name, choice)
        if reason:
            label = words(f"train.choice.{choice}")
            told.append(words("train.choice_not_here", name=label, reason=reason))
    return " ".join(told)


def offered(name: str, words: Words) -> list[tuple[str, str]]:
    """Return (label, value) of the choices that can be taken here."""
    possible = [choice for choice in CHOICES[name] if not choice_obstacle(name, choice)]
    return [(words(f"train.choice.{choice}"), choice) for choice in possible]


def config(values: Mapping[str, Any], base: str, base_folder: str, language: str) -> FinetuneConfig:
    """Return the run that the form asks for.

    Args:
        values: Field name -> value of its widget; an emptied number comes as None.
        base: One of `BASES`.
        base_folder: The folder, where `base` is ``folder``.
        language: The language of the dataset, taken where the form names none.

    Raises:
        UserError: Values that are not of their field's type, all at once. What else is wrong is
            found where the run is made, together with what the machine and the dataset say.
    """
    if base not in BASES:
        raise UserError(f"base: `{base}` is not one of {', '.join(BASES)}")
    given = {key: _empty(key) if value is None else value for key, value in values.items()}
    given["language"] = str(given.get("language") or "").strip() or language
    start = base_folder.strip() if base == "folder" else base
    return from_mapping({**given, "base": start})


def _empty(name: str) -> str:
    """Return what stands for an emptied widget: of a number, a word that its error names."""
    return "empty" if name in DEFAULTS and kind(name) in ("whole", "number") else ""


@dataclass(frozen=True)
class Filling:
    """What the widgets are to show for some settings."""

    values: dict[str, Any]
    """Field name -> value of its widget; `base` is not among them."""
    base: str
    base_folder: str
    told: list[str]
    """What could not be taken over, and why."""


def filling(asked: FinetuneConfig, words: Words) -> Filling:
    """Return how the form shows settings; what can't be used here is left out and told."""
    values = {key: shown(key, getattr(asked, key)) for key in FIELDS if key != "base"}
    told = []
    for name, value in values.items():
        reason = obstacle(name, words)
        if not reason and name in CHOICES:
            if value not in CHOICES[name]:
                reason = words("train.no_choice", name=value)
            elif here := choice_obstacle(name, value):
                reason = words("train.not_here", reason=here)
        default = shown(name, DEFAULTS[name])
        if reason and value != default:
            values[name] = default
            told.append(f"`{name}: {value}`: {reason}")
    known = asked.base in CATALOG
    return Filling(values, asked.base if known else "folder", "" if known else asked.base, told)


def preset(name: str) -> FinetuneConfig:
    """Return the settings of a preset.

    Raises:
        UserError: There is none of this name.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset `{name}`", f"Choose one of: {', '.join(PRESETS)}")
    return configs.load(configs.PRESETS / f"{name}.yaml")


def command(
    asked: FinetuneConfig, workspace: Path, language: str, verb: str = "train", *more: str
) -> str:
    """Return the command that makes the same run in a terminal.

    Args:
        asked: The run.
        workspace: Its root.
        language: The dataset's, which the command takes by itself.
        verb: `train`, or `train-plan`.
        more: Further options.
    """
    parts = ["amharic-tts", "--workspace", str(workspace), verb]
    parts += ["--dataset", asked.dataset, "--base", asked.base]
    for name in DEFAULTS:
        value, default = getattr(asked, name), DEFAULTS[name]
        if name in ("dataset", "base") or value == (language if name == "language" else default):
            continue
        text = "|".join(value) if isinstance(value, tuple) else shown(name, value)
        parts += ["--set", f"{name}={str(text).lower() if isinstance(value, bool) else text}"]
    return shlex.join([*parts, *more])
