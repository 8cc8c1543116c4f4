"""A whole build: exactly these files, rows, tables and findings; what is there is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from built_datasets import files, load, reasons, run
from made_media import RATE, findings, result, tone, video_only, wav

from amharic_tts.dataset.manifest import Utterance
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three clips and their table."""
    folder = tmp_path / "three"
    for i, name in enumerate("abc"):
        wav(folder / f"wavs/{name}.wav", 1.0 + i / 10, 200 + 50 * i)
    table = "audio_file|text|speaker_name\nwavs/a.wav|ሰላም|አበበ\nwavs/b.wav|ደህና ነኝ|ከበደ\n"
    (folder / "metadata.csv").write_text(table + 'wavs/c.wav|one, "two"|አበበ\n', encoding="utf-8")
    return folder


def test_the_files_of_a_dataset(workspace: Workspace, three: Path) -> None:
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in three.rglob("*") if p.is_file()}
    events = run(workspace, three)
    folder = workspace.dataset("d")
    assert files(folder) == [
        "dataset.json",
        "lang.txt",
        "metadata_eval.csv",
        "metadata_train.csv",
        "utterances.jsonl",
        "wavs/a.wav",
        "wavs/b.wav",
        "wavs/c.wav",
    ]
    assert (folder / "lang.txt").read_text() == "am\n"
    assert json.loads((folder / "dataset.json").read_text()) == {
        "format": 1,
        "language": "am",
        "seed": 0,
        "origin": "",
        "g2p": "rule_based",
        "lexicon": "",
    }
    assert (folder / "metadata_train.csv").read_text(encoding="utf-8") == (
        "audio_file|text|speaker_name\nwavs/a.wav|ሰላም|አበበ\nwavs/b.wav|ደህና ነኝ|ከበደ\n"
    )
    assert (folder / "metadata_eval.csv").read_text(encoding="utf-8") == (
        "audio_file|text|speaker_name\nwavs/c.wav|one, two|አበበ\n"
    )
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in three.rglob("*") if p.is_file()}
    assert after == before
    assert findings(events) == [
        ("transcript_found", "info", ""),
        ("columns", "info", "metadata.csv"),
        ("g2p_unpronounced", "warning", ""),
    ]
    numbers = result(events)
    assert {k: numbers[k] for k in ("accepted", "rejected", "train", "eval", "sources")} == {
        "accepted": 3,
        "rejected": 0,
        "train": 2,
        "eval": 1,
        "sources": 3,
    }
    assert numbers["speakers"] == {"አበበ": 2, "ከበደ": 1}
    assert (numbers["added"], numbers["already"], numbers["mended"]) == (3, 0, 0)


def test_a_row_of_the_manifest(workspace: Workspace, three: Path) -> None:
    run(workspace, three)
    line = (workspace.dataset("d") / "utterances.jsonl").read_text(encoding="utf-8").split("\n")[0]
    row = json.loads(line)
    assert {k: v for k, v in row.items() if k not in ("measures", "source_hash", "audio_hash")} == {
        "id": "a",
        "audio": "wavs/a.wav",
        "text": "ሰላም",
        "normalized": "ሰላም",
        "phonemes": "səlam",
        "g2p": "rule_based rules-2",
        "speaker": "አበበ",
        "source": "wavs/a.wav",
        "span": None,
        "duration": 1.0,
        "findings": [],
        "split": "train",
        "decision": "accepted",
        "text_by": "",
    }
    assert sorted(row["measures"]) == [
        "clipped",
        "duration",
        "peak_db",
        "rms_db",
        "silence_end",
        "silence_start",
    ]
    assert Utterance.from_line(line).to_line() == line


def test_a_clip_at_the_right_rate_comes_through_bit_for_bit(
    workspace: Workspace, three: Path
) -> None:
    run(workspace, three)
    for name in "abc":
        wanted, _ = soundfile.read(three / f"wavs/{name}.wav", dtype="int16")
        found, rate = soundfile.read(workspace.dataset("d") / f"wavs/{name}.wav", dtype="int16")
        assert rate == RATE
        np.testing.assert_array_equal(found, wanted)


