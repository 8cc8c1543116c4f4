"""Every page, empty and with the sample project, wide and narrow, in both languages and schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amharic_tts.dataset import sample
from amharic_tts.workspace import Workspace

PAGES = ("dataset", "train", "speak", "g2p", "phonemes", "system")


@pytest.fixture(scope="module")
def studios(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("studios")
    (folder / "full").mkdir()
    for _ in sample.build(Workspace.open(folder / "full" / "workspace")):
        pass
    (folder / "empty").mkdir()
    return {name: serve(folder / name / "workspace") for name in ("empty", "full")}


def drawn_with(page: Any, selector: str) -> list[tuple[str, bool]]:
    """Return (family, is a served font) of the fonts that an element is really drawn with."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return [(font["familyName"], font["isCustomFont"]) for font in fonts]


@pytest.mark.parametrize(
    ("content", "width", "scheme", "language"),
    [
        ("empty", 1280, "light", "en"),
        ("empty", 390, "dark", "am"),
        ("full", 1280, "light", "en"),
        ("full", 390, "light", "en"),
        ("full", 390, "dark", "am"),
        ("full", 1280, "dark", "am"),
    ],
)
def test_every_page(
    studios: dict[str, Any], tab: Any, content: str, width: int, scheme: str, language: str
) -> None:
    one = tab(width, scheme)
    one.open(studios[content].url + ("/" if language == "en" else "/am"))
    shown = "#dataset-empty" if content == "empty" else "#dataset-report"
    one.page.locator(shown).wait_for(state="visible")
    for name in PAGES:
        one.turn_to(name)
        one.page.wait_for_timeout(700)
        size = one.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert size[0] <= size[1], f"{name} is {size[0]} px wide in a window of {size[1]} px"
        one.picture(f"{content}-{language}-{scheme}-{width}-{name}")
    assert one.outside == []
    assert one.errors == []


def test_amharic_is_drawn_with_the_font_that_we_serve(studios: dict[str, Any], tab: Any) -> None:
    one = tab().open(studios["full"].url + "/am")
    one.page.locator("#dataset-report").wait_for(state="visible")
    one.page.wait_for_function("document.fonts.check(\"16px 'Studio Sans'\", 'ሰላም')")
    one.page.wait_for_timeout(500)
    for selector in (".masthead h1", ".masthead p"):
        fonts = drawn_with(one.page, selector)
        assert all(served for _, served in fonts), fonts
        assert any(name.startswith("Noto Sans Ethiopic") for name, _ in fonts), fonts
    cell = "#dataset-table [role=gridcell]:nth-child(2) span"
    assert ("Noto Sans Ethiopic", True) in drawn_with(one.page, cell)


def test_the_language_is_changed_by_a_link(studios: dict[str, Any], tab: Any) -> None:
    one = tab().open(studios["empty"].url)
    assert one.page.locator(".masthead h1").inner_text() == "Amharic voice studio"
    one.page.locator(".languages a[lang=am]").click()
    one.page.locator(".masthead h1", has_text="የአማርኛ ድምፅ ስቱዲዮ").wait_for()
    one.page.locator(".languages a[lang=en]").click()
    one.page.locator(".masthead h1", has_text="Amharic voice studio").wait_for()


def test_phonemes_of_a_text_and_of_a_recording(studios: dict[str, Any], tab: Any) -> None:
    one = tab().open(studios["full"].url)
    one.turn_to("g2p")
    one.page.locator("#g2p-text textarea").fill("ሰላም ፲፪")
    one.page.locator("#g2p-convert").click()
    table = one.page.locator("#g2p-backends")
    table.get_by_text("səlam").first.wait_for()
    assert {"rule_based", "epitran", "espeak", "transphone"} <= set(table.inner_text().split())
    assert "አሥራ␣ሁለት" in one.page.locator("#g2p-changes").inner_text()

    wav = next(Path(studios["full"].workspace / "datasets/sample/wavs").glob("*.wav"))
    one.turn_to("phonemes")
    one.page.locator("#phonemes-audio input[type=file]").set_input_files(wav)
    one.page.locator("#phonemes-audio").get_by_text("0:0").first.wait_for()
    one.page.locator("#phonemes-go").click()
    one.page.locator("#phonemes-figure .ph-phone").first.wait_for()
    assert one.page.locator("#phonemes-table tbody tr").count() > 5
    one.picture("phonemes")
    assert one.errors == []


