"""Phones that a dataset has and lacks, sentences for them, and distributions."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_speech import dataset, speech

from amharic_tts.dataset import coverage
from amharic_tts.dataset.statistics import distributions, histogram, hours
from amharic_tts.phonemes.expected import from_text


def test_counts_of_the_rows(tmp_path: Path) -> None:
    found = dataset(tmp_path / "d", {"a": speech(0.6)}, {"a": "ሰላም"}, phonemes="səlam", g2p="x")
    counted = coverage.coverage(found)
    assert {p: n for p, n in counted.counts.items() if n} == {
        **{"s": 1, "ə": 1, "l": 1, "a": 1, "m": 1}
    }
    assert (counted.phones, counted.unread) == (5, 0)
    assert counted.rare == ["a", "l", "m", "s", "ə"]
    assert {"pʼ", "ʒ", "ɲ"} <= set(counted.missing)
    assert "ŋ" not in counted.counts


def test_clips_without_phones_are_told(tmp_path: Path) -> None:
    found = dataset(tmp_path / "d", {"a": speech(0.6)}, {"a": "hello"}, language="en")
    counted = coverage.coverage(found)
    assert (counted.phones, counted.unread, len(counted.missing)) == (0, 1, 39)


def test_sentences_for_what_is_missing_and_not_those_that_are_there(tmp_path: Path) -> None:
    first = "ፖሊሶቹ ፓርኩን ከጠዋት ጀምሮ ይጠብቃሉ።"
    found = dataset(tmp_path / "d", {"a": speech(0.6)}, {"a": first}, phonemes="səlam", g2p="x")
    chosen = coverage.suggestions(found, coverage.coverage(found), 60)
    texts = [one.text for one in chosen]
    assert len(texts) == len(set(texts)) > 20
    assert first not in texts
    brought = {phone for one in chosen for phone in one.brings}
    assert {"pʼ", "ʒ", "ɲ", "v", "p", "tʃʼ", "sʼ"} <= brought


def test_the_sentences_of_the_studio_hold_every_phone_of_amharic() -> None:
    said = {
        phone
        for text in coverage.sentences("am")
        for word in from_text(text, "am")
        for phone in word.phones
    }
    wanted = coverage._inventory("am")
    # ɲ is written, and mostly spoken, long; both are one sound.
    assert {p for p in wanted if p not in said and f"{p}ː" not in said} == set()
    assert len(coverage.sentences("en")) > 30
    assert coverage.sentences("fr") == []


def test_a_histogram_has_equal_steps_and_every_value() -> None:
    made = histogram("x", "s", [0.1, 0.9, 1.0, 2.5, 2.5], 1.0)
    assert made is not None
    assert (made.start, made.step, made.counts) == (0.0, 1.0, (2, 1, 2))
    assert (made.total, made.middle) == (5, 1.0)
    assert histogram("x", "s", [], 1.0) is None
    below = histogram("x", "LUFS", [-23.4, -22.0], 1.0)
    assert below is not None
    assert (below.start, below.counts) == (-24.0, (1, 0, 1))


def test_distributions_and_hours_without_a_check(tmp_path: Path) -> None:
    found = dataset(tmp_path / "d", {"a": speech(1.2), "b": speech(2.2)})
    assert {name: h.counts for name, h in distributions(found).items()} == {"length": (1, 1)}
    assert hours(found) == {"s": pytest.approx(3.4 / 3600, abs=1e-4)}
