"""A run that is stopped while its libraries load stops, and can be resumed."""

from __future__ import annotations

import time
from pathlib import Path

from run_fixtures import SETTINGS, make_workspace

from amharic_tts.jobs import process, training
from training import config as configs


def test_stop_while_loading(tmp_path: Path, practice_base: Path) -> None:
    workspace = make_workspace(tmp_path / "workspace", practice_base)
    job = training.start_run(workspace, configs.from_mapping(SETTINGS))
    while job.history().progress is None:  # "loading libraries"
        time.sleep(0.05)
    process.stop(job.folder)
    history = job.history()
    assert (history.state, history.step) == ("stopped", 0), job.log_tail()
    training.resume_run(workspace, job.id)
    assert job.history().state == "running"
    process.stop(job.folder)
    assert job.history().state == "stopped"
