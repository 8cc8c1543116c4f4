"""The check of spoken sentences: verdicts from numbers, and planted faults that are heard."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from amharic_tts.errors import MissingPart
from amharic_tts.espeak import client
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.synthesis import check
from amharic_tts.synthesis.check import SentenceCheck, SentenceJudge, best
from benchmarks.speech_check import RATE, said, table_rows

ENGLISH = "the morning was bright and people came along the river"
AMHARIC = "አስተማሪዋ ለተማሪዎቹ አዲስ መጽሐፍ አመጣች።"
OTHER = {"en": "nobody knew what to say about it", "am": "ቡና እና ሻይ በጣም እወዳለሁ።"}
VOICE = ("", 125, 50)
needs_speech = pytest.mark.skipif(
    not (present() and client.installed()), reason="hama or espeak-ng has no build here"
)


@pytest.fixture(scope="module")
def judge() -> SentenceJudge:
    return SentenceJudge()


@needs_speech
@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (AMHARIC, "am")])
def test_right_speech_and_planted_faults(judge: SentenceJudge, text: str, language: str) -> None:
    words = text.split()
    right = said(text, language, VOICE)

    def judged(sound: np.ndarray) -> SentenceCheck:
        return judge.judge(sound, RATE, text, language, False)

    passed = judged(right)
    assert (passed.verdict, passed.reasons, passed.length) == ("ok", (), "ok")
    assert passed.not_compared == "" and passed.missing_sounds is not None
    short = right[: int(0.6 * len(right))]
    faults: dict[str, tuple[np.ndarray, tuple[str, ...]]] = {
        "cut off": (short, ("end of the text is not heard", "part of the text is not heard")),
        "a word missing": (
            said(" ".join([words[0], *words[2:]]), language, VOICE),
            ("part of the text is not heard",),
        ),
        "said twice": (
            said(" ".join([*words[:3], *words[1:]]), language, VOICE),
            ("said twice", "that the text does not have"),
        ),
        "another": (said(OTHER[language], language, VOICE), ("something else is heard",)),
        "noise": (_noise(len(right)), ("something else is heard",)),
    }
    for name, (sound, reasons) in faults.items():
        found = judged(sound)
        assert found.verdict == "failed", (name, found)
        assert any(reason in told for reason in reasons for told in found.reasons), (name, found)
    takes = [judged(short), passed, judged(right[: int(0.95 * len(right))])]
    assert best(takes) == 1


def _noise(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, count).astype(np.float32)


@needs_speech
def test_phones_as_text(judge: SentenceJudge) -> None:
    sound = said("ሰላም", "am", VOICE)
    found = judge.judge(sound, RATE, "s ə l a m", "am", False, phonemes=True)
    assert found.agreement is not None and found.not_compared == ""
    assert found.expected_seconds == pytest.approx(0.5)
    wrong = judge.judge(sound, RATE, "not phones!", "am", False, phonemes=True)
    assert wrong.verdict == "not checked" and "is no phone in IPA" in wrong.not_compared


@needs_speech
def test_a_language_without_limits_is_never_passed(judge: SentenceJudge) -> None:
    sound = said("good morning", "en", VOICE)
    found = judge.judge(sound, RATE, "Guten Morgen", "de", False)
    assert found.verdict == "not checked" and not found.ok
    assert found.agreement is not None, "the figures are told"
    assert found.reasons[0] == "the limits of the check are not measured for the language `de`"


def tone(seconds: float) -> np.ndarray:
    return np.full(round(seconds * RATE), 0.3, dtype=np.float32)


class Deaf:
    """Can't be had, and counts how often it was tried."""

    tried = 0

    def hear(self, audio: Any, rate: float) -> Any:
        Deaf.tried += 1
        raise MissingPart("the recogniser is not here", "Install it")


