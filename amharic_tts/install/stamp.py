"""What an earlier set-up finished, so that the next one takes seconds.

The stamp in `.venv` holds one hash per layer. A layer is in place if its hash is the one of today's
files, machine and Python; an interrupted set-up leaves no stamp and is done again, which is quick,
because what is already installed stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from amharic_tts.files import disk_errors, write_text
from amharic_tts.install.inspection import TORCH, Machine
from amharic_tts.install.plan import BASE, TESTS, UV
from amharic_tts.install.torch_choice import choose_torch

_FILES = ("requirements.txt", "constraints.txt", "overrides.txt", "pyproject.toml")
VERSION = 1
"""Raised when the set-up itself changes in a way that the files do not show."""


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps([str(value) for value in values]).encode()).hexdigest()


def keys(root: Path, machine: Machine, parts: Iterable[str]) -> dict[str, str]:
    """Return the hash that each layer has when it is set up from today's files on this machine.

    The network is not in it: a set-up that took the package index's PyTorch because the other
    index was away is in place all the same.
    """
    files = [(root / name).read_bytes().hex() for name in _FILES]
    python = machine.venv_python or machine.python[:2]
    kind = choose_torch(machine).cuda
    base = _hash(VERSION, root, python, machine.system, machine.arch, kind, TORCH, UV, *files)
    tests = _hash(base, (root / "requirements-dev.txt").read_text(encoding="utf-8"))
    return {BASE: base, TESTS: tests, **{part: _hash(base, part) for part in parts}}


def path(root: Path) -> Path:
    """Return where the stamp is."""
    return root / ".venv" / "studio-setup.json"


def in_place(root: Path, wanted: dict[str, str]) -> frozenset[str]:
    """Return the layers of `keys` that the stamp holds."""
    try:
        layers = dict(json.loads(path(root).read_text(encoding="utf-8"))["layers"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(name for name, key in wanted.items() if layers.get(name) == key)


def write(root: Path, layers: dict[str, str]) -> None:
    """Say that these layers are in place."""
    body = {"layers": layers, "made": time.strftime("%Y-%m-%d %H:%M:%S")}
    write_text(path(root), json.dumps(body, indent=1))


def remove(root: Path) -> None:
    """Say that nothing is known to be in place, before a set-up changes anything."""
    path(root).unlink(missing_ok=True)


def _try_lock(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            getattr(msvcrt, "locking")(handle, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def one_at_a_time(root: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the set-up of this folder; the system lets go of it when the process ends.

    Args:
        root: The studio's folder.
        waiting: Called once if another set-up has to be waited for.
    """
    folder = root / ".studio"
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)
        handle = os.open(folder / "setup.lock", os.O_RDWR | os.O_CREAT)
    try:
        if not _try_lock(handle):
            waiting()
            while not _try_lock(handle):
                time.sleep(0.5)
        yield
    finally:
        os.close(handle)
