"""Fixtures for every test: a fresh workspace, shared data where it is there, marks by folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from amharic_tts.workspace import Workspace

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
_MARKS = {"training": "training", "browser": "browser", "gpu": "gpu"}

if side_by_side := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    # More threads than cores wait for each other in busy loops: a speech took five times as long.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // side_by_side)))


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder, *rest = Path(item.path).relative_to(ROOT / "tests").parts
        if folder in _MARKS:
            item.add_marker(_MARKS[folder])
        # Side by side, a file stays in one process, and all files with a browser do: two browsers
        # with their studios on two cores make each other wait longer than a test should.
        group = folder if folder == "browser" else "-".join((folder, *rest))
        item.add_marker(pytest.mark.xdist_group(group))
        if folder == "browser":  # waits for page, server, and trainer, on whatever machine
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture(scope="session")
def ljspeech() -> Path:
    """24 clips of read English speech with `metadata.csv`; not part of the project."""
    folder = SHARED / "ljspeech"
    if not folder.is_dir():
        pytest.skip("the shared test recordings (../shared/data/ljspeech) are not on this machine")
    return folder
