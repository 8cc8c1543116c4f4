"""The end of a run whose eval loss falls no more.

Not transformers' ``EarlyStoppingCallback``: it wants the Trainer's own handling of the best
checkpoint, and forgets at a resume how long it has waited. This one decides from the eval losses
alone, which stand in every checkpoint and are the same on every process.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from amharic_tts.jobs.early_stop import Ended, ended
from training.report import KeepCheckpoints


class StopEarly(TrainerCallback):
    """Saves and ends the training after `patience` evaluations without a lower eval loss.

    It comes before `KeepCheckpoints`, so that what it decides at a step's end is seen there.
    """

    def __init__(self, patience: int, keeper: KeepCheckpoints) -> None:
        self._patience, self._keeper = patience, keeper
        self.ended: Ended | None = None

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        losses = {int(e["step"]): e["eval_loss"] for e in state.log_history if "eval_loss" in e}
        self.ended = ended(losses, self._patience)
        if self.ended is not None:
            control.should_training_stop = control.should_save = True
            if state.global_step < state.max_steps:
                self._keeper.require_room_and_fitness(state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Decide again after an evaluation that was owed at a resume: no step's end followed it."""
        if self.ended is not None:
            control.should_training_stop = False
            control.should_evaluate = control.should_save = True
