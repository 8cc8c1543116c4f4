"""Files for the visitor to take away: copies in a private temporary folder, never the originals."""

from __future__ import annotations

import csv
import functools
import io
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from amharic_tts.spreadsheet import harmless


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # Removed when the server ends; Gradio serves its own copy from its cache.
    return tempfile.TemporaryDirectory(prefix="amharic-tts-")


def folder() -> Path:
    """Return the private temporary folder; it goes away with the server."""
    return Path(_folder().name)


def offer(name: str, content: bytes) -> str:
    """Write `content` under `name` and return the path for a download component."""
    path = Path(tempfile.mkdtemp(dir=folder())) / name
    path.write_bytes(content)
    return str(path)


def offer_copy(path: Path) -> str:
    """Copy a file of the workspace, of any size, and return the path for a download component.

    The same file is copied once, however often the page is opened.
    """
    return _copied(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=32)
def _copied(path: Path, _stamp: int) -> str:
    target = Path(tempfile.mkdtemp(dir=_folder().name)) / path.name
    shutil.copyfile(path, target)
    return str(target)


def offer_table(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a CSV that spreadsheets read as UTF-8, and return its path.

    A cell that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
    return offer(name, buffer.getvalue().encode("utf-8-sig"))
