"""The Pronunciation page: side by side, heard, measured, and a long list that is cancelled."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.g2p import registry
from amharic_tts.workspace import Workspace

TEXT = "በ2016 ዓ.ም. ፲፪ ተማሪዎች አዲስ አበባን ጎበኙ።\nስድስት የGoogle ሠራተኞች 😀 መንግሥትን ይከሰሳሉ።"
GOLD = "ስድስት\ts ɨ dː ɨ s t\nሀይቅ\th a j kʼ\nሕልም\th ɨ l m\nሰላም\ts ə l a m\nአልባሳት\tʔ a l b a s a t\n"


@pytest.fixture(scope="module")
def studio(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("g2p")
    return serve(Workspace.open(folder / "workspace").root)


def compared(one: Any, text: str = TEXT) -> None:
    one.turn_to("g2p")
    one.page.locator("#g2p-text textarea").fill(text)
    one.page.locator("#g2p-convert").click()
    one.page.locator("#g2p-aligned .aligned").first.wait_for()


def view(one: Any, name: str) -> None:
    one.turn_to("g2p")
    one.page.locator(f"#g2p-view-{name}-button").click()
    one.page.locator(f"#g2p-view-{name}").wait_for(state="visible")


def rows(one: Any, selector: str) -> list[list[str]]:
    with one.page.expect_download() as download:
        one.page.locator(selector).click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def only(one: Any, box: str, *names: str) -> None:
    """Leave these backends ticked: the others take seconds to load."""
    labels = one.page.locator(f"{box} label")
    for name in labels.all_inner_texts():
        if name.strip() not in names:
            labels.get_by_text(name.strip(), exact=True).click()


def test_side_by_side_and_heard(studio: Any, tab: Any) -> None:
    one = tab().open(studio.url)
    compared(one)
    page = one.page
    word = page.locator("#g2p-aligned .word", has_text="ስድስት").first
    lines = word.locator(".line")
    count = lines.count()
    assert count >= 3
    cells = [lines.nth(n).locator(".cell").count() for n in range(count)]
    assert len(set(cells)) == 1, cells
    # By shape too: a long consonant that one has is underlined with dots, a gap is a dashed box.
    style = "e => getComputedStyle(e).borderBottomStyle"
    assert page.locator(".aligned .cell-length").first.evaluate(style) == "dotted"
    assert page.locator(".aligned .cell-missing").first.evaluate(style) == "dashed"
    absent = [one.name for one in registry.backends() if not one.availability().ok]
    for name in absent:
        assert name in page.locator("#g2p-backends summary").inner_text()
    changes = page.locator("#g2p-changes").inner_text()
    assert "አሥራ␣ሁለት" in changes
    assert "Google" in changes
    assert "😀" in changes
    one.picture("g2p-wide")

    # One click, and the phonemes of that backend are heard.
    page.locator("#g2p-play-rule_based").click()
    page.locator("#g2p-sound").wait_for(state="visible")
    page.locator(
        "#g2p-sound button[aria-label=Play], #g2p-sound button[aria-label=Pause]"
    ).wait_for()
    said = page.locator("#g2p-said")
    one.until(lambda: "G" in said.inner_text(), 20, "what could not be spoken is said")
    with page.expect_download() as download:
        page.locator("#g2p-sound [aria-label=Download], #g2p-sound a[download]").first.click()
    assert len(download.value.path().read_bytes()) > 20_000

    # The documented order falls back, and says why.
    page.locator("#g2p-order").get_by_text("Documented").click()
    made = page.locator("#g2p-made")
    if "transphone" in absent:
        one.until(lambda: "not by transphone" in made.inner_text(), 20, "the reason is said")
        assert "made by epitran" in made.inner_text()
    table = rows(one, "#g2p-csv")
    assert table[0][:4] == ["line", "word", "text", "backend"]
    assert {row[3] for row in table[1:]} >= {"rule_based", "epitran", "espeak"}
    one.picture("g2p-heard")
    assert one.outside == []
    assert one.errors == []


@pytest.mark.parametrize(("width", "scheme", "language"), [(390, "light", ""), (390, "dark", "am")])
def test_narrow(studio: Any, tab: Any, width: int, scheme: str, language: str) -> None:
    one = tab(width, scheme).open(f"{studio.url}/{language}")
    compared(one)
    one.page.wait_for_timeout(500)
    size = one.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert size[0] <= size[1], size
    one.picture(f"g2p-narrow-{scheme}")
    assert one.errors == []


def test_measured_on_a_list(studio: Any, tab: Any, tmp_path: Path) -> None:
    (tmp_path / "gold.tsv").write_text(GOLD, encoding="utf-8")
    (tmp_path / "bad.tsv").write_text("ሰላም\ts ə l a m\nቤት\n", encoding="utf-8")
    one = tab().open(studio.url)
    view(one, "gold")
    page = one.page
    only(one, "#g2p-gold-backends", "rule_based", "epitran")
    chosen = page.locator("#g2p-gold-file input[type=file]")
    chosen.set_input_files(tmp_path / "bad.tsv")
    page.locator("#g2p-gold-file").get_by_text("bad").first.wait_for()
    page.locator("#g2p-gold-start").click()
    page.locator("#g2p-gold-job .job-error").wait_for()
    assert "line 2 has no tab" in page.locator("#g2p-gold-job .job-error").inner_text()
    one.picture("g2p-gold-bad")

    page.locator(
        "#g2p-gold-file [aria-label='Clear'], #g2p-gold-file [aria-label='Remove this file']"
    ).first.click()
    chosen.set_input_files(tmp_path / "gold.tsv")
    page.locator("#g2p-gold-file").get_by_text("gold").first.wait_for()
    page.locator("#g2p-gold-start").click()
    page.locator("#g2p-gold-result").wait_for(state="visible")
    assert page.locator("#g2p-gold-plot .barline").count() == 2 * 4 * 2
    assert "epitran" in page.locator("#g2p-gold-rates").inner_text()
    results = rows(one, "#g2p-gold-results")
    assert results[0][:3] == ["backend", "version", "view"]
    mistakes = rows(one, "#g2p-gold-mistakes")
    assert any(row[0] == "epitran" and row[2] == "ሕልም" for row in mistakes)
    page.get_by_text("Examples: epitran").click()
    one.picture("g2p-gold")

    # It is there again after a reload.
    one.open(studio.url)
    view(one, "gold")
    page.locator("#g2p-gold-plot .barline").first.wait_for()
    assert one.errors == []


def test_a_long_list_is_cancelled_and_a_short_one_made(
    studio: Any, tab: Any, tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_text("ሰላም ለዓለም ተማሪዎች መጡ\n" * 300_000, encoding="utf-8")
    (tmp_path / "short.tsv").write_text("ስድስት ሰዎች\tnote\nሰላም\n", encoding="utf-8")
    one = tab().open(studio.url)
    view(one, "list")
    page = one.page
    only(one, "#g2p-list-backends", "rule_based", "espeak")
    chosen = page.locator("#g2p-list-file input[type=file]")
    chosen.set_input_files(tmp_path / "long.txt")
    page.locator("#g2p-list-file").get_by_text("long").first.wait_for()
    page.locator("#g2p-list-start").click()
    status = page.locator("#g2p-list-job-status")
    one.until(lambda: re.search(r"[1-9]\d* / 300000", status.inner_text()), 60, "progress")
    one.picture("g2p-list-running")
    page.locator("#g2p-list-job-stop").click()
    one.until(lambda: "Stopped" in status.inner_text(), 30, "the list is cancelled")

    page.locator(
        "#g2p-list-file [aria-label='Clear'], #g2p-list-file [aria-label='Remove this file']"
    ).first.click()
    chosen.set_input_files(tmp_path / "short.tsv")
    page.locator("#g2p-list-file").get_by_text("short").first.wait_for()
    page.locator("#g2p-list-start").click()
    page.locator("#g2p-list-result").wait_for(state="visible")
    assert "sɨdːɨst" in page.locator("#g2p-list-rows").inner_text()
    assert len(rows(one, "#g2p-list-csv")) == 3
    one.picture("g2p-list")
    assert one.errors == []
