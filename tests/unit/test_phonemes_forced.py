"""Forced alignment: the best of all paths, by trying them all where there are few."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.errors import UserError
from amharic_tts.phonemes.forced import Span, best_path, forced, shortest
from amharic_tts.phonemes.models.base import Posteriors, Symbols

SYMBOLS = Symbols(("<blank>", "a", "b", "c"), blank=0)


def posteriors(log_probabilities: np.ndarray, symbols: Symbols = SYMBOLS) -> Posteriors:
    scores = np.asarray(log_probabilities, dtype=np.float32)
    return Posteriors(scores, np.arange(len(scores)) * 0.02, 0.02, symbols)


def likely(text: str, probability: float = 0.97) -> np.ndarray:
    """Log-probabilities of a path such as ``_aab_``, one letter a frame."""
    rest = (1 - probability) / (len(SYMBOLS.names) - 1)
    found = np.full((len(text), len(SYMBOLS.names)), np.log(rest))
    for at, letter in enumerate(text):
        found[at, "_abc".index(letter)] = np.log(probability)
    return found


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 2), min_size=1, max_size=3), st.integers(0, 10**6), st.data())
def test_the_best_of_all_paths_is_found(labels: list[int], seed: int, data: st.DataObject) -> None:
    frames = data.draw(st.integers(shortest(labels), 6))
    scores = np.random.default_rng(seed).normal(size=(frames, 3)).astype(np.float32)
    states = best_path(scores, np.array(labels), scores[:, 0])
    mine = tuple(labels[s // 2] if s % 2 else 0 for s in states)
    every = [p for p in itertools.product(range(3), repeat=frames) if collapsed(p) == labels]
    best = max(scores[np.arange(frames), list(path)].sum() for path in every)
    assert collapsed(mine) == labels
    assert scores[np.arange(frames), list(mine)].sum() == pytest.approx(best, abs=1e-4)


def test_spans_and_scores_of_a_clear_sound() -> None:
    a, b = forced(posteriors(likely("_aa__b")), [1, 2])
    assert (a[:2], b[:2]) == ((1, 3), (5, 6))
    assert a.score == b.score == 1.0


def test_a_phone_that_is_not_there_scores_low() -> None:
    spans = forced(posteriors(likely("_a_b_")), [1, 3, 2])
    assert [span.score > 0.9 for span in spans] == [True, False, True]
    assert spans[1] == Span(2, 3, pytest.approx(0.01 / 0.97, rel=1e-4))


def test_the_same_phone_twice_needs_a_blank_between() -> None:
    assert shortest([1, 1]) == 3
    spans = forced(posteriors(likely("aaaa")), [1, 1])
    assert spans[0].last < spans[1].first


def test_columns_of_one_phone_are_added() -> None:
    half = np.log(np.array([[0.02, 0.49, 0.01, 0.48]]))
    assert forced(posteriors(half), [(1, 3)])[0].score == 1.0


def test_the_mark_between_words_is_a_pause_too() -> None:
    symbols = Symbols(("<blank>", "a", "b", "|"), blank=0, word=3)
    spans = forced(posteriors(likely("a_ccb"), symbols), [1, 2])
    assert [span[:2] for span in spans] == [(0, 1), (4, 5)]


def test_a_text_too_long_for_the_sound_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        forced(posteriors(likely("aa")), [1, 1])
    assert caught.value.message == (
        "The sound is too short for the text: 2 phones need 3 frames, and there are 2"
    )


def test_no_labels_no_spans() -> None:
    assert forced(posteriors(likely("a")), []) == []
    assert forced(posteriors(np.zeros((0, 4))), []) == []


def test_impossible_frames_still_have_a_way() -> None:
    scores = np.full((3, 4), -np.inf)
    assert [span.first for span in forced(posteriors(scores), [1, 2, 3])] == [0, 1, 2]


def test_memory_grows_with_the_square_root_of_the_frames() -> None:
    frames, count = 2_500, 500
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(frames, 4)).astype(np.float32)
    labels = rng.integers(1, 4, count)
    tracemalloc.start()
    states = best_path(scores, labels, scores[:, 0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (np.diff(states) >= 0).all()
    assert states[-1] in (2 * count - 1, 2 * count)
    assert peak < 2_500_000, "frames x labels in bytes would be 2.5 MB with one byte a cell"