@pytest.mark.parametrize("language", ["am", "qq", "zh"])
def test_without_a_recogniser_or_g2p_nothing_is_passed(language: str) -> None:
    found = SentenceJudge(Deaf()).judge(tone(0.8), RATE, "ሰላም ለአንተ", language, False)
    assert found.verdict == "not checked"
    assert found.not_compared and found.not_compared in found.reasons
    assert (found.agreement, found.phoneme_error, found.missing_end) == (None, None, None)


@pytest.mark.parametrize(
    ("seconds", "cut", "verdict", "reason"),
    [
        (0.8, True, "failed", "did not stop by itself"),
        (0.2, False, "failed", "much too short: 0.2 s, and the text takes about 0.9 s"),
        (9.0, False, "not checked", "much too long: 9.0 s"),
    ],
)
def test_length_is_judged_without_a_recogniser(
    seconds: float, cut: bool, verdict: str, reason: str
) -> None:
    found = SentenceJudge(Deaf()).judge(
        tone(seconds), RATE, "s ə l a m a n t ə", "am", cut, phonemes=True
    )
    assert found.verdict == verdict and any(reason in told for told in found.reasons)
    fast = SentenceJudge(Deaf()).judge(
        tone(0.5), RATE, "s ə l a m a n t ə", "am", False, speed=2.0, phonemes=True
    )
    assert fast.length == "ok" and fast.expected_seconds == pytest.approx(0.45)


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(RATE, np.float32)])
def test_silence_fails_in_any_language(sound: np.ndarray) -> None:
    found = SentenceJudge(Deaf()).judge(sound, RATE, "hello", "qq", False)
    assert found.verdict == "failed" and found.agreement == 0.0
    assert found.reasons == ("nothing is heard: the sound is silent",)


def test_bad_text_is_told() -> None:
    found = SentenceJudge(Deaf()).judge(tone(1.0), RATE, "Привет", "en", False)
    assert found.verdict == "not checked" and "letters that are not read" in found.reasons[0]


def test_it_goes_through_json() -> None:
    found = SentenceCheck("failed", ("a", "b"), agreement=0.123456, seconds=1.0, cut=True)
    body = json.loads(json.dumps(found.to_dict()))
    assert body["agreement"] == 0.1235
    assert SentenceCheck.from_dict({**body, "later": 1}).reasons == ("a", "b")


def test_the_best_take() -> None:
    ok, doubtful = SentenceCheck("ok", agreement=0.7), SentenceCheck("doubtful", agreement=0.9)
    unknown, failed = SentenceCheck("not checked"), SentenceCheck("failed", agreement=0.95)
    assert best([failed, unknown, doubtful, ok]) == 3
    assert best([failed, unknown, doubtful]) == 2
    assert best([failed, unknown]) == 1
    assert best([ok, SentenceCheck("ok", agreement=0.8)]) == 1
    near = SentenceCheck("ok", agreement=0.7, seconds=2.1, expected_seconds=2.0)
    far = SentenceCheck("ok", agreement=0.7, seconds=3.0, expected_seconds=2.0)
    assert best([far, near, near]) == 1
    with pytest.raises(ValueError, match="no takes"):
        best([])


def test_every_limit_of_a_language_is_in_order() -> None:
    assert set(check.LIMITS) == {"am", "en"}
    assert all(0 < each.failed < each.doubtful < 1 for each in check.LIMITS.values())


def test_the_rows_of_the_benchmark() -> None:
    from collections import Counter

    kinds = {"right": Counter(ok=3, failed=1), "noise": Counter(failed=2, doubtful=1, ok=1)}
    rows = table_rows("x", {"kinds": kinds, "seconds": 10.0, "cpu": 0.1})
    found = {row["measure"]: row["ours"] for row in rows}
    assert found["x: right speech passed"] == 0.75
    assert found["x: faults told as failed (recall)"] == 0.5
    assert found["x: faults told as failed or doubtful"] == 0.75
    assert found["x: told as failed and faulty (precision)"] == 0.667
