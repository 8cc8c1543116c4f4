"""A launched studio with the sample project, and a client that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.dataset import sample
from amharic_tts.settings import Settings
from amharic_tts.workspace import Workspace


@pytest.fixture(scope="session")
def launch() -> Iterator[Any]:
    """Return a function that serves a workspace and gives its address."""
    from amharic_tts.ui.app import build_app
    from amharic_tts.ui.launch import launch_arguments

    apps = []

    def start(workspace: Path, **settings: Any) -> str:
        chosen = Settings(workspace, **settings)
        app = build_app(chosen)
        apps.append(app)
        _, address, _ = app.launch(**launch_arguments(chosen), prevent_thread_lock=True)
        return str(address)

    yield start
    for app in apps:
        app.close()


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the sample project."""
    workspace = Workspace.open(tmp_path_factory.mktemp("app") / "workspace")
    for _ in sample.build(workspace):
        pass
    return workspace


@pytest.fixture(scope="session")
def address(launch: Any, full: Workspace) -> str:
    return str(launch(full.root))


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[Any]:
    from gradio_client import Client

    one = Client(address, verbose=False)
    yield one
    one.close()
