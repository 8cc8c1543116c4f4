"""The clip table in a real browser: keys, the ends of a clip, two tabs, versions, an export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.workspace import Workspace
from benchmarks.dataset_kills import made

pytestmark = pytest.mark.timeout(600)  # a machine that does other things beside needs minutes


@pytest.fixture(scope="module")
def studio(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    workspace = Workspace.open(tmp_path_factory.mktemp("clips") / "workspace")
    made(workspace.dataset("noises"), 30, language="am")
    return serve(workspace.root)


def rows(studio: Any) -> dict[str, Any]:
    loaded = Dataset.load(Workspace(studio.workspace).dataset("noises"))
    return {row.id: row for row in loaded.utterances}


def opened(one: Any, url: str, clip: str) -> Any:
    """Open the table and a clip in it."""
    one.open(url)
    one.page.locator("#dataset-name").wait_for(state="visible")
    one.settled().view("clips")
    one.page.locator("#clips-table tr[data-id]").first.wait_for()
    one.settled().page.locator(f'#clips-table tr[data-id="{clip}"]').click()
    shows(one, clip)
    return one.settled()


def shows(one: Any, clip: str) -> None:
    one.page.locator(f'#clip-figure [data-id="{clip}"]').wait_for()


def told(one: Any, words: str) -> None:
    one.page.locator("#clip-told", has_text=words).wait_for()


def test_a_dataset_is_looked_through_with_the_keyboard(studio: Any, tab: Any) -> None:
    one = opened(tab(), studio.url, "clip-0002")
    page = one.page
    page.keyboard.press("j")
    shows(one, "clip-0003")
    page.keyboard.press("r")
    shows(one, "clip-0004")
    told(one, "Rejected: clip-0003")
    page.keyboard.press("u")
    told(one, "Undone: clip-0003")
    page.keyboard.press("e")
    one.fill(page.locator("#clip-text textarea"), "ሰላም ለዓለም ሁሉ")
    page.keyboard.press("Control+Enter")
    told(one, "Saved: the text of clip-0003")
    page.keyboard.press("Escape")
    end = page.locator(".clip-end[data-end=stop]").bounding_box()
    page.mouse.move(end["x"] + 8, end["y"] + 30)
    page.mouse.down()
    page.mouse.move(end["x"] - 200, end["y"] + 30, steps=3)
    page.mouse.up()
    told(one, "Saved: the ends of clip-0003")
    row = rows(studio)["clip-0003"]
    assert (row.text, row.whole) == ("ሰላም ለዓለም ሁሉ", "wavs/clip-0003.wav")
    assert 0.5 < row.duration < 0.95
    one.picture("clips-ends")
    page.keyboard.press("m")
    told(one, "clip-0003 and the next are one clip now")
    search = page.locator("#clips-search input, #clips-search textarea")
    one.fill(search, "number 17")
    page.keyboard.press("Enter")
    page.locator("#clips-table tr[data-id]", has_text="clip-0017").wait_for()
    one.until(lambda: page.locator("#clips-table tr[data-id]").count() == 1, 60, "search")
    one.fill(search, "number 2")
    page.keyboard.press("Enter")
    page.locator("#clips-table tr[data-id]", has_text="clip-0029").wait_for()
    page.locator("#clips-reject-all").click()
    page.locator("#clips-question", has_text="Reject 11 of the 11 clips").wait_for()
    one.picture("clips-reject-all")
    page.locator("#clips-yes").click()
    page.locator("#clips-bulk-told", has_text="Rejected: 11 clips").wait_for()
    page.locator("#clips-sure").wait_for(state="hidden")
    page.locator("#clips-undo-all").click()
    page.locator("#clips-bulk-told", has_text="Undone: 11 clips are as they were").wait_for()

    one.view("versions")
    page.locator("#versions-keep").click()
    page.locator("#versions-told", has_text="Kept as version 2").wait_for()
    page.locator("#export-start").click()
    page.locator("#export-download").wait_for(state="visible")
    one.picture("versions")
    packed = [path.name for path in Path(studio.workspace).rglob("*.zip")]
    assert packed == ["noises-coqui.zip"]
    assert (one.outside, one.errors) == ([], [])


def test_two_tabs_and_a_narrow_window(studio: Any, tab: Any) -> None:
    one = opened(tab(), studio.url, "clip-0008")
    two = opened(tab(400, "dark"), f"{studio.url}/am", "clip-0008")
    two.fits()
    two.picture("clips-narrow")
    for each, text in ((one, "from the first"), (two, "from the second")):
        each.fill(each.page.locator("#clip-text textarea"), text)
    one.page.locator("#clip-save").click()
    told(one, "Saved: the text of clip-0008")
    two.page.locator("#clip-save").click()
    two.page.get_by_text("has another text meanwhile").wait_for()
    assert rows(studio)["clip-0008"].text == "from the first"
    two.page.locator("#clips-accept-all").click()
    two.page.locator("#clips-sure").wait_for()
    two.page.locator("#clips-sure").scroll_into_view_if_needed()
    two.fits()
    two.picture("clips-accept-all-narrow")
    two.page.locator("#clips-no").click()
    two.page.locator("#clips-sure").wait_for(state="hidden")
    two.view("versions")
    two.page.locator("#versions-table table").wait_for()
    two.settled()
    two.fits()
    two.picture("versions-narrow")
    assert (one.errors, two.errors) == ([], [])
