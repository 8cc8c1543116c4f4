"""The figures of the recognition benchmark, on texts alone."""

from __future__ import annotations

from benchmarks.recognition import error_rate, row, words


def test_words_and_errors() -> None:
    assert words("Well-known: it's 42!") == ["well", "known", "it's"]
    assert error_rate(["one two three", "four"], ["One, two.", "for five"]) == 75.0
    assert row("m", "%", 10.0, 4.0)["ratio"] == 2.5
    assert row("m", "%", 10.0, 0.0)["ratio"] is None
