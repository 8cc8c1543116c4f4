"""The model card of the practice base: what it tells, its pictures and its sounds."""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from practice_speakers import TEXTS, CountingEar, MadeSpeaker

from amharic_tts.errors import UserError
from amharic_tts.phonemes.plots import ROWS
from amharic_tts.synthesis.engine import RATE, Piece
from training.practice import evidence as gathering
from training.practice import pitch, report
from training.practice.evidence import Evidence
from training.practice.judge import Judge
from training.practice.speakers import PROMPTS, ModelSpeaker
from training.practice.voices import JUDGED


def tone(seconds: float, height: float = 200.0) -> np.ndarray:
    return np.sin(2 * np.pi * height * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def embed(samples: np.ndarray) -> np.ndarray:
    return np.array([1.0, float(np.abs(samples).mean()), pitch.median(samples, RATE) / 100])


@pytest.fixture(scope="module")
def found() -> Evidence:
    judge = Judge(MadeSpeaker(), JUDGED, CountingEar(), CountingEar())
    told: list[str] = []
    speaker = MadeSpeaker(lambda sound: sound[: round(0.6 * len(sound))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "VOICES", 2)
        patch.setattr(gathering, "APART", 3)
        gathered = gathering.gather(speaker, judge, TEXTS, embed, told.append)
    assert told[4] == "5 of 5 sentences judged" and len(told) == 7
    return gathered


def test_all_is_gathered(found: Evidence) -> None:
    assert found.verdict is not None and found.verdict.whole() == 0.0
    assert list(found.separations) == list(found.imitations)
    assert {s.voices for s in found.separations.values()} == {3}
    assert {len(i.sentences) for i in found.imitations.values()} == {2 * 3}
    assert [example.name for example in found.examples] == ["en-1", "en-2", "am-1", "am-2", "am-3"]
    assert all(list(example.sounds) == ["teacher", "practice base"] for example in found.examples)


def test_the_card_and_its_files(found: Evidence, tmp_path: Path) -> None:
    path = report.write(tmp_path / "card", found)
    text = path.read_text(encoding="utf-8")
    assert path.name == "MODEL_CARD.md"
    # Six of six words wrong, where the teacher has two: see CountingEar.
    assert "| English phones heard wrong | 33.3 % | 100.0 % | +66.7 points (±" in text
    assert "| Amharic, sentences that are whole | 100 % | 0.00 % |" in text
    assert "trained from nothing" in text and "No person has rated it" in text
    linked = set(re.findall(r"\]\(([^)]+)\)", text))
    assert linked == {file.name for file in path.parent.iterdir()} - {path.name}
    assert len(linked) == 5 * 3
    samples, rate = soundfile.read(path.parent / "am-1-practice-base.mp3")
    wanted = len(found.examples[2].sounds["practice base"])
    assert rate == RATE and len(samples) == pytest.approx(wanted, abs=0.1 * RATE)


def test_what_was_not_measured_is_said() -> None:
    text = report.card(Evidence())
    assert "How well it speaks: not measured" in text
    assert "Heard and seen" not in text and "Made from" not in text
    judge = Judge(MadeSpeaker(), JUDGED, CountingEar())
    spoken = list(judge.judge(MadeSpeaker(), {"en": TEXTS["en"]}))
    text = report.card(Evidence(judge.verdict(spoken), made_from={"hours of speech": "2.1"}))
    assert "| English words heard wrong (small Whisper) | not measured | not measured |  |" in text
    assert "Amharic, mel-cepstral" not in text
    assert "- hours of speech: 2.1" in text


def test_a_picture_holds_its_sounds_one_under_the_other() -> None:
    drawn = report.picture([tone(0.5), tone(1.0, 4000)])
    width, height = struct.unpack(">II", drawn[16:24])
    assert (width, height) == (2 * 100, 2 * (2 * ROWS + 6))
    assert b"tRNS" not in drawn  # nothing lets a dark page through
    at = drawn.index(b"IDAT")
    [size] = struct.unpack(">I", drawn[at - 4 : at])
    levels = np.frombuffer(zlib.decompress(drawn[at + 4 : at + 4 + size]), np.uint8)
    levels = levels.reshape(height, width + 1)[::2, 1::2]
    assert levels[:, 25].argmax() == pytest.approx(ROWS - 1 - 3, abs=1)  # 200 Hz, 62.5 Hz a row
    assert levels[ROWS + 6 :, 75].argmax() == pytest.approx(ROWS - 64, abs=1)  # 4 kHz
    assert not levels[: ROWS + 6, 60:].any()  # the first one ended


def test_sounds_are_small_and_not_louder_than_full_scale() -> None:
    made = report.mp3(3 * tone(2.0))
    samples, rate = soundfile.read(io.BytesIO(made))
    assert rate == RATE and np.abs(samples).max() < 1.3
    assert len(made) < 30_000


@pytest.mark.parametrize(("text", "said"), [("{", "can't be read"), ("[1]", "no JSON object")])
def test_a_wrong_file_of_facts(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "facts.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        report._told(path)
    path.write_text(json.dumps({"hours": 2}), encoding="utf-8")
    assert report._told(path) == {"hours": "2"}
    assert report._told(None) == {}


class Engine:
    """Says a tone for half a second a piece, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Path, str, int]] = []

    def say(self, text: str, reference: Path, language: str, seed: int) -> list[Piece]:
        self.asked.append((text, reference, language, seed))
        return [Piece(n + 1, 2, text, text, tone(0.5), 10, n == 1, 0.0, seed) for n in range(2)]


def test_a_model_imitates_a_clip_of_the_teacher_saying_something_else(tmp_path: Path) -> None:
    teacher, engines = MadeSpeaker(), {"en": Engine(), "am": Engine()}
    speaker = ModelSpeaker(engines, teacher, tmp_path)  # type: ignore[arg-type]
    spoken = [speaker.speak(text, "am", JUDGED, 5) for text in ("ሰላም", "ደህና")]
    assert spoken[0].cut and len(spoken[0].samples) == RATE
    assert teacher.asked == [(PROMPTS["am"], "am", JUDGED.name, 0)]  # once for all
    clip = tmp_path / "plain-125-50-am.wav"
    assert engines["am"].asked == [("ሰላም", clip, "am", 5), ("ደህና", clip, "am", 5)]
    assert soundfile.info(clip).samplerate == RATE
    assert engines["en"].asked == []
