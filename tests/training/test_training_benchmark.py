"""The training benchmark at small size: rows of the right form, with figures in them."""

from __future__ import annotations

import math

import pytest

from benchmarks import training


def test_the_rows_of_the_quick_benchmark() -> None:
    rows = training.measure(training.QUICK)
    assert all(
        set(row) - {"note"} == {"measure", "unit", "peer", "ours", "ratio", "goal"} for row in rows
    )
    assert len({(row["measure"], row["unit"]) for row in rows}) == len(rows) == 12
    assert [row["goal"] for row in rows if row["unit"] == "clips/s CPU"] == [1.1, 1.8, 1.15]
    for row in rows:
        if row.get("note"):
            assert row["note"].startswith("not measured") and row["ratio"] is None
        else:
            assert math.isfinite(row["ratio"]) and row["ratio"] > 0
            assert row["ratio"] == pytest.approx(row["ours"] / row["peer"], abs=2e-3)
    losses = [row for row in rows if row["unit"] == "nats"]
    assert all(abs(row["ratio"] - 1) < 0.05 for row in losses)  # two steps from the same weights
