"""The practice base in a workspace: unpacked in seconds from a file that is part of the studio."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from amharic_tts.base_models import packed
from amharic_tts.files import disk_errors, require_space, sync_folder, write_text

if TYPE_CHECKING:
    from amharic_tts.base_models.practice_parts import Parts

NOTE = "practice.json"
"""Says what a practice base was unpacked from; written last, so that it says that all is there."""
_SIZE = 300_000_000


def is_whole(folder: Path, weights: Path = packed.WEIGHTS) -> bool:
    """Tell whether a practice base is there, of these weights, with every file at its size.

    Raises:
        UserError: What stands beside the weights can't be read.
    """
    wanted = packed.describe(weights)["sha256"]
    try:
        note = read_note(folder)
        sizes = {name: (folder / name).stat().st_size for name in note["files"]}
        return bool(note["weights"] == wanted and sizes == note["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_note(folder: Path) -> dict[str, Any]:
    """Return what `practice.json` says: ``note``, ``weights``, ``language``, ``files``, ..."""
    return dict(json.loads((folder / NOTE).read_text(encoding="utf-8")))


def build(folder: Path, weights: Path = packed.WEIGHTS) -> Path:
    """Unpack the practice base into `folder`, or return it at once when it is whole.

    A damaged or older one is renamed, not deleted. Two builds at the same time make one.

    Raises:
        UserError: The packed weights are missing or damaged; the disk is full or can't be written.
    """
    folder = Path(folder)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if is_whole(folder, weights):
                return folder
            require_space(folder.parent, _SIZE, "The practice base")
            aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
            try:
                write(aside, packed.read(weights), packed.describe(weights)["sha256"])
                if folder.exists():
                    stamp = time.strftime("%Y%m%d-%H%M%S")
                    folder.rename(folder.with_name(f"{folder.name}.old-{stamp}"))
                aside.chmod(0o755)
                aside.rename(folder)
                sync_folder(folder.parent)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    return folder


def write(folder: Path, parts: Parts, digest: str) -> None:
    """Write all files of a base; `practice.json`, which says that they are whole, comes last.

    Args:
        folder: There, and empty.
        parts: What it is made of.
        digest: SHA-256 of the packed weights.
    """
    from amharic_tts.base_models.practice_parts import write_files

    write_files(parts, folder)
    for path in folder.iterdir():
        path.chmod(0o644)
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
    note = {
        "note": parts.note,
        "weights": digest,
        "language": parts.language,
        "text_mode": parts.text_mode,
        "speakers": list(parts.speakers),
        "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
    }
    write_text(folder / NOTE, json.dumps(note, indent=1, ensure_ascii=False))
