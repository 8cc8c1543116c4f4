"""Where prompts come from, and what of a row counts in the loss."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from flag_fixtures import Gradients, difference, first_step
from training_fixtures import Kit

from training.data import Clip, ClipDataset
from training.model import IGNORED, pack
from training.prompts import Prompts, eval_slice, training_slice

SPEAKERS = ("a", "b", "a", "a", "b", "c", "", "")


def clips(replay: bool = False) -> list[Clip]:
    none = np.zeros(1, dtype=np.int64)
    return [
        Clip(f"{n}", Path(f"{n}"), 60_000 + 40_000 * n, (1,), none, "", "am", speaker, replay)
        for n, speaker in enumerate(SPEAKERS)
    ]


def test_same_is_a_slice_of_the_clip_by_coquis_rule() -> None:
    prompts = Prompts(clips(), seed=7)
    for index, clip in enumerate(clips()):
        prompt = prompts.draw(2, index)
        assert prompt == (index, *training_slice(clip.samples, 7, 2, index))
    assert training_slice(200_000, 7, 2, 5) == (47949, 103689)  # as in older versions
    assert training_slice(50_000, 7, 0, 1) == (22473, 25000)


def test_other_is_another_clip_of_the_same_speaker_and_dataset() -> None:
    every = [*clips(), *clips(replay=True)]
    prompts = Prompts(every, seed=7, conditioning_from="other")
    chosen: dict[int, set[int]] = {}
    for number in range(60):
        for index in range(len(every)):
            prompt = prompts.draw(number, index)
            chosen.setdefault(index, set()).add(prompt.clip)
            source = every[prompt.clip].samples
            assert 0 <= prompt.start <= source - prompt.samples
            assert min(66150, source // 2) <= prompt.samples <= 132300
    assert chosen[0] == {2, 3} and chosen[1] == {4} and chosen[6] == {7}
    assert chosen[8] == {10, 11}
    assert chosen[5] == {5} and chosen[13] == {13}  # the only clip of its speaker
    assert prompts.alone == [5, 13]
    again = Prompts(every, seed=7, conditioning_from="other")
    assert [again.draw(9, i) for i in range(16)] == [prompts.draw(9, i) for i in range(16)]


def test_both_is_one_or_the_other_by_halves() -> None:
    prompts = Prompts(clips(), seed=7, conditioning_from="both")
    same = Prompts(clips(), seed=7)
    drawn = [(prompts.draw(n, i), n, i) for n in range(100) for i in range(5)]
    own = [(prompt, n, i) for prompt, n, i in drawn if prompt.clip == i]
    assert len(own) == 266  # of 500
    assert all(prompt == same.draw(n, i) for prompt, n, i in own)


def test_all_of_a_row_counts_where_the_prompt_is_of_another_clip(kit: Kit) -> None:
    model = kit.model()
    one = [dataclasses.replace(clip, speaker="s") for clip in kit.clips]

    def ignored(kind: str, evaluation: bool = False) -> list[int]:
        data = ClipDataset(one, kit.style, 7, evaluation, kind)
        rows = [data[i] for i in range(4)]
        return [int((pack([r], model.special)["labels"] == IGNORED).sum()) for r in rows]

    assert ignored("other") == [0, 0, 0, 0]
    assert min(ignored("same")) > 10
    assert ignored("other", evaluation=True) == ignored("same", evaluation=True)
    assert [eval_slice(clip.samples) for clip in one[:2]] == [(0, 16537), (0, 33075)]


def test_conditioning_from(kit: Kit, plain: Gradients, tmp_path: Path) -> None:
    other = first_step(kit, tmp_path / "o", dropout=False, conditioning_from="other")
    both = first_step(kit, tmp_path / "b", dropout=False, conditioning_from="both")
    assert difference(plain, other) > 1e-3 and difference(plain, both) > 1e-3
    assert difference(other, both) > 1e-3
