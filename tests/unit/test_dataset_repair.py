"""Repair: the plan says what will be, the new state is so, and what was there stays."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from built_datasets import files
from made_media import Letters, findings, result
from made_speech import dataset, speech

from amharic_tts.audio.loudness import loudness
from amharic_tts.audio.read import RATE
from amharic_tts.dataset import repair
from amharic_tts.dataset.checks import run, store
from amharic_tts.dataset.checks.resplit import split_up
from amharic_tts.dataset.checks.run import CheckRequest
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.rules import note
from amharic_tts.dataset.statistics import before_and_after
from amharic_tts.dataset.validate import check
from amharic_tts.errors import UserError
from amharic_tts.events import Event
from amharic_tts.phonemes.align import WordScore
from amharic_tts.workspace import Workspace

QUIET = 4e-4 * np.random.default_rng(0).normal(0, 1, RATE).astype(np.float32)


def checked(workspace: Workspace) -> Dataset:
    list(run.check(workspace, CheckRequest("d", model="")))
    return Dataset.load(workspace.dataset("d"))


def repaired(workspace: Workspace, *mends: str, **more: Any) -> list[Event]:
    return list(repair.repair(workspace, "d", mends or repair.KINDS, **more))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with faults, checked once for all tests."""
    workspace = Workspace.open(tmp_path_factory.mktemp("made"))
    sounds = {f"c{i}": speech(2.6, 100 + 9 * i, i) for i in range(7)}
    sounds["c1"] = np.concatenate([QUIET, sounds["c1"], QUIET])
    sounds["c2"] = 0.1 * sounds["c2"] + 0.03
    sounds["c3"] = np.concatenate([QUIET, 0.1 * sounds["c3"]])
    sounds["c4"] = 1e-5 * QUIET
    dataset(workspace.dataset("d"), sounds)
    return checked(workspace).folder


@pytest.fixture
def faulty(workspace: Workspace, made: Path) -> Dataset:
    shutil.copytree(made, workspace.dataset("d"))
    return Dataset.load(workspace.dataset("d"))


def test_the_plan_says_what_will_be(faulty: Dataset) -> None:
    before = {name: (faulty.folder / name).read_bytes() for name in files(faulty.folder)}
    plan = repair.plan(faulty)
    assert [(a.id, a.mend, a.code) for a in plan.actions] == [
        ("c1", "trim", "silence_start"),
        ("c2", "normalise_loudness", "quiet"),
        ("c3", "trim", "silence_start"),
        ("c3", "normalise_loudness", "quiet"),
        ("c4", "drop", "inaudible"),
    ]
    assert plan.counts == {"trim": 2, "normalise_loudness": 2, "drop": 1}
    assert (plan.by_hand, plan.unchecked) == ({}, 0)
    trim = plan.actions[0]
    assert trim.after == pytest.approx(4.6 - trim.start - trim.end)
    assert trim.start > 0.8
    assert trim.end > 0.8
    after = {name: (faulty.folder / name).read_bytes() for name in files(faulty.folder)}
    assert after == before


def test_the_new_state_is_as_planned_and_the_old_sounds_stay(
    workspace: Workspace, faulty: Dataset
) -> None:
    planned = {(a.id, a.mend): a for a in repair.plan(faulty).actions}
    wavs = {p.name: p.read_bytes() for p in (faulty.folder / "wavs").iterdir()}
    done = result(repaired(workspace))
    now = {row.id: row for row in Dataset.load(faulty.folder).utterances}
    assert done["repaired"] == {"trim": 2, "normalise_loudness": 2, "drop": 1}
    assert now["c1"].duration == pytest.approx(planned["c1", "trim"].after, abs=1e-3)
    for id in ("c2", "c3"):
        samples, _ = soundfile.read(faulty.folder / now[id].audio, dtype="float32")
        wanted = planned[id, "normalise_loudness"].after
        assert loudness(samples, RATE) == pytest.approx(wanted, abs=0.3)
        assert abs(samples.mean()) < 1e-3
        assert np.abs(samples).max() <= 10 ** (-1 / 20) + 1e-3
    assert (now["c4"].decision, now["c4"].findings[-1]["code"]) == ("rejected", "dropped")
    assert now["c0"] == faulty.utterances[0]
    for name, content in wavs.items():
        assert (faulty.folder / "wavs" / name).read_bytes() == content
    assert now["c1"].audio != faulty.utterances[1].audio
    assert now["c1"].findings[-1]["message"] == "mended: trim"
    assert "c4" not in (faulty.folder / "metadata_train.csv").read_text(encoding="utf-8")
    report = {row.id: row.decision for row in check(Dataset.load(faulty.folder), Letters()).rows}
    assert report == {**{f"c{i}": "accepted" for i in range(7)}, "c4": "rejected"}


