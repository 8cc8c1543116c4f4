"""From numbers to findings: single clips, and clips that stand out from the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from made_speech import TEXTS, dataset, records, speech, with_text

from amharic_tts.dataset.checks.judge import judge
from amharic_tts.dataset.checks.ranking import ranked
from amharic_tts.dataset.checks.record import Record
from amharic_tts.dataset.manifest import Dataset

Clean = tuple[Dataset, dict[str, Record]]
GOOD = {"score": 0.6, "missing_end": False, "repeats": 0, "extra_phones": 0}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    folder = tmp_path_factory.mktemp("d")
    found = dataset(folder, {f"c{i}": speech(2.0 + 0.1 * i, 120, i) for i in range(10)})
    measured = records(found, {f"c{i}": {"agreement": GOOD} for i in range(10)})
    for record in measured.values():  # the buzz says no words: it gets the pace of a reader
        record["phones"] = " ".join("a" for _ in range(round(10 * record["seconds"])))
    return found, measured


def told(clean: Clean, id: str, part: str, **change: Any) -> list[tuple[str, float]]:
    """Return code and value of what is found in a clip when some numbers are changed."""
    found, measured = clean
    was = measured[id].get(part)
    new = {**was, **change} if isinstance(was, Mapping) else change[part]
    notes = judge(found, {**measured, id: {**measured[id], part: new}})
    return [(n["code"], n["value"]) for n in notes[id]]


def test_clean_clips_have_no_findings(clean: Clean) -> None:
    assert {id: notes for id, notes in judge(*clean).items() if notes} == {}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"snr_db": 8.0}, ("noisy", 8.0)),
        ({"flat_share": 0.01}, ("clipping", 1.0)),
        ({"quiet_start": 0.6}, ("silence_start", 0.6)),
        ({"quiet_end": 0.6}, ("silence_end", 0.6)),
        ({"edge_start_db": -3.0}, ("cut_start", -3.0)),
        ({"edge_end_db": -3.0}, ("cut_end", -3.0)),
        ({"longest_pause": 1.5}, ("long_pause", 1.5)),
        ({"hole": 0.02}, ("hole", 20.0)),
        ({"bandwidth": 4000.0}, ("narrow_band", 4000.0)),
        ({"offset": -0.05}, ("offset", -5.0)),
        ({"speech_db": -80.0}, ("inaudible", -80.0)),
        ({"loudness": -60.0}, ("quiet", -60.0)),
        ({"loudness": -8.0}, ("loud", -8.0)),
    ],
)
def test_a_number_beyond_its_limit(
    clean: Clean, change: dict[str, float], wanted: tuple[str, float]
) -> None:
    assert wanted in told(clean, "c3", "sound", **change)
    assert len(told(clean, "c3", "sound", **change)) == 1


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"score": 0.2, "missing_end": True}, ("speech_differs", 0.2)),
        ({"missing_end": True}, ("end_unsaid", 0.6)),
        ({"repeats": 2, "extra_phones": 9}, ("said_twice", 2.0)),
        ({"extra_phones": 9}, ("more_said", 9.0)),
    ],
)
def test_speech_and_text(clean: Clean, change: dict[str, Any], wanted: tuple[str, float]) -> None:
    assert told(clean, "c3", "agreement", **change) == [wanted]


def test_an_end_in_loud_noise_tells_nothing(clean: Clean) -> None:
    found = told(clean, "c3", "sound", snr_db=5.0, edge_end_db=-5.0, edge_start_db=-5.0)
    assert [code for code, _ in found] == ["noisy"]


@pytest.mark.parametrize(("times", "code"), [(2.0, "fast"), (0.5, "slow"), (1.3, "")])
def test_the_pace_beside_that_of_the_speaker(clean: Clean, times: float, code: str) -> None:
    count = round(10 * times * clean[1]["c9"]["seconds"])
    found = [c for c, _ in told(clean, "c9", "phones", phones="a " * count)]
    assert found == ([code] if code else [])


def test_another_voice(clean: Clean) -> None:
    voice = list(np.array(clean[1]["c9"]["voice"], dtype=float) + 2)
    assert [c for c, _ in told(clean, "c9", "voice", voice=voice)] == ["other_speaker"]


def test_few_clips_have_no_middle(clean: Clean) -> None:
    found, measured = clean
    few = dataclasses.replace(found, utterances=found.utterances[:5])
    strange = {**measured, "c3": {**measured["c3"], "voice": [9.0] * 20, "phones": "a " * 40}}
    assert not any(judge(few, {row.id: strange[row.id] for row in few.utterances}).values())


def test_the_same_text_in_other_marks_and_the_same_recording(clean: Clean) -> None:
    found, measured = clean
    rows = list(found.utterances)
    rows[5] = with_text(rows[5], TEXTS[2].replace("።", "!!"))
    twice = {**measured, "c7": {**measured["c7"], "print": measured["c1"]["print"]}}
    notes = judge(dataclasses.replace(found, utterances=tuple(rows)), twice)
    assert [(n["code"], n["message"]) for n in notes["c5"]] == [
        ("duplicate_text", "`c2` has the same text")
    ]
    assert [(n["code"], n["value"], n["mend"]) for n in notes["c7"]] == [("twin", 100.0, "drop")]
    assert notes["c1"] == notes["c2"] == []


def test_a_sound_that_was_exchanged(clean: Clean) -> None:
    assert told(clean, "c3", "changed", changed=True) == [("audio_changed", 1.0)]


def test_rows_without_sound_are_judged_by_their_text(clean: Clean) -> None:
    found, measured = clean
    text = {**measured["c3"]["text"], "foreign": 0.5, "foreign_letters": "abc"}
    bare = {"id": "c3", "text": text, "phones": ""}
    notes = judge(found, {**measured, "c3": bare})
    assert [n["code"] for n in notes["c3"]] == ["wrong_script"]


def test_the_gravest_first(clean: Clean) -> None:
    found, measured = clean
    bad = dict(measured)
    for id, score in (("c2", 0.3), ("c4", 0.1)):
        bad[id] = {**measured[id], "agreement": {**GOOD, "score": score}}
    bad["c1"] = {**measured["c1"], "sound": {**measured["c1"]["sound"], "quiet_end": 2.0}}
    order = ranked(found, judge(found, bad))
    assert [(one.row.id, one.code) for one in order] == [
        ("c4", "speech_differs"),
        ("c2", "speech_differs"),
        ("c1", "silence_end"),
    ]
    assert [one.row.id for one in ranked(found, judge(found, bad), "silence_end")] == ["c1"]
