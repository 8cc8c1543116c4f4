"""When a run is ended by its eval losses, and what is said of it."""

from __future__ import annotations

import pytest

from amharic_tts.jobs.early_stop import ended


@pytest.mark.parametrize(
    ("losses", "patience", "step"),
    [
        ({}, 2, None),
        ({10: 3.0, 20: 2.0, 30: 2.5, 40: 2.1}, 0, None),
        ({10: 3.0, 20: 2.0, 30: 2.5}, 2, None),
        ({10: 3.0, 20: 2.0, 30: 2.5, 40: 2.1}, 2, 40),
        ({10: 3.0, 20: 2.0, 30: 2.0, 40: 2.0}, 2, 40),  # as low is not lower
        ({10: 3.0, 20: 2.0, 30: 2.5, 40: 1.9}, 2, None),
    ],
)
def test_so_many_evaluations_without_a_lower_loss(
    losses: dict[int, float], patience: int, step: int | None
) -> None:
    found = ended(losses, patience)
    assert (found and found.step) == step


def test_it_is_said_in_words() -> None:
    found = ended({10: 2.0, 20: 2.5, 30: 2.1}, 2)
    assert found is not None
    assert found.message == (
        "ended at step 30: no lower eval loss than 2.0000 of step 10 in the last 2 evaluations"
    )
    assert found.hint(100).startswith("To go on to step 100, raise early_stop_patience (it is 2)")
