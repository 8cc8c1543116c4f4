"""Take a dataset away: as a folder or one zip, in the layout that the other tool reads."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset import layouts_out, versions
from amharic_tts.dataset.layouts_out import Entries, Entry
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding
from amharic_tts.files import disk_errors, require_space, sync_folder

LAYOUTS: dict[str, Callable[[Dataset, Path], Entries]] = {
    "coqui": layouts_out.coqui,
    "ljspeech": layouts_out.ljspeech,
    "audiofolder": layouts_out.audiofolder,
    "parquet": layouts_out.parquet,
    "studio": layouts_out.studio,
}
_BETWEEN = 0.5
_SPARE = 5_000_000
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip, so that equal datasets give equal bytes."""


@dataclass(frozen=True)
class ExportRequest:
    """Where a dataset goes, and how."""

    layout: str
    """A key of `LAYOUTS`."""
    target: Path
    """A folder, or a zip, that is not there yet."""
    zipped: bool = False

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request."""
        found = []
        if self.layout not in LAYOUTS:
            found.append(f"format: `{self.layout}` is none of {', '.join(LAYOUTS)}")
        if self.target.exists():
            found.append(f"to: `{self.target}` is there already; nothing is written over")
        elif not self.target.parent.is_dir():
            found.append(f"to: there is no folder `{self.target.parent}`")
        return found


def export(dataset: Dataset, request: ExportRequest) -> Iterator[Event]:
    """Write the accepted clips of a dataset (all rows with `studio`) in another tool's layout.

    What is written appears under its name when it is whole; a kill leaves nothing there.

    Yields:
        Findings and progress, then `Done` with ``target``, ``files``, ``clips``, ``bytes``, the
        ``hash`` of the dataset's rows and the ``sha256`` of a zip.

    Raises:
        UserError: The target is there already, no clip is accepted, a WAV is gone, a full disk.
        MissingPart: The layout needs a package that is not installed.
    """
    problems = request.problems()
    if problems:
        raise UserError("It can't be exported:\n" + "\n".join(f"- {p}" for p in problems))
    if request.layout != "studio" and not dataset.accepted():
        raise UserError(f"No clip of `{dataset.name}` is accepted; there is nothing to export")
    gone = [row.id for row in dataset.accepted() if not dataset.wav(row).is_file()]
    if gone:
        raise UserError(
            f"The sounds of {len(gone)} clips of `{dataset.name}` are gone, such as `{gone[0]}`",
            "Put them back, or reject the clips",
        )
    rows = dataset.utterances if request.layout == "studio" else dataset.accepted()
    require_space(
        request.target, round(sum(row.duration for row in rows) * 44_100) + _SPARE, "The export"
    )
    with disk_errors(request.target):
        place = tempfile.TemporaryDirectory(dir=request.target.parent, prefix=".export-")
        with place as folder:
            yield from _write(dataset, request, Path(folder), len(rows))


def _write(dataset: Dataset, request: ExportRequest, aside: Path, rows: int) -> Iterator[Event]:
    made, extra = aside / "made", aside / "extra"
    extra.mkdir()
    writer = _Zip(made) if request.zipped else _Folder(made)
    clock, told, files = Clock(rows, "clips"), time.monotonic(), 0
    with writer:
        for item in LAYOUTS[request.layout](dataset, extra):
            if isinstance(item, Finding):
                yield item
                continue
            writer.add(item)
            files += 1
            if time.monotonic() - told > _BETWEEN:
                told = time.monotonic()
                yield clock.progress(min(files, rows))
    made.replace(request.target)
    sync_folder(request.target.parent)
    result = {
        "dataset": dataset.name,
        "layout": request.layout,
        "target": str(request.target),
        "files": files,
        "clips": rows,
        "bytes": writer.size,
        "hash": versions.hash_of(dataset.utterances),
    }
    yield Done({**result, "sha256": _digest(request.target) if request.zipped else ""})


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class _Folder:
    """Writes entries as files."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.size = folder, 0

    def __enter__(self) -> None:
        self._folder.mkdir()

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, entry: Entry) -> None:
        path = self._folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry.content, Path):
            shutil.copyfile(entry.content, path)
        else:
            path.write_bytes(entry.content)
        self.size += path.stat().st_size


class _Zip:
    """Writes entries into one zip; sound is stored as it is, since it hardly gets smaller."""

    def __init__(self, path: Path) -> None:
        self._path, self.size = path, 0

    def __enter__(self) -> None:
        self._zip = zipfile.ZipFile(self._path, "w", allowZip64=True)

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self.size = self._path.stat().st_size

    def add(self, entry: Entry) -> None:
        info = zipfile.ZipInfo(entry.name, _EARLIEST)
        info.external_attr = 0o644 << 16
        packed = entry.name.endswith((".csv", ".jsonl", ".json", ".txt", ".tsv"))
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with self._zip.open(info, "w", force_zip64=True) as out:
            if isinstance(entry.content, bytes):
                out.write(entry.content)
                return
            with open(entry.content, "rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)
