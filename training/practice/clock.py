"""A stage's share of time, its learning rate along it, and a checkpoint that it goes on from."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from amharic_tts.files import writing

Tell = Callable[[dict[str, Any]], None]


@dataclass
class Clock:
    """Seconds of work of one stage, over all sittings."""

    seconds: float
    """What it may take."""
    spent: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    @property
    def gone(self) -> float:
        """Seconds spent until now."""
        return self.spent + time.monotonic() - self._since

    @property
    def share(self) -> float:
        """Share of the time that is over, 0 to 1."""
        return min(1.0, self.gone / self.seconds)

    def rate(self, step: int, peak: float, warm_up: int = 100) -> float:
        """Return the learning rate: a linear warm-up by steps, then a cosine by time to 2 %."""
        wave = 0.5 + 0.5 * math.cos(math.pi * self.share)
        return peak * min(1.0, (step + 1) / warm_up) * (0.02 + 0.98 * wave)


class Sitting:
    """One stage's training: a model, its optimizer and where it stands, kept on disk.

    Work that was cut off goes on from the newest save; what was drawn at random since then is drawn
    anew, so that a continued run equals an uninterrupted one in kind, not bit for bit.
    """

    def __init__(
        self,
        path: Path,
        model: nn.Module,
        seconds: float,
        peak: float,
        betas: tuple[float, float] = (0.9, 0.96),
        decay: float = 0.01,
        device: str = "cpu",
        hidden: Sequence[nn.Parameter] = (),
    ) -> None:
        """Begin, or go on from `path`.

        Args:
            path: Of the checkpoint.
            model: What is trained.
            seconds: What the stage may take, over all sittings.
            peak: Highest learning rate.
            betas: Of AdamW.
            decay: Weight decay of matrices.
            device: `cpu` or `cuda`.
            hidden: Matrices in the middle of a transformer, which Muon takes care of instead
                (Jordan et al. 2024; the step scaled to AdamW's, Liu et al. 2025, "Muon is scalable
                for LLM training").
        """
        self.path, self.model, self.peak = path, model.to(device), peak
        apart = {id(p) for p in hidden}
        own = [p for p in model.parameters() if id(p) not in apart]
        groups = [
            {"params": [p for p in own if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=peak, betas=betas, fused=True)
        ]
        if hidden:
            self.optimizers.append(
                torch.optim.Muon(
                    hidden, lr=peak, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
                )
            )
        self.step, spent = 0, 0.0
        if path.exists():
            state = torch.load(path, weights_only=True, map_location=device)
            model.load_state_dict(state["model"])
            for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(kept)
            self.step, spent = int(state["step"]), float(state["spent"])
        self.clock = Clock(seconds, spent)

    @property
    def over(self) -> bool:
        """Whether the stage's time is up."""
        return self.clock.gone >= self.clock.seconds

    def update(self, loss: Tensor, clip: float = 1.0) -> None:
        """Go one step down a loss."""
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.clock.rate(self.step, self.peak)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def save(self) -> None:
        """Write everything that a later sitting goes on from, aside and then in place."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [one.state_dict() for one in self.optimizers],
            "step": self.step,
            "spent": self.clock.gone,
        }
        with writing(self.path) as file:
            torch.save(state, file)


class Journal:
    """Lines of JSON, one for each measurement of a stage, appended and flushed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def __call__(self, row: dict[str, Any]) -> None:
        """Append a row."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({k: _short(v) for k, v in row.items()}) + "\n")


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
