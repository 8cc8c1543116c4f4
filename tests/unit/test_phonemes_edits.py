"""Alignment of phones: the fewest edits, likeness between equals, any length."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.g2p.alignment import distance as plain_distance
from amharic_tts.phonemes import edits
from amharic_tts.phonemes.edits import align, errors, errors_within

SEQUENCES = st.lists(st.sampled_from(["p", "b", "a", "s", "?"]), max_size=12)


def rows(wanted: str, heard: str) -> str:
    """Return an alignment of letters such as ``p:b a:- -:s``."""
    pairs = align(list(wanted), list(heard))
    return " ".join(
        f"{'-' if i is None else wanted[i]}:{'-' if j is None else heard[j]}" for i, j in pairs
    )


@pytest.mark.parametrize(
    ("wanted", "heard", "expected"),
    [
        ("pat", "pat", "p:p a:a t:t"),
        ("pat", "bat", "p:b a:a t:t"),
        ("ap", "b", "a:- p:b"),
        ("pa", "b", "p:b a:-"),
        ("b", "pa", "b:p -:a"),
        ("kat", "kt", "k:k a:- t:t"),
        ("", "a", "-:a"),
        ("a", "", "a:-"),
        ("", "", ""),
    ],
)
def test_golden_alignments(wanted: str, heard: str, expected: str) -> None:
    assert rows(wanted, heard) == expected


@given(SEQUENCES, SEQUENCES)
def test_rows_are_the_fewest_edits_and_cover_both(wanted: list[str], heard: list[str]) -> None:
    pairs = align(wanted, heard)
    assert [i for i, _ in pairs if i is not None] == list(range(len(wanted)))
    assert [j for _, j in pairs if j is not None] == list(range(len(heard)))
    wrong = sum(i is None or j is None or wanted[i] != heard[j] for i, j in pairs)
    assert wrong == errors(wanted, heard) == plain_distance(wanted, heard)


@settings(max_examples=50)
@given(SEQUENCES, SEQUENCES)
def test_halving_costs_no_edit(wanted: list[str], heard: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edits, "_AT_ONCE", 4)
        pairs = align(wanted, heard)
    wrong = sum(i is None or j is None or wanted[i] != heard[j] for i, j in pairs)
    assert wrong == plain_distance(wanted, heard)


def test_places_keep_apart_what_is_apart() -> None:
    wanted, heard = ["m"], ["m", "a", "m"]
    times = [(0.0, 0.1), (1.0, 1.1), (2.0, 2.1)]
    assert align(wanted, heard, [(2.0, 2.1)], times) == [(None, 0), (None, 1), (0, 2)]
    assert align(wanted, heard, [(0.0, 0.1)], times) == [(0, 0), (None, 1), (None, 2)]
    assert align(["m"], ["m"], [(9.0, 9.1)], [(0.0, 0.1)]) in (
        [(0, 0)],
        [(0, None), (None, 0)],
        [(None, 0), (0, None)],
    )


def test_errors_within_a_stretch() -> None:
    assert errors_within(list("abc"), list("xxabcxx")) == 0
    assert errors_within(list("abc"), list("xxaxcxx")) == 1
    assert errors_within(list("abc"), []) == 3
    assert errors_within([], list("abc")) == 0
