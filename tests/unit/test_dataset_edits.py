"""Decisions about clips: what each changes, what it refuses, and that an undo brings all back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from amharic_tts.dataset import edits, journal, states, versions
from amharic_tts.dataset.edits import Editor, bulk, editor
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.table import ClipTable, Query
from amharic_tts.errors import UserError
from benchmarks.dataset_kills import Letters, made

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "datasets" / "d", 6).folder


def opened(folder: Path, by: str = "tab 1") -> Editor:
    return editor(folder, by, Letters())


def rows(folder: Path) -> dict[str, Utterance]:
    return {row.id: row for row in Dataset.load(folder).utterances}


def samples(folder: Path, name: str) -> np.ndarray:
    return soundfile.read(folder / name, dtype="int16")[0]


def test_a_text_is_written_with_who_wrote_it(folder: Path) -> None:
    before = (folder / "utterances.jsonl").read_bytes()
    opened(folder).text("clip-0001", "  another\ttext ")
    row = rows(folder)["clip-0001"]
    assert (row.text, row.normalized, row.text_by) == ("another text", "another text", "by hand")
    opened(folder).texts({"clip-0002": "heard", "clip-0003": ""}, "recognised by tiny")
    now = rows(folder)
    assert (now["clip-0002"].text, now["clip-0002"].text_by) == ("heard", "recognised by tiny")
    assert now["clip-0003"].decision == "rejected"
    assert [item["code"] for item in now["clip-0003"].findings] == ["empty_text"]
    assert (folder / "utterances.jsonl").read_bytes() == before
    lines = (folder / "journal/0001.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["text", "text"]


def test_the_same_text_as_another_clip_is_noted(folder: Path) -> None:
    opened(folder).text("clip-0001", "text number 2")
    assert rows(folder)["clip-0001"].findings == [
        {
            "code": "duplicate_text",
            "level": "warning",
            "message": "`clip-0002` has the same text",
        }
    ]


def test_rejected_by_hand_until_it_is_accepted(folder: Path) -> None:
    opened(folder).reject(["clip-0000", "clip-0001"], "a dog barks")
    row = rows(folder)["clip-0001"]
    assert (row.decision, row.settled) == ("rejected", True)
    assert row.findings[0]["message"] == "a dog barks"
    opened(folder).accept(["clip-0001"])
    row = rows(folder)["clip-0001"]
    assert (row.decision, row.findings) == ("accepted", [])


def test_what_training_would_drop_cannot_be_accepted(folder: Path) -> None:
    opened(folder).text("clip-0001", " ")
    with pytest.raises(UserError, match="`clip-0001` can't be accepted: there is no text"):
        opened(folder).accept(["clip-0001"])


def test_ends_are_moved_in_and_out_again(folder: Path) -> None:
    whole = samples(folder, "wavs/clip-0001.wav")
    opened(folder).ends("clip-0001", 0.2, 0.8)
    row = rows(folder)["clip-0001"]
    assert (row.cut, row.whole, row.duration) == ((0.2, 0.8), "wavs/clip-0001.wav", 0.6)
    np.testing.assert_array_equal(samples(folder, row.audio), whole[4410:17640])
    assert row.measures["duration"] == 0.6
    opened(folder).ends("clip-0001", 0.1, 0.9)
    row = rows(folder)["clip-0001"]
    np.testing.assert_array_equal(samples(folder, row.audio), whole[2205:19845])
    opened(folder).ends("clip-0001", 0.0, 1.0)
    row = rows(folder)["clip-0001"]
    assert (row.audio, row.whole, row.cut) == ("wavs/clip-0001.wav", "", None)
    opened(folder).ends("clip-0002", 0.0, 0.3)
    assert [item["code"] for item in rows(folder)["clip-0002"].findings] == ["too_short"]


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (-0.1, 0.5, "outside the sound"),
        (0.0, 1.1, "outside the sound"),
        (0.6, 0.5, "Nothing is left"),
    ],
)
def test_ends_that_are_refused(folder: Path, start: float, end: float, told: str) -> None:
    with pytest.raises(UserError, match=told):
        opened(folder).ends("clip-0001", start, end)
    assert not (folder / "journal/0001.jsonl").exists()


def test_a_clip_is_split_and_its_pieces_are_merged_again(folder: Path) -> None:
    whole = samples(folder, "wavs/clip-0001.wav")
    opened(folder).split("clip-0001", 0.55, ("text", "number 1"))
    now = rows(folder)
    assert list(now)[:5] == ["clip-0000", "clip-0001", "clip-0001-a", "clip-0001-b", "clip-0002"]
    first, second = now["clip-0001-a"], now["clip-0001-b"]
    assert (first.text, second.text, first.cut) == ("text", "number 1", (0.0, 0.550023))
    assert now["clip-0001"].decision == "rejected"
    assert now["clip-0001"].findings[-1]["message"] == "split into `clip-0001-a` and `clip-0001-b`"
    both = np.concatenate([samples(folder, first.audio), samples(folder, second.audio)])
    np.testing.assert_array_equal(both, whole)
    opened(folder).ends("clip-0001-b", 0.6, 1.0)
    opened(folder).merge(["clip-0001-b", "clip-0001-a"])
    row = rows(folder)["clip-0001-a-m"]
    assert row.text == "text number 1"
    np.testing.assert_array_equal(samples(folder, row.audio), whole)  # with what lay between
    with pytest.raises(UserError, match="`clip-0001` was split into"):
        opened(folder).text("clip-0001", "x")


def test_clips_of_different_sounds_are_merged_end_to_end(folder: Path) -> None:
    opened(folder).merge(["clip-0002", "clip-0001"])
    row = rows(folder)["clip-0001-m"]
    assert (row.text, row.duration, row.span) == ("text number 1 text number 2", 2.0, (1.0, 3.0))
    parts = [samples(folder, f"wavs/clip-000{n}.wav") for n in (1, 2)]
    np.testing.assert_array_equal(samples(folder, row.audio), np.concatenate(parts))
    opened(folder).speaker(["clip-0003"], "two")
    with pytest.raises(UserError, match="several speakers"):
        opened(folder).merge(["clip-0003", "clip-0004"])
    with pytest.raises(UserError, match="at least two"):
        opened(folder).merge(["clip-0003"])


def test_everything_can_be_undone(folder: Path) -> None:
    before = Dataset.load(folder).utterances
    opened(folder).text("clip-0001", "a b c d")
    opened(folder).ends("clip-0001", 0.1, 0.9)
    opened(folder).split("clip-0001", 0.4)
    opened(folder).merge(["clip-0001-a", "clip-0001-b"])
    opened(folder).reject(["clip-0001-a-m"])
    for _ in range(5):
        opened(folder).undo()
    assert Dataset.load(folder).utterances == before
    with pytest.raises(UserError, match="nothing to undo"):
        opened(folder).undo()
    opened(folder).split("clip-0001", 0.5)  # under the same names again
    assert list(rows(folder))[1:4] == ["clip-0001", "clip-0001-a", "clip-0001-b"]


def test_two_tabs_do_not_write_over_each_other(folder: Path) -> None:
    one, two = opened(folder, "tab 1"), opened(folder, "tab 2")
    one.text("clip-0001", "from the first")
    with pytest.raises(UserError, match="`clip-0001` has been changed meanwhile"):
        two.text("clip-0001", "from the second")
    two.text("clip-0002", "another row")
    with pytest.raises(UserError, match="`clip-0001` has another text meanwhile: from the first"):
        opened(folder, "tab 2").text("clip-0001", "x", seen="text number 1")
    one.undo()  # its own, although the other's came later
    now = rows(folder)
    assert (now["clip-0001"].text, now["clip-0002"].text) == ("text number 1", "another row")
    opened(folder, "tab 1").text("clip-0003", "one")
    opened(folder, "tab 2").text("clip-0003", "two")
    with pytest.raises(UserError, match="changed meanwhile"):
        one.undo()


def test_many_clips_are_one_decision_and_one_undo(folder: Path, tmp_path: Path) -> None:
    opened(folder).text("clip-0001", " ")
    opened(folder).reject(["clip-0002"], "a dog barks")
    before = Dataset.load(folder).utterances
    table = ClipTable(folder, tmp_path / "cache")
    plan = bulk("reject", table.found(Query()), "not needed")
    assert ([row.id for row, _ in plan.pairs], plan.unchanged, plan.barred) == (
        ["clip-0000", "clip-0001", "clip-0003", "clip-0004", "clip-0005"],
        1,
        {},
    )
    edit = opened(folder).carry_out(plan)
    assert (edit.kind, len(edit.changes)) == ("reject", 5)
    assert {row.decision for row in rows(folder).values()} == {"rejected"}
    assert rows(folder)["clip-0002"].findings[-1]["message"] == "a dog barks"
    opened(folder).undo()
    assert Dataset.load(folder).utterances == before
    table.update()
    plan = bulk("accept", [*table.found(Query()), *table.found(Query(search="number 2"))])
    assert ([row.id for row, _ in plan.pairs], plan.unchanged) == (["clip-0002"], 4)
    assert plan.barred == {"clip-0001": "there is no text"}
    opened(folder).carry_out(plan)
    table.update()
    with pytest.raises(UserError, match="Nothing would change; `clip-0001`: there is no text"):
        opened(folder).carry_out(bulk("accept", table.found(Query())))
    assert len((folder / "journal/0001.jsonl").read_text(encoding="utf-8").splitlines()) == 5


def test_clips_that_were_split_are_left_alone(folder: Path, tmp_path: Path) -> None:
    opened(folder).split("clip-0001", 0.5)
    found = ClipTable(folder, tmp_path / "cache").found(Query(decision="replaced"))
    for kind in ("accept", "reject"):
        plan = bulk(kind, found)
        assert (plan.pairs, plan.unchanged) == ((), 0)
        assert plan.barred["clip-0001"].startswith("it was split into")


def test_many_clips_in_two_tabs(folder: Path) -> None:
    seen = list(rows(folder).values())
    plan = bulk("reject", seen)
    assert plan.mark == bulk("reject", seen).mark != bulk("accept", seen).mark
    late = opened(folder, "tab 2")
    opened(folder, "tab 1").reject(["clip-0003"], "noise")
    assert plan.mark != bulk("reject", rows(folder).values()).mark
    with pytest.raises(UserError, match="`clip-0003` has been changed meanwhile"):
        late.carry_out(plan)
    assert [row.id for row in rows(folder).values() if not row.accepted] == ["clip-0003"]
    late.carry_out(bulk("reject", rows(folder).values()))
    late.undo()  # its own: what the other tab rejected stays so
    assert [row.id for row in rows(folder).values() if not row.accepted] == ["clip-0003"]


def test_an_edit_of_rows_that_were_rebuilt_is_refused(folder: Path) -> None:
    late = opened(folder)
    opened(folder).text("clip-0002", "x")
    versions.keep_now(folder, "kept")
    with pytest.raises(UserError, match="has been rebuilt meanwhile"):
        late.text("clip-0001", "y")


def test_edits_during_a_build_go_on_top_of_it(folder: Path) -> None:
    building = Dataset.load(folder)
    opened(folder).text("clip-0001", "while it was built")
    opened(folder).text("clip-0002", "overtaken")
    new = [row for row in building.utterances if row.id != "clip-0002"]
    saved = versions.commit(building, new, "built anew")
    assert {row.id: row.text for row in saved.utterances}["clip-0001"] == "while it was built"
    kinds = [edit.kind for edit in journal.Journal(folder).edits()]
    assert kinds == ["text", "unfit"]
    assert Dataset.load(folder).utterances == saved.utterances


def test_half_a_line_was_never_confirmed(folder: Path) -> None:
    opened(folder).text("clip-0001", "whole")
    path = folder / "journal/0001.jsonl"
    with open(path, "ab") as file:
        file.write(b'{"n": 2, "kind": "text", "chan')
    assert rows(folder)["clip-0001"].text == "whole"
    opened(folder).text("clip-0001", "after it")
    assert rows(folder)["clip-0001"].text == "after it"
    assert len(path.read_bytes().splitlines()) == 2


@pytest.mark.parametrize("damage", ["not json", '{"n": 7, "at": 1, "kind": "text", "by": ""}'])
def test_a_damaged_line_is_named(folder: Path, damage: str) -> None:
    opened(folder).text("clip-0001", "x")
    path = folder / "journal/0001.jsonl"
    path.write_text(damage + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(UserError, match=r"0001.jsonl` line 1 is damaged"):
        Dataset.load(folder)


def test_rows_changed_by_hand_do_not_lose_edits_silently(folder: Path) -> None:
    opened(folder).text("clip-0001", "x")
    lines = (folder / "utterances.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "utterances.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    with pytest.raises(UserError, match="was changed outside the studio"):
        Dataset.load(folder)
    states.adopt(folder)
    assert [row.text for row in Dataset.load(folder).utterances][1] == "text number 1"
    assert len(journal.edits(folder, 1)) == 1


def test_a_dataset_of_an_older_version_gets_a_number_with_its_first_edit(folder: Path) -> None:
    for path in (folder / "versions").iterdir():
        path.unlink()
    assert Dataset.load(folder).state == 0
    opened(folder).text("clip-0001", "x")
    assert Dataset.load(folder).state == 1
    assert rows(folder)["clip-0001"].text == "x"


@pytest.mark.parametrize(
    ("text", "share", "parts"),
    [
        ("one two three four", 0.5, ("one two", "three four")),
        ("ሰላም ለዓለም ሁሉ", 0.3, ("ሰላም", "ለዓለም ሁሉ")),
        ("a b|c d e f g", 0.9, ("a b", "c d e f g")),
        ("", 0.5, ("", "")),
    ],
)
def test_a_text_is_divided_where_the_sound_is(
    text: str, share: float, parts: tuple[str, str]
) -> None:
    assert edits.divided(text, share) == parts


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the measurement forks its victims")
def test_no_edit_is_lost_and_none_is_unrecorded_when_it_is_killed() -> None:
    command = [sys.executable, "-m", "benchmarks.dataset_kills", "--kills=6", "--seed=1", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    outcome = json.loads(done.stdout)
    assert (outcome["kills"], outcome["wrong"]) == (6, [])
