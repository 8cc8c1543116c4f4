"""Safe writing (aside, fsync, rename), safe names, a trash instead of deletion."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from amharic_tts.errors import StudioError, UserError

_BAD_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))}


def check_name(name: str, what: str) -> str:
    """Return `name` if it can name one folder inside the workspace, on every system.

    Args:
        name: What the user typed; letters of any script are fine.
        what: What it names, for the message ("dataset").

    Raises:
        UserError: Empty, too long, a path, or a name that some system refuses.
    """
    name = name.strip()
    hint = "Use letters, digits, '-' or '_', at most 80 characters, without '/' or '..'"
    if not name:
        raise UserError(f"The {what} needs a name", hint)
    bad = _BAD_NAME.search(name) or name.startswith(".") or name.endswith(".")
    if bad or len(name.encode("utf-8")) > 200 or len(name) > 80 or name.lower() in _RESERVED:
        raise UserError(f"`{name[:100]}` can't be the name of a {what}", hint)
    return name


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk and a missing permission into messages that say where and what to do.

    Raises:
        UserError: The disk is full, read-only, or the user may not write there.
    """
    import errno

    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"The disk is full: `{path}` could not be written",
                "Free some space, then do the same again; what was there before is untouched",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise UserError(
                f"`{path}` can't be written: {error.strerror}",
                "Choose another place with --workspace DIR, or change the folder's permissions",
            ) from error
        raise


@contextlib.contextmanager
def writing(path: Path, sync: bool = True) -> Iterator[BinaryIO]:
    """Open a file beside `path`; on success fsync it and rename it over `path`.

    A failure or a kill at any moment leaves the old file as it was. Without `sync` a power cut
    may leave an empty file: for one of many files that the caller syncs together (`sync_files`).

    Raises:
        UserError: See `disk_errors`.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.chmod(0o644)
            aside.replace(path)
            sync_folder(path.parent)
        finally:
            aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text by `writing`."""
    with writing(path) as file:
        file.write(text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; Windows has no such call and needs none."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_files(folder: Path, paths: Iterable[Path]) -> None:
    """Make files of one folder durable, much faster than one by one as they are written.

    Raises:
        UserError: See `disk_errors`.
    """
    with disk_errors(folder):
        for path in paths:
            with open(path, "rb+") as file:
                os.fsync(file.fileno())
        sync_folder(folder)


def require_space(path: Path, needed: int, what: str) -> None:
    """Check that the disk of `path` has `needed` bytes left.

    Raises:
        UserError: It has less; the message says how much and where.
    """
    existing = path
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise UserError(
            f"{what} needs {needed / 1e6:.0f} MB, "
            f"and the disk of `{existing}` has {free / 1e6:.0f} MB",
            "Free some space, or choose another place with --workspace DIR",
        )


def to_trash(path: Path, trash: Path) -> Path:
    """Move a file or folder into the trash under a name with the time, and return its new place.

    Raises:
        StudioError: It is not there.
    """
    if not path.exists():
        raise StudioError(f"`{path}` is not there")
    with disk_errors(trash):
        trash.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        target, n = trash / f"{stamp}-{path.name}", 1
        while target.exists():
            n += 1
            target = trash / f"{stamp}-{n}-{path.name}"
        shutil.move(path, target)
    return target
