"""Sentences that are spoken while a run trains: heard, measured, and without a trace in the run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from run_fixtures import make_workspace
from test_session import session

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Metric, Sample, Stopped
from amharic_tts.jobs.scores import Scores
from amharic_tts.synthesis import text_split
from amharic_tts.synthesis.check import SentenceCheck, SentenceJudge
from amharic_tts.synthesis.engine import SpeechEngine
from amharic_tts.workspace import Workspace
from training.speaking import Speaker, undisturbed

TEXTS = ("ቡና", "en: Hi")
SAMPLED: dict[str, Any] = {
    **{"steps": 3, "eval_every": 3, "save_every": 3, "sample_every": 2, "sample_texts": TEXTS},
    **{"ema_decay": 0.5, "lora_rank": 2},
}


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Let the practice base, which never ends by itself, make half a second; hear nothing."""
    heard = SentenceCheck("failed", (), phoneme_error=0.5, agreement=0.75, missing_end=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text_split, "max_codes", lambda prepared, limit: 10)
        patched.setattr(SentenceJudge, "judge", lambda self, *said: heard)
        yield


@pytest.fixture(scope="module")
def sampled(studio: Workspace, quick: None) -> tuple[Path, list[Event]]:
    """A finished run with samples, and what it told."""
    work, told = session(studio, "sampled", **SAMPLED)
    assert isinstance(work.work(), Done)
    return work.run, told


def losses(told: list[Event]) -> list[tuple[int, str, float]]:
    names = ("loss", "loss_text", "loss_mel", "grad_norm", "eval_loss")
    return [(e.step, e.name, e.value) for e in told if isinstance(e, Metric) and e.name in names]


def test_samples_are_spoken_and_change_no_loss(
    studio: Workspace, sampled: tuple[Path, list[Event]]
) -> None:
    run, told = sampled
    spoken = [(e.step, e.audio, e.text) for e in told if isinstance(e, Sample)]
    assert spoken == [
        (step, f"samples/step-{step}/{number}.wav", text)
        for step in (0, 2, 3)
        for number, text in ((1, "ቡና"), (2, "Hi"))
    ]
    sounds = [soundfile.read(run / audio)[0] for _, audio, _ in spoken]
    assert all(np.isfinite(sound).all() and 0.3 < len(sound) / 24000 < 0.7 for sound in sounds)
    assert not np.array_equal(sounds[0], sounds[2])  # the weights have changed
    assert soundfile.info(run / "samples" / "reference.wav").samplerate == 22050

    plain = {**SAMPLED, "sample_every": 0, "sample_texts": ()}
    without, told_without = session(studio, "plain", **plain)
    without.work()
    assert losses(told) == losses(told_without) and len(losses(told)) > 12  # to the last bit
    weights = "checkpoints/checkpoint-3/model.safetensors"
    assert (run / weights).read_bytes() == (without.run / weights).read_bytes()
    rng = "checkpoints/checkpoint-3/rng_state.pth"
    assert (run / rng).read_bytes() == (without.run / rng).read_bytes()


def test_what_is_heard_is_what_the_voice_says(
    sampled: tuple[Path, list[Event]], tmp_path: Path
) -> None:
    """The voice of step 3 (its average, adapters merged) says the sample of step 3 bit for bit."""
    run, _ = sampled
    engine = SpeechEngine.load(run / "ready", "cpu")
    for number, (text, language) in enumerate((("ቡና", "am"), ("Hi", "en")), 1):
        speech = engine.speak(text, run / "samples" / "reference.wav", language, seed=7)
        soundfile.write(tmp_path / "said.wav", speech.samples, speech.rate, subtype="PCM_16")
        kept = run / f"samples/step-3/{number}.wav"
        assert (tmp_path / "said.wav").read_bytes() == kept.read_bytes()


def test_scores_are_kept_and_told(sampled: tuple[Path, list[Event]]) -> None:
    run, told = sampled
    metrics = {(e.step, e.name): e.value for e in told if isinstance(e, Metric)}
    assert [metrics[step, "phoneme_error"] for step in (0, 2, 3)] == [0.5] * 3
    found = Scores(run).read()
    assert list(found) == [0, 2, 3]
    first = found[0].samples[0]
    assert (first.language, first.text, first.seed) == ("am", "ቡና", 7)
    assert first.ran_away and not first.stopped_early and first.missing_end
    assert first.seconds == pytest.approx(0.46, abs=0.05)
    assert first.expected_seconds == pytest.approx(2 / 5.4, abs=0.01)
    assert first.similarity is not None and -1 <= first.similarity <= 1
    assert (first.phoneme_error, first.agreement, first.reasons) == (0.5, 0.75, {})
    assert found[0].mean("phoneme_error") == 0.5 and found[0].count("ran_away") == 2


def test_a_stop_while_speaking_is_heeded_and_made_up_for(
    studio: Workspace, sampled: tuple[Path, list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, _ = session(studio, "stopped", **SAMPLED)
    real = Speaker.speak

    def speak(self: Speaker, step: int, gpt: Any) -> Any:
        if step == 2:
            work.stop._signalled = True
        return real(self, step, gpt)

    with monkeypatch.context() as patched:
        patched.setattr(Speaker, "speak", speak)
        final = work.work()
    assert isinstance(final, Stopped) and final.step == 2
    assert list(Scores(work.run).read()) == [0]
    again, told = session(studio, "stopped", **SAMPLED)
    assert isinstance(again.work(), Done)
    assert [e.step for e in told if isinstance(e, Sample)] == [2, 2, 3, 3]
    run, _ = sampled
    for step in (2, 3):
        name = f"samples/step-{step}/1.wav"
        assert (work.run / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("xx: hello",), "sample_texts: the base does not know the language `xx`"),
        (("ሰላም ☃",), "sample_texts: `ሰላም ☃`: The voice can't read these characters: `☃`"),
        (("en: " + "word " * 60,), "is too long to be said in one go"),
    ],
)
def test_what_can_not_be_said_is_refused_before_the_training(
    studio: Workspace, texts: tuple[str, ...], words: str
) -> None:
    work, _ = session(studio, "refused", **{**SAMPLED, "sample_texts": texts})
    with pytest.raises(UserError) as caught:
        work.work()
    assert words in caught.value.message
    assert not (work.run / "checkpoints").exists()


def test_random_states_are_given_back() -> None:
    def draws() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(1))]

    def begin() -> None:
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)

    begin()
    expected = draws()
    begin()
    with undisturbed():
        draws()
    assert draws() == expected


def test_sound_that_can_not_be_made_is_a_finding_and_no_end(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise StudioError("no numbers")

    monkeypatch.setattr(SpeechEngine, "_heard", fail)
    work, told = session(studio, "mute", **{**SAMPLED, "steps": 1})
    assert isinstance(work.work(), Done)
    sample = Scores(work.run).read()[1].samples[0]
    assert (sample.audio, sample.similarity, sample.reasons["audio"]) == ("", None, "no numbers")
    assert not [e for e in told if isinstance(e, Sample)]
