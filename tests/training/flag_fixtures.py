"""The first step of a run and what it leaves: gradients, weights, bytes kept for the backward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from training_fixtures import Kit
from transformers import TrainerCallback

from training.model import PackedXtts

Gradients = dict[str, torch.Tensor]


class FirstStep(TrainerCallback):
    """Keeps the gradients of the first step and ends the training."""

    def __init__(self, model: PackedXtts) -> None:
        self.model = model
        self.gradients: Gradients = {}

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        named = self.model.named_parameters()
        self.gradients = {n: p.grad.clone() for n, p in named if p.grad is not None}
        control.should_training_stop = True


def first_step(kit: Kit, run: Path, **settings: Any) -> Gradients:
    """Return the gradients of the first step, not clipped unless a setting says so."""
    trainer, _, _ = kit.trainer(run, **{"max_grad_norm": 1e6, **settings})
    taker = FirstStep(trainer.model)
    trainer.add_callback(taker)
    trainer.train()
    return taker.gradients


def difference(a: Gradients, b: Gradients) -> float:
    """Return the norm of the difference of two sets of gradients, relative to the first."""
    assert a.keys() == b.keys() and a
    error = sum((a[k] - b[k]).pow(2).sum() for k in a)
    return float((error / sum(g.pow(2).sum() for g in a.values())).sqrt())


def saved_bytes(kit: Kit, model: PackedXtts) -> int:
    """Return the bytes that a forward pass of four clips keeps for the backward one."""
    model.train()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    held: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            held[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        loss = model(**kit.batch(range(4)))["loss"]
    assert loss.requires_grad
    return sum(t.untyped_storage().nbytes() for t in held.values())
