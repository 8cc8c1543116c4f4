"""The Train page in a browser: the plan follows the form, settings come and go, a run is read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from amharic_tts.dataset import sample
from amharic_tts.jobs import store
from amharic_tts.jobs.scores import SampleScore, Scores, StepScores
from amharic_tts.workspace import Workspace


@pytest.fixture(scope="module")
def studio(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    workspace = Workspace.open(tmp_path_factory.mktemp("train") / "workspace")
    for _ in sample.build(workspace):
        pass
    return serve(workspace.root)


def opened(tab: Any, studio: Any, width: int = 1280, scheme: str = "light", way: str = "/") -> Any:
    one = tab(width, scheme).open(studio.url + way)
    one.turn_to("train")
    planned(one)
    return one


def planned(one: Any) -> None:
    """Wait until the dataset has been chosen and the plan stands."""
    one.page.locator("#plan-memory .plan-bar").wait_for()


def number(one: Any, name: str) -> Any:
    return one.page.locator(f"#train-{name} input")


def holds(one: Any, name: str, value: str) -> None:
    one.until(lambda: number(one, name).input_value() == value, 20, f"{name} is {value}")


def group(one: Any, name: str) -> Any:
    """Open a group of settings."""
    box = one.page.locator(f"#train-group-{name}")
    box.locator("button.label-wrap").click()
    return box


def test_the_plan_follows_the_form_and_its_advice_is_taken_over(studio: Any, tab: Any) -> None:
    one = opened(tab, studio)
    plan = one.page.locator("#plan-memory")
    before = plan.inner_text()
    assert "4 clips in one step" in before
    number(one, "batch_size").fill("8")
    one.until(lambda: "8 clips in one step" in plan.inner_text(), 20, "the plan follows")
    assert plan.locator(".plan-head").inner_text() != before.splitlines()[0]
    number(one, "batch_size").fill("0")
    problems = one.page.locator("#train-problems")
    problems.get_by_text("batch_size: 0 must be at least 1").wait_for()
    number(one, "batch_size").fill("4")
    problems.wait_for(state="hidden")
    one.page.locator("#plan-take").click()
    one.until(lambda: "252 clips in one step" in plan.inner_text(), 20, "252 clips a step")
    one.page.locator("#plan-expected").get_by_text("What this machine will make of it").click()
    one.page.locator("#plan-expected table").get_by_text("Precision").wait_for()
    one.picture("train-plan")
    assert one.errors == []


def test_a_preset_fills_the_form_and_a_file_brings_it_back(
    studio: Any, tab: Any, tmp_path: Path
) -> None:
    one = opened(tab, studio)
    one.page.locator("#train-preset input").click()
    one.page.get_by_role("option", name="Little memory").click()
    holds(one, "batch_size", "1")
    holds(one, "accumulation", "32")
    assert one.page.locator("#train-use_grad_checkpoint input").is_checked()
    group(one, "trained")
    number(one, "lora_rank").fill("8")
    one.page.locator("#train-text").get_by_text("As a command and as a file").click()
    command = one.page.locator("#train-command textarea")
    one.until(lambda: "--set lora_rank=8" in command.input_value(), 20, "the command follows")
    with one.page.expect_download() as download:
        one.page.locator("#train-file a").click()
    saved = yaml.safe_load(download.value.path().read_text(encoding="utf-8"))
    assert (saved["lora_rank"], saved["accumulation"], saved["dataset"]) == (8, 32, "sample")

    saved |= {"steps": 77, "mixed_precision": "fp16", "seed": 12}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(saved), encoding="utf-8")
    one.page.locator("#train-settings input[type=file]").set_input_files(tmp_path / "mine.yaml")
    holds(one, "steps", "77")
    told = one.page.locator("#train-told")
    told.get_by_text("Settings taken from").wait_for()
    assert "mixed_precision: fp16: Not on this machine" in told.inner_text()
    one.until(lambda: "--set seed=12" in command.input_value(), 20, "the command is the file's")
    one.picture("train-file")

    (tmp_path / "wrong.yaml").write_text("stepz: 3", encoding="utf-8")
    one.page.locator("#train-settings input[type=file]").set_input_files(tmp_path / "wrong.yaml")
    toast = one.page.locator(".toast-body, [data-testid=toast-body]").first
    toast.wait_for()
    assert "did you mean" in toast.inner_text()
    holds(one, "steps", "77")
    assert one.errors == []


def test_what_can_not_work_here_is_off_with_its_reason(studio: Any, tab: Any) -> None:
    one = opened(tab, studio)
    group(one, "machine")
    box = one.page.locator("#train-use_flash_attention")
    assert box.locator("input").is_disabled()
    assert "Not on this machine: " in box.inner_text()
    assert one.page.locator("#train-device").get_by_text("GPU is not possible here").count() == 1
    assert one.page.locator("#train-checkpoint_blocks input").is_enabled()


def speak(run: Path) -> None:
    """Put samples into a run: speaking them takes a minute, and their tests are elsewhere."""
    wav = min((run.parents[1] / "datasets" / "sample" / "wavs").glob("*.wav"))
    for step in (0, 2):
        audio = f"samples/step-{step}/1.wav"
        (run / audio).parent.mkdir(parents=True)
        shutil.copyfile(wav, run / audio)
        sample = SampleScore("am", "ሰላም", audio, seconds=1.0, expected_seconds=1.2)
        Scores(run).put(StepScores(step, (sample,)))


def test_a_short_run_tells_what_it_does_and_two_steps_are_heard(studio: Any, tab: Any) -> None:
    one = opened(tab, studio)
    for name, value in {"steps": 2, "batch_size": 2}.items():
        number(one, name).fill(str(value))
    group(one, "watching")
    for name in ("eval_every", "save_every"):
        number(one, name).fill("2")
    one.page.locator("#train-start").click()
    state = one.page.locator("#run-job-status .chip")
    one.until(lambda: state.count() and state.inner_text() == "Finished", 240, "finished")

    # The only evaluation is seen: a line of its own beside that of the training loss.
    lines = one.page.locator("#run-job-plot svg path[aria-roledescription='line mark']")
    one.until(lambda: lines.count() == 2, 20, "both losses are drawn")
    rows = rows_of(one)
    one.until(lambda: rows.count() == 1 and "best" in rows.inner_text(), 30, "the last step")
    assert not one.page.locator("#checkpoint-listen").is_visible()

    workspace = Workspace.open(studio.workspace)
    speak(store.jobs(workspace)[0].folder)
    one = opened(tab, studio)
    one.page.locator("#run-job-effective").get_by_text("What it really does").click()
    table = one.page.locator("#run-job-effective table")
    for told in ("Attention kernel", "fp32", "2 clips a step"):
        table.get_by_text(told, exact=True).first.wait_for()
    one.until(lambda: rows_of(one).count() == 2, 30, "the untouched base and the last step")
    sounds = one.page.locator("#checkpoint-listen button[aria-label=Play]")
    one.until(lambda: sounds.count() == 2, 30, "two sounds side by side")
    one.picture("train-checkpoints")
    number(one, "steps").fill("9")
    one.page.locator("#train-reuse").click()
    holds(one, "steps", "2")
    assert one.errors == []


def rows_of(one: Any) -> Any:
    return one.page.locator("#checkpoint-table tbody tr")


@pytest.mark.parametrize(
    ("width", "scheme", "way"),
    [(390, "light", "/"), (1280, "dark", "/am")],
)
def test_every_group_open_stays_inside_the_window(
    studio: Any, tab: Any, width: int, scheme: str, way: str
) -> None:
    one = opened(tab, studio, width, scheme, way)
    for button in one.page.locator("#train-groups button.label-wrap").all():
        button.click()
    one.page.locator("#train-hide_text_stop").wait_for()
    one.page.wait_for_timeout(500)
    size = one.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert size[0] <= size[1]
    one.picture(f"train-groups-{width}-{scheme}")
    assert one.errors == []
