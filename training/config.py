"""What a fine-tuning run is asked to do. Plain data: importing this needs no torch."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from amharic_tts.errors import UserError

PRESETS = Path(__file__).parent / "presets"
_CHOICES: dict[str, tuple[str, ...]] = {
    "text_mode": ("letters", "phonemes"),
    "mixed_precision": ("auto", "no", "bf16", "fp16"),
    "schedule": ("cosine", "linear", "constant"),
}


@dataclass(frozen=True)
class FinetuneConfig:
    """One fine-tuning run. The form, the command line, the YAML file and the run share it."""

    dataset: str = ""
    """Name of a dataset in the workspace."""
    base: str = "practice"
    """What to start from: `practice`, `xtts-v2` (downloaded), or a folder with XTTS files."""
    language: str = "am"
    """Language code of the clips, as XTTS writes it."""
    text_mode: str = "letters"
    """What the model reads: the `letters` as written, or the `phonemes` that G2P makes."""
    steps: int = 200
    """Optimizer steps in all, counted over resumes."""
    batch_size: int = 4
    """Clips in one forward pass."""
    accumulation: int = 1
    """Forward passes that make one optimizer step; the effective batch is their product."""
    learning_rate: float = 1e-4
    """Peak learning rate of AdamW."""
    warmup_steps: int = 10
    """Steps over which the learning rate rises from zero."""
    schedule: str = "cosine"
    """How the learning rate falls after the warm-up: `cosine`, `linear` or `constant`."""
    weight_decay: float = 0.01
    """AdamW weight decay."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    eval_every: int = 20
    """Steps between evaluations."""
    save_every: int = 20
    """Steps between checkpoints; each one is evaluated, so that the best one is known."""
    keep_checkpoints: int = 2
    """How many of the last checkpoints stay on disk; the best one stays beside them."""
    use_sdpa: bool = True
    """Fast attention: PyTorch's fused scaled-dot-product kernels instead of the plain formula."""
    use_flash_attention: bool = False
    """FlashAttention 2, where a GPU and the package `flash-attn` are there."""
    use_grad_checkpoint: bool = False
    """Gradient checkpointing: less memory, a little slower."""
    mixed_precision: str = "auto"
    """`auto` (bf16 where the GPU has it), `no`, `bf16` or `fp16` (GPU only)."""
    dropout: bool = True
    """Keep the base model's dropout while training."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    processes: int = 0
    """Processes that train together: 0 takes one for each GPU, and one on a CPU."""
    seed: int = 7
    """Seed of the order of the clips, the prompt slices and the new vocabulary rows."""
    base_revision: str = "main"
    """Revision of the downloaded base."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with these values, all at once."""
        found = []
        if not self.dataset:
            found.append("dataset: choose a dataset to train on")
        for key, choices in _CHOICES.items():
            if getattr(self, key) not in choices:
                found.append(f"{key}: `{getattr(self, key)}` is not one of {', '.join(choices)}")
        if self.device not in ("auto", "cpu", "cuda"):
            found.append(f"device: `{self.device}` is not one of auto, cpu, cuda")
        for key in ("steps", "batch_size", "accumulation", "eval_every", "save_every"):
            if getattr(self, key) < 1:
                found.append(f"{key}: {getattr(self, key)} must be at least 1")
        if self.keep_checkpoints < 1:
            found.append(f"keep_checkpoints: {self.keep_checkpoints} must be at least 1")
        if not 0 < self.learning_rate < 1:
            found.append(f"learning_rate: {self.learning_rate} must be between 0 and 1")
        if self.processes < 0:
            found.append(f"processes: {self.processes} can't be negative; 0 chooses")
        if self.warmup_steps < 0:
            found.append(f"warmup_steps: {self.warmup_steps} can't be negative")
        if self.weight_decay < 0:
            found.append(f"weight_decay: {self.weight_decay} can't be negative")
        if self.max_grad_norm <= 0:
            found.append(f"max_grad_norm: {self.max_grad_norm} must be above 0")
        if self.use_flash_attention and self.mixed_precision == "no":
            found.append("use_flash_attention: needs mixed_precision bf16 or fp16, not `no`")
        return found

    def check(self) -> FinetuneConfig:
        """Return self.

        Raises:
            UserError: With all of `problems()` in one message.
        """
        found = self.problems()
        if found:
            raise UserError("This run can't be started:\n" + "\n".join(f"- {p}" for p in found))
        return self

    def to_yaml(self) -> str:
        """Return all fields as YAML, in the order of the class."""
        return yaml.safe_dump(dataclasses.asdict(self), sort_keys=False, allow_unicode=True)


def _convert(key: str, value: Any, kind: type) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "yes", "on", "1"):
            return True
        if str(value).lower() in ("false", "no", "off", "0"):
            return False
        raise UserError(f"{key}: `{value}` is not yes or no")
    if kind is str:
        # YAML reads an unquoted `no` as False; mixed_precision: no means the word.
        return "no" if value is False and key == "mixed_precision" else str(value)
    try:
        number = float(value)
        if kind is int and number != int(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        what = "a whole number" if kind is int else "a number"
        raise UserError(f"{key}: `{value}` is not {what}") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise UserError(f"{key}: `{value}` is not a finite number")
    return int(number) if kind is int else number


def from_mapping(values: Mapping[str, Any], start: FinetuneConfig | None = None) -> FinetuneConfig:
    """Return `start` (the defaults if None) with `values` set, converted to the fields' types.

    Raises:
        UserError: Unknown keys (with the nearest name) and wrong types, all of them at once.
    """
    kinds = get_type_hints(FinetuneConfig)
    converted, found = {}, []
    for key, value in values.items():
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, 1)
            found.append(
                f"{key}: unknown setting" + (f"; did you mean `{near[0]}`?" if near else "")
            )
            continue
        try:
            converted[key] = _convert(key, value, kinds[key])
        except UserError as error:
            found.append(error.message)
    if found:
        raise UserError("These settings can't be used:\n" + "\n".join(f"- {p}" for p in found))
    return dataclasses.replace(start or FinetuneConfig(), **converted)


def load(path: Path, start: FinetuneConfig | None = None) -> FinetuneConfig:
    """Read a YAML file of settings.

    Raises:
        UserError: The file is missing, is not YAML, or has unknown or wrong settings.
    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise UserError(f"There is no settings file `{path}`") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` is not a YAML file: {error}") from error
    if not isinstance(body, dict):
        raise UserError(f"`{path}` must hold lines of the form `key: value`")
    return from_mapping(body, start)


def parse_assignments(pairs: Sequence[str]) -> dict[str, str]:
    """Return the mapping of ``KEY=VALUE`` strings, as `--set` takes them.

    Raises:
        UserError: A string has no ``=``.
    """
    values = {}
    for pair in pairs:
        key, sep, value = pair.partition("=")
        if not sep:
            raise UserError(f"--set {pair}: write it as KEY=VALUE")
        values[key.strip()] = value.strip()
    return values
