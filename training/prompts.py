"""Which piece of sound conditions the model on each row: a pure function of (seed, pass, clip).

`pass` is how often the clip has come before (`training.sampling`); with one dataset it is the
number of the epoch. In evaluation the prompt is always the same: the clip's own beginning, whatever
`conditioning_from` says, so that eval losses of runs can be compared.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from training.data import Clip

PROMPT_MIN, PROMPT_MAX = 66150, 132300
"""Samples of a prompt slice, 3 to 6 s: coqui's `min_` and `max_conditioning_length`."""


class Prompt(NamedTuple):
    """A slice of a clip."""

    clip: int
    """Number of the clip that it is cut from."""
    start: int
    """First sample."""
    samples: int
    """How many."""


class Prompts:
    """The prompts of a run's clips.

    * ``same``: a slice of the clip itself, whose span does not count in the loss.
    * ``other``: a slice of another clip of the same speaker in the same dataset, each as likely;
      all of the clip counts.
    * ``both``: one or the other, by a fair coin for each draw.

    Rows without a speaker's name count as one speaker's. A speaker's only clip is its own prompt.
    """

    def __init__(self, clips: Sequence[Clip], seed: int, conditioning_from: str = "same") -> None:
        self._samples = [clip.samples for clip in clips]
        self._seed, self._kind = seed, conditioning_from
        groups: dict[tuple[bool, str], list[int]] = {}
        self._place: list[int] = []
        for index, clip in enumerate(clips):
            group = groups.setdefault((clip.replay, clip.speaker), [])
            self._place.append(len(group))
            group.append(index)
        self._group = [groups[clip.replay, clip.speaker] for clip in clips]

    @property
    def alone(self) -> list[int]:
        """Clips that are the only one of their speaker."""
        return [index for index, group in enumerate(self._group) if len(group) == 1]

    def draw(self, number: int, index: int) -> Prompt:
        """Return the prompt of a clip in its pass `number`."""
        other = self._kind == "other"
        if self._kind == "both":
            other = random.Random(f"from-{self._seed}-{number}-{index}").random() < 0.5
        group = self._group[index]
        if not other or len(group) == 1:
            samples = self._samples[index]
            return Prompt(index, *training_slice(samples, self._seed, number, index))
        draw = random.Random(f"other-{self._seed}-{number}-{index}")
        place = draw.randrange(len(group) - 1)
        chosen = group[place + (place >= self._place[index])]
        samples = self._samples[chosen]
        # Nothing of it is scored, so a short clip is taken whole.
        count = min(draw.randint(PROMPT_MIN, PROMPT_MAX), samples)
        return Prompt(chosen, draw.randint(0, samples - count), count)


def training_slice(samples: int, seed: int, number: int, index: int) -> tuple[int, int]:
    """Return (start, count) of the prompt that a clip gives itself, by coqui's rule.

    3 to 6 s anywhere in the clip, and half of the clip where it is shorter than what was drawn.
    """
    draw = random.Random(f"{seed}-{number}-{index}")
    count = draw.randint(PROMPT_MIN, PROMPT_MAX)
    if samples < count:
        count = samples // 2
    return draw.randint(0, samples - count), count


def eval_slice(samples: int) -> tuple[int, int]:
    """Return (start, count) of the prompt in evaluation: always the same.

    Coqui takes the first 4.5 s; here at most half of the clip, since the prompt is not scored and
    a clip of 4.6 s would have next to nothing left.
    """
    return 0, min((PROMPT_MIN + PROMPT_MAX) // 2, samples // 2)
