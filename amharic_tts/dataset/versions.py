"""Versions of a dataset: whatever replaces the rows as a whole keeps those before.

`versions/NNNN.jsonl.gz` holds the rows of a former state with the edits that stood on it, and
`versions/NNNN.json` what is known about it. Sounds are never written over: the WAVs that a version
names stay in `wavs/`.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset import journal, states
from amharic_tts.dataset.export import write_exports
from amharic_tts.dataset.manifest import Dataset, Utterance, read_rows
from amharic_tts.errors import UserError
from amharic_tts.files import write_text, writing

FOLDER = "versions"


@dataclass(frozen=True)
class Version:
    """One state of a dataset."""

    number: int
    at: float
    """When it was begun, in seconds since the epoch; 0 where nobody knows."""
    reason: str
    """What made it."""
    rows: int
    accepted: int
    seconds: float
    """Length of the accepted clips."""
    edits: int
    """Edits on single rows since it was begun."""
    hash: str
    """SHA-256 of its rows, edits included; equal rows have equal hashes."""
    current: bool = False


@dataclass(frozen=True)
class Difference:
    """What distinguishes the rows of two versions."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: dict[str, dict[str, tuple[object, object]]]
    """Row -> field -> (before, after)."""

    def fields(self) -> dict[str, int]:
        """Return how many rows changed in each field, the most frequent first."""
        counts: dict[str, int] = {}
        for fields in self.changed.values():
            for name in fields:
                counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def commit(dataset: Dataset, utterances: Iterable[Utterance], reason: str) -> Dataset:
    """Replace all rows; the state before is kept as a version. Equal rows make no new one.

    Args:
        dataset: As it was loaded; edits that came in since go on top of the new rows.
        utterances: The new rows. Their WAVs are on the disk already.
        reason: What makes the new state, in words, such as ``built from a.wav``.

    Raises:
        UserError: The rows were replaced since they were loaded; or the disk is full.
    """
    rows = tuple(utterances)
    there = Dataset.exists(dataset.folder)
    if not there or rows != dataset.utterances:
        dataset = _replace(dataset, rows, reason)
    write_exports(dataset)
    return dataset


def _replace(dataset: Dataset, rows: Sequence[Utterance], reason: str) -> Dataset:
    if Dataset.exists(dataset.folder):
        keep(dataset.folder)
    return dataset.save(rows, reason)


def keep(folder: Path) -> Version:
    """Write the present state among the versions, edits included; the rows stay as they are."""
    dataset = Dataset.load(folder)
    version = described(dataset)
    text = _text(dataset.utterances)
    with writing(_file(folder, version.number)) as file:
        # Without the time in it, equal rows give equal bytes.
        file.write(gzip.compress(text.encode("utf-8"), compresslevel=5, mtime=0))
    body = {**dataclasses.asdict(version), "current": False}
    write_text(_about(folder, version.number), json.dumps(body, ensure_ascii=False, indent=1))
    return version


def described(dataset: Dataset) -> Version:
    """Return what is known about a dataset as it was loaded."""
    line = next(
        (line for line in states.log_lines(dataset.folder) if line["number"] == dataset.state), {}
    )
    accepted = dataset.accepted()
    return Version(
        dataset.state or 0,
        float(line.get("at", 0.0)),
        str(line.get("reason", "")),
        len(dataset.utterances),
        len(accepted),
        round(sum(row.duration for row in accepted), 2),
        dataset.edits,
        hash_of(dataset.utterances),
        current=True,
    )


def hash_of(rows: Iterable[Utterance]) -> str:
    """Return the SHA-256 of rows; the hash of each clip's samples is part of its row."""
    return hashlib.sha256(_text(rows).encode("utf-8")).hexdigest()


def _text(rows: Iterable[Utterance]) -> str:
    return "".join(row.to_line() + "\n" for row in rows)


def _file(folder: Path, number: int) -> Path:
    return folder / FOLDER / f"{number:04d}.jsonl.gz"


def _about(folder: Path, number: int) -> Path:
    return folder / FOLDER / f"{number:04d}.json"


