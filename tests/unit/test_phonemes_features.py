"""Articulatory features: PanPhon's figures without importing PanPhon."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amharic_tts.phonemes.features import distance, feature_errors, names, vectors

PHONES = ["p", "b", "kʼ", "k", "tʃ", "tʃʼː", "oʊ", "ɝ", "bː", "kʷ", "ə", "a", "5", ""]


def test_features_are_those_of_panphon() -> None:
    assert len(names()) == 24
    assert names()[:4] == ("syl", "son", "cons", "cont")
    p, b = vectors("p")[0], vectors("b")[0]
    assert [names()[at] for at in (p != b).nonzero()[0]] == ["voi"]
    ejective = dict(zip(names(), vectors("kʼ")[0].tolist(), strict=True))
    assert (ejective["cg"], ejective["voi"], ejective["cor"]) == (1, -1, -1)


@pytest.mark.parametrize(
    ("phone", "segments"),
    [("p", 1), ("tʃ", 1), ("t͡ʃ", 1), ("tʃʼː", 1), ("oʊ", 2), ("kʷ", 1), ("ɝ", 1), ("5", 0)],
)
def test_affricates_are_one_segment_and_diphthongs_two(phone: str, segments: int) -> None:
    assert len(vectors(phone)) == segments


def test_a_mark_that_the_table_lacks_changes_its_feature() -> None:
    at = names().index("long")
    assert [vectors(phone)[0][at] for phone in ("kʼʷ", "kʼʷː")] == [-1, 1]


def test_distance_is_the_weighted_difference() -> None:
    # Weights of PanPhon add up to 7.25; voice has 0.125 of it, and the two differ by 2 of 2.
    assert distance("p", "b") == pytest.approx(0.125 / 7.25)
    assert distance("p", "p") == 0
    assert distance("p", "b") < distance("p", "t") < distance("p", "a") < 1
    assert distance("oʊ", "o") == 0.5
    assert distance("p", "5") == 1


@pytest.mark.parametrize(
    ("wanted", "heard", "errors", "segments"),
    [
        (["p"], ["b"], 1 / 24, 1),
        (["p", "a"], ["p"], 1, 2),
        (["p"], ["p", "a"], 1, 1),
        ([], ["a"], 1, 0),
        (["a"], [], 1, 1),
        ([], [], 0, 0),
        (["oʊ"], ["o"], 1, 2),
        (["5"], ["p"], 1, 1),
        (["b", "a"], ["a"], 1, 2),
    ],
)
def test_feature_errors(wanted: list[str], heard: list[str], errors: float, segments: int) -> None:
    assert feature_errors(wanted, heard) == (pytest.approx(errors), segments)


@given(st.sampled_from(PHONES), st.sampled_from(PHONES))
def test_distance_is_the_same_both_ways(left: str, right: str) -> None:
    assert 0 <= distance(left, right) <= 1
    assert distance(left, right) == pytest.approx(distance(right, left))


def test_panphon_and_pandas_are_not_imported() -> None:
    code = (
        "import sys; from amharic_tts.phonemes.features import distance; distance('p', 'b');"
        "print([m for m in ('panphon', 'pandas', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