def test_building_again_adds_nothing(workspace: Workspace, three: Path) -> None:
    run(workspace, three)
    folder = workspace.dataset("d")
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    events = run(workspace, three)
    assert {name: (folder / name).read_bytes() for name in files(folder)} == before
    assert ("already_there", "info", "") in findings(events)
    numbers = result(events)
    assert (numbers["added"], numbers["already"], numbers["rows"]) == (0, 3, 3)


def test_adding_keeps_what_is_there(workspace: Workspace, three: Path, tmp_path: Path) -> None:
    run(workspace, three)
    before = load(workspace).utterances
    more = tmp_path / "more"
    wav(more / "a.wav", 1.5, 500)  # the same name, another sound
    wav(more / "x.wav", 1.0, 200)  # another name, the sound of `a`
    (more / "metadata.csv").write_text("a|ሰማይ\nx|ምድር\n", encoding="utf-8")
    events = run(workspace, more)
    after = load(workspace).utterances
    assert after[:3] == before
    assert reasons(after[3:]) == [("a-2", "accepted", []), ("x", "rejected", ["duplicate"])]
    assert after[4].findings[0]["message"] == "the same sound as `a`"
    assert result(events)["added"] == 2


def test_another_text_for_a_clip_that_is_there_is_told(workspace: Workspace, three: Path) -> None:
    run(workspace, three)
    table = three / "metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("ደህና", "ሌላ"), encoding="utf-8")
    events = run(workspace, three)
    assert ("changed_text", "warning", "") in findings(events)
    assert [row.text for row in load(workspace).utterances] == ["ሰላም", "ደህና ነኝ", 'one, "two"']


