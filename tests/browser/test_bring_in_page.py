"""A long recording with subtitles: seen as cuts, built, checked, mended, corrected, taken away."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

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
    sound, rate = soundfile.read(path, dtype="float32")
    start, end = (int(seconds * rate) for seconds in made["recordings"][0]["spans"][2])
    sound[start:end] *= np.float32(0.1)  # the third sentence is far from the microphone
    soundfile.write(path, sound, rate)
    lines = [
        f"00:00:{start + 0.15:06.3f} --> 00:00:{end - 0.15:06.3f}\n{text}\n"
        for (start, end), text in zip(made["recordings"][0]["spans"], TEXTS, strict=True)
    ]
    path.with_suffix(".srt").write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.timeout(600)  # a machine that does other things beside needs minutes
def test_a_long_recording_becomes_a_dataset_to_take_away(
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
    quiet, wrong = rows[2].id, rows[1].id
    mended(one, quiet)
    corrected(one, wrong)
    taken_away(one)
    assert one.errors == []
    assert one.outside == []


def mended(one: Any, quiet: str) -> None:
    """The check finds the quiet sentence; the plan makes it louder."""
    one.settled().view("check")
    page = one.page
    page.locator("#check-hear input").uncheck()
    page.locator("#check-go").click()
    page.locator("#check-found").wait_for(state="visible")
    table = page.locator("#check-table")
    one.until(lambda: "Quiet" in table.inner_text(), 60, "the quiet clip is found")
    assert quiet in page.locator("#repair-plan").inner_text()
    one.settled().page.locator("#repair-ask").click()
    page.locator("#repair-yes").click()
    page.locator("#repair-done").wait_for(state="visible")
    one.settled().picture("dataset-journey-mended")


def corrected(one: Any, wrong: str) -> None:
    """A text is put right in the table, and the clip accepted."""
    one.view("clips")
    page = one.page
    page.locator(f'#clips-table tr[data-id="{wrong}"]').click()
    page.locator(f'#clip-figure [data-id="{wrong}"]').wait_for()
    one.settled().fill(page.locator("#clip-text textarea"), "እንዴት አደርክ ዛሬ?")
    page.locator("#clip-save").click()
    page.locator("#clip-told", has_text=f"Saved: the text of {wrong}").wait_for()
    one.settled().picture("dataset-journey-corrected")


def taken_away(one: Any) -> None:
    """The dataset is exported; the ZIP holds what was mended and corrected."""
    one.view("versions")
    page = one.page
    page.locator("#export-start").click()
    page.locator("#export-download").wait_for(state="visible")
    with one.settled().page.expect_download() as download:
        page.locator("#export-download").click()
    one.picture("dataset-journey-exported")
    with zipfile.ZipFile(download.value.path()) as packed:
        names = packed.namelist()
        tables = [name for name in names if name.endswith(".csv")]
        written = "".join(packed.read(name).decode("utf-8") for name in tables)
    assert sum(name.endswith(".wav") for name in names) == 4
    assert "እንዴት አደርክ ዛሬ?" in written
    assert TEXTS[1] not in written
