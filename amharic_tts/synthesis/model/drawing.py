"""Draw the next audio code from logits, as `generate` of transformers does, row by row.

Every row has its own generator, so that what is drawn for a sentence does not depend on the
sentences beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from amharic_tts.synthesis.request import Sampling

PLACEHOLDER = 1
"""What the released code writes where text and voice stand in the list of what was said, so that
code 1 counts as said from the start. Kept: the penalty was chosen with it."""


@dataclass(frozen=True)
class Drawing:
    """The values in force, none of them open."""

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    speed: float = 1.0

    @classmethod
    def of(cls, sampling: Sampling, config: Any) -> Drawing:
        """Return what was asked for, and what the voice's configuration says of the rest."""

        def value(name: str) -> Any:
            asked = getattr(sampling, name)
            return getattr(config, name) if asked is None else asked

        return cls(
            float(value("temperature")),
            int(value("top_k")),
            float(value("top_p")),
            float(value("repetition_penalty")),
            sampling.speed,
        )


class Drawer:
    """Draws the codes of one sentence."""

    def __init__(self, drawing: Drawing, seed: int, start: int, device: torch.device) -> None:
        self._greedy = drawing.temperature == 0
        self._said = torch.tensor([[PLACEHOLDER, start]], device=device)
        self._generator = torch.Generator(device=device).manual_seed(seed)
        # In this order, as transformers applies them.
        self._steps = LogitsProcessorList()
        if drawing.repetition_penalty != 1:
            self._steps.append(RepetitionPenaltyLogitsProcessor(drawing.repetition_penalty))
        if not self._greedy:
            if drawing.temperature != 1:
                self._steps.append(TemperatureLogitsWarper(drawing.temperature))
            if drawing.top_k:
                self._steps.append(TopKLogitsWarper(drawing.top_k))
            if drawing.top_p < 1:
                self._steps.append(TopPLogitsWarper(drawing.top_p))

    def draw(self, logits: Tensor) -> int:
        """Return the next code.

        Args:
            logits: (audio tokens,), float32.
        """
        scores = self._steps(self._said, logits[None].clone())
        if self._greedy:
            chosen = scores.argmax(dim=-1)
        else:
            chosen = torch.multinomial(scores.softmax(dim=-1), 1, generator=self._generator)[0]
        self._said = torch.cat([self._said, chosen[None]], dim=1)
        return int(chosen)
