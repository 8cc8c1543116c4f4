"""An exponential moving average of the trained weights: calmer than the last step's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from amharic_tts.errors import StudioError

FILE = "ema.safetensors"
"""Name of the average in a checkpoint."""


def decay_at(decay: float, step: int) -> float:
    """Return the decay of a step: at most (1 + step) / (10 + step).

    So an average of few steps is not held down by the weights that the run began with; the rule is
    that of TensorFlow's ExponentialMovingAverage with `num_updates`.
    """
    return min(decay, (1 + step) / (10 + step))


class Average:
    """The average of a model's trained parameters, on their device and in their type."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.values = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after optimizer step `step`, the first of which is 1."""
        weight = 1 - decay_at(self.decay, step)
        for name, value in self.values.items():
            value.lerp_(self._parameters[name].detach(), weight)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average in the place of the weights while the context lasts."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, value in self.values.items():
            parameter = self._parameters[name]
            kept = parameter.detach().clone()
            parameter.copy_(value)
            value.copy_(kept)

    def save(self, folder: Path) -> None:
        """Write it into the folder of a checkpoint."""
        save_file({name: value.contiguous() for name, value in self.values.items()}, folder / FILE)

    @torch.no_grad()
    def load(self, folder: Path) -> None:
        """Read it from a checkpoint.

        Raises:
            StudioError: The checkpoint has no average, or one of other parameters.
        """
        path = folder / FILE
        if not path.is_file():
            raise StudioError(f"ema_decay: the checkpoint `{folder.name}` has no `{FILE}`")
        found = load_file(path)
        if found.keys() != self.values.keys():
            raise StudioError(f"ema_decay: `{path}` is the average of other parameters")
        for name, value in found.items():
            self.values[name].copy_(value)


class KeepAverage(TrainerCallback):
    """Takes in the weights after each optimizer step."""

    def __init__(self, average: Average) -> None:
        self._average = average

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._average.update(state.global_step)
