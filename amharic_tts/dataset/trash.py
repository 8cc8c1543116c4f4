"""Whole datasets into the workspace's trash and back; only emptying it deletes anything."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset.manifest import HEADER, Dataset
from amharic_tts.dataset.prepare import held
from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors
from amharic_tts.workspace import Workspace

_STAMP = re.compile(r"^(\d{8}-\d{6})-(?:\d+-)?(.+)$")


@dataclass(frozen=True)
class Item:
    """One thing in the trash."""

    id: str
    """Its name in the trash."""
    name: str
    """What it was called."""
    at: float
    """When it was put there, in seconds since the epoch."""
    size: int
    """Bytes."""
    dataset: bool
    """Whether it is a dataset that can be brought back."""


def discard(workspace: Workspace, name: str) -> Path:
    """Move a dataset to the trash and return its place there.

    Raises:
        UserError: There is none, or it is being built.
    """
    folder = workspace.dataset(name)
    if not Dataset.exists(folder):
        raise UserError(f"There is no dataset `{name}`", "See them with: amharic-tts dataset list")
    with held(workspace, folder.name):
        return workspace.discard(folder)


def items(workspace: Workspace) -> list[Item]:
    """Return what is in the trash, the newest first."""
    if not workspace.trash.is_dir():
        return []
    found = [_item(path) for path in sorted(workspace.trash.iterdir(), reverse=True)]
    return sorted(found, key=lambda item: -item.at)


def datasets(workspace: Workspace) -> list[str]:
    """Return the ids of the datasets in the trash, the newest first; without measuring them."""
    if not workspace.trash.is_dir():
        return []
    found = (path for path in workspace.trash.iterdir() if (path / HEADER).is_file())
    return sorted((path.name for path in found if Dataset.exists(path)), reverse=True)


def _item(path: Path) -> Item:
    match = _STAMP.match(path.name)
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    at = time.mktime(time.strptime(match[1], "%Y%m%d-%H%M%S")) if match else path.stat().st_mtime
    whole = (path / HEADER).is_file() and Dataset.exists(path)
    size = sum(file.stat().st_size for file in files)
    return Item(path.name, match[2] if match else path.name, at, size, whole)


def back(workspace: Workspace, id: str, name: str = "") -> str:
    """Bring a dataset back from the trash and return its name.

    Args:
        workspace: Whose trash.
        id: Its name in the trash.
        name: Another name for it, where its own is taken.

    Raises:
        UserError: It is not there, no dataset, or its name is taken.
    """
    item = _found(workspace, id)
    if not item.dataset:
        raise UserError(f"`{id}` in the trash is no dataset", "Only datasets can be brought back")
    target = workspace.dataset(name or item.name)
    if target.exists():
        raise UserError(
            f"There is a dataset `{target.name}` already", "Give another name with --name"
        )
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(workspace.trash / id, target)
    return target.name


def empty(workspace: Workspace, id: str = "") -> int:
    """Delete one thing in the trash, or all, for good; return how many were deleted.

    Whoever calls this has asked the person first.

    Raises:
        UserError: It is not there.
    """
    chosen = [_found(workspace, id)] if id else items(workspace)
    for item in chosen:
        path = workspace.trash / item.id
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return len(chosen)


def _found(workspace: Workspace, id: str) -> Item:
    item = next((one for one in items(workspace) if one.id == id), None)
    if item is None:
        raise UserError(
            f"There is nothing called `{id}` in the trash",
            "See what is with: amharic-tts dataset trash --list",
        )
    return item