def test_refused_clips_can_be_seen_alone(serve: Any, tab: Any, workspace: Workspace) -> None:
    for _ in sample.build(workspace):
        pass
    min((workspace.dataset("sample") / "wavs").glob("*.wav")).unlink()
    one = tab().open(serve(workspace.root).url)
    one.page.locator("#dataset-show").get_by_text("Refused only").click()
    told = one.page.locator("#dataset-table [role=gridcell]", has_text="is not in the dataset")
    told.wait_for()
    cells = one.page.locator("#dataset-table [role=gridcell]:nth-child(6)")
    # The same row stands in the table of all clips too, until the page has answered.
    one.until(lambda: cells.all_inner_texts() == ["refused"], 20, "only the refused row is left")
    one.picture("refused")


def test_a_dataset_from_uploads(
    serve: Any, tab: Any, studios: dict[str, Any], workspace: Workspace, tmp_path: Path
) -> None:
    made = sorted((studios["full"].workspace / "datasets/sample/wavs").glob("*.wav"))[:3]
    lines = "".join(f"{wav.stem}|ሰላም ለዓለም {n}\n" for n, wav in enumerate(made))
    (tmp_path / "texts.csv").write_text(lines, encoding="utf-8")
    one = tab().open(serve(workspace.root).url)
    form = one.page.locator("#dataset-build")
    form.get_by_text("Build from your recordings").click()
    form.locator("#build-audio input[type=file]").set_input_files(made)
    form.get_by_text(made[2].stem[:12]).first.wait_for()
    form.locator("#build-transcript input[type=file]").set_input_files(tmp_path / "texts.csv")
    form.get_by_text("texts").first.wait_for()
    form.get_by_label("Name of the dataset").fill("ድምፄ")
    one.picture("build-form")
    form.get_by_role("button", name="Build the dataset").click()
    one.page.locator("#dataset-report").wait_for(state="visible")
    name = one.page.locator("#dataset-name input")
    one.until(lambda: name.input_value() == "ድምፄ", 20, "the new dataset is chosen")
    cells = one.page.locator("#dataset-table [role=gridcell]:nth-child(1)")
    stems = [wav.stem for wav in made]
    one.until(lambda: sorted(cells.all_inner_texts()) == stems, 20, "its rows are shown")
    status = one.page.locator("#dataset-job-status")
    one.until(lambda: "Finished" in status.inner_text(), 20, "the build is finished")
    one.picture("built")
    assert one.errors == []


def test_the_licence_stands_before_the_download(serve: Any, tab: Any, workspace: Workspace) -> None:
    one = tab().open(serve(workspace.root, HF_HUB_OFFLINE="1").url)
    one.turn_to("train")
    one.page.locator("#train-base").get_by_text("XTTS v2").click()
    box = one.page.locator("#base-xtts")
    box.get_by_text("Coqui Public Model License").wait_for()
    one.page.locator("#base-download").click()
    toast = one.page.locator(".toast-body, [data-testid=toast-body]").first
    toast.wait_for()
    assert "Accept the licence before the download" in toast.inner_text()
    one.page.locator("#base-accept input").check()
    one.page.locator("#base-download").click()
    box.locator(".chip", has_text="Failed").wait_for()
    assert "HF_HUB_OFFLINE" in box.locator(".job-error").inner_text()
    one.picture("download-failed")
