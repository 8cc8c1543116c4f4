"""The end of a run by its eval loss, and its TensorBoard logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from run_fixtures import make_dataset, make_workspace
from test_session import session
from training_fixtures import Kit

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Metric, Stopped
from amharic_tts.jobs import store, training
from amharic_tts.workspace import Workspace
from training.checkpoints import Checkpoints

# Steps too small to be seen, also from zero: each eval loss is the first one's, to the last bit.
STILL: dict[str, Any] = {"steps": 9, "learning_rate": 1e-30, "eval_every": 1, "save_every": 100}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


def test_it_stops_after_the_evaluations_that_the_patience_allows(kit: Kit, tmp_path: Path) -> None:
    trainer, keeper, events = kit.trainer(tmp_path, **STILL, early_stop_patience=2)
    trainer.train()
    losses = [e.value for e in events if isinstance(e, Metric) and e.name == "eval_loss"]
    assert len(losses) == 3 and len(set(losses)) == 1
    assert trainer.state.global_step == 3 and not keeper.stopped
    assert [c.step for c in Checkpoints(tmp_path).all()] == [3]


def test_a_run_that_ended_early_is_done_and_says_why_when_resumed(studio: Workspace) -> None:
    work, told = session(studio, "early", **STILL, early_stop_patience=2)
    done = work.work()
    assert isinstance(done, Done) and done.result["voice"]
    job = store.get(studio, "early")
    for event in (*told, done):
        job.events.append(event)
    [finding] = [e for e in told if isinstance(e, Finding) and e.code == "early_stop"]
    assert finding.message.startswith("ended at step 3: no lower eval loss than")
    assert finding.message.endswith("of step 1 in the last 2 evaluations")
    with pytest.raises(UserError, match="is finished: early_stop_patience ended at step") as caught:
        training.resume_run(studio, "early")
    assert "To go on to step 9, raise early_stop_patience (it is 2)" in caught.value.hint

    again, told = session(studio, "early", **STILL, early_stop_patience=2)
    second = again.work()  # started by hand all the same: nothing is trained
    assert isinstance(second, Done) and second.result == done.result
    assert not [e for e in told if isinstance(e, Metric)]
    assert finding.message in [e.message for e in told if isinstance(e, Finding)]


def test_patience_needs_rows_to_evaluate_on(studio: Workspace) -> None:
    make_dataset(studio, "train-only", split="train")
    work, _ = session(studio, "no-eval", dataset="train-only", early_stop_patience=1)
    with pytest.raises(UserError, match="early_stop_patience: no row of the dataset is kept"):
        work.work()


def test_tensorboard_logs_hold_the_eval_loss(studio: Workspace) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    work, told = session(studio, "board", eval_every=1, report_to_tensorboard=True)
    work.work()
    logs = EventAccumulator(str(work.run / "tensorboard")).Reload()
    written = {e.step: e.value for e in logs.Scalars("eval/loss")}
    events = [e for e in told if isinstance(e, Metric) and e.name == "eval_loss"]
    assert written == pytest.approx({e.step: e.value for e in events}, rel=1e-6)
    assert sorted(written) == [1, 2]


def test_a_resumed_run_has_waited_before_too(studio: Workspace) -> None:
    work, told = session(studio, "waited", **STILL, early_stop_patience=2)

    def emit(event: Event) -> None:
        told.append(event)
        if isinstance(event, Metric) and (event.step, event.name) == (2, "eval_loss"):
            work.stop._signalled = True  # heeded at the end of step 3, before its evaluation

    work.emit = emit
    stopped = work.work()
    assert isinstance(stopped, Stopped) and stopped.step == 3
    again, told = session(studio, "waited", **STILL, early_stop_patience=2)
    done = again.work()
    assert isinstance(done, Done)
    # The evaluation of step 3 is made up for before step 4, and settled by that of step 4.
    assert [e.step for e in told if isinstance(e, Metric) and e.name == "eval_loss"] == [3, 4]
    assert done.result["steps"] == 4
