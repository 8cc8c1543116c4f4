"""What a run tells, and when it saves: events, checkpoints, the end on request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from amharic_tts.errors import StudioError
from amharic_tts.events import Clock, Event, Metric
from training.checkpoints import Checkpoints
from training.ranks import Ranks
from training.stopping import StopAsked, StopSwitch

logger = logging.getLogger(__name__)

Emit = Callable[[Event], None]
METRICS = (
    *("loss", "loss_text", "loss_mel", "grad_norm", "learning_rate"),
    *("eval_loss", "eval_loss_text", "eval_loss_mel", "eval_loss_replay"),
)
PROGRESS_EVERY = 1.0
"""Seconds between two progress events, at least."""


class TellEvents(TrainerCallback):
    """Turns the Trainer's logs into `Metric` and its steps into `Progress` events."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._clock = Clock(0, "training")
        self._told = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._clock = Clock(state.max_steps, "training", state.global_step)
        self._tell(state.global_step, "training")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        last = state.global_step >= state.max_steps
        if control.should_evaluate:
            self._tell(state.global_step, "evaluating")
        elif last or time.monotonic() - self._told >= PROGRESS_EVERY:
            self._tell(state.global_step, "training")

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(state.global_step, "training")

    def _tell(self, step: int, note: str) -> None:
        self._told = time.monotonic()
        self._emit(self._clock.progress(step, note))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not state.is_world_process_zero:
            return
        for name in METRICS:
            if logs and name in logs:
                self._emit(Metric(state.global_step, name, float(logs[name])))


class KeepCheckpoints(TrainerCallback):
    """Stops when asked, evaluates what is saved, and publishes what the Trainer has written.

    It comes after the Trainer's own flow callback, which has decided about this step already.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        keep: int,
        stop: StopSwitch,
        model: torch.nn.Module,
        evaluates: bool,
        ranks: Ranks,
        averaged: bool = False,
    ) -> None:
        self._checkpoints, self._keep, self._stop = checkpoints, keep, stop
        self._ranks = ranks
        self._model, self._evaluates = model, evaluates
        sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
        trained = sum(number for number, is_trained in sizes if is_trained)
        self._sizes = (sum(number for number, _ in sizes), trained, averaged)
        self._random: list[torch.Tensor] | None = None
        self.stopped = False
        """A stop was asked for before the last step."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step < state.max_steps and self._asked():
            self.stopped = True
            control.should_training_stop = control.should_save = True
            control.should_evaluate = False  # it takes too long now; a resume begins with it
        elif control.should_save:
            # Each checkpoint is judged, so that the best one is one that is there.
            control.should_evaluate = self._evaluates
        if control.should_save:
            self.require_room_and_fitness(state.global_step)
        if args.gradient_accumulation_steps > 1:
            self._random = [torch.get_rng_state()]
            if torch.cuda.is_available():
                self._random.append(torch.cuda.get_rng_state())

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Stop within an optimizer step of many forward passes: save as of the step before.

        The passes since then are thrown away, and the random states are put back to that step's
        end, so that a resumed run goes through the very same ones again.
        """
        if not self._asked():
            return
        self.stopped = control.should_training_stop = True
        # Without a step in this process there is nothing that is not saved already.
        if self._random is None or self._checkpoints.has(state.global_step):
            return
        torch.set_rng_state(self._random[0])
        if len(self._random) > 1:
            torch.cuda.set_rng_state(self._random[1])
        self.require_room_and_fitness(state.global_step)
        control.should_save = True  # the Trainer saves after this epoch's end, which is now

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Break an evaluation off, but for the last one; the checkpoint is saved without it."""
        if state.global_step < state.max_steps and self._asked():
            self.stopped = True
            control.should_training_stop = control.should_save = True
            self.require_room_and_fitness(state.global_step)
            raise StopAsked

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._ranks.wait()  # each has its random state to write into the same folder
        if self._ranks.first:
            self._checkpoints.publish(state.global_step, self._keep)
        self._ranks.wait()

    def _asked(self) -> bool:
        """Tell whether any process was asked to stop: they must stop at the same step."""
        return self._ranks.any(self._stop.asked())

    def require_room_and_fitness(self, step: int) -> None:
        """Never fill the disk, and never put weights that are no numbers after sound ones."""
        self._checkpoints.require_room(*self._sizes)
        for name, parameter in self._model.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise StudioError(
                    f"At step {step} the weights of `{name}` are no longer numbers",
                    "Lower learning_rate, then resume: the checkpoints before this are whole",
                )


class SetEpoch(TrainerCallback):
    """Tells the sampler which epoch begins.

    accelerate's own ``set_epoch`` stops at its wrappers when a run is resumed in mid-epoch: the
    sampler would stay at epoch 0 and the clips come in the wrong order.
    """

    def __init__(self, sampler: Callable[[], Any]) -> None:
        self._sampler = sampler

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        # The epoch is a fraction of steps: 2.9999999 is the third epoch's end.
        self._sampler().set_epoch(int((state.epoch or 0.0) + 1e-6))
