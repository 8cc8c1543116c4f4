"""The benchmark's rows: their shape, what is null where nothing could be measured, the scorer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import phonemes as benchmark
from benchmarks import phones39, sphinx

COLUMNS = ["measure", "unit", "peer", "ours", "ratio", "goal"]


class Process:
    """Costs what the test says, a little more each round."""

    start_seconds = 2.0

    def __init__(self, cpu: float, peak: float) -> None:
        self.cpu, self.peak = cpu, peak
        self.about = {"peak_mb": peak, "start_cpu_seconds": cpu}

    def round(self) -> dict[str, float]:
        self.cpu *= 2
        return {"cpu": self.cpu, "peak_mb": self.peak}


class Made(benchmark.Bench):
    """Processes without processes: torch costs four times ours."""

    def process(self, model: str, options: object, seconds: float = 5.0, **how: object) -> Process:
        peer = options == benchmark.PEERS
        return Process(4.0, 1000.0) if peer else Process(1.0, 250.0)


def test_rows_of_a_model(tmp_path: Path) -> None:
    with Made(tmp_path, 2) as bench:
        rows = list(benchmark.speed(bench, "large", "DIR", goal=3.5))
        assert all(list(row) == COLUMNS for row in rows)
        # Rounds of 4 and 1 CPU seconds, doubled each time; the first is not counted.
        assert [tuple(row.values())[1:] for row in rows] == [
            ("s CPU", 24.0, 6.0, 4.0, None),
            ("times", 1, 4.0, 4.0, 3.5),
            ("MB", 1000.0, 250.0, 4.0, 600),
        ]
        [long] = benchmark.long_clip(bench, "DIR")
        assert tuple(long.values())[2:] == (1000.0, 250.0, 4.0, 700)
        starts = list(benchmark.starts(bench, "DIR"))
        assert [(row["peer"], row["ours"], row["goal"]) for row in starts] == [
            (2.0, 2.0, 1.5),
            (4.0, 1.0, None),
            (None, 2.0, 0.5),
            (None, 1.0, None),
        ]


def test_what_could_not_be_measured_is_null(tmp_path: Path) -> None:
    with Made(tmp_path, 1) as bench:
        rows = [
            *benchmark.speed(bench, "base", None, goal=None),
            *benchmark.long_clip(bench, None),
            *benchmark.accuracy(tmp_path, None),
        ]
    assert {(row["peer"], row["ours"], row["ratio"]) for row in rows} == {(None, None, None)}
    assert [row["goal"] for row in rows] == [None, None, 350, 700, 16]


@pytest.mark.parametrize(
    ("ipa", "wanted"),
    [
        ("p ɹ ɪ n t ɪ ŋ | ɪ n", "p ɹ ɪ n t ɪ ŋ ɪ n"),
        ("ˈwɜːɹld", "w ɝ l d"),
        ("ð ə ɹ", "ð ɝ"),
        ("fɔːɹ ɡɛɹ", "f ɑ ɹ ɡ ɛ ɹ"),
        ("t͡ʃ ʤ dʒ ɾ ʔ x", "tʃ dʒ dʒ t k"),
        ("o e b əʊ a", "oʊ eɪ b oʊ ɑ"),
        ("", ""),
        ("ç7", ""),
    ],
)
def test_the_39_phones(ipa: str, wanted: str) -> None:
    assert phones39.phones(ipa) == wanted.split()


def test_error_rate() -> None:
    reference = {"a": ["p", "t", "k", "s"], "b": ["i"]}
    assert phones39.error_rate(reference, {"a": ["p", "d", "k", "s"], "b": ["i"]}) == 20.0
    assert phones39.error_rate(reference, {"a": reference["a"]}) == 20.0
    assert phones39.error_rate(reference, {}) == 100.0


def test_the_peers_phones_are_in_the_set() -> None:
    found = {phone for ipa in sphinx._IPA.values() for phone in phones39.phones(ipa)}
    assert len(sphinx._IPA) == 39
    assert len(found) == 38  # AO is AA here