def listed(folder: Path) -> list[Version]:
    """Return all versions, the present state first.

    Raises:
        UserError: The dataset, or what is known about a version, can't be read.
    """
    now = described(Dataset.load(folder))
    kept = [_read(path) for path in sorted((folder / FOLDER).glob("*.json"), reverse=True)]
    return [now, *(version for version in kept if version.number != now.number)]


def _read(path: Path) -> Version:
    try:
        return Version(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"`{path}` can't be read: {error}") from error


def rows_of(folder: Path, number: int) -> tuple[Utterance, ...]:
    """Return the rows of a version.

    Raises:
        UserError: There is no such version, or its file is not what was written.
    """
    dataset = Dataset.load(folder)
    if number == dataset.state:
        return dataset.utterances
    path = _file(folder, number)
    if not path.is_file() or not _about(folder, number).is_file():
        known = ", ".join(str(version.number) for version in listed(folder))
        raise UserError(
            f"`{folder.name}` has no version {number}", f"It has these versions: {known}"
        )
    try:
        with gzip.open(path, "rb") as file:
            rows = tuple(read_rows(file.read(), path))
    except (OSError, EOFError) as error:
        raise UserError(f"`{path}` is damaged: {error}", "Put a copy of it back") from error
    if hash_of(rows) != _read(_about(folder, number)).hash:
        raise UserError(f"`{path}` was changed since it was written", "Put a copy of it back")
    return rows


def compare(before: Sequence[Utterance], after: Sequence[Utterance]) -> Difference:
    """Return what distinguishes two versions' rows; rows are the same by their id."""
    old, new = ({row.id: row for row in rows} for rows in (before, after))
    changed = {}
    for id, row in new.items():
        if id in old and old[id] != row:
            was, now = old[id].fields(), row.fields()
            changed[id] = {key: (was[key], now[key]) for key in now if was[key] != now[key]}
    added = tuple(id for id in new if id not in old)
    return Difference(added, tuple(id for id in old if id not in new), changed)


def restore(folder: Path, number: int) -> Dataset:
    """Bring the rows of a version back; the present state is kept as a version.

    Raises:
        UserError: No such version, or a WAV that it names is gone.
    """
    dataset = Dataset.load(folder)
    rows = rows_of(folder, number)
    gone = [row.audio for row in rows if row.audio and not (folder / row.audio).is_file()]
    if gone:
        raise UserError(
            f"Version {number} can't be restored: {len(gone)} of its sounds are gone, such as "
            f"`{gone[0]}`",
            "Put them back first",
        )
    return commit(dataset, rows, f"version {number} restored")


def keep_now(folder: Path, reason: str) -> Dataset:
    """Begin a new version with the rows as they are: the edits so far become part of it."""
    dataset = Dataset.load(folder)
    if dataset.edits:
        dataset = _replace(dataset, dataset.utterances, reason)
    write_exports(dataset)
    return dataset


def sounds(dataset: Dataset) -> set[str]:
    """Return every WAV, relative to the folder, that a row, a version or an edit names."""
    folder = dataset.folder
    found = named(dataset.utterances)
    for path in sorted((folder / FOLDER).glob("*.jsonl.gz")):
        found |= named(rows_of(folder, int(path.name.partition(".")[0])))
    for path in sorted((folder / states.FOLDER).glob("*.jsonl")):
        for edit in journal.edits(folder, int(path.stem)):
            for change in edit.changes:
                for fields in (change.before, change.after):
                    found |= {fields[key] for key in ("audio", "whole") if fields and key in fields}
    return found - {""}


def named(rows: Iterable[Utterance]) -> set[str]:
    """Return every WAV, relative to the folder, that rows name."""
    return {name for row in rows for name in (row.audio, row.whole) if name}


def changed_sounds(dataset: Dataset) -> list[str]:
    """Return the rows whose WAV is gone or has other samples than when it was written."""
    import soundfile

    from amharic_tts.dataset.clips import samples_hash

    found = []
    for row in dataset.utterances:
        if not row.audio:
            continue
        try:
            pcm = soundfile.read(dataset.wav(row), dtype="int16")[0]
        except (soundfile.SoundFileError, UserError):
            found.append(row.id)
            continue
        if samples_hash(pcm) != row.audio_hash:
            found.append(row.id)
    return found


def age(version: Version) -> str:
    """Return when a version was begun, in the machine's own time."""
    if not version.at:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(version.at))
