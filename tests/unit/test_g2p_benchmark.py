"""The benchmark's rows on tiny made data: their shape, what is null, what takes turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from amharic_tts.g2p.gold import GoldFile
from benchmarks import g2p as benchmark

WIKIPRON = "ሀይቅ\th a j kʼ\nሰላም\ts ə l a m\n"
GFF = "ተወላጅ\tt ə w ə lː a d͡ʒ\tተወላ፟ጅ\n"
COLUMNS = ["measure", "unit", "peer", "ours", "ratio", "goal"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "wikipron_dev.tsv").write_text(WIKIPRON, encoding="utf-8")
    (tmp_path / "gff_dev.tsv").write_text(GFF, encoding="utf-8")
    return tmp_path


def short(text: str) -> str:
    return {"ሀይቅ": "hajkʼ", "ሰላም": "səlam", "ተወላ፟ጅ": "təwəlːadʒ"}.get(text, "təwəladʒ")


def test_accuracy(data: Path) -> None:
    rows = list(benchmark.accuracy(data, short, lambda text: "səlam"))
    assert all(list(row) == COLUMNS for row in rows)
    found = {row["measure"]: tuple(row.values())[1:] for row in rows}
    assert len(found) == len(rows) == 2 * 4 * 2 + 2
    # ሀይቅ hajkʼ against səlam: five edits of nine segments.
    assert found["WikiPron, strict, PER"] == ("%", 55.556, 0.0, None, 5.5)
    assert found["WikiPron, strict, WER"] == ("%", 50.0, 0.0, None, 24.0)
    assert found["GFF, strict, PER"] == ("%", 71.429, 14.286, 5.0, 8.0)
    assert found["GFF, length ignored, WER"] == ("%", 100.0, 0.0, None, 4.0)
    assert found["GFF, also without ʔ, PER"][-1] is None
    assert found["GFF, spelt with U+135F, strict, PER"] == ("%", None, 0.0, None, 0.3)


def test_without_the_lists_accuracy_is_null(tmp_path: Path) -> None:
    rows = list(benchmark.accuracy(tmp_path, short, short))
    assert len(rows) == 18
    assert {(row["peer"], row["ours"], row["ratio"]) for row in rows} == {(None, None, None)}
    assert rows[0]["goal"] == 5.5


def test_throughput(data: Path) -> None:
    rows = list(benchmark.throughput(data, 2, 1_000, short))
    assert all(list(row) == COLUMNS for row in rows)
    assert [(row["measure"], row["unit"]) for row in rows] == [
        (f"{name}, {clock}", unit)
        for name in (
            "new words",
            "running text",
            "the same text again, no word new",
            "running text, ours with clean-up and checks",
            "single words, ours with clean-up and checks",
            "the same words again, ours with clean-up and checks",
        )
        for clock, unit in (
            ("by wall", "words/s"),
            ("by cpu", "words/s"),
            ("ratio", "times the peer (CPU)"),
        )
    ]
    assert all(row["ours"] > 0 and row["ratio"] > 0 for row in rows)
    assert [row["goal"] for row in rows] == [None, None, 300.0] * 6


def test_the_two_sides_take_turns_on_the_same_words() -> None:
    asked: list[str] = []

    def side(name: str) -> benchmark.Convert:
        return lambda text: asked.append(name + text) or ""  # type: ignore[func-returns-value]

    rounds = benchmark.take_turns([["a", "b"], ["c"], ["d"]], 1, side("ours "), side("peer "))
    assert asked == [
        *("peer a", "peer b", "ours a", "ours b"),
        *("peer c", "ours c", "peer d", "ours d"),
    ]
    assert len(rounds) == 2  # the first is not counted


def test_medians() -> None:
    pace = benchmark.Pace
    rounds = [
        (pace(100.0, 10.0), pace(900.0, 20.0)),
        (pace(200.0, 20.0), pace(600.0, 80.0)),
        (pace(300.0, 30.0), pace(300.0, 30.0)),
    ]
    rows = list(benchmark.throughput_rows("x", rounds))
    assert [(row["peer"], row["ours"], row["ratio"]) for row in rows] == [
        (200.0, 600.0, 3.0),
        (20.0, 30.0, 2.0),
        (1, 2.0, 2.0),
    ]


def test_words_are_all_different(data: Path, tmp_path: Path) -> None:
    found = benchmark.vocabulary(data)
    assert len(found) == len(set(found)) == 3 * 40
    assert "ለሰላምን" in found
    assert found == benchmark.vocabulary(data)
    made = benchmark.vocabulary(tmp_path / "nothing")
    assert len(made) > 100_000


def test_running_text_repeats_the_first_words_most() -> None:
    lines = benchmark.running_text([f"w{n}" for n in range(50)], 600, seed=1)
    words = " ".join(lines).split()
    assert len(lines) == 50
    assert len(words) == 600
    assert words.count("w0") > words.count("w9") > words.count("w49")


def test_marked_spelling(data: Path) -> None:
    gold = benchmark.marked_spelling(GoldFile.read(data / "gff_dev.tsv"))
    assert gold.words == {"ተወላ፟ጅ": ["t ə w ə lː a d͡ʒ"]}
