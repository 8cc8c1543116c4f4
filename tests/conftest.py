"""Fixtures for every test: a fresh workspace, shared data where it is there, marks by folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from amharic_tts.workspace import Workspace

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
_MARKS = {"training": "training", "browser": "browser", "gpu": "gpu"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder, *rest = Path(item.path).relative_to(ROOT / "tests").parts
        if folder in _MARKS:
            item.add_marker(_MARKS[folder])
        # Side by side, a file stays in one process, and all files with a browser do: two browsers
        # with their studios on two cores make each other wait longer than a test should.
        group = folder if folder == "browser" else "-".join((folder, *rest))
        item.add_marker(pytest.mark.xdist_group(group))


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