def test_after_a_repair_a_check_finds_it_mended(workspace: Workspace, faulty: Dataset) -> None:
    repaired(workspace)
    assert repair.plan(Dataset.load(faulty.folder)).unchecked == 3
    now = checked(workspace)
    assert [id for id, found in store.findings(now).items() if found] == ["c4"]
    with pytest.raises(UserError, match="nothing in `d` that a repair can do"):
        repaired(workspace)


def test_numbers_before_and_after_are_measured(workspace: Workspace, faulty: Dataset) -> None:
    clips = result(repaired(workspace))["clips"]
    one = next(clip for clip in clips if clip["id"] == "c2")
    assert one["before"]["loudness"] < -36 < one["after"]["loudness"]
    assert one["was"] == "wavs/c2.wav"
    assert (faulty.folder / one["is"]).is_file()
    pairs = before_and_after(clips)
    assert {name: [h.total for h in pair] for name, pair in pairs.items()} == {
        "duration": [4, 3],
        "loudness": [4, 3],
        "snr_db": [4, 3],
    }
    starts = {h.start for h in pairs["loudness"]}
    assert len(starts) == 1


def test_a_part_of_the_plan(workspace: Workspace, faulty: Dataset) -> None:
    done = result(repaired(workspace, "trim", ids=("c3",)))
    assert done["repaired"] == {"trim": 1}
    now = Dataset.load(faulty.folder).utterances
    assert [a.audio != b.audio for a, b in zip(faulty.utterances, now, strict=True)] == [
        *(False, False, False, True, False, False, False)
    ]


def test_every_clip_to_one_loudness(workspace: Workspace, faulty: Dataset) -> None:
    plan = repair.plan(faulty, -26.0).only(["normalise_loudness"])
    assert {action.id for action in plan.actions} == {"c0", "c1", "c2", "c3", "c5", "c6"}
    done = result(repaired(workspace, "normalise_loudness", loudness=-26.0))
    after = [clip["after"]["loudness"] for clip in done["clips"]]
    assert after == pytest.approx([-26.0] * 6, abs=0.3)


@pytest.mark.parametrize("wrong", [0.0, -60.0])
def test_a_loudness_out_of_bounds(faulty: Dataset, wrong: float) -> None:
    with pytest.raises(UserError, match=f"A loudness of {wrong:g} LUFS is out of bounds"):
        repair.plan(faulty, wrong)


def test_wrong_requests(workspace: Workspace, faulty: Dataset) -> None:
    with pytest.raises(UserError, match="`polish` is nothing that a repair can do"):
        repaired(workspace, "polish")
    (faulty.folder / store.NAME).unlink()
    with pytest.raises(UserError, match="not checked yet"):
        repaired(workspace)


def test_what_can_not_be_mended_stays_and_is_told(workspace: Workspace, faulty: Dataset) -> None:
    (faulty.folder / "wavs" / "c1.wav").unlink()
    events = repaired(workspace)
    assert ("not_mended", "warning", "c1") in findings(events)
    assert Dataset.load(faulty.folder).utterances[1] == faulty.utterances[1]


def test_a_killed_repair_leaves_the_rows_as_they_were(
    workspace: Workspace, faulty: Dataset
) -> None:
    events = repair.repair(workspace, "d")
    for _ in range(3):
        next(events)
    events.close()  # type: ignore[attr-defined]
    assert Dataset.load(faulty.folder).utterances == faulty.utterances
    assert result(repaired(workspace))["repaired"]["trim"] == 2


