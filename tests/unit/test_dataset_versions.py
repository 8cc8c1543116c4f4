"""Versions: what replaces rows keeps those before; compare, restore, hash."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from built_datasets import load, run
from made_media import wav

from amharic_tts.dataset import versions
from amharic_tts.dataset.edits import editor
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace
from benchmarks.dataset_kills import Letters, made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three versions: as made, one text edited, one row fewer with a rejected one."""
    folder = made(tmp_path / "datasets" / "d", 4).folder
    editor(folder, "x", Letters()).text("clip-0001", "edited")
    versions.keep_now(folder, "looked through")
    dataset = Dataset.load(folder)
    versions.commit(dataset, dataset.utterances[:3], "fewer")
    editor(folder, "x", Letters()).reject(["clip-0000"])
    return folder


def test_versions_are_listed_with_what_made_them(folder: Path) -> None:
    found = versions.listed(folder)
    told = [(v.number, v.reason, v.rows, v.accepted, v.edits, v.current) for v in found]
    assert told == [
        (3, "fewer", 3, 2, 1, True),
        (2, "looked through", 4, 4, 0, False),
        (1, "made for a measurement", 4, 4, 1, False),
    ]
    # The edits that were kept are in both: as edits of the first, as rows of the second.
    assert found[1].hash == found[2].hash
    assert found[0].hash != found[1].hash


def test_versions_are_compared(folder: Path) -> None:
    one, three = versions.rows_of(folder, 1), versions.rows_of(folder, 3)
    found = versions.compare(one, three)
    assert (found.added, found.removed) == ((), ("clip-0003",))
    assert found.fields() == {"decision": 1, "findings": 1}
    assert found.changed["clip-0000"]["decision"] == ("accepted", "rejected")
    assert versions.compare(three, one).added == ("clip-0003",)


def test_a_version_is_restored_and_the_state_before_is_kept(folder: Path) -> None:
    before = Dataset.load(folder).utterances
    wanted = versions.rows_of(folder, 2)
    versions.restore(folder, 2)
    now = versions.listed(folder)
    assert Dataset.load(folder).utterances == wanted
    assert [(v.number, v.reason) for v in now][:2] == [(4, "version 2 restored"), (3, "fewer")]
    assert versions.rows_of(folder, 3) == before
    versions.restore(folder, 3)
    assert Dataset.load(folder).utterances == before
    # Edits of the state that was restored do not come back on top of it.
    assert Dataset.load(folder).edits == 0


def test_the_tables_for_other_tools_follow(folder: Path) -> None:
    versions.restore(folder, 2)
    table = (folder / "metadata_train.csv").read_text(encoding="utf-8")
    assert "wavs/clip-0001.wav|edited|one" in table


def test_equal_rows_make_no_new_version(folder: Path) -> None:
    dataset = Dataset.load(folder)
    versions.commit(dataset, dataset.utterances, "nothing new")
    assert versions.listed(folder)[0].reason == "fewer"


@pytest.mark.parametrize("number", [0, 9])
def test_a_version_that_is_not_there(folder: Path, number: int) -> None:
    with pytest.raises(UserError, match=f"`d` has no version {number}") as told:
        versions.restore(folder, number)
    assert told.value.hint == "It has these versions: 3, 2, 1"


def test_a_version_that_was_changed_is_refused(folder: Path) -> None:
    path = folder / "versions/0001.jsonl.gz"
    path.write_bytes(
        gzip.compress(gzip.decompress(path.read_bytes()).replace(b"edited", b"forged"))
    )
    with pytest.raises(UserError, match="was changed since it was written"):
        versions.restore(folder, 1)
    path.write_bytes(b"no gzip")
    with pytest.raises(UserError, match="is damaged"):
        versions.restore(folder, 1)


def test_a_version_whose_sound_is_gone_is_refused(folder: Path) -> None:
    (folder / "wavs/clip-0003.wav").unlink()
    with pytest.raises(UserError, match="1 of its sounds are gone, such as `wavs/clip-0003.wav`"):
        versions.restore(folder, 1)


def test_changed_sounds_are_found(folder: Path) -> None:
    dataset = Dataset.load(folder)
    assert versions.changed_sounds(dataset) == []
    sound = bytearray((folder / "wavs/clip-0002.wav").read_bytes())
    sound[-1] ^= 1
    (folder / "wavs/clip-0002.wav").write_bytes(sound)
    (folder / "wavs/clip-0001.wav").unlink()
    assert versions.changed_sounds(dataset) == ["clip-0001", "clip-0002"]


def test_a_build_leaves_the_sounds_of_edits_and_versions_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    wav(tmp_path / "in" / "a.wav", 2.0, 300)
    (tmp_path / "in" / "metadata.csv").write_text("a|ሰላም ነው\n", encoding="utf-8")
    run(workspace, tmp_path / "in")
    folder = workspace.dataset("d")
    editor(folder).split("a", 1.0)
    pieces = {row.audio for row in load(workspace).utterances}
    run(workspace, tmp_path / "in")  # the recording is there already, as the row that was split
    assert [row.id for row in load(workspace).utterances] == ["a", "a-a", "a-b"]
    versions.restore(folder, 1)
    wav(tmp_path / "in" / "b.wav", 1.0, 500)
    (tmp_path / "in" / "metadata.csv").write_text("a|ሰላም ነው\nb|ሰማይ\n", encoding="utf-8")
    run(workspace, tmp_path / "in")
    assert all((folder / name).is_file() for name in pieces)


def test_what_a_person_decided_is_not_undone_by_a_build(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name, pitch in (("a", 300), ("b", 400), ("c", 500)):
        wav(tmp_path / "in" / f"{name}.wav", 1.0, pitch)
    (tmp_path / "in" / "metadata.csv").write_text("a|ሰላም\nb|ሰማይ\nc|ምድር\n", encoding="utf-8")
    run(workspace, tmp_path / "in")
    editor(workspace.dataset("d")).reject(["a"], "a dog")
    editor(workspace.dataset("d")).text("b", "ሰማዩ")
    run(workspace, tmp_path / "in")
    now = {row.id: (row.text, row.decision) for row in load(workspace).utterances}
    assert now == {
        "a": ("ሰላም", "rejected"),
        "b": ("ሰማዩ", "accepted"),
        "c": ("ምድር", "accepted"),
    }
