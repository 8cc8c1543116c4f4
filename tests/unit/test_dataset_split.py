"""Train and eval: by recording, the same for a seed, never moved, never empty."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from amharic_tts.dataset.manifest import Utterance
from amharic_tts.dataset.split import assign, findings


def rows(counts: dict[str, int], refused: int = 0) -> list[Utterance]:
    made = [
        Utterance(f"{name}-{i}", source=name, source_hash=name, audio_hash=f"{name}-{i}")
        for name, count in counts.items()
        for i in range(count)
    ]
    return [
        Utterance(u.id, source_hash=u.source_hash, decision="rejected") if i < refused else u
        for i, u in enumerate(made)
    ]


def split(kept: list[Utterance], new: list[Utterance], seed: int = 0) -> list[Utterance]:
    return assign(kept, new, [""] * len(new), seed)


def sides(found: list[Utterance]) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for row in found:
        result.setdefault(row.source_hash, set()).add(row.split)
    return result


def count(found: list[Utterance]) -> Counter[str]:
    return Counter(row.split for row in found if row.accepted)


def test_a_tenth_of_the_recordings_is_kept_for_eval() -> None:
    found = split([], rows({f"r{i}": 1 for i in range(24)}))
    assert count(found) == {"train": 22, "eval": 2}
    assert findings(found) == []


def test_the_seed_decides() -> None:
    new = rows({f"r{i}": 1 for i in range(24)})
    assert split([], new, 1) == split([], new, 1)
    assert split([], new, 1) != split([], new, 2)


def test_a_recording_is_never_split_where_another_way_exists() -> None:
    found = split([], rows({f"r{i}": 4 for i in range(12)}))
    assert all(len(s) == 1 for s in sides(found).values())
    assert count(found) == {"train": 44, "eval": 4}


def test_a_large_recording_stays_in_train() -> None:
    for seed in range(5):
        found = split([], rows({"large": 39, "small": 1}), seed)
        assert sides(found) == {"large": {"train"}, "small": {"eval"}}


def test_one_recording_is_split_by_clips_and_that_is_told() -> None:
    found = split([], rows({"talk": 40}))
    assert count(found) == {"train": 36, "eval": 4}
    assert [(f.code, f.level) for f in findings(found)] == [("split_by_clips", "info")]


def test_what_is_there_is_never_moved_and_eval_grows() -> None:
    kept = split([], rows({f"r{i}": 1 for i in range(20)}))
    new = split(kept, rows({f"s{i}": 1 for i in range(20)}))
    assert count(kept) == {"train": 18, "eval": 2}
    assert count([*kept, *new]) == {"train": 36, "eval": 4}


def test_more_clips_of_a_recording_join_its_side() -> None:
    kept = split([], rows({f"r{i}": 2 for i in range(10)}))
    before = {name: s.pop() for name, s in sides(kept).items()}
    more = [Utterance(f"{n}-new", source_hash=n, audio_hash=n) for n in before]
    assert {row.source_hash: row.split for row in split(kept, more)} == before


def test_a_table_may_ask_for_its_own_split() -> None:
    found = assign([], rows({"a": 2, "b": 2}), ["train", "train", "eval", "eval"], 0)
    assert sides(found) == {"a": {"train"}, "b": {"eval"}}


def test_one_clip_trains() -> None:
    found = split([], rows({"a": 1}))
    assert count(found) == {"train": 1}
    assert [f.code for f in findings(found)] == ["no_eval"]
    grown = [*found, *split(found, rows({"b": 1}))]
    assert count(grown) == {"train": 1, "eval": 1}


@given(
    counts=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=1),
    refused=st.integers(0, 12),
    seed=st.integers(0, 3),
    wish=st.sampled_from(["", "train", "eval"]),
)
def test_neither_side_is_empty_with_two_accepted_clips(
    counts: dict[str, int], refused: int, seed: int, wish: str
) -> None:
    new = rows(counts, refused)
    found = assign([], new, [wish] * len(new), seed)
    assert [row.id for row in found] == [row.id for row in new]
    if sum(row.accepted for row in new) >= 2:
        assert set(count(found)) == {"train", "eval"}
