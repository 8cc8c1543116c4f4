"""Datasets that others made: every known layout comes in with its texts, speakers and parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from built_datasets import load, run
from made_media import findings, wav
from pyarrow import parquet

from amharic_tts.dataset.sources import collect
from amharic_tts.dataset.tables import read_table
from amharic_tts.dataset.unpack import parquet_files
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace

Row = tuple[str, str, str, str]
"""File name, text, speaker, part."""
ROWS: list[Row] = [
    ("አንድ", "ሰላም ለዓለም", "አበበ", "train"),
    ("b 2", "ደህና ነኝ", "አበበ", "train"),
    ("c'3", "እሺ", "ሳራ", "eval"),
]


def sounds(folder: Path, rows: list[Row] = ROWS) -> None:
    for row in rows:
        name, number = row[0], ROWS.index(row)
        wav(folder / f"{name}.wav", 1.0 + number / 10, 200.0 + 40 * number)


def ljspeech(folder: Path) -> None:
    sounds(folder / "wavs")
    lines = [f"{name}|{text}|{text}" for name, text, *_ in ROWS]
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")


def coqui(folder: Path) -> None:
    sounds(folder / "wavs")
    for part in ("train", "eval"):
        lines = [f"wavs/{n}.wav|{t}|{s}" for n, t, s, p in ROWS if p == part]
        head = "audio_file|text|speaker_name"
        text = "\n".join([head, *lines])
        (folder / f"metadata_{part}.csv").write_text(text, encoding="utf-8")


def common_voice(folder: Path) -> None:
    sounds(folder / "clips")
    head = "client_id\tpath\tsentence_id\tsentence\tup_votes\tdown_votes\tlocale"

    def table(name: str, rows: list[Row]) -> None:
        lines = [f"{s}\t{n}.wav\tx\t{t}\t2\t0\tam" for n, t, s, _ in rows]
        text = "\n".join([head, *lines]) + "\n"
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")

    table("train", ROWS[:2])
    table("test", ROWS[2:])
    table("validated", ROWS)
    table("invalidated", ROWS)
    (folder / "clip_durations.tsv").write_text("clip\tduration[ms]\na.wav\t3\n")


def audiofolder_csv(folder: Path) -> None:
    sounds(folder / "data")
    lines = [f"data/{n}.wav,{t},{s}" for n, t, s, _ in ROWS]
    text = "\n".join(["file_name,transcription,speaker_id", *lines])
    (folder / "metadata.csv").write_text(text, encoding="utf-8")


def audiofolder_parts(folder: Path) -> None:
    for place, part in (("train", "train"), ("validation", "eval")):
        rows = [row for row in ROWS if row[3] == part]
        sounds(folder / "data" / place, rows)
        records = [{"file_name": f"{n}.wav", "text": t, "speaker": s} for n, t, s, _ in rows]
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
        (folder / "data" / place / "metadata.jsonl").write_text(text, encoding="utf-8")


def audiofolder_parquet(folder: Path) -> None:
    sounds(folder)
    columns = {"file_name": [f"{n}.wav" for n, *_ in ROWS], "text": [t for _, t, *_ in ROWS]}
    speakers = {"speaker": [s for *_, s, _ in ROWS], "other": [[1.5]] * 3}
    parquet.write_table(pyarrow.table({**columns, **speakers}), folder / "metadata.parquet")


def hub_parquet(folder: Path) -> None:
    sounds(folder.parent / "sounds")
    for place, part in (("train", "train"), ("test", "eval")):
        rows = [row for row in ROWS if row[3] == part]
        audio = [
            {"bytes": (folder.parent / "sounds" / f"{n}.wav").read_bytes(), "path": f"x/{n}.wav"}
            for n, *_ in rows
        ]
        columns: dict[str, Any] = {
            "audio": audio,
            "sentence": [t for _, t, *_ in rows],
            "speaker_id": [s for *_, s, _ in rows],
        }
        (folder / "data").mkdir(exist_ok=True)
        name = f"{place}-00000-of-00001.parquet"
        parquet.write_table(pyarrow.table(columns), folder / "data" / name)


@pytest.mark.parametrize(
    ("make", "has_speakers", "has_parts"),
    [
        (ljspeech, False, False),
        (coqui, True, True),
        (common_voice, True, True),
        (audiofolder_csv, True, False),
        (audiofolder_parts, True, True),
        (audiofolder_parquet, True, False),
        (hub_parquet, True, True),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_layout_comes_in_whole(
    make: Callable[[Path], None],
    has_speakers: bool,
    has_parts: bool,
    workspace: Workspace,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "ዳታ «1»"
    folder.mkdir()
    make(folder)
    run(workspace, folder, speaker="x")
    rows = load(workspace).accepted()
    wanted = sorted((name, text) for name, text, *_ in ROWS)
    assert sorted((Path(r.source).stem, r.text) for r in rows) == wanted
    assert [r.duration for r in rows] == [1.0, 1.1, 1.2]
    if has_speakers:
        assert [r.speaker for r in rows] == ["አበበ", "አበበ", "ሳራ"]
    if has_parts:
        assert [r.split for r in rows] == ["train", "train", "eval"]


def test_the_text_as_it_was_written_beside_a_normalised_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    sounds(tmp_path / "in" / "wavs")
    lines = ["አንድ|2 ሰው|ሁለት ሰው", "b 2|በ 3 ሰዓት|በሦስተኛው ሰዓት", "c'3|እሺ|"]
    (tmp_path / "in" / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    run(workspace, tmp_path / "in")
    found = {row.text: row.normalized for row in load(workspace).utterances}
    # Of the second the table knows better how it is read than the studio's normaliser.
    assert found == {"2 ሰው": "ሁለት ሰው", "በሦስተኛው ሰዓት": "በሦስተኛው ሰዓት", "እሺ": "እሺ"}


def test_the_tables_of_common_voice_that_are_not_used_are_told(tmp_path: Path) -> None:
    common_voice(tmp_path)
    told = {f.code: f.message for f in collect([tmp_path]).findings}
    assert told["tables_left_out"] == (
        "`train.tsv`, `test.tsv` are used, and not `invalidated.tsv`, `validated.tsv`; "
        "to use another, name it with --transcript FILE"
    )
    found = collect([tmp_path], transcript=tmp_path / "validated.tsv")
    assert [clip.source for clip in found.clips] == [f"clips/{name}.wav" for name, *_ in ROWS]


def test_common_voice_with_validated_rows_only(tmp_path: Path) -> None:
    common_voice(tmp_path)
    for name in ("train", "test"):
        (tmp_path / f"{name}.tsv").unlink()
    assert [(c.source, c.split) for c in collect([tmp_path]).clips] == [
        (f"clips/{name}.wav", "") for name, *_ in ROWS
    ]


def test_the_same_file_name_in_two_parts(tmp_path: Path) -> None:
    for part, text in (("train", "አንድ"), ("test", "ሁለት")):
        wav(tmp_path / part / "1.wav")
        line = json.dumps({"file_name": "1.wav", "text": text})
        (tmp_path / part / "metadata.jsonl").write_text(line)
    assert [(c.source, c.text, c.split) for c in collect([tmp_path]).clips] == [
        ("train/1.wav", "አንድ", "train"),
        ("test/1.wav", "ሁለት", "eval"),
    ]
    (tmp_path / "train" / "metadata.csv").write_text("file_name,text\n1.wav,x\n")
    with pytest.raises(UserError, match="several transcript tables"):
        collect([tmp_path])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no rows"),
        ('{"file_name": "a"}\n{"file', "line 2 is not JSON"),
        ("[1]\n", "line 1 is not an object"),
        ('{"x": 1}\n', "has no fields for the file and its text"),
    ],
)
def test_json_lines_that_are_no_table(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "metadata.jsonl").write_text(content)
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / "metadata.jsonl")


def test_odd_values_in_json_lines(tmp_path: Path) -> None:
    lines = ('{"file": "a.wav", "text": 7}', '{"file": "b.wav", "text": ["x"]}', '{"file": null}')
    (tmp_path / "m.jsonl").write_text("\n".join(lines))
    rows = read_table(tmp_path / "m.jsonl").rows
    assert [(r.line, r.audio, r.text, r.problem) for r in rows] == [
        (1, "a.wav", "7", ""),
        (2, "b.wav", "['x']", "`text` is not a text"),
        (3, "", "", ""),
    ]


def write_parquet(path: Path, columns: dict[str, Any]) -> Path:
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_sound_without_names_and_of_the_same_name(workspace: Workspace, tmp_path: Path) -> None:
    made = [wav(tmp_path / f"{n}.wav", 1.0, 200.0 + 30 * n).read_bytes() for n in range(4)]
    names = [None, "../../a.wav", "b/a.wav", "a.unknown"]
    audio = [{"bytes": b, "path": n} for b, n in zip(made, names, strict=True)]
    audio.append({"bytes": None, "path": "missing.wav"})
    path = write_parquet(tmp_path / "x.parquet", {"audio": audio, "text": list("ሀለሐመሠ")})
    run(workspace, path)
    rows = load(workspace).utterances
    assert [(r.text, r.source, r.decision) for r in rows] == [
        ("ሀ", "train/x-000001.wav", "accepted"),
        ("ለ", "train/a.wav", "accepted"),
        ("ሐ", "train/a-2.wav", "accepted"),
        ("መ", "train/a.unknown.wav", "accepted"),
        ("ሠ", "missing.wav", "rejected"),
    ]
    assert list((workspace.cache / "unpacked").iterdir()) == []


def test_sound_as_plain_bytes(workspace: Workspace, tmp_path: Path) -> None:
    sound = wav(tmp_path / "a.wav").read_bytes()
    path = write_parquet(tmp_path / "x.parquet", {"audio": [sound], "text": ["ሰላም"]})
    events = run(workspace, path)
    assert [r.text for r in load(workspace).accepted()] == ["ሰላም"]
    assert ("transcript_found", "info", "") in findings(events)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"audio": [{"bytes": b"x", "path": "a"}]}, "has no column of texts"),
        ({"file_name": ["a.wav"], "n": [1]}, "No recordings were found"),
    ],
)
def test_parquet_that_is_no_dataset(
    columns: dict[str, Any], message: str, workspace: Workspace, tmp_path: Path
) -> None:
    path = write_parquet(tmp_path / "x.parquet", columns)
    with pytest.raises(UserError, match=message):
        run(workspace, path)


@pytest.mark.parametrize("cut", [0, 4, 300, -1])
def test_damaged_parquet(cut: int, workspace: Workspace, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "x.parquet", {"audio": [b"x" * 500], "text": ["a"]})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match="can't be read as Parquet"):
        run(workspace, path)


def test_a_folder_with_sounds_beside_parquet_is_no_hub_dataset(tmp_path: Path) -> None:
    audiofolder_parquet(tmp_path)
    assert parquet_files(tmp_path) == []
