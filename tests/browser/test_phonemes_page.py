"""The Phonemes page in the browser: heard, drawn on its times, played, compared, and refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from amharic_tts.espeak import client
from amharic_tts.phonemes.models.hama_model import present

pytestmark = pytest.mark.skipif(
    not (present() and client.installed()),
    reason="hama, the embedded recogniser, or espeak-ng, which speaks here, is not installed",
)
SPOKEN = "Good morning. The people need some water today."
FIGURE = "#phonemes-figure"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with speech of 4 and of 34 seconds, silence, and a text named .wav."""
    folder = tmp_path_factory.mktemp("sounds")
    wanted = [("short", [SPOKEN]), ("long", [SPOKEN] * 8)]
    made = [
        {
            "out": str(folder / f"{name}.wav"),
            "voice": "en-us",
            "speed": 130,
            "pitch": 50,
            "texts": t,
        }
        for name, t in wanted
    ]
    client.shared().ask({"do": "record", "recordings": made, "gap": 0.3})
    soundfile.write(folder / "silence.wav", np.zeros(16000), 16000)
    (folder / "letter.wav").write_text("Dear reader, this is no sound. " * 40, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def studio(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("phonemes")
    environ = {"PHONEME_MODELS_DIR": str(folder / "models"), "HF_HUB_OFFLINE": "1"}
    return serve(folder / "workspace", **environ)


def listen(one: Any, sound: Path, expected: str = "", kind: str = "en") -> None:
    one.turn_to("phonemes")
    box = one.page.locator("#phonemes-audio")
    clear = box.get_by_label("Clear", exact=True)
    if clear.count():
        clear.click()
    box.locator("input[type=file]").set_input_files(sound)
    clear.wait_for()
    if expected:
        one.page.locator("#phonemes-expected textarea").fill(expected)
        one.page.locator(f"#phonemes-kind input[value={kind}]").check()
    one.page.locator("#phonemes-go").click()


def stretch(one: Any) -> tuple[float, float]:
    figure = one.page.locator(f"{FIGURE} .ph-figure")
    return float(figure.get_attribute("data-start")), float(figure.get_attribute("data-end"))


def times(phone: Any) -> tuple[float, float]:
    return float(phone.get_attribute("data-start")), float(phone.get_attribute("data-end"))


def played(one: Any) -> tuple[float, float]:
    """Wait until the player has stopped again; return where it stands and how much it played."""
    audio = f"document.querySelector('{FIGURE} audio')"
    one.page.wait_for_function(f"{audio}.played.length > 0 && {audio}.paused")
    first, last = one.page.evaluate(f"[{audio}.played.start(0), {audio}.played.end(0)]")
    return float(first), float(last)


def test_a_recording_is_heard_drawn_played_and_compared(
    studio: Any, tab: Any, sounds: Path
) -> None:
    one = tab().open(studio.url)
    listen(one, sounds / "short.wav", SPOKEN.replace("morning", "evening"))
    phones = one.page.locator(f"{FIGURE} .ph-phone")
    phones.first.wait_for()
    begin, end = stretch(one)
    assert (begin, round(end, 1)) == (0.0, 4.3)
    assert phones.count() > 20

    # Every phone stands on its time, and so do the pictures: they are as wide as the sound.
    track = one.page.locator(f"{FIGURE} .ph-phones .ph-track").bounding_box()
    for n in (0, 10, 20):
        at = (phones.nth(n).bounding_box()["x"] - track["x"]) / track["width"] * end
        assert at == pytest.approx(times(phones.nth(n))[0], abs=0.01)
    for picture in ("wave svg", "spectrogram img", "heat img"):
        drawn = one.page.locator(f"{FIGURE} .ph-{picture}").first.bounding_box()
        assert drawn["x"] == pytest.approx(track["x"], abs=1)
        assert drawn["width"] == pytest.approx(track["width"], rel=0.01)

    # A click plays that slice and no more.
    start, stop = times(phones.nth(10))
    phones.nth(10).click()
    first, last = played(one)
    assert first == pytest.approx(start, abs=0.02)
    assert stop - 0.02 <= last < stop + 0.3
    # The arrow keys go on to the next phone.
    one.page.keyboard.press("ArrowRight")
    assert phones.nth(11).evaluate("(e) => e === document.activeElement && e.tabIndex === 0")
    # A click on the picture plays on from there.
    wave = one.page.locator(f"{FIGURE} .ph-wave .ph-track")
    wave.click(position={"x": 5, "y": 20})
    one.page.wait_for_function(f"document.querySelector('{FIGURE} audio').currentTime > 0.3")
    one.page.evaluate(f"document.querySelector('{FIGURE} audio').pause()")

    # Another word was expected: it is marked in its word, with signs.
    box = one.page.locator("#phonemes-comparison")
    wrong = box.locator(".cmp-wrong h4").all_inner_texts()
    assert "evening." in wrong
    assert "people" not in wrong
    cells = box.locator("section", has_text="evening").locator(".cmp-row i")
    assert {"≠", "+", "−"} & set(cells.all_inner_texts())
    assert "PER" in box.inner_text() and "PFER" in box.inner_text()

    rows = one.page.locator("#phonemes-table tbody tr")
    assert rows.count() == phones.count()
    with one.page.expect_download() as download:
        one.page.locator("#phonemes-csv").click()
    assert download.value.suggested_filename == "short.csv"
    table = list(csv.reader(download.value.path().read_text("utf-8-sig").splitlines()))
    assert len(table) == 1 + phones.count()
    with one.page.expect_download() as download:
        one.page.locator("#phonemes-json").click()
    told = json.loads(download.value.path().read_text("utf-8"))
    assert len(told[0]["phones"]) == phones.count()

    # What it cost is measured, and stays after a reload.
    assert "hama" in one.page.locator("#phonemes-costs tbody").inner_text()
    assert one.page.locator("#phonemes-performance").inner_text().count("\n") > 10
    one.picture("phonemes-wide")
    one.open(studio.url)
    one.turn_to("phonemes")
    one.page.locator("#phonemes-costs tbody tr", has_text="hama").wait_for()
    assert (one.outside, one.errors) == ([], [])


def test_a_long_recording_in_parts(studio: Any, tab: Any, sounds: Path) -> None:
    one = tab(390, "dark").open(studio.url + "/am")
    listen(one, sounds / "long.wav")
    one.page.locator(f"{FIGURE} .ph-phone").first.wait_for()
    assert stretch(one) == (0.0, 15.0)
    one.page.locator("#phonemes-turn button").nth(1).click()
    one.until(lambda: stretch(one) == (15.0, 30.0), 10, "the next part")
    overview = one.page.locator(".ph-overview")
    overview.click(position={"x": overview.bounding_box()["width"] - 3, "y": 10})
    one.until(lambda: stretch(one)[0] == 30.0, 10, "the last part")
    assert one.page.locator("#phonemes-turn button").nth(1).is_disabled()

    # A phone of the table that is in another part: that part comes, and the phone is played.
    hear = one.page.locator("#phonemes-table .ph-hear").nth(3)
    hear.click()
    one.until(lambda: stretch(one)[0] == 0.0, 10, "the part of the phone")
    assert played(one)[0] == pytest.approx(times(hear)[0], abs=0.02)
    size = one.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert size[0] <= size[1]
    one.picture("phonemes-narrow")
    assert (one.outside, one.errors) == ([], [])


def test_what_is_no_speech_is_said_and_texts_are_compared_again(
    studio: Any, tab: Any, sounds: Path
) -> None:
    one = tab().open(studio.url)
    one.turn_to("phonemes")
    told = one.page.locator("#phonemes-told .job-error")
    one.page.locator("#phonemes-go").click()
    one.until(lambda: "There is no recording" in told.inner_text(), 20, "nothing to listen to")
    listen(one, sounds / "letter.wav")
    one.until(lambda: "letter.wav can't be read" in told.inner_text(), 20, "the file is refused")
    assert "/" not in told.inner_text()
    assert one.page.locator("#phonemes-result").is_hidden()
    one.picture("phonemes-failed")
    listen(one, sounds / "silence.wav")
    one.page.locator("#phonemes-notes", has_text="no phone was heard").wait_for()
    assert one.page.locator("#phonemes-csv").is_hidden()
    one.picture("phonemes-silence")

    listen(one, sounds / "short.wav", "ɡ ʊ d <b>", "phones")
    one.until(lambda: "<b> is no phone in IPA" in told.inner_text(), 20, "the phones are refused")
    one.page.locator("#phonemes-expected textarea").fill("ɡ ʊ d | m ɔ ɹ n ɪ ŋ")
    one.page.locator("#phonemes-go").click()
    legend = one.page.locator("#phonemes-comparison .cmp-legend")
    legend.wait_for()
    before = legend.inner_text()
    one.page.locator("#phonemes-expected textarea").fill(SPOKEN)
    one.page.locator("#phonemes-kind input[value=en]").check()
    one.page.locator("#phonemes-compare").click()
    one.page.locator("#phonemes-comparison h4", has_text="water").wait_for()
    assert legend.inner_text() != before
