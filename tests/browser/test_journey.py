"""The whole way in the browser: from nothing to a practice voice that is heard."""

from __future__ import annotations

import re
from typing import Any

from amharic_tts.jobs import process, store
from amharic_tts.workspace import Workspace

STEPS = 14


def state(tab: Any) -> str:
    chip = tab.page.locator("#run-job-status .chip")
    return str(chip.inner_text()) if chip.count() else ""


def points(tab: Any) -> int:
    """Return how many points the line of the training loss has, read off the drawn plot."""
    paths = tab.page.locator("#run-job-plot svg path[aria-roledescription='line mark']")
    drawn = [paths.nth(n).get_attribute("d") or "" for n in range(paths.count())]
    return max((len(re.findall("[ML]", path)) for path in drawn), default=0)


def fill(tab: Any, **values: int) -> None:
    for name, value in values.items():
        tab.page.locator(f"#train-{name} input").fill(str(value))
    tab.page.wait_for_timeout(300)  # a loaded browser hands a value on later than it shows it


def start_training(tab: Any) -> None:
    tab.turn_to("train")
    chosen = tab.page.locator("#train-dataset input")
    tab.until(lambda: chosen.input_value() == "sample", 30, "the dataset is chosen")
    tab.page.locator("#train-form").get_by_text("Watching and choosing").click()
    fill(tab, steps=STEPS, batch_size=2, eval_every=4, save_every=2)
    tab.page.locator("#train-start").click()
    tab.page.locator("#run-job-status .chip").wait_for()


def heard(tab: Any, box: str) -> None:
    """Press Play and see the player run: its button turns to Pause, its time moves on."""
    play = tab.page.locator(f"{box} button[aria-label=Play]")
    play.wait_for()
    tab.page.evaluate(
        f"""() => {{
            const box = document.querySelector('{box}');
            window.played = [];
            new MutationObserver(() => {{
                if (box.querySelector('button[aria-label=Pause]')) window.played.push('pause');
            }}).observe(box, {{subtree: true, childList: true, attributes: true}});
        }}"""
    )
    play.click()
    tab.page.wait_for_function("window.played.length > 0")


def test_from_an_empty_studio_to_a_voice(serve: Any, tab: Any, workspace: Workspace) -> None:
    server, one = serve(workspace.root), tab()
    one.open(server.url)

    # The sample project, and the report on every clip of it.
    one.page.locator("#sample-first").click()
    one.page.locator("#dataset-report").wait_for(state="visible")
    counts = one.page.locator("#dataset-counts")
    one.until(lambda: re.search(r"4\d\s+Clips", counts.inner_text()), 20, "the clips are counted")
    assert re.search(r"0\s+Refused", counts.inner_text())
    one.page.locator("#dataset-table [role=gridcell]", has_text="sample-low-1-0001").click()
    heard(one, "#dataset-clip")
    one.picture("journey-1-dataset")

    # Training, with the plot moving.
    start_training(one)
    one.until(lambda: points(one) >= 2, 240, "two points are drawn")
    seen = points(one)
    one.until(lambda: points(one) > seen, 120, "the plot moves")
    one.picture("journey-2-training")

    # A reload in the middle shows it again, without a word from the server's memory.
    one.open(server.url)
    one.turn_to("train")
    one.until(lambda: state(one) == "Running" and points(one) >= 3, 30, "the run is back")
    one.picture("journey-3-reloaded")

    # Stop, resume, finish.
    one.page.locator("#run-job-stop").click()
    one.until(lambda: state(one) == "Stopped and saved", 120, "stopped and saved")
    one.picture("journey-4-stopped")
    run = store.jobs(workspace)[0]
    stopped_at = run.history().step
    assert 0 < stopped_at < STEPS
    one.page.locator("#run-job-resume").click()
    one.until(lambda: state(one) == "Running", 30, "running again")
    one.until(lambda: state(one) == "Finished", 300, "finished")
    history = run.history()
    assert sorted(history.metrics["loss"]) == list(range(1, STEPS + 1))
    assert points(one) == STEPS
    one.picture("journey-5-finished")

    # Speak with the new voice, and hear it.
    one.turn_to("speak")
    one.page.locator("#speak-voice input").wait_for()
    one.settled()
    one.page.locator("#speak-text textarea").fill("ሰላም")
    one.page.locator("#speak-go").click()
    figure = one.page.locator("#speak-figure .speak-figure")
    figure.wait_for(state="visible")
    one.settled()
    figure.locator(".speak-play").click()
    moved = "() => document.querySelector('#speak-figure audio').currentTime > 0"
    one.page.wait_for_function(moved)
    one.settled()
    with one.page.expect_download() as download:
        one.page.locator("#speak-download").click()
    assert download.value.path().read_bytes()[:4] == b"RIFF"
    one.picture("journey-6-speak")
    assert one.outside == []
    assert one.errors == []


