"""The rows of the practice base's benchmarks: their shape, and figures of made speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from practice_speakers import TEXTS, CountingEar, MadeSpeaker

from amharic_tts.synthesis.engine import RATE
from benchmarks import practice, practice_judge, practice_tuning
from benchmarks.practice_tuning import Take, Tuned
from training.practice.judge import Judge
from training.practice.voices import JUDGED

COLUMNS = ["measure", "unit", "peer", "ours", "ratio", "goal"]


def by_measure(rows: list[practice_tuning.Row]) -> dict[str, practice_tuning.Row]:
    assert all(list(row)[:6] == COLUMNS for row in rows)
    return {f"{row['measure']} ({row['unit']})": row for row in rows}


def test_rows_of_what_was_heard() -> None:
    teacher = MadeSpeaker()
    judge = Judge(teacher, JUDGED, CountingEar(), CountingEar())
    early = MadeSpeaker(lambda sound: sound[: round(0.6 * len(sound))])
    verdict = judge.verdict(list(judge.judge(early, TEXTS)))
    swapped = practice.Swapped(teacher, TEXTS["am"])  # type: ignore[arg-type]
    chance = judge.verdict(list(judge.judge(swapped, {"am": TEXTS["am"]})))
    rows = by_measure(list(practice.speech(verdict, chance, "phonemes")))
    words = rows["English word error, practice minus teacher (points)"]
    assert (words["peer"], words["ours"], words["goal"]) == (None, 66.7, 25)
    assert words["note"].startswith("standard error ")
    both = rows["English phone error (%)"]
    assert (both["peer"], both["ours"], both["ratio"]) == (33.3, 100.0, 3.0)
    named = "Amharic read as phonemes: "
    whole = rows[f"{named}sentences that neither stop early nor run on (%)"]
    assert (whole["peer"], whole["ours"], whole["goal"]) == (100.0, 0.0, 90)
    apart = rows[f"{named}mel-cepstral distortion (peer: another sentence) (dB)"]
    assert apart["ours"] < apart["peer"] and apart["goal"] == 7


def test_without_english_there_are_no_rows_of_it() -> None:
    judge = Judge(MadeSpeaker())
    verdict = judge.verdict(list(judge.judge(MadeSpeaker(), {"am": TEXTS["am"]})))
    rows = list(practice.speech(verdict, verdict, "letters"))
    assert [row["measure"].partition(":")[0] for row in rows] == ["Amharic read as letters"] * 4


def take(likeness: float, pitch: float, distortion: float = 5.0) -> Take:
    return Take(np.sin(np.arange(RATE) / 20).astype(np.float32), likeness, distortion, pitch)


def test_rows_of_a_learned_voice() -> None:
    found = Tuned(
        texts=("a", "b", "c", "d"),
        own=tuple(take(0.9, 100.0) for _ in range(4)),
        before=tuple(take(0.5, 200.0, 8.0) for _ in range(4)),
        after=(take(0.7, 100.0), take(0.6, 50.0), take(0.8, float("nan")), take(0.4, 100.0)),
        seconds=12.34,
    )
    rows = by_measure(list(practice_tuning.tuned_rows(found)))
    name = "40 sentences of a voice never heard: "
    rising = rows[f"{name}sentences that come nearer to it (%)"]
    assert (rising["ours"], rising["goal"]) == (75.0, 90)
    likeness = rows[f"{name}likeness (peer: before) (cosine)"]
    assert (likeness["peer"], likeness["ours"], likeness["ratio"]) == (0.5, 0.625, 1.25)
    assert likeness["note"] == "the voice itself 0.900"
    pitch = rows[f"{name}pitch off by (peer: before) (semitones)"]
    assert (pitch["peer"], pitch["ours"]) == (12.0, 0.0)
    assert rows[f"{name}training (s wall)"]["ours"] == 12.3
    shown = practice_tuning.examples(found)
    assert [example.name for example in shown] == ["tuned-1", "tuned-2"]
    assert list(shown[0].sounds) == ["the new voice", "before training", "after training"]


def test_recordings_of_a_voice(tmp_path: Path) -> None:
    practice_tuning.record(tmp_path / "new", MadeSpeaker(), JUDGED, ("ሰላም", "ደህና ነኝ"))  # type: ignore[arg-type]
    table = (tmp_path / "new" / "metadata.csv").read_text(encoding="utf-8")
    assert table == "clip01|ሰላም\nclip02|ደህና ነኝ\n"
    assert soundfile.info(tmp_path / "new" / "clip02.wav").samplerate == RATE


def test_what_the_judge_says_of_known_changes() -> None:
    teacher = MadeSpeaker()
    judge = Judge(teacher, JUDGED, CountingEar(), CountingEar())
    texts = {"en": TEXTS["en"], "am": TEXTS["am"][:2]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(practice_judge, "by_mel", lambda samples: samples)  # it takes torch
        found = practice_judge.verdicts(judge, teacher, texts)
    rows = by_measure(list(practice_judge.rows(found)))
    assert len(rows) == 10 * 6
    chance = rows["distortion am, another sentence (dB)"]
    assert chance["ratio"] == 1.0
    assert rows["distortion am, noise (dB)"]["ours"] > 8
    assert rows["distortion am, words a minute 150 instead of 125 (dB)"]["ours"] < 0.01
    assert rows["whole sentences am, the last quarter missing (%)"]["peer"] == 100.0
