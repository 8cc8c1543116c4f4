"""What the files of an exported dataset are, in the layouts that other tools read.

Each layout is a generator of `Entry`; writing them into a folder or an archive is `exporting.py`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.audio.read import RATE
from amharic_tts.dataset import versions
from amharic_tts.dataset.manifest import HEADER, ROWS, WAVS, Dataset, Utterance
from amharic_tts.dataset.pronounce import LEXICON
from amharic_tts.dataset.wording import counted, listed
from amharic_tts.errors import MissingPart
from amharic_tts.events import Finding

PARTS = {"train": "train", "eval": "validation"}
"""Our parts -> what Hugging Face calls them."""
_GROUP = 100
"""Rows of a Parquet row group; each holds seconds of sound."""


@dataclass(frozen=True)
class Entry:
    """One file of an export: its name, and its content or the file that holds it."""

    name: str
    content: bytes | Path


Entries = Iterator[Entry | Finding]


def coqui(dataset: Dataset, _aside: Path) -> Entries:
    """Yield `metadata_train.csv`, `metadata_eval.csv` (``audio_file|text|speaker_name``), WAVs."""
    for split in ("train", "eval"):
        rows = dataset.accepted(split)
        cells = [(_wav(row), row.normalized, row.speaker) for row in rows]
        header = ("audio_file", "text", "speaker_name")
        yield Entry(f"metadata_{split}.csv", _table([header, *cells], "|"))
    yield Entry("lang.txt", f"{dataset.language}\n".encode())
    yield from _wavs(dataset)


def ljspeech(dataset: Dataset, _aside: Path) -> Entries:
    """Yield `metadata.csv` (``id|text|normalised text``, nothing quoted) and WAVs."""
    rows = dataset.accepted()
    barred = [row.id for row in rows if "|" in row.text + row.normalized]
    if barred:
        told = f"`|` became a space in {counted(len(barred), 'text')}: {listed(barred)}"
        yield Finding("changed_text", f"{told}; this layout has no quotes")
    lost = [name for name, many in (("speakers", _several(rows)), ("parts", _parts(rows))) if many]
    if lost:
        yield Finding("left_out", f"this layout has no {' and no '.join(lost)}", "info")
    lines = [f"{row.id}|{_plain(row.text)}|{_plain(row.normalized)}\n" for row in rows]
    yield Entry("metadata.csv", "".join(lines).encode("utf-8"))
    yield from _wavs(dataset)


def audiofolder(dataset: Dataset, _aside: Path) -> Entries:
    """Yield Hugging Face's audiofolder: a folder for each part with WAVs and `metadata.csv`."""
    for split, part in PARTS.items():
        rows = dataset.accepted(split)
        if not rows:
            continue
        header = ("file_name", "text", "normalized_text", "speaker")
        cells = [(f"{row.id}.wav", row.text, row.normalized, row.speaker) for row in rows]
        yield Entry(f"{part}/metadata.csv", _table([header, *cells], ","))
        for row in rows:
            yield Entry(f"{part}/{row.id}.wav", dataset.wav(row))


def parquet(dataset: Dataset, aside: Path) -> Entries:
    """Yield one Parquet file for each part, as the Hugging Face hub stores datasets.

    Raises:
        MissingPart: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet as writer
    except ImportError as error:
        raise MissingPart(
            "Parquet needs the package pyarrow", "Install it with: pip install pyarrow"
        ) from error
    schema = _schema()
    for split, part in PARTS.items():
        rows = dataset.accepted(split)
        if not rows:
            continue
        path = aside / f"{part}.parquet"
        with writer.ParquetWriter(path, schema) as file:
            for start in range(0, len(rows), _GROUP):
                file.write_table(_group(dataset, rows[start : start + _GROUP], schema))
        yield Entry(f"data/{part}-00000-of-00001.parquet", path)


def _schema() -> Any:
    import pyarrow as pa

    texts = ("id", "text", "normalized_text", "speaker")
    sound = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [("audio", sound), *((name, pa.string()) for name in texts)]
    features: dict[str, Any] = {"audio": {"sampling_rate": RATE, "_type": "Audio"}}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in texts}
    features["duration"] = {"dtype": "float64", "_type": "Value"}
    about = json.dumps({"info": {"features": features}})
    return pa.schema([*fields, ("duration", pa.float64())], metadata={"huggingface": about})


def _group(dataset: Dataset, rows: Sequence[Utterance], schema: Any) -> Any:
    import pyarrow as pa

    values = [
        {
            "audio": {"bytes": dataset.wav(row).read_bytes(), "path": f"{row.id}.wav"},
            "id": row.id,
            "text": row.text,
            "normalized_text": row.normalized,
            "speaker": row.speaker,
            "duration": row.duration,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(values, schema=schema)


def studio(dataset: Dataset, _aside: Path) -> Entries:
    """Yield the dataset as the studio keeps it, refused rows included, without its history."""
    rows = "".join(row.to_line() + "\n" for row in dataset.utterances)
    yield Entry(ROWS, rows.encode("utf-8"))
    for name in (HEADER, LEXICON):
        if (dataset.folder / name).is_file():
            yield Entry(name, dataset.folder / name)
    for name in sorted(versions.named(dataset.utterances)):
        yield Entry(name, dataset.folder / name)


def _wavs(dataset: Dataset) -> Iterator[Entry]:
    for row in dataset.accepted():
        yield Entry(_wav(row), dataset.wav(row))


def _wav(row: Utterance) -> str:
    # By its id, not as in the dataset: there a clip whose ends were moved has another name.
    return f"{WAVS}/{row.id}.wav"


def _table(lines: Sequence[Sequence[str]], separator: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(lines)
    return out.getvalue().encode("utf-8")


def _plain(text: str) -> str:
    return " ".join(text.replace("|", " ").split())


def _several(rows: Sequence[Utterance]) -> bool:
    return len({row.speaker for row in rows}) > 1


def _parts(rows: Sequence[Utterance]) -> bool:
    return len({row.split for row in rows}) > 1
