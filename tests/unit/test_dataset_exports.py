"""Exports: the exact files of every layout, and that the studio reads them back as they were."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from built_datasets import files, load, run
from made_media import wav

from amharic_tts.dataset import trash, versions
from amharic_tts.dataset.edits import editor
from amharic_tts.dataset.exporting import ExportRequest, export
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Finding
from amharic_tts.workspace import Workspace

NAMES = ("a", "b", "ሐ clip")


@pytest.fixture
def dataset(workspace: Workspace, tmp_path: Path) -> Dataset:
    """Three clips of two speakers, one of them with its ends moved, and one rejected."""
    folder = tmp_path / "in"
    for i, name in enumerate((*NAMES, "out")):
        wav(folder / f"wavs/{name}.wav", 1.0 + i / 10, 200 + 50 * i)
    lines = [
        *("audio_file|text|speaker_name", "wavs/a.wav|ሰላም፣ 2 ሰው|አበበ"),
        *('wavs/b.wav|"ይሄ | ያ"|ከበደ', "wavs/ሐ clip.wav|one, two|አበበ", "wavs/out.wav|x y|አበበ"),
    ]
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(workspace, folder)
    editor(workspace.dataset("d")).ends("a", 0.1, 0.9)
    editor(workspace.dataset("d")).reject(["out"])
    return load(workspace)


def exported(dataset: Dataset, layout: str, target: Path, zipped: bool = False) -> dict[str, Any]:
    events = list(export(dataset, ExportRequest(layout, target, zipped)))
    assert isinstance(events[-1], Done)
    assert [p.name for p in target.parent.iterdir() if p.name.startswith(".")] == []
    return events[-1].result


def cells(path: Path, separator: str) -> list[list[str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def sounds(dataset: Dataset) -> dict[str, bytes]:
    return {row.id: dataset.wav(row).read_bytes() for row in dataset.accepted()}


def test_coqui(dataset: Dataset, tmp_path: Path) -> None:
    result = exported(dataset, "coqui", tmp_path / "out")
    assert files(tmp_path / "out") == [
        "lang.txt",
        "metadata_eval.csv",
        "metadata_train.csv",
        *(f"wavs/{name}.wav" for name in NAMES),
    ]
    rows = [cells(tmp_path / "out" / f"metadata_{part}.csv", "|")[1:] for part in ("train", "eval")]
    assert sorted(rows[0] + rows[1])[0] == ["wavs/a.wav", "ሰላም፣ ሁለት ሰው", "አበበ"]
    assert (result["clips"], result["hash"]) == (3, versions.hash_of(dataset.utterances))


def test_ljspeech_says_what_it_cannot_hold(dataset: Dataset, tmp_path: Path) -> None:
    events = list(export(dataset, ExportRequest("ljspeech", tmp_path / "out")))
    told = [(e.code, e.message) for e in events if isinstance(e, Finding)]
    assert told == [
        ("changed_text", "`|` became a space in 1 text: `b`; this layout has no quotes"),
        ("left_out", "this layout has no speakers and no parts"),
    ]
    lines = (tmp_path / "out/metadata.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "a|ሰላም፣ 2 ሰው|ሰላም፣ ሁለት ሰው"
    assert all(line.count("|") == 2 for line in lines)


def test_audiofolder(dataset: Dataset, tmp_path: Path) -> None:
    exported(dataset, "audiofolder", tmp_path / "out")
    found = files(tmp_path / "out")
    assert {name.split("/")[0] for name in found} == {"train", "validation"}
    table = cells(tmp_path / "out/train/metadata.csv", ",")
    assert table[0] == ["file_name", "text", "normalized_text", "speaker"]
    assert {f"train/{line[0]}" for line in table[1:]} <= set(found)


def test_parquet(dataset: Dataset, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    exported(dataset, "parquet", tmp_path / "out")
    assert files(tmp_path / "out") == [
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
    ]
    tables = [parquet.read_table(tmp_path / "out" / name) for name in files(tmp_path / "out")]
    rows = {row["id"]: row for table in tables for row in table.to_pylist()}
    assert {id: row["audio"]["bytes"] for id, row in rows.items()} == sounds(dataset)
    assert (rows["a"]["text"], rows["a"]["duration"]) == ("ሰላም፣ 2 ሰው", 0.8)
    about = json.loads(tables[0].schema.metadata[b"huggingface"])
    assert about["info"]["features"]["audio"] == {"sampling_rate": 22050, "_type": "Audio"}


def test_a_zip_of_everything_is_a_dataset_again(
    dataset: Dataset, workspace: Workspace, tmp_path: Path
) -> None:
    first = exported(dataset, "studio", tmp_path / "one.zip", zipped=True)
    again = exported(dataset, "studio", tmp_path / "two.zip", zipped=True)
    assert first["sha256"] == again["sha256"]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(workspace.dataset("copy"))
    copy = Dataset.load(workspace.dataset("copy"))
    assert copy.utterances == dataset.utterances
    assert versions.changed_sounds(copy) == []
    editor(workspace.dataset("copy")).ends("a", 0.0, 1.0)  # what it was cut from came along


def read_back(
    dataset: Dataset, workspace: Workspace, target: Path, layout: str, zipped: bool = False
) -> Dataset:
    """Export a dataset, and build another one of what was written."""
    if layout == "parquet":
        pytest.importorskip("pyarrow")
    exported(dataset, layout, target, zipped)
    run(workspace, target, name="again")
    return load(workspace, "again")


@pytest.mark.parametrize("layout", ["coqui", "ljspeech"])
def test_what_was_exported_is_read_back(
    dataset: Dataset, workspace: Workspace, tmp_path: Path, layout: str
) -> None:
    again = read_back(dataset, workspace, tmp_path / "out", layout)
    assert sounds(again) == sounds(dataset)
    was = {row.id: row for row in dataset.accepted()}
    for row in again.accepted():
        kept = was[row.id].normalized.replace("| ", "") if layout == "ljspeech" else None
        assert row.normalized == (kept or was[row.id].normalized)
        if layout == "ljspeech":
            assert row.text == was[row.id].text.replace("| ", "")
        if layout == "coqui":
            assert (row.speaker, row.split) == (was[row.id].speaker, was[row.id].split)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("layout", ["audiofolder", "parquet"])
def test_what_hugging_face_layouts_hold_is_read_back_whole(
    dataset: Dataset, workspace: Workspace, tmp_path: Path, layout: str, zipped: bool
) -> None:
    target = tmp_path / ("out.zip" if zipped else "out")
    again = read_back(dataset, workspace, target, layout, zipped)
    assert {row.id: facts(row) for row in again.accepted()} == {
        row.id: facts(row) for row in dataset.accepted()
    }
    assert len(again.utterances) == 3
    for row in again.accepted():
        was = next(one for one in dataset.accepted() if one.id == row.id)
        np.testing.assert_allclose(
            soundfile.read(again.wav(row))[0], soundfile.read(dataset.wav(was))[0], atol=1e-4
        )


def facts(row: Utterance) -> tuple[str, ...]:
    return row.text, row.normalized, row.speaker, row.split


def test_exports_that_are_refused(dataset: Dataset, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        list(export(dataset, ExportRequest("mp3", tmp_path / "no" / "out")))
    assert [line.split(":")[0] for line in told.value.message.splitlines()[1:]] == [
        "- format",
        "- to",
    ]
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match="is there already; nothing is written over"):
        list(export(dataset, ExportRequest("coqui", tmp_path / "there")))
    dataset.wav(dataset.accepted()[1]).unlink()
    with pytest.raises(UserError, match="sounds of 1 clips of `d` are gone, such as `b`"):
        list(export(dataset, ExportRequest("coqui", tmp_path / "out")))
    editor(workspace.dataset("d")).reject([row.id for row in dataset.accepted()])
    with pytest.raises(UserError, match="nothing to export"):
        list(export(load(workspace), ExportRequest("coqui", tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_a_killed_export_leaves_nothing(dataset: Dataset, tmp_path: Path) -> None:
    events = export(dataset, ExportRequest("ljspeech", tmp_path / "out"))
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "workspace"]


def test_to_the_trash_and_back(dataset: Dataset, workspace: Workspace) -> None:
    rows = dataset.utterances
    place = trash.discard(workspace, "d")
    assert Dataset.names(workspace) == []
    item = trash.items(workspace)[0]
    assert (item.id, item.name, item.dataset) == (place.name, "d", True)
    with pytest.raises(UserError, match="nothing called `../d`"):
        trash.back(workspace, "../d")
    assert trash.back(workspace, item.id) == "d"
    assert load(workspace).utterances == rows
    place = trash.discard(workspace, "d")
    workspace.dataset("d").mkdir()
    with pytest.raises(UserError, match="There is a dataset `d` already"):
        trash.back(workspace, place.name)
    assert trash.back(workspace, place.name, "e") == "e"
    workspace.discard(workspace.dataset("e") / "lang.txt")
    with pytest.raises(UserError, match="is no dataset"):
        trash.back(workspace, trash.items(workspace)[0].id)
    assert trash.empty(workspace) == 1
    assert trash.items(workspace) == []
    with pytest.raises(UserError, match="There is no dataset `d`"):
        trash.discard(workspace, "d")
