"""The Speak page with the built-in voice, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from amharic_tts.synthesis.history import History
from amharic_tts.workspace import Workspace

TEXT = "ሰላም ለዓለም ሁሉ ይሁን። ዛሬ በጣም ጥሩ ቀን ነው።"


@pytest.fixture
def page(serve: Any, tab: Any, workspace: Workspace) -> Any:
    one = tab().open(serve(workspace.root).url)
    one.turn_to("speak")
    chosen = one.page.locator("#speak-voice input")
    one.until(lambda: chosen.count() and chosen.input_value(), 60, "a voice is chosen")
    return one


def moves(one: Any) -> bool:
    return bool(
        one.page.evaluate("() => document.querySelector('#speak-figure audio')?.currentTime > 0")
    )


def test_a_text_is_heard_while_it_is_made_then_by_sentences(
    page: Any, workspace: Workspace
) -> None:
    one, box = page, page.page.locator("#speak-figure")
    one.page.locator("#speak-text textarea").fill(TEXT)
    one.page.locator("#speak-check input[type=checkbox]").check()
    one.page.locator("#speak-go").click()
    played = "() => Number(document.querySelector('#speak-figure').dataset.played"
    played += " ?? document.querySelector('#speak-figure [data-played]')?.dataset.played ?? 0)"
    one.until(lambda: one.page.evaluate(played) > 0, 120, "sound is played while it is made")
    box.locator(".speak-figure").wait_for()
    assert box.locator(".speak-mark").count() == 2
    lines = box.locator("li")
    assert [t.strip() for t in lines.locator(".speak-text").all_inner_texts()] == [
        "ሰላም ለዓለም ሁሉ ይሁን።",
        "ዛሬ በጣም ጥሩ ቀን ነው።",
    ]
    assert lines.locator(".chip").count() == 2
    assert "codes a second" in one.page.locator("#speak-told").inner_text()
    one.picture("speak-done")

    box.locator(".speak-mark").nth(1).click()
    one.until(lambda: moves(one), 20, "the second sentence is played")

    # One sentence again: a new take, the one before is kept.
    (first,) = History(workspace).newest()
    lines.nth(0).locator(".speak-again").click()
    told = one.page.locator("#speak-told")
    one.until(lambda: "another take" in told.inner_text(), 60, "said again")
    new, old = History(workspace).newest()
    assert old == first
    assert new.before == first.id
    assert new.sentences[0].seed != first.sentences[0].seed
    assert new.sentences[1].seed == first.sentences[1].seed

    # Away with it, in another format; then to the trash, after a question.
    one.page.locator("#speak-format input").click()
    one.page.get_by_role("option", name="MP3").click()
    link = one.page.locator("#speak-download")

    def taken() -> str:
        with one.page.expect_download() as download:
            link.click()
        return str(download.value.suggested_filename)

    one.until(lambda: taken() == f"{new.id}.mp3", 30, "an MP3 is offered")
    one.page.locator("#speak-delete").click()
    one.page.locator("#speak-yes").click()
    one.until(lambda: len(History(workspace).newest()) == 1, 20, "one is left")
    assert (workspace.trash).is_dir()
    one.page.set_viewport_size({"width": 390, "height": 800})
    one.picture("speak-narrow")
    assert one.errors == []
    assert one.outside == []


def test_what_can_not_be_said_is_told_and_a_speech_is_stopped(page: Any) -> None:
    one = page
    told = one.page.locator("#speak-told")
    one.page.locator("#speak-text textarea").fill("ሰላም ☺")
    one.page.locator("#speak-go").click()
    one.until(lambda: "can't read" in told.inner_text(), 120, "the unknown character is named")
    assert "☺" in told.inner_text()
    one.picture("speak-refused")

    one.page.locator("#speak-text textarea").fill(TEXT * 30)
    one.page.locator("#speak-go").click()
    one.page.locator("#speak-figure .speak-sentences").wait_for()
    one.page.locator("#speak-stop").click()
    one.until(lambda: "Stopped" in told.inner_text(), 30, "stopped")
    one.page.locator("#speak-text textarea").fill("ሰላም ለዓለም ይሁን።")
    one.page.locator("#speak-go").click()
    figure = one.page.locator("#speak-figure .speak-figure")
    one.until(lambda: figure.count() == 1, 60, "the next one is spoken")
    assert one.page.locator("#speak-figure li").count() == 1
    assert one.errors == []
