"""The view Check and mend: check, listen to the worst, plan, ask, repair, before and after."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amharic_tts.audio.read import RATE
from amharic_tts.workspace import Workspace

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from made_speech import dataset, speech


@pytest.fixture(scope="module")
def studio(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    workspace = Workspace.open(tmp_path_factory.mktemp("check") / "workspace")
    quiet = 4e-4 * np.random.default_rng(0).normal(0, 1, RATE).astype(np.float32)
    sounds = {f"c{i}": speech(2.6, 100 + 9 * i, i) for i in range(6)}
    sounds["c1"] = np.concatenate([quiet, sounds["c1"]])
    sounds["c2"] = 0.1 * sounds["c2"]
    texts = {"c3": "ሰላም hello ደህና ነህ ወይ ወንድሜ"}
    dataset(workspace.dataset("mine"), sounds, texts, phonemes="səlam", g2p="x")
    return serve(workspace.root)


def opened(one: Any) -> Any:
    page = one.page
    page.locator("#dataset-name input").wait_for()
    one.view("check")
    page.locator("#check-go").wait_for(state="visible")
    return page


def test_check_plan_ask_repair_and_hear(studio: Any, tab: Any) -> None:
    one = tab().open(studio.url)
    page = opened(one)
    page.locator("#check-hear input").uncheck()
    page.locator("#check-go").click()
    page.locator("#check-found").wait_for(state="visible")
    table = page.locator("#check-table")
    one.until(lambda: "hello" in table.inner_text(), 30, "the findings are shown")
    told = table.inner_text()  # the gravest stands first
    assert told.index("Another script") < told.index("Quiet") < told.index("Silence before")
    assert page.locator("#check-histograms .spread").count() >= 4
    assert page.locator("#check-phones .phone-missing").count() > 5
    one.picture("check-found")

    table.get_by_text("c3", exact=True).last.click()
    page.locator("#check-clip").wait_for(state="visible")
    plan = page.locator("#repair-plan")
    assert "cut the silence" in plan.inner_text()
    assert "c2" in plan.inner_text()

    page.locator("#repair-ask").click()
    page.locator("#repair-no").click()
    page.locator("#repair-yes").wait_for(state="hidden")
    page.locator("#repair-ask").click()
    page.locator("#repair-yes").click()
    page.locator("#repair-done").wait_for(state="visible")
    assert page.locator("#repair-charts .bar-1").count() > 0
    one.until(lambda: "changed since" in plan.inner_text(), 30, "the plan is made anew")
    page.locator("#repair-clip input").click()
    page.get_by_role("option", name="c1", exact=True).click()
    page.locator("#repair-after").wait_for(state="visible")
    one.picture("check-repaired")
    assert one.outside == []
    assert one.errors == []


def test_narrow_dark_and_in_amharic(studio: Any, tab: Any) -> None:
    one = tab(400, "dark").open(f"{studio.url}/am")
    page = opened(one)
    page.locator("#check-histograms .spread").first.wait_for()
    size = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert size[0] <= size[1], size
    one.picture("check-narrow-amharic")
    assert one.errors == []
