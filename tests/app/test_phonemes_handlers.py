"""Handlers of the Phonemes page as plain functions, on sounds that are made here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from amharic_tts.errors import UserError
from amharic_tts.jobs import process, store
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.settings import Settings
from amharic_tts.ui import downloads, words
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

needs_hama = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)
ROOT = Path(__file__).parents[2]
REST = ("embedded", "", "all", "", "auto", 1)
"""The form below the recording: model, another one, inventory, own list, weights, threads."""


@pytest.fixture
def page(workspace: Workspace) -> Any:
    import gradio as gr

    from amharic_tts.ui.pages.phonemes import PhonemesPage

    studio = Studio(Settings(workspace.root), workspace, words.load("en"))
    with gr.Blocks():
        return PhonemesPage(studio).build()


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """40 seconds in which something is always heard, so that there are several pieces."""
    samples = np.random.default_rng(0).normal(0, 0.1, 40 * 16000)
    soundfile.write(tmp_path / "noise.wav", samples, 16000)
    return tmp_path / "noise.wav"


def visible(updates: dict[Any, Any], box: Any) -> Any:
    return updates[box].visible


@needs_hama
def test_listening_tells_how_far_it_is_and_can_be_stopped(
    page: Any, noise: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from amharic_tts.ui.pages.phonemes import Session

    monkeypatch.setattr("amharic_tts.phonemes.listen.POLL", 0.001)
    session = Session()
    begun = page.begin(session)
    assert "Starting" in begun[page.told]
    assert (visible(begun, page.box), visible(begun, page.stop)) == (False, True)
    seen = []
    for updates in page.listen(session, "", "am", str(noise), *REST):
        seen.append(updates)
        if "listened to" in updates[page.told]:
            assert "Stopping" in page.ask_to_stop(session)
    last = seen[-1]
    assert "Loading the model" in seen[0][page.told]
    assert len(seen) >= 3
    assert "stopped after" in last[page.notes]
    assert visible(last, page.box) is True
    assert 0 < session.heard.duration < 40
    offered = [last[file].value["orig_name"] for file in page.files]
    assert offered == ["noise.csv", "noise.json", "noise.TextGrid"]
    assert "hama" in last[page.tools.costs]
    assert "Real-time factor" in last[page.tools.performance]
    rest = page.rest(session)
    assert visible(rest, page.stop) is False and page.told not in rest

    # Another recording drops the copies of this one, and closing drops the last.
    folder = session.heard.folder
    assert folder.parent == downloads.folder()
    list(page.listen(session, "", "am", str(noise), *REST))
    assert not folder.exists()
    session.close()
    assert not list(downloads.folder().glob("heard-*"))


@needs_hama
def test_silence_is_no_measurement(page: Any, tmp_path: Path) -> None:
    from amharic_tts.ui.pages.phonemes import Session

    soundfile.write(tmp_path / "still.wav", np.zeros(16000), 16000)
    *_, last = page.listen(Session(), "", "am", str(tmp_path / "still.wav"), *REST)
    assert "no phone was heard: the sound is silent" in last[page.notes]
    assert "Nothing is measured yet" in last[page.tools.costs]


def test_a_bad_file_is_told_by_its_own_name(page: Any, tmp_path: Path) -> None:
    from amharic_tts.ui.pages.phonemes import Session

    (tmp_path / "<b>letter.wav").write_text("no sound", encoding="utf-8")
    session = Session()
    page.begin(session)
    path = str(tmp_path / "<b>letter.wav")
    *_, last = page.listen(session, "", "am", path, *REST)
    assert "&lt;b&gt;letter.wav" in last[page.told] and str(tmp_path) not in last[page.told]
    assert "job-error" in last[page.told]
    assert session.heard is None


def test_where_listening_breaks_nothing_looks_busy(page: Any) -> None:
    from amharic_tts.ui.pages.phonemes import Session

    session = Session()
    page.begin(session)
    rest = page.rest(session)
    assert rest[page.told] == ""
    assert rest[page.go].interactive is True


def test_a_model_is_converted_as_a_task(
    page: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(process, "start", lambda _, folder: started.append(folder))
    tools = page.tools
    with pytest.raises(UserError, match="nothing to convert for `embedded`"):
        tools.start_convert("embedded", "", "auto")
    with pytest.raises(UserError, match="nothing to convert for `--out`"):
        tools.start_convert("--out", "", "auto")
    tools.start_convert("fast", "", "fp32")
    tools.start_convert("other", "owner/model", "auto")
    tools.start_bench(2)
    tasks = sorted(store.jobs(workspace, "task"), key=lambda job: started.index(job.folder))
    commands = [" ".join(job.spec.command[4:-2]) for job in tasks]
    assert commands == [
        "phonemes-convert fast --fp32",
        "phonemes-convert owner/model --int8",
        "phonemes-bench --threads=2",
    ]


def test_the_card_offers_a_conversion_where_one_is_needed(
    page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded, fast = catalog.BY_NAME["embedded"], catalog.BY_NAME["fast"]
    states = [
        catalog.State(embedded, False, "hama has no build for Windows", "Take `fast` instead"),
        catalog.State(fast, True, "converted: int8", "", ("int8",)),
    ]
    monkeypatch.setattr(catalog, "states", lambda: states)
    tools = page.tools

    def offered(model: str, dtype: str) -> bool:
        return bool(tools.choose(model, dtype)[tools.convert].visible)

    assert "no build for Windows" in tools.choose("embedded", "auto")[tools.card].value
    assert not offered("embedded", "auto") and not offered("embedded", "fp32")
    assert not offered("fast", "auto") and not offered("fast", "int8")
    assert offered("fast", "fp32") and offered("other", "auto")
    # Where the built-in one is not to be had, the page begins with one that is.
    shown = tools.load(None, "auto")[tools.model]
    assert shown.value == "fast"
    assert [name for _, name in shown.choices] == ["embedded", "fast", "other"]


@needs_hama
def test_listening_loads_no_model_library(workspace: Workspace, noise: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from amharic_tts.settings import Settings\n"
        "from amharic_tts.ui.app import build_app; from amharic_tts.ui import words\n"
        "from amharic_tts.ui.studio import Studio; from amharic_tts.workspace import Workspace\n"
        "from amharic_tts.ui.pages.phonemes import PhonemesPage, Session\n"
        "import gradio as gr\n"
        f"root = Path({str(workspace.root)!r})\n"
        "studio = Studio(Settings(root), Workspace.open(root), words.load('en'))\n"
        "with gr.Blocks(): page = PhonemesPage(studio).build()\n"
        f"found = list(page.listen(Session(), 's ə', 'phones', {str(noise)!r}, *{REST!r}))\n"
        "assert page.comparison in found[-1], found[-1]\n"
        "heavy = [m for m in ('torch', 'TTS', 'transformers', 'matplotlib') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
