"""Write the audio codes of several lines together, and keep the latents that they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from amharic_tts.errors import StudioError
from amharic_tts.synthesis.model.drawing import Drawer, Drawing
from amharic_tts.synthesis.model.gpt_runner import GptRunner

GROWTH = (12, 48, 96, 192)
"""Frames of 256 samples that are made into sound at once while a line is written: few at first, so
that it is heard soon; then more, because each stretch costs its surroundings again."""


@dataclass(frozen=True)
class Line:
    """What is written."""

    tokens: tuple[int, ...]
    seed: int
    most: int
    """Codes after which it is cut, where the model does not stop by itself."""


@dataclass(frozen=True)
class Written:
    """A line at its end."""

    codes: tuple[int, ...]
    """STOP is the last one, but where it was cut."""
    latents: Tensor
    """(codes, width), float32: what each code was drawn from."""
    cut: bool


@dataclass(frozen=True)
class Step:
    """One more code of one line."""

    row: int
    latent: Tensor
    """(width,)"""
    written: Written | None = None
    """Where this was its last code."""


@dataclass
class _Row:
    number: int
    drawer: Drawer
    most: int
    codes: list[int]
    latents: list[Tensor]


def write(
    runner: GptRunner,
    conditioning: Tensor,
    lines: Sequence[Line],
    drawing: Drawing,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[Step]:
    """Yield a step for each code of each line; lines leave the batch when they end.

    Args:
        runner: Of the GPT.
        conditioning: (1, latents, width), the voice of all.
        lines: Written together.
        drawing: How codes are drawn.
        watch: Called once for a code of all lines; what it raises breaks off.

    Raises:
        StudioError: The model gives values that are not numbers.
    """
    gpt = runner.gpt
    rows = [
        _Row(
            number,
            Drawer(drawing, line.seed, gpt.start_audio_token, runner.device),
            line.most,
            [],
            [],
        )
        for number, line in enumerate(lines)
    ]
    prefixes = [runner.prefix(conditioning, line.tokens) for line in lines]
    latents, cache = runner.begin(prefixes, max(row.most for row in rows))
    position = 0
    while rows:
        watch()
        logits = runner.logits(latents)
        if not bool(torch.isfinite(logits).all()):
            raise StudioError(
                "The voice gave sound that is not made of numbers",
                "Its training may have gone wrong: look at its loss, or use an earlier checkpoint",
            )
        left: list[int] = []
        for at, row in enumerate(rows):
            code = row.drawer.draw(logits[at])
            row.codes.append(code)
            row.latents.append(latents[at].float())
            stopped = code == gpt.stop_audio_token
            if not stopped and len(row.codes) < row.most:
                left.append(at)
                yield Step(row.number, row.latents[-1])
                continue
            made = Written(tuple(row.codes), torch.stack(row.latents), cut=not stopped)
            yield Step(row.number, row.latents[-1], made)
        if not left:
            return
        if len(left) < len(rows):
            rows, cache = [rows[at] for at in left], cache.keep(left)
        position += 1
        codes = torch.tensor([row.codes[-1] for row in rows], device=runner.device)
        latents = runner.step(codes, position, cache)
