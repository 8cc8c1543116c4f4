"""A job on the screen, read from its folder: state, progress, plot, findings, safe text."""

from __future__ import annotations

import json
from pathlib import Path

from amharic_tts.events import Done, Event, Failed, Finding, Metric, Progress, Started, Stopped
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.ui import job_view, words
from amharic_tts.ui.html import rich, table
from amharic_tts.ui.job_view import Watch
from amharic_tts.workspace import Workspace

SAY = words.load("en")


def job(workspace: Workspace, *events: Event, title: str = "sample on practice") -> store.Job:
    spec = JobSpec("run-1", "train", title, ["-c", "pass"])
    made = store.create(workspace, spec)
    # A process that is certainly gone.
    (made.folder / "process.json").write_text(json.dumps({"pid": 1, "started": 0.0}))
    for event in events:
        made.events.append(event)
    return made


def test_a_watch_reads_on_from_where_it_stood(workspace: Workspace) -> None:
    made, watch = job(workspace, Started(), Metric(1, "loss", 5.0)), Watch("run-1")
    assert watch.update(made)
    assert not watch.update(made)
    made.events.append(Metric(2, "loss", 4.5))
    assert watch.update(made)
    assert watch.history.metrics == {"loss": {1: 5.0, 2: 4.5}}
    (made.folder / "log.txt").write_text("a line\n")
    assert watch.update(made)
    assert not watch.update(made)


def test_a_job_that_died_without_a_word_is_said_so(workspace: Workspace) -> None:
    made, watch = job(workspace, Started(), Progress(3, 10, "training")), Watch("run-1")
    watch.update(made)
    shown = job_view.status(made, watch, SAY)
    assert "Stopped unexpectedly" in shown
    assert "Resume goes on from the last saved step" in shown
    assert 'aria-valuenow="30"' in shown


def test_a_failure_shows_its_message_and_hint_as_text(workspace: Workspace) -> None:
    failure = Failed("`a<b>` is <script>bad</script>", "Choose another", 2)
    made, watch = job(workspace, Started(), failure, title="<img src=x>"), Watch("run-1")
    watch.update(made)
    shown = job_view.status(made, watch, SAY)
    assert "<code>a&lt;b&gt;</code> is &lt;script&gt;bad&lt;/script&gt;<br>Choose another" in shown
    assert "<img" not in shown


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(workspace: Workspace) -> None:
    first = [Started(), *(Metric(n, "loss", float(n)) for n in range(1, 8))]
    made, watch = job(workspace, *first), Watch("run-1")
    watch.update(made)
    for event in (Started(step=5), Metric(6, "loss", 60.0), Stopped(step=6)):
        made.events.append(event)
    watch.update(made)
    assert watch.history.metrics["loss"] == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 60.0}
    assert watch.history.state == "stopped"
    assert job_view.numbers(watch.history, SAY) == {
        "Step": "6",
        "Training loss": "60.000",
        "Evaluation loss": "–",
    }


def test_the_plot_stays_small_and_keeps_its_ends() -> None:
    history = store.History()
    for step in range(1, 10_001):
        history.add(Metric(step, "loss", 1 / step))
    history.add(Metric(10_000, "eval_loss", 0.5))
    rows = job_view.loss_rows(history, SAY)
    assert len(rows) == job_view.MAX_POINTS + 2
    assert rows[0] == (1, 1.0, "Training loss")
    assert rows[-3][0] == 10_000
    # A single point would not be drawn: it is a dash.
    assert rows[-2:] == [(9_600, 0.5, "Evaluation loss"), (10_000, 0.5, "Evaluation loss")]
    history.add(Metric(10_001, "eval_loss", 0.4))
    shown = [row[:2] for row in job_view.loss_rows(history, SAY) if row[2] == "Evaluation loss"]
    assert shown == [(10_000, 0.5), (10_001, 0.4)]


def test_equal_findings_stand_once_with_their_number() -> None:
    found = [Finding("slow", "a `b` & c")] * 3 + [Finding("x", "other", "error", "clip-1")]
    shown = job_view.findings(found, SAY)
    assert shown.count("<li") == 2
    assert 'a <code>b</code> &amp; c <span class="times">3×</span>' in shown
    assert '<li class="finding-error"><b>clip-1</b> other</li>' in shown
    assert job_view.findings([], SAY) == ""


def test_time_left_is_said_in_the_language_of_the_screen() -> None:
    amharic = words.load("am")
    assert [job_view.duration(s, SAY) for s in (4.6, 125, 7300)] == [
        "5 s",
        "2 min 5 s",
        "2 h 1 min",
    ]
    assert job_view.duration(125, amharic) == "2 ደቂቃ ከ5 ሰከንድ"


def test_a_finished_job_is_full(workspace: Workspace) -> None:
    made, watch = job(workspace, Started(), Progress(9, 10), Done({"a": 1})), Watch("run-1")
    watch.update(made)
    assert 'aria-valuenow="100"' in job_view.status(made, watch, SAY)


def test_text_in_the_page_is_escaped() -> None:
    assert rich("<b>`x`\n&") == "&lt;b&gt;<code>x</code><br>&amp;"
    assert "<td>&lt;i&gt;</td>" in table(["<th>"], [["<i>"]])


def test_downloads_are_copies_that_a_spreadsheet_does_not_run(tmp_path: Path) -> None:
    from amharic_tts.ui import downloads

    path = Path(downloads.offer_table("report.csv", ["ጽሑፍ"], [["=1+1"], ["ሰላም, ዓለም"], [3]]))
    assert path.name == "report.csv"
    text = path.read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["ጽሑፍ", "'=1+1", '"ሰላም, ዓለም"', "3"]