def test_a_wav_of_another_rate_is_converted(workspace: Workspace, faulty: Dataset) -> None:
    path = faulty.folder / "wavs" / "c0.wav"
    soundfile.write(path, np.repeat(speech(2.6, 100, 0), 2), 2 * RATE, subtype="FLOAT")
    before = path.read_bytes()
    assert check(faulty, Letters()).rows[0].decision == "rejected"
    checked(workspace)
    assert result(repaired(workspace, "resample"))["repaired"] == {"resample": 1}
    now = Dataset.load(faulty.folder)
    assert check(now, Letters()).rows[0].decision == "accepted"
    assert now.utterances[0].duration == pytest.approx(2.6, abs=1e-3)
    assert path.read_bytes() == before


def words(*spans: tuple[str, float, float]) -> list[WordScore]:
    return [WordScore(text, 0.0, 0.9, start, end) for text, start, end in spans]


def joined(seconds: Sequence[float], pause: float = 0.5) -> np.ndarray:
    parts = []
    for i, length in enumerate(seconds):
        parts += [speech(length, 120, i), QUIET[: round(pause * RATE)]]
    return np.concatenate(parts[:-1])


def test_where_a_long_clip_is_split() -> None:
    samples = joined([5, 5, 5, 5])
    said = words(*((f"w{i}.", 5.5 * i + 0.1, 5.5 * i + 4.9) for i in range(4)))
    parts = split_up(samples, RATE, said)
    assert [part.text for part in parts] == ["w0.", "w1.", "w2.", "w3."]
    assert [round(part.start, 1) for part in parts] == pytest.approx([0, 5.2, 10.7, 16.2], abs=0.2)
    assert parts[-1].end == pytest.approx(len(samples) / RATE)


def test_no_cut_inside_a_word_or_far_from_the_end_of_one() -> None:
    samples = joined([8, 8])
    assert split_up(samples, RATE, words(("one", 0.1, 16.4))) == []
    assert split_up(samples, RATE, words(("one", 0.1, 4.0), ("two", 4.1, 16.4))) == []


def test_a_long_clip_becomes_its_parts(workspace: Workspace) -> None:
    samples = joined([6, 6, 5])
    long = dataset(workspace.dataset("d"), {"long": samples}, {"long": "ሰላም ለዓለም። ደህና ነኝ። አመሰግናለሁ"})
    row = dataclasses.replace(
        long.utterances[0], decision="rejected", findings=[note("too_long", "17 s")]
    )
    long = long.save([row])
    list(run.check(workspace, CheckRequest("d", model="")))
    record = store.load(long.folder)["long"]
    parts = [[0.0, 6.2, "ሰላም ለዓለም።"], [6.2, 12.7, "ደህና ነኝ።"], [12.7, 18.0, "አመሰግናለሁ"]]
    store.save(long.folder, [{**record, "parts": parts}])
    done = result(repaired(workspace))
    assert done["repaired"] == {"resplit": 1}
    now = Dataset.load(long.folder).utterances
    assert [(r.id, r.decision, r.text) for r in now] == [
        ("long", "rejected", "ሰላም ለዓለም። ደህና ነኝ። አመሰግናለሁ"),
        ("long-1", "accepted", "ሰላም ለዓለም።"),
        ("long-2", "accepted", "ደህና ነኝ።"),
        ("long-3", "accepted", "አመሰግናለሁ"),
    ]
    assert [r.span for r in now[1:]] == [(0.0, 6.2), (6.2, 12.7), (12.7, 18.0)]
    assert now[0].findings[-1]["code"] == "split_up"
    assert now[1].phonemes.startswith("səlam")
    assert sum(r.duration for r in now[1:]) == pytest.approx(len(samples) / RATE, abs=0.01)
    with pytest.raises(UserError, match="nothing in `d`"):
        checked(workspace)
        repaired(workspace)
