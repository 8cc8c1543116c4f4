"""Which clips an epoch has, counted exactly; in which order; how much padding the order saves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler

from amharic_tts.errors import UserError
from training.config import FinetuneConfig
from training.data import Clip
from training.sampling import GroupedSampler, Pool, make_pools, quotas


def clip(number: int, language: str = "am", replay: bool = False, tokens: int = 9) -> Clip:
    codes = np.zeros(20 + number % 7, dtype=np.int64)
    name = f"{language}{number}"
    return Clip(name, Path(name), 40_000, (1,) * tokens, codes, "", language, "s", replay)


def mixed(main: int, replayed: int) -> list[Clip]:
    own = [clip(n) for n in range(main)]
    return own + [clip(main + n, "en", replay=True) for n in range(replayed)]


def config(**settings: Any) -> FinetuneConfig:
    values = {"dataset": "d", "replay_dataset": "e", **settings}
    return FinetuneConfig(**values).check()


def epochs(clips: Sequence[Clip], pools: Sequence[Pool], count: int) -> list[list[int]]:
    sampler = GroupedSampler([c.length for c in clips], 4, 7, pools=pools)
    found = []
    for epoch in range(count):
        sampler.set_epoch(epoch)
        found.append([key % len(clips) for key in sampler])
        assert len(found[-1]) == len(sampler)
    return found


def test_without_another_dataset_the_order_is_that_of_older_versions() -> None:
    """A run that an older version began goes on in the same order."""
    sampler = GroupedSampler([5, 9, 3, 7, 1, 8, 2], 2, 7, multiple=4)
    sampler.set_epoch(3)
    assert list(sampler) == [25, 21, 23, 24, 26, 22, 27, -26]
    sampler.set_epoch(0)
    assert list(sampler) == [6, 0, 3, 5, 2, 1, 4, -5]
    assert len(sampler) == 8


def test_natural_has_every_clip_once_and_a_share_of_the_replay_clips() -> None:
    clips = mixed(18, 5)
    pools = make_pools(clips, config(replay_share=0.1))
    assert [(p.name, len(p.clips), p.draws) for p in pools] == [
        ("dataset", 18, 18),
        ("replay", 5, 2),
    ]
    drawn = epochs(clips, pools, 10)
    for epoch in drawn:
        assert sorted(i for i in epoch if i < 18) == list(range(18))
        assert len(epoch) == 20
    # Ten epochs draw 20 of 5 clips: each four times, and no one again before all of them came.
    replayed = [sorted(i for i in epoch if i >= 18) for epoch in drawn]
    assert Counter(i for pair in replayed for i in pair) == dict.fromkeys(range(18, 23), 4)
    for count in range(11):
        seen = Counter(dict.fromkeys(range(18, 23), 0))
        seen.update(i for pair in replayed[:count] for i in pair)
        assert max(seen.values()) - min(seen.values()) <= 1


@pytest.mark.parametrize(
    ("settings", "draws"),
    [
        ({"language_sampling": "balanced"}, {"am": 12, "en": 12}),
        (
            {"language_sampling": "weights", "language_weights": {"am": 1.0, "en": 2.0}},
            {"am": 8, "en": 16},
        ),
    ],
)
def test_languages_have_their_share_exactly(
    settings: dict[str, Any], draws: dict[str, int]
) -> None:
    clips = mixed(19, 5)
    pools = make_pools(clips, config(**settings))
    drawn = epochs(clips, pools, 19)
    seen: Counter[int] = Counter(dict.fromkeys(range(24), 0))
    for epoch in drawn:
        assert Counter(clips[i].language for i in epoch) == draws
        seen.update(epoch)
        for language in ("am", "en"):
            of_it = [n for i, n in seen.items() if clips[i].language == language]
            assert max(of_it) - min(of_it) <= 1  # whole passes, whatever the epoch
    assert sum(seen[i] for i in range(19)) == 19 * draws["am"]


def test_a_language_without_a_weight_is_said() -> None:
    settings = config(language_sampling="weights", language_weights={"am": 1.0})
    with pytest.raises(UserError, match="clips in `en` have no weight"):
        make_pools(mixed(3, 2), settings)


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (7, {"am": 1, "en": 1}, {"am": 4, "en": 3}),
        (10, {"am": 99, "en": 1}, {"am": 9, "en": 1}),
        (10, {"a": 2, "b": 1, "c": 1}, {"a": 5, "b": 3, "c": 2}),
    ],
)
def test_quotas_are_by_largest_remainder(
    total: int, weights: dict[str, float], expected: dict[str, int]
) -> None:
    assert quotas(total, weights) == expected


def test_a_clip_that_comes_again_comes_in_its_next_pass() -> None:
    """The pass is a part of the key, so its prompt is another one."""
    clips = mixed(6, 2)
    pools = make_pools(clips, config(language_sampling="balanced"))
    sampler = GroupedSampler([c.length for c in clips], 4, 7, pools=pools)
    keys = [divmod(key, 8) for key in sampler]
    assert sorted(keys)[:2] != sorted(keys)[2:4] and len(set(keys)) == 8
    english = sorted(number for number, i in keys if i >= 6)
    assert english == [0, 0, 1, 1]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_over_the_ranks_every_draw_comes_once_and_blanks_fill_up(processes: int) -> None:
    clips = mixed(11, 4)
    pools = make_pools(clips, config(replay_share=0.2))
    assert sum(p.draws for p in pools) == 14
    sampler = GroupedSampler([c.length for c in clips], 4 * processes, 7, 2 * processes, pools)
    batches = BatchSampler(sampler, 2, drop_last=False)
    shards = [list(BatchSamplerShard(batches, processes, rank)) for rank in range(processes)]
    assert len({len(shard) for shard in shards}) == 1
    keys = [key for shard in shards for batch in shard for key in batch]
    real, blank = [k for k in keys if k >= 0], [k for k in keys if k < 0]
    assert len(real) == len(set(real)) == 14
    assert len(blank) == -14 % (2 * processes)


def realistic() -> list[int]:
    """Tokens of 400 rows: 1.2 to 11 s, about 6.5, 13 letters and 21.5 codes a second."""
    draw, found = random.Random("lengths"), []
    for _ in range(400):
        seconds = min(11.0, max(1.2, draw.gauss(6.5, 2.2)))
        found.append(int(seconds * 13) + int(seconds * 21.53) + 1)
    return found


def padding(lengths: Sequence[int], order: Sequence[int], size: int) -> float:
    batches = [[lengths[i] for i in order[k : k + size]] for k in range(0, len(order), size)]
    return sum(len(batch) * max(batch) for batch in batches) / sum(lengths)


@pytest.mark.parametrize(
    ("size", "shuffled", "grouped"),
    [(2, 1.199, 1.009), (4, 1.355, 1.024), (8, 1.493, 1.059), (16, 1.599, 1.124)],
)
def test_clips_of_like_length_together_save_padding(
    size: int, shuffled: float, grouped: float
) -> None:
    """Padded tokens to real ones; every padded token costs what a real one costs."""
    lengths = realistic()
    order = list(range(len(lengths)))
    random.Random(1).shuffle(order)
    assert padding(lengths, order, size) == pytest.approx(shuffled, abs=1e-3)
    ours = list(GroupedSampler(lengths, size, 7))
    assert sorted(ours) == sorted(order)
    assert padding(lengths, ours, size) == pytest.approx(grouped, abs=1e-3)


def test_epochs_have_other_batches() -> None:
    lengths = realistic()
    sampler = GroupedSampler(lengths, 8, 7)
    first = {frozenset(b) for b in BatchSampler(sampler, 8, drop_last=False)}
    sampler.set_epoch(1)
    second = {frozenset(i - 400 for i in b) for b in BatchSampler(sampler, 8, drop_last=False)}
    assert len(first) == len(second) == 50 and not first & second
