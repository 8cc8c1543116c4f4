"""A whole text spoken, and a voice taken away and brought in again, in a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from amharic_tts.workspace import Workspace

SUBTITLES = """1
00:00:00,500 --> 00:00:02,500
ሰላም ለዓለም።

2
00:00:03,000 --> 00:00:05,000
ቡና ጠጡ።
"""


def downloaded(tab: Any, button: str) -> tuple[str, Path]:
    """Return the name and the place of what a button offers."""
    tab.page.locator(button).wait_for(state="visible")
    tab.settled()
    with tab.page.expect_download() as download:
        tab.page.locator(button).click()
    return download.value.suggested_filename, download.value.path()


def test_subtitles_are_spoken_and_a_voice_goes_and_comes(
    serve: Any, tab: Any, workspace: Workspace, tmp_path: Path
) -> None:
    one = tab().open(serve(workspace.root).url)
    page = one.page
    one.turn_to("speak")
    chosen = page.locator("#speak-voice input")
    one.until(lambda: chosen.count() and chosen.input_value(), 60, "a voice is chosen")

    # Subtitles, one file for each cue; nothing is started without a text.
    page.locator("#book").get_by_text("A whole text or subtitles").click()
    page.locator("#book-start").click()
    page.get_by_text("There is no text to speak").wait_for()
    page.locator(".toast-close").first.click()
    written = tmp_path / "ፊልም.srt"
    written.write_text(SUBTITLES, encoding="utf-8")
    page.locator("#book-file input[type=file]").set_input_files(written)
    page.locator("#book-file").get_by_text("ፊልም").first.wait_for()
    page.locator("#book-files").get_by_text("One for each line or cue").click()
    one.settled()
    page.locator("#book-start").click()
    page.locator("#book-result").wait_for(state="visible")
    lines = page.locator("#book-lines tbody tr")
    assert lines.count() == 2
    assert "ሰላም ለዓለም።" in lines.nth(0).inner_text()
    one.picture("book-done")
    one.settled()
    page.locator("#book-pack").click()
    _, packed = downloaded(one, "#book-zip")
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert sum(name.endswith(".mp3") for name in names) == 2
    assert any(name.endswith("book.csv") for name in names)

    # The voice, as a ZIP, and in again under a name of our own.
    page.locator("#voice-box").get_by_text("Take it away, or bring one in").click()
    page.locator("#takeaway-start").click()
    name, voice = downloaded(one, "#takeaway-download")
    with zipfile.ZipFile(voice) as archive:
        inside = {Path(found).name for found in archive.namelist()}
    assert {"model.pth", "config.json", "vocab.json", "MODEL_CARD.md"} <= inside
    brought = tmp_path / name
    brought.write_bytes(voice.read_bytes())
    page.locator("#takeaway-file input[type=file]").set_input_files(brought)
    one.fill(page.locator("#takeaway-name input, #takeaway-name textarea"), "የኔ ድምፅ")
    one.settled()
    page.locator("#takeaway-bring").click()
    page.locator("#takeaway-came").get_by_text("is here").wait_for()
    one.until(lambda: chosen.input_value() != "", 20, "the list of voices is drawn")
    chosen.click()
    page.get_by_role("option", name="የኔ ድምፅ").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#book-zip").is_visible()  # the list that is drawn anew leaves it alone
    one.picture("voices-brought-in")
    page.set_viewport_size({"width": 390, "height": 800})
    one.fits()
    one.picture("voices-narrow")
    assert one.errors == []
    assert one.outside == []
