"""Which clips an epoch has, and in which order: a pure function of (seed, epoch).

The clips stand in *pools*; an epoch draws a fixed number from each:

* ``natural``: every clip of the dataset exactly once. Of a replay dataset as many as make up its
  share of all draws, rounded, at least one.
* ``balanced`` and ``weights``: a pool for each language, over the dataset and the replay dataset.
  An epoch has as many draws as there are clips; each language gets its share of them, rounded by
  largest remainder, at least one.

A pool is drawn in whole passes: pass p is a shuffle by (seed, pool, p), and the draws of all epochs
follow each other in the passes. So no clip comes again before all of its pool have come, at any
moment the clips of a pool differ by one draw at most, and where an epoch draws as many as the pool
has, it is one pass. The number of the pass tells how often the clip has come before; the prompt is
drawn from it (`training.prompts`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.utils.data import Sampler

from amharic_tts.errors import UserError

if TYPE_CHECKING:
    from training.config import FinetuneConfig
    from training.data import Clip

MEGA_BATCH = 50
"""At most so many batches' worth of shuffled clips are sorted by length together."""


@dataclass(frozen=True)
class Pool:
    """Clips that are drawn together."""

    name: str
    """A language, `dataset` or `replay`; the shuffles hang on it."""
    clips: tuple[int, ...]
    """Their numbers."""
    draws: int
    """How many an epoch draws."""

    def epoch(self, seed: int, epoch: int) -> list[tuple[int, int]]:
        """Return (pass, clip) of each draw of an epoch."""
        size, first = len(self.clips), epoch * self.draws
        found: list[tuple[int, int]] = []
        for number in range(first // size, -(-(first + self.draws) // size)):
            order = list(self.clips)
            random.Random(f"pass-{seed}-{self.name}-{number}").shuffle(order)
            begin = max(0, first - number * size)
            found += [(number, clip) for clip in order[begin : first + self.draws - number * size]]
        return found


def make_pools(clips: Sequence[Clip], config: FinetuneConfig) -> tuple[Pool, ...]:
    """Return the pools of a run; see this module's rules.

    Raises:
        UserError: A language of the clips has no weight.
    """
    if config.language_sampling == "natural":
        main = tuple(i for i, clip in enumerate(clips) if not clip.replay)
        replayed = tuple(i for i, clip in enumerate(clips) if clip.replay)
        pools = [Pool("dataset", main, len(main))]
        if replayed:
            share = config.replay_share
            draws = max(1, int(len(main) * share / (1 - share) + 0.5))
            pools.append(Pool("replay", replayed, draws))
        return tuple(pools)
    languages = sorted({clip.language for clip in clips})
    weights = dict.fromkeys(languages, 1.0)
    if config.language_sampling == "weights":
        lacking = [name for name in languages if name not in config.language_weights]
        if lacking:
            raise UserError(f"language_weights: clips in `{lacking[0]}` have no weight")
        weights = {name: config.language_weights[name] for name in languages}
    draws_of = quotas(len(clips), weights)
    return tuple(
        Pool(
            language,
            tuple(i for i, clip in enumerate(clips) if clip.language == language),
            draws_of[language],
        )
        for language in languages
    )


def quotas(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Return `total` parted by weight: by largest remainder, and at least 1 for each name."""
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    found = {name: int(value) for name, value in exact.items()}
    rest = sorted(weights, key=lambda name: (found[name] - exact[name], name))
    for name in rest[: total - sum(found.values())]:
        found[name] += 1
    for name in found:
        if not found[name]:
            found[max(found, key=lambda other: (found[other], other))] -= 1
            found[name] = 1
    return found


class GroupedSampler(Sampler[int]):
    """The draws of an epoch, clips of like length together, by (seed, epoch) alone.

    The draws are shuffled, cut into mega-batches, sorted by length inside each and cut into
    batches; then the whole batches are shuffled, so that long ones do not always come first. A
    last short batch stays last: the loader cuts this order blindly every `batch_size` clips.

    A key is ``pass * number of clips + clip``.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        multiple: int = 1,
        pools: Sequence[Pool] = (),
    ) -> None:
        """Make the order of the first epoch.

        Args:
            lengths: Tokens of each clip.
            batch_size: Clips of an optimizer step, over processes and forward passes.
            seed: Of the order.
            multiple: The epoch is filled up with blank rows to a multiple of this: clips of one
                forward pass over all processes. Else accelerate would repeat clips.
            pools: What an epoch draws; none: every clip once.
        """
        self._lengths, self._batch_size, self._seed = lengths, batch_size, seed
        every = tuple(range(len(lengths)))
        self._pools = tuple(pools) or (Pool("dataset", every, len(every)),)
        self._draws = sum(pool.draws for pool in self._pools)
        self._multiple = multiple
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; the engine calls it, also when a run is resumed in mid-epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self._draws + -self._draws % self._multiple

    def __iter__(self) -> Iterator[int]:
        clips, size = len(self._lengths), self._batch_size
        drawn = [pool.epoch(self._seed, self.epoch) for pool in self._pools]
        keys = sorted((i, number) for draws in drawn for number, i in draws)
        order = [number * clips + i for i, number in keys]
        draw = random.Random(f"order-{self._seed}-{self.epoch}")
        draw.shuffle(order)
        # Few clips are grouped less: else every epoch would have the same batches.
        mega = size * max(1, min(MEGA_BATCH, len(order) // (4 * size)))
        batches: list[list[int]] = []
        for first in range(0, len(order), mega):
            chunk = sorted(order[first : first + mega], key=lambda key: self._lengths[key % clips])
            batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
        tail = batches.pop() if batches and len(batches[-1]) < size else []
        draw.shuffle(batches)
        first = self.epoch * clips
        blank = blanks(self._lengths, self._draws, self._multiple)
        filling = [-1 - (first + index) for index in blank]
        return iter([*(key for batch in [*batches, tail] for key in batch), *filling])


class InOrder(Sampler[int]):
    """Every clip once, in order, and blank rows up to a multiple; for evaluation."""

    def __init__(self, lengths: Sequence[int], multiple: int) -> None:
        count = len(lengths)
        self._keys = [*range(count), *(-1 - i for i in blanks(lengths, count, multiple))]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)


def blanks(lengths: Sequence[int], draws: int, multiple: int) -> list[int]:
    """Return the clip, the shortest, that fills an epoch up, as often as that takes."""
    short = -draws % multiple
    return [min(range(len(lengths)), key=lambda i: lengths[i])] * short if short else []
