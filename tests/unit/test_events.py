"""Events: one line each, read by cursor, folded so that a resumed run reads as one."""

from __future__ import annotations

from pathlib import Path

from amharic_tts.events import (
    Clock,
    Done,
    EventLog,
    Failed,
    Metric,
    Progress,
    Started,
    Stopped,
    from_json,
    to_json,
)
from amharic_tts.jobs.store import History


def test_round_trip_of_every_kind() -> None:
    for event in (
        Started(step=3, pid=9),
        Progress(1, 4, "ሰላም", 2.5),
        Metric(7, "loss", 3.25),
        Failed("message", "hint", 2),
        Done({"voice": "x"}),
        Stopped(5),
    ):
        assert from_json(to_json(event)) == event


def test_half_a_line_waits_and_a_damaged_line_is_passed_over(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    assert log.read() == ([], 0)
    log.append(first := Metric(1, "loss", 2.0))
    with open(log.path, "ab") as file:
        file.write(b'{"event": "metric", "st')  # the writer was killed here
    events, cursor = log.read()
    assert events == [first]
    assert log.read(cursor) == ([], cursor)
    log.append(second := Metric(2, "loss", 1.0))
    events, end = log.read(cursor)
    assert events == [second]
    assert log.read(end) == ([], end)
    assert log.read()[0] == [first, second]


def test_a_resumed_run_reads_as_one() -> None:
    history = History()
    for event in (
        Started(),
        *(Metric(step, "loss", 10.0 - step) for step in range(1, 14)),
        Started(step=10),  # it was killed after step 13; the checkpoint was of step 10
        Metric(11, "loss", -1.0),
    ):
        history.add(event)
    assert list(history.metrics["loss"]) == list(range(1, 12))
    assert history.metrics["loss"][11] == -1.0
    assert (history.step, history.state) == (11, "running")
    history.add(Stopped(11, {"state": "stopped"}))
    assert (history.state, history.result) == ("stopped", {"state": "stopped"})


def test_clock_knows_the_time_left_only_after_a_unit() -> None:
    clock = Clock(10, "steps", done=5)
    assert clock.progress(5).seconds_left is None
    left = clock.progress(7).seconds_left
    assert left is not None and left >= 0
    assert clock.progress(10).seconds_left == 0
