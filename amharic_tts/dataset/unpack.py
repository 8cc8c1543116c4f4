"""Sources that must be unpacked first: archives, and Parquet with sound inside."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amharic_tts.dataset import archives, parquet
from amharic_tts.dataset.layouts import PARTS
from amharic_tts.dataset.ledger import file_hash
from amharic_tts.dataset.root import MEDIA
from amharic_tts.events import Clock, Event, Finding
from amharic_tts.files import write_text
from amharic_tts.workspace import Workspace

_COMPLETE = ".complete"
_BETWEEN = 0.5
_HUB_FOLDERS = ("", "data")
"""Where a dataset of the hub has its Parquet files."""


@dataclass
class Unpacked:
    """The sources with folders in the place of archives; `made` are ours and go away at the end."""

    sources: list[Path] = field(default_factory=list)
    made: list[Path] = field(default_factory=list)

    def remove(self) -> None:
        """Remove what was unpacked: copies of what the user has."""
        for folder in self.made:
            shutil.rmtree(folder, ignore_errors=True)


def unpacked(workspace: Workspace, sources: Sequence[Path]) -> Iterator[Event | Unpacked]:
    """Unpack what needs it; yield progress and findings, and the new sources at last.

    What was unpacked by a build that did not end is used again.

    Raises:
        UserError: An archive or a Parquet file that can't be used.
    """
    found = Unpacked()
    for source in sources:
        path = source.expanduser().absolute()
        if archives.is_archive(path):
            path = yield from _opened(workspace, found, path, [])
        tables = parquet_files(path)  # an archive may hold Parquet
        if tables:
            path = yield from _opened(workspace, found, path, tables)
        found.sources.append(path)
    yield found


def _opened(
    workspace: Workspace, found: Unpacked, path: Path, tables: Sequence[Path]
) -> Generator[Event, None, Path]:
    """Unpack an archive, or tables with sound; return the folder that now holds the files."""
    target = _place(workspace, tables or [path])
    found.made.append(target)
    if not (target / _COMPLETE).exists():
        shutil.rmtree(target, ignore_errors=True)  # left half done
        target.mkdir(parents=True)
        yield from _unpack(path, tables, target)
        write_text(target / _COMPLETE, "")
    return _inner(target)


def parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files with sound of a source; none where it is something else."""
    if path.suffix.lower() == ".parquet" and path.is_file():
        return [path] if parquet.holds_sound(path) else []
    if not path.is_dir():
        return []
    found = sorted(p for name in _HUB_FOLDERS for p in (path / name).glob("*.parquet"))
    if not found or any(p.suffix.lower() in MEDIA for p in path.iterdir()):
        return []
    return [file for file in found if parquet.holds_sound(file)]


def _place(workspace: Workspace, files: Sequence[Path]) -> Path:
    digests = "".join(file_hash(file) for file in files)
    name = hashlib.sha256(digests.encode()).hexdigest()[:24]
    return workspace.cache / "unpacked" / name


def _unpack(path: Path, tables: Sequence[Path], target: Path) -> Iterator[Event]:
    steps: Iterator[Finding | tuple[int, int]]
    steps = parquet.unpack(tables, target) if tables else archives.unpack(path, target)
    clock: Clock | None = None
    told = 0.0
    for step in steps:
        if isinstance(step, Finding):
            yield step
            continue
        done, total = step
        clock = clock or Clock(total, f"{'rows' if tables else 'bytes'} of {path.name}")
        if time.monotonic() - told > _BETWEEN:
            told = time.monotonic()
            yield clock.progress(done)


def _inner(target: Path) -> Path:
    """Return the folder that holds the files: many archives hold one folder with everything."""
    inside = [p for p in target.iterdir() if not p.name.startswith((".", "__MACOSX"))]
    while len(inside) == 1 and inside[0].is_dir() and inside[0].name.lower() not in PARTS:
        target = inside[0]
        inside = [p for p in target.iterdir() if not p.name.startswith(".")]
    return target
