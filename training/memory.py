"""The memory of a run: what is free, running out of it before the first step, cleaning up."""

from __future__ import annotations

import gc
import heapq
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from amharic_tts import machine
from amharic_tts.errors import UserError
from training.config import FinetuneConfig

if TYPE_CHECKING:
    from training.engine import XttsTrainer


class LongestFirst(TrainerCallback):
    """Goes once through the longest clips before the first step, so that it runs out of memory now.

    Weights, optimizer and random states are as before: gradients are thrown away, and what the
    optimizer will hold is taken and given back.
    """

    def __init__(self, trainer: XttsTrainer, optimizer_bytes: int) -> None:
        """Take the trainer, and what its optimizer holds for each trained parameter."""
        self._trainer, self._bytes = trainer, optimizer_bytes

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        trainer = self._trainer
        trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
        lengths = trainer.train_dataset.lengths
        longest = heapq.nlargest(args.train_batch_size, range(len(lengths)), lengths.__getitem__)
        devices = [torch.cuda.current_device()] if args.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            held = None
            if trainer.optimizer is None or not trainer.optimizer.state:
                held = torch.empty(self._bytes * trained, dtype=torch.uint8, device=args.device)
            batch = trainer._prepare_inputs(
                dict(trainer.data_collator([trainer.train_dataset[i] for i in longest]))
            )
            model = trainer.model.train()
            with trainer.compute_loss_context_manager():
                loss = model(**batch)["loss"]
            loss.backward()
            del held, loss, batch
            model.zero_grad(set_to_none=True)
        free()


def free() -> None:
    """Give memory back that nothing needs any more; the Trainer's parts point at each other."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def room(device: str) -> int:
    """Return the bytes that are free for a model, now that the libraries are loaded."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return machine.free_memory("cpu")


def too_little_for_several(config: FinetuneConfig, processes: int) -> UserError:
    """Return what is told where one of several processes has run out of memory."""
    batch, passes = config.batch(processes)
    return UserError(
        f"The memory is not enough for {batch} clips at once in each of {processes} "
        "processes; only a run of one process steps down by itself",
        f"In its config.yaml lower batch_size and raise accumulation so that {batch} x "
        f"{passes} stays {batch * passes}, or switch on use_grad_checkpoint; then resume",
    )
