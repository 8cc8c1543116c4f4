"""Speaks samples while a run trains, without touching what is trained."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from amharic_tts.events import Progress
from training.ema import Average
from training.model import PackedXtts
from training.ranks import Ranks
from training.report import KeepCheckpoints
from training.speaking import Speaker
from training.stopping import StopAsked
from training.weights import spoken_state


class SpeakSamples(TrainerCallback):
    """Has the samples spoken before the first step, every so many steps and at the last one.

    It comes last: the average of the weights has taken the step in, and `KeepCheckpoints` has
    decided about it. The first process speaks, the others wait.
    """

    def __init__(
        self,
        every: int,
        speaker: Speaker | None,
        model: PackedXtts,
        average: Average | None,
        lora_scale: float,
        keeper: KeepCheckpoints,
        ranks: Ranks,
    ) -> None:
        """Take what is needed.

        Args:
            every: Steps between samples.
            speaker: On the first process.
            model: That is trained.
            average: Of its weights, where there is one: samples are spoken with it.
            lora_scale: Of its adapters; 0 without.
            keeper: Is asked again about a stop that came while speaking.
            ranks: All processes.
        """
        self._every, self._speaker = every, speaker
        self._model, self._average, self._lora_scale = model, average, lora_scale
        self._keeper, self._ranks = keeper, ranks

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Speak with the untouched base, or what a stop has kept from being spoken."""
        if self._speaker is not None:
            self._speaker.scores.drop_after(state.global_step)
        if state.global_step % self._every == 0 and self._speak(state):
            raise StopAsked

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        due = state.global_step % self._every == 0 or state.global_step >= state.max_steps
        if due and not self._keeper.stopped and self._speak(state):
            self._keeper.on_step_end(args, state, control)

    def _speak(self, state: TrainerState) -> bool:
        """Have the samples of this step spoken; return whether a stop broke them off."""
        broken_off = False
        if self._speaker is not None and not self._speaker.has(state.global_step):
            self._speaker.emit(Progress(state.global_step, state.max_steps, "speaking samples"))
            try:
                self._speaker.speak(state.global_step, self._weights())
            except StopAsked:
                broken_off = True
            self._speaker.emit(Progress(state.global_step, state.max_steps, "training"))
        return self._ranks.any(broken_off)

    def _weights(self) -> dict[str, Tensor]:
        averaged = self._average.values if self._average else {}
        return spoken_state({**self._model.state_dict(), **averaged}, self._lora_scale)