def test_the_server_is_killed_and_the_run_goes_on(
    serve: Any, tab: Any, workspace: Workspace
) -> None:
    from amharic_tts.dataset import sample

    for _ in sample.build(workspace):
        pass
    server, one = serve(workspace.root), tab()
    one.open(server.url)
    start_training(one)
    run = store.jobs(workspace)[0]
    server.kill()
    assert process.alive(run.folder)
    server.start()
    one.page.goto("about:blank")  # the page that lost its server loads itself again
    one.open(f"{server.url}/?run={run.id}")
    one.turn_to("train")
    one.until(lambda: state(one) == "Running", 30, "the run is there after the restart")

    # And the job itself dies without a word: it is said, with the log, and can be resumed.
    one.until(lambda: points(one) >= 3, 240, "steps are drawn")
    import psutil

    for child in psutil.Process(int(process._read(run.folder / "process.json")["pid"])).children():
        child.kill()
    psutil.Process(int(process._read(run.folder / "process.json")["pid"])).kill()
    one.until(lambda: state(one) == "Stopped unexpectedly", 30, "stopped unexpectedly is said")
    one.page.locator("#run-job-details").get_by_text("Log and command").click()
    assert "training.finetune" in one.page.locator("#run-job-details textarea").first.input_value()
    one.picture("killed")
    one.page.locator("#run-job-resume").click()
    one.until(lambda: state(one) == "Running", 30, "resumed")
    one.until(lambda: run.history().step >= 4, 240, "new steps")
    process.kill(run.folder)


def test_a_failed_run_says_why(serve: Any, tab: Any, workspace: Workspace) -> None:
    from amharic_tts.dataset import sample

    for _ in sample.build(workspace):
        pass
    one = tab().open(serve(workspace.root).url)
    start_training(one)
    # Its dataset goes away under it.
    workspace.discard(workspace.dataset("sample"))
    one.until(lambda: state(one) == "Failed", 120, "failed")
    assert "There is no dataset `sample`" in store.jobs(workspace)[0].history().error.message
    told = one.page.locator("#run-job-status .job-error").inner_text()
    assert "There is no dataset sample" in told
    one.picture("failed")


def test_everything_that_is_wrong_is_said_at_once(
    serve: Any, tab: Any, workspace: Workspace
) -> None:
    one = tab().open(serve(workspace.root).url)
    one.turn_to("train")
    fill(one, steps=0, batch_size=0)
    one.page.locator("#train-start").click()
    box = one.page.locator("#train-problems")
    wanted = (
        "dataset: choose a dataset to train on",
        "steps: 0 must be at least 1",
        "batch_size: 0 must be at least 1",
    )
    # The plan follows each keystroke and shows problems too: what Start found may come after it.
    one.until(
        lambda: box.is_visible() and all(line in box.inner_text() for line in wanted),
        20,
        "all three problems stand together",
    )
    one.picture("problems")
    assert store.jobs(workspace) == []
