"""The training form as plain values: its fields, and what this machine can do of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from amharic_tts.errors import UserError
from amharic_tts.ui.words import Words
from training.config import FinetuneConfig, from_mapping

if TYPE_CHECKING:
    from amharic_tts.machine import Ability

MAIN = ("steps", "batch_size", "learning_rate")
SWITCHES = ("use_sdpa", "use_flash_attention", "use_grad_checkpoint")
MORE = (
    "accumulation",
    "warmup_steps",
    "schedule",
    "weight_decay",
    "max_grad_norm",
    "eval_every",
    "save_every",
    "keep_checkpoints",
    "dropout",
    "device",
    "seed",
)
CHOICES = {
    "text_mode": ("letters", "phonemes"),
    "schedule": ("cosine", "linear", "constant"),
    "device": ("auto", "cpu", "cuda"),
    "mixed_precision": ("auto", "no", "bf16", "fp16"),
}
BASES = ("practice", "xtts-v2", "folder")
DEFAULTS = dataclasses.asdict(FinetuneConfig())


@functools.cache
def abilities() -> Mapping[str, Ability]:
    """Return what this machine can do, by name; asked once, since it looks for a GPU."""
    from amharic_tts import machine

    return {ability.name: ability for ability in machine.attention()}


def switch(name: str, words: Words) -> tuple[bool, str]:
    """Return whether a switch can be used here, and its help with the reason where it can't."""
    ability, told = abilities().get(name), words(f"train.help.{name}")
    if ability is None or ability.ok:
        return True, told
    return False, f"{told} {words('train.not_here', reason=ability.reason)}"


def precisions(words: Words) -> tuple[list[tuple[str, str]], str]:
    """Return the precisions that can be chosen here, and why the others can't."""
    known, told, offered = abilities(), [words("train.help.mixed_precision")], []
    for name in CHOICES["mixed_precision"]:
        ability = known.get(name)
        if ability is None or ability.ok:
            offered.append((words(f"train.choice.{name}"), name))
        else:
            told.append(words("train.precision_not_here", name=name, reason=ability.reason))
    return offered, " ".join(told)


def config(values: Mapping[str, Any], base: str, base_folder: str, language: str) -> FinetuneConfig:
    """Return the run that the form asks for.

    Args:
        values: Field name -> value of its widget; an emptied number comes as None.
        base: One of `BASES`.
        base_folder: The folder, where `base` is ``folder``.
        language: The language of the dataset.

    Raises:
        UserError: Values that are not of their field's type, all at once. What else is wrong is
            found where the run is made, together with what the machine and the dataset say.
    """
    if base not in BASES:
        raise UserError(f"base: `{base}` is not one of {', '.join(BASES)}")
    given = {key: "" if value is None else value for key, value in values.items()}
    start = base_folder.strip() if base == "folder" else base
    return from_mapping({**given, "base": start, "language": language})
