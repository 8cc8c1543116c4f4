"""A long recording with subtitles: its cuts on the waveform, changed, and built from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.workspace import Workspace

TEXTS = ["ሰላም ለዓለም እንዴት ነህ።", "እንዴት አደርክ ዛሬ ደህና?", "ዛሬ ጥሩ ቀን ነው አለ።", "ቡና እንጠጣ ብላ ጋበዘችን።"]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "ቀረጻ" / "ንግግር.wav"
    path.parent.mkdir()
    one = {"out": str(path), "voice": "am", "speed": 140, "pitch": 40, "texts": TEXTS}
    made = run_espeak({"gap": 0.8, "recordings": [one]})
    lines = [
        f"00:00:{start + 0.15:06.3f} --> 00:00:{end - 0.15:06.3f}\n{text}\n"
        for (start, end), text in zip(made["recordings"][0]["spans"], TEXTS, strict=True)
    ]
    path.with_suffix(".srt").write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.timeout(600)  # a machine that does other things beside needs minutes
def test_cuts_are_seen_heard_and_built(
    serve: Any, tab: Any, workspace: Workspace, talk: Path
) -> None:
    one = tab().open(serve(workspace.root).url)
    one.page.locator("#dataset-empty").wait_for(state="visible")
    one.settled()
    form = one.page.locator("#dataset-build")
    form.get_by_text("Build from your recordings").click()
    one.fill(form.get_by_label("Or a folder of this machine"), str(talk.parent))
    form.locator("#cuts-look").click()
    clips = form.locator("#cuts-figure .cut-clips button")
    clips.first.wait_for(timeout=240_000)
    assert clips.count() == 4
    assert form.locator("#cuts-figure .cut-list").inner_text().count("።") == 3
    clips.nth(1).click()
    playing = "document.querySelector('#cuts-figure audio').currentTime > 2"
    one.page.wait_for_function(playing)
    one.picture("cuts-1280")
    one.page.set_viewport_size({"width": 400, "height": 900})
    one.fits()
    one.picture("cuts-400")
    one.page.set_viewport_size({"width": 1280, "height": 900})
    one.fill(form.get_by_label("Name of the dataset"), "ንግግር")
    form.locator("#build-start").click()
    one.page.locator("#dataset-report").wait_for(state="visible", timeout=240_000)
    rows = Dataset.load(workspace.dataset("ንግግር")).accepted()
    assert [row.text for row in rows] == TEXTS
    one.picture("cuts-built")
    assert one.errors == []
    assert one.outside == []
