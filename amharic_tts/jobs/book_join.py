"""The files of a book: sound joined piece by piece, subtitles, and the lists of what is where."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from amharic_tts.audio.encode import of_name, writer
from amharic_tts.errors import UserError
from amharic_tts.files import writing
from amharic_tts.jobs.book_parts import Parts, Spoken
from amharic_tts.jobs.book_times import Placed
from amharic_tts.spreadsheet import harmless

MANIFEST, TABLE = "book.json", "book.csv"
COLUMNS = (
    *("number", "line", "chapter", "file", "start", "stop", "text", "seed", "speed", "takes"),
    *("verdict", "reasons", "cut", "cue_start", "cue_end", "late", "over", "skipped"),
)
LARGEST_WAV = 4_000_000_000
"""Bytes; the header of a WAV file counts no more than 4 GiB."""
_BLOCK = 65_536
"""Samples that are in memory at once."""


def made_from(placed: Sequence[Placed], form: str) -> str:
    """Return a hash of what a file is made from: its pieces, their places and its format."""
    facts = [form, [(part.key, at) for one in placed for part, at in _parts(one)]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]


def _parts(placed: Placed) -> Iterator[tuple[Spoken, float]]:
    yield from zip(placed.said.parts, placed.starts, strict=True)


def check_size(placed: Sequence[Placed], form: str, rate: int) -> None:
    """Check that a file can be as long as it has to be.

    Raises:
        UserError: It is longer than a WAV file can be.
    """
    seconds = placed[-1].stop if placed else 0.0
    if form in ("wav", "pcm") and 2 * rate * seconds > LARGEST_WAV:
        raise UserError(
            f"One WAV file can't hold {seconds / 3600:.1f} hours",
            "Write FLAC or MP3 (--format), or a file for each chapter (--per-chapter); what is "
            "spoken is kept",
        )


def write_sound(
    path: Path, placed: Sequence[Placed], parts: Parts, form: str, rate: int
) -> Iterator[float]:
    """Write one file: the pieces at their places, silence between them. Memory does not grow.

    Yields the seconds that are written, now and then; the file is there when it ends, and not at
    all when it is closed before.

    Raises:
        UserError: The disk is full, or a piece is gone.
    """
    with writing(path) as file:
        out = writer(file, rate, form)
        at = 0
        for one in placed:
            for part, start in _parts(one):
                at += _silence(out, round(start * rate) - at)
                at += _copied(out, parts.wav(part.key))
            yield at / rate
        out.close()


def _silence(out: Any, count: int) -> int:
    left = count = max(0, count)
    while left:
        step = min(left, _BLOCK)
        out.write(np.zeros(step, dtype=np.int16))
        left -= step
    return count


def _copied(out: Any, path: Path) -> int:
    count = 0
    try:
        for block in soundfile.blocks(str(path), blocksize=_BLOCK, dtype="int16"):
            mono = block if block.ndim == 1 else block[:, 0]
            out.write(np.ascontiguousarray(mono))
            count += len(mono)
    except soundfile.SoundFileError as error:
        raise UserError(
            f"`{path}` can't be read any more: {error}",
            "Run the same command again: that line is spoken anew",
        ) from error
    return count


def subtitles(placed: Sequence[Placed]) -> str:
    """Return an SRT with a cue for each sentence."""
    found: list[str] = []
    for one in placed:
        for part, at in _parts(one):
            whole: dict[str, Any] = {"text": part.text, "start": 0.0, "stop": part.seconds}
            for sentence in part.sentences or (whole,):
                start, stop = at + sentence["start"], at + sentence["stop"]
                text = " ".join(str(sentence["text"]).split()).replace("-->", "->")
                found.append(f"{len(found) + 1}\n{_time(start)} --> {_time(stop)}\n{text}\n")
    return "\n".join(found)


def _time(seconds: float) -> str:
    whole = round(max(0.0, seconds) * 1000)
    return (
        f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d},"
        f"{whole % 1000:03d}"
    )


def row(placed: Placed, file: str, cues: bool) -> dict[str, Any]:
    """Return one line of the manifest."""
    item, parts = placed.said.item, placed.said.parts
    order = ("", "ok", "not checked", "doubtful", "failed")
    found: dict[str, Any] = {
        "number": item.number,
        "line": item.line,
        "chapter": item.chapter,
        "file": file,
        "start": round(placed.starts[0], 3),
        "stop": round(placed.stop, 3),
        "text": item.text,
        "seed": parts[0].seed,
        "speed": parts[0].speed,
        "takes": sum(one["takes"] for part in parts for one in part.sentences),
        "verdict": max((part.verdict for part in parts), key=order.index),
        "reasons": list(dict.fromkeys(reason for part in parts for reason in part.reasons)),
        "cut": sum(part.cut for part in parts),
    }
    if cues:
        found |= {"cue_start": item.start, "cue_end": item.end}
        found |= {"late": placed.late, "over": placed.over}
    return {**found, "sentences": [one for part, at in _parts(placed) for one in _moved(part, at)]}


def _moved(part: Spoken, at: float) -> list[dict[str, Any]]:
    """Return the sentences of a piece with their times in the file."""
    return [
        {**one, "start": round(at + one["start"], 3), "stop": round(at + one["stop"], 3)}
        for one in part.sentences
    ]


def table(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return the manifest as CSV that spreadsheets read as UTF-8."""
    buffer = io.StringIO()
    out = csv.writer(buffer, lineterminator="\n")
    out.writerow(COLUMNS)
    for one in rows:
        cells = {**one, "reasons": "; ".join(one.get("reasons", ()))}
        out.writerow([harmless(cells.get(name, "")) for name in COLUMNS])
    return buffer.getvalue().encode("utf-8-sig")


def names(numbers: Sequence[int], highest: int, form: str) -> list[str]:
    """Return file names such as ``0007.mp3``; all of a book have the same length."""
    width = max(4, len(str(highest)))
    return [f"{number:0{width}d}{of_name(form).suffix}" for number in numbers]


def pack(out: Path, target: Path) -> Path:
    """Put the files of a finished book, without its pieces, into a ZIP.

    Raises:
        UserError: There is no finished book in the folder.
    """
    try:
        told = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        files = [*told["files"], *told["subtitles"], MANIFEST, TABLE]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"There is no finished book in `{out}`", "Let it be spoken first"
        ) from error
    with (
        writing(target) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as packed,
    ):
        for name in files:
            packed.write(out / name, name)
    return target
