"""Fixtures for every test: a fresh workspace, shared data where it is there, marks by folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.workspace import Workspace

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
_MARKS = {"training": "training", "browser": "browser", "gpu": "gpu"}

if side_by_side := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    # More threads than cores wait for each other in busy loops: a speech took five times as long.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // side_by_side)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = Path(item.path).relative_to(ROOT / "tests").parts[0]
        if folder in _MARKS:
            item.add_marker(_MARKS[folder])
        if folder == "browser":  # waits for page, server, and trainer, on whatever machine
            item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Side by side, a file stays in one process, and so do all files with a browser.

    Two browsers with their studios on two cores make each other wait longer than a test should.
    The marks that pytest-xdist 3.8 has for this do nothing with pytest 9.2.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Groups(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "browser" if file.startswith("tests/browser/") else file

    return Groups(config, log)


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
