"""What a check found is filtered and sorted by in the clip table, beside a row's own notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_speech import dataset, speech

from amharic_tts.audio.read import RATE
from amharic_tts.dataset.checks import run
from amharic_tts.dataset.checks.run import CheckRequest
from amharic_tts.dataset.edits import editor
from amharic_tts.dataset.table import ClipTable, Query
from amharic_tts.workspace import Workspace

SILENT = Query(finding="silence_start", sort="value", descending=True)


@pytest.fixture
def made(workspace: Workspace) -> Path:
    sounds = {f"c{i}": speech(2.6, 120, i) for i in range(4)}
    for id, seconds in (("c1", 1), ("c3", 2)):
        sounds[id] = np.concatenate([np.zeros(seconds * RATE, np.float32), sounds[id]])
    return dataset(workspace.dataset("d"), sounds).folder


def test_findings_of_a_check_come_and_go_with_what_they_saw(
    workspace: Workspace, made: Path, tmp_path: Path
) -> None:
    table = ClipTable(made, tmp_path / "cache")
    assert table.ids(SILENT) == []
    list(run.check(workspace, CheckRequest("d", model="")))
    table.update()
    assert table.ids(SILENT) == ["c3", "c1"]
    assert table.findings()["silence_start"] == 2
    editor(made).reject(["c1"])
    table.update()
    assert table.ids(SILENT) == ["c3", "c1"]  # its sound and its text are as they were
    editor(made).text("c3", "another text")
    table.update()
    assert table.ids(SILENT) == ["c1"]
    assert ClipTable(made, tmp_path / "anew").ids(SILENT) == ["c1"]