def test_refused_rows_are_tried_again_when_they_are_mended(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    wav(folder / "a.wav", 1.0, 200)
    wav(folder / "b.wav", 0.2, 300)
    table = "a|привет\nb|ቤት\nc.wav|ቀን\n"
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    run(workspace, folder)
    assert reasons(load(workspace).utterances) == [
        ("a", "rejected", ["unknown_characters"]),
        ("b", "rejected", ["too_short"]),
        ("c", "rejected", ["missing_audio"]),
    ]
    wav(folder / "b.wav", 1.2, 300)
    wav(folder / "c.wav", 1.3, 400)
    (folder / "metadata.csv").write_text(table.replace("привет", "ሰላም"), encoding="utf-8")
    events = run(workspace, folder)
    assert reasons(load(workspace).utterances) == [
        ("a", "accepted", []),
        ("b", "accepted", []),
        ("c", "accepted", []),
    ]
    assert (result(events)["added"], result(events)["mended"]) == (0, 3)
    assert files(workspace.dataset("d"))[-3:] == ["wavs/a.wav", "wavs/b.wav", "wavs/c.wav"]


def test_every_reason_is_named_per_row(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    good = wav(folder / "good.wav", 1.0, 200)
    for name, pitch in (("cyrillic", 210), ("long text", 220), ("no text", 230), ("dots", 240)):
        wav(folder / f"{name}.wav", 1.0, pitch)
    wav(folder / "too long.wav", 255_996 / RATE, 250)
    wav(folder / "just fits.wav", 255_995 / RATE, 260)
    wav(folder / "too short.wav", 0.499, 270)
    wav(folder / "endless.wav", 61, 280)
    wav(folder / "loud.wav", 1.0, 290, level=3.0)
    wav(folder / "again.wav", 1.0, 200)
    wav(folder / "same words.wav", 1.0, 300)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "nan.wav", tone(1.0) * np.nan, RATE, subtype="FLOAT")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("not a recording")
    (folder / "cut.wav").write_bytes(good.read_bytes()[:30_000])
    video_only(folder / "pictures.mp4")
    rows = [
        ("good", "ሰላም", []),
        ("cyrillic", "да", ["unknown_characters"]),
        ("long text", "ሀ" * 201, ["too_many_tokens"]),
        ("no text", " ", ["empty_text"]),
        ("dots", "...", ["no_letters"]),
        ("too long", "ለ1", ["too_long"]),
        ("just fits", "ለ2", []),
        ("too short", "ለ3", ["too_short"]),
        ("endless", "ለ4", ["too_long"]),
        ("loud", "ለ5", ["clipping"]),
        ("again", "ለ6", ["duplicate"]),
        ("same words", "ሰላም", ["duplicate_text"]),
        ("silent", "ለ7", ["inaudible"]),
        ("nan", "ለ8", ["unreadable_audio"]),
        ("empty", "ለ9", ["unreadable_audio"]),
        ("text", "ለ10", ["unreadable_audio"]),
        ("cut", "ለ11", ["truncated"]),
        ("pictures", "ለ12", ["unreadable_audio"]),
        ("../good", "ለ13", ["outside_folder"]),
        ("nowhere", "ለ14", ["missing_audio"]),
        ("good", "ሰላም", ["duplicate"]),
    ]
    table = "".join(f"{name}|{text}\n" for name, text, _ in rows)
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    numbers = result(run(workspace, folder))
    dataset = load(workspace)
    found = [[n["code"] for n in row.findings] for row in dataset.utterances]
    assert found == [codes for _, _, codes in rows]
    accepted = [row.id for row in dataset.accepted()]
    assert accepted == ["good", "dots", "just fits", "loud", "same words", "silent", "cut"]
    assert (numbers["accepted"], numbers["rejected"]) == (7, 14)
    assert numbers["reasons"] == {
        "unreadable_audio": 4,
        "duplicate": 2,
        "too_long": 2,
        "empty_text": 1,
        "missing_audio": 1,
        "outside_folder": 1,
        "too_many_tokens": 1,
        "too_short": 1,
        "unknown_characters": 1,
    }
    messages = {row.id: row.findings[0]["message"] for row in dataset.utterances if row.findings}
    assert messages["cyrillic"] == ("the vocabulary has no token for `а` (U+0430) `д` (U+0434)")
    assert messages["long text"] == "201 tokens, and the limit is 200"
    assert messages["too long"] == "11.61 s, and the limit is 11.61 s"
    assert messages["cut"] == "its end is missing after 0.68 s"


def test_all_rows_refused_is_a_finished_build(workspace: Workspace, tmp_path: Path) -> None:
    wav(tmp_path / "data/a.wav", 0.1)
    (tmp_path / "data/metadata.csv").write_text("a|x\nb|y\n")
    events = run(workspace, tmp_path / "data")
    assert ("nothing_accepted", "error", "") in findings(events)
    assert (result(events)["accepted"], result(events)["rejected"]) == (0, 2)
    header = "audio_file|text|speaker_name\n"
    assert (workspace.dataset("d") / "metadata_train.csv").read_text() == header


@pytest.mark.parametrize("name", ["../up", "a/b", "", "..", "con", "a\\b", ".hidden"])
def test_names_that_are_refused(workspace: Workspace, three: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"needs a name|can't be the name"):
        run(workspace, three, name=name)
    assert files(workspace.root) == []


def test_another_language_is_refused(workspace: Workspace, three: Path) -> None:
    run(workspace, three, language="amh-Ethi")
    assert load(workspace).language == "am"
    with pytest.raises(UserError, match="The dataset `d` is in `am`, not in `en`"):
        run(workspace, three, language="en")


def test_ids_are_file_names_on_every_system(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    names = ["ድምፅ አንድ", "A", "a", "con", "what?*", "x" * 120]
    for i, name in enumerate(names):
        wav(folder / f"sub{i}" / f"{name}.wav", 1.0, 200 + 10 * i)
    rows = [f"sub{i}/{name}|ሀ{i}\n" for i, name in enumerate(names)]
    (folder / "metadata.csv").write_text("".join(rows), encoding="utf-8")
    run(workspace, folder)
    assert [row.id for row in load(workspace).utterances] == [
        "ድምፅ አንድ",
        "A",
        "a-2",
        "clip-con",
        "what__",
        "x" * 60,
    ]


def test_two_folders_with_the_same_names(workspace: Workspace, three: Path, tmp_path: Path) -> None:
    shutil.copytree(three, tmp_path / "other")
    for i, name in enumerate("abc"):
        wav(tmp_path / f"other/wavs/{name}.wav", 1.0, 700 + 10 * i)
    events = run(workspace, three, tmp_path / "other")
    ids = [row.id for row in load(workspace).utterances]
    assert ids == ["a", "b", "c", "a-2", "b-2", "c-2"]
    assert result(events)["accepted"] == 6
