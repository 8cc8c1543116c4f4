"""The checkpoints of a run on the Train page: the table, two sounds side by side, a voice."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Metric, Started
from amharic_tts.jobs import process, training
from amharic_tts.jobs.scores import SampleScore, Scores, StepScores
from amharic_tts.jobs.store import Job
from amharic_tts.settings import Settings
from amharic_tts.ui import checkpoints_view, words
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.pages.train import TrainPage
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

SAY = words.load("en")


def wav(path: Path, frames: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24000)
        file.writeframes(bytes(2 * frames))


@pytest.fixture
def run(full: Workspace) -> Any:
    """A run of two evaluated steps, spoken at both, of which the second is on the disk."""
    job = training.create_run(full, FinetuneConfig(dataset="sample", steps=8))
    job.events.append(Started(1))
    for step, loss in ((4, 5.0), (8, 4.5)):
        job.events.append(Metric(step, "loss", loss))
        job.events.append(Metric(step, "eval_loss", loss + 1))
        audio = f"samples/step-{step}/1.wav"
        wav(job.folder / audio, 24000)
        sample = SampleScore(
            "am", "ሰላም", audio, seconds=1.0, expected_seconds=1.2, ran_away=step == 4,
            similarity=0.25, phoneme_error=0.5, reasons={"agreement": "no recogniser"},
        )  # fmt: skip
        Scores(job.folder).put(StepScores(step, (sample,)))
    wav(job.folder / "samples" / "reference.wav", 100)
    (job.folder / "checkpoints" / "checkpoint-8").mkdir(parents=True)
    job.events.append(Done({"run": job.id}))
    yield job
    full.discard(job.folder)


def page_of(workspace: Workspace) -> TrainPage:
    import gradio as gr

    with gr.Blocks():
        return TrainPage(Studio(Settings(workspace.root), workspace, SAY)).build()


def test_the_table_tells_what_was_measured_and_why_not(full: Workspace, run: Job) -> None:
    box = page_of(full).checkpoints
    shown = box.show(Watch(run.id))
    told = shown[box.table]
    assert told.count("<tr>") == 3
    for text in ("4.500", "5.500", "50%", "0.25", "1.0 / 1.2", "1 of 1 did not end"):
        assert text in told
    assert told.count(">on disk<") == told.count(">best<") == 1
    assert "Agrees with the text: no recogniser" in told
    assert shown[box.step].choices == [("Step 8", 8)]
    assert shown[box.step].value == 8
    assert shown[box.plot].visible is True


def test_two_steps_and_the_reference_are_heard_side_by_side(full: Workspace, run: Job) -> None:
    box = page_of(full).checkpoints
    shown = box.show(Watch(run.id))
    assert [label for label, _ in shown[box.one].choices] == [
        "Step 4",
        "Step 8",
        "The reference clip",
    ]
    assert (shown[box.one].value, shown[box.two].value) == (4, 8)
    heard = box.hear(Watch(run.id), "ሰላም", 8, checkpoints_view.REFERENCE)
    sizes = [Path(heard[sound]).stat().st_size for sound in (box.sound_one, box.sound_two)]
    assert sizes == [48044, 244]
    # Copies: nothing of the workspace is served.
    assert full.root not in Path(heard[box.sound_one]).parents
    assert box.hear(Watch(run.id), "unknown", 8, 4)[box.sound_one] is None


def test_a_sound_outside_the_run_is_not_given(full: Workspace, run: Job) -> None:
    stray = SampleScore("am", "ሰላም", "../../../secret.wav")
    wav(full.root / "secret.wav", 10)
    Scores(run.folder).put(StepScores(4, (stray,)))
    box = page_of(full).checkpoints
    assert box.hear(Watch(run.id), "ሰላም", 4, 8)[box.sound_one] is None


def test_a_voice_is_made_of_a_kept_checkpoint_only(
    full: Workspace, run: Job, monkeypatch: Any
) -> None:
    started: list[list[str]] = []
    real = Studio.start_task

    def record(self: Studio, page: str, title: str, arguments: Any) -> Any:
        started.append(arguments)
        return real(self, page, title, arguments)

    monkeypatch.setattr(Studio, "start_task", record)
    monkeypatch.setattr(process, "start", lambda *_: None)
    box = page_of(full).checkpoints
    with pytest.raises(UserError, match="has no checkpoint of step 4"):
        box.make_voice(Watch(run.id), 4)
    box.make_voice(Watch(run.id), 8)
    box.measure(Watch(run.id))
    assert started == [
        ["runs", "export", run.id, "--step", "8"],
        ["runs", "checkpoints", run.id, "--score"],
    ]
    monkeypatch.setattr(process, "alive", lambda _: True)
    with pytest.raises(UserError, match="is running"):
        box.make_voice(Watch(run.id), 8)


def test_a_run_without_checkpoints_shows_none(full: Workspace) -> None:
    job = training.create_run(full, FinetuneConfig(dataset="sample"))
    box = page_of(full).checkpoints
    assert box.show(Watch(job.id))[box.box].visible is False
    assert box.show(Watch())[box.box].visible is False
    full.discard(job.folder)
