"""What a job looks like: its folder read into plain values and safe HTML. No Gradio here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from amharic_tts.events import Finding
from amharic_tts.jobs.store import History, Job
from amharic_tts.ui.html import chip, facts, rich
from amharic_tts.ui.words import Words

MAX_POINTS = 250
"""Points per line of the plot; more can't be told apart on a screen and would travel each time."""
LIVE = ("created", "running")


@dataclass
class Watch:
    """Where one browser tab stands in reading one job; kept in its `gr.State`."""

    job_id: str = ""
    cursor: int = 0
    log_size: int = 0
    stopping: bool = False
    history: History = field(default_factory=History)

    def update(self, job: Job) -> bool:
        """Read what is new in the job's folder; tell whether anything is."""
        from amharic_tts.jobs.process import stop_requested

        before = (self.cursor, self.log_size, self.history.state, self.stopping)
        self.cursor = job.follow(self.history, self.cursor)
        log = job.folder / "log.txt"
        self.log_size = log.stat().st_size if log.exists() else 0
        self.stopping = self.history.state == "running" and stop_requested(job.folder)
        return before != (self.cursor, self.log_size, self.history.state, self.stopping)


def duration(seconds: float, words: Words) -> str:
    """Return a duration in the words of the screen."""
    whole = round(seconds)
    if whole < 60:
        return words("time.seconds", s=whole)
    if whole < 3600:
        return words("time.minutes", m=whole // 60, s=whole % 60)
    return words("time.hours", h=whole // 3600, m=whole % 3600 // 60)


def status(job: Job, watch: Watch, words: Words) -> str:
    """Return the head of the panel: state, what is being done, how far, time left."""
    history = watch.history
    state = "stopping" if watch.stopping else history.state
    progress = history.progress
    share, note, left = 0.0, "", ""
    if progress and progress.total > 0:
        share = min(1.0, max(0.0, progress.done / progress.total))
        note = f"{progress.done:g} / {progress.total:g} {progress.note}"
    elif progress:
        note = progress.note
    if state == "done":
        share, note = 1.0, ""
    if state == "running" and progress and progress.seconds_left is not None:
        left = words("time.left", time=duration(progress.seconds_left, words))
    if state == "running" and progress is None:
        note = words("job.starting")
    task = job.spec.kind == "task"  # there, nothing is saved on a stop
    name = words.get(f"task.state.{state}" if task else "") or words(f"state.{state}")
    told = words.get(f"task.told.{state}" if task else f"job.told.{state}")
    parts = [
        f'<div class="job-head">{chip(state, name)}<span class="job-title">'
        f'{escape(job.spec.title)}</span><span class="job-left">{escape(left)}</span></div>',
        f'<div class="bar bar-{state}" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{share * 100:.0f}"><i style="width:{share * 100:.1f}%"></i></div>',
        f'<div class="job-note">{escape(note)}</div>' if note else "",
        f'<p class="job-told">{rich(told)}</p>' if told else "",
    ]
    if history.error is not None:
        hint = f"<br>{rich(history.error.hint)}" if history.error.hint else ""
        parts.append(f'<p class="job-error">{rich(history.error.message)}{hint}</p>')
    return "".join(parts)


def named(code: str, message: str, words: Words) -> str:
    """Return a finding with the name of its kind in the language of the screen."""
    name = words.get(f"finding.{code}")
    return f"{name}: {message}" if name else message


def findings(found: Sequence[Finding], words: Words, limit: int = 50) -> str:
    """Return findings as a list; equal ones stand once, with their number.

    Plain information, such as the settings that really took effect, stands below as a grid.
    """
    known = [(one.subject, one.message) for one in found if one.level == "info" and one.subject]
    counted: dict[tuple[str, str, str], int] = {}
    for one in found:
        if (one.subject, one.message) in known and one.level == "info":
            continue
        key = (one.level, one.subject, named(one.code, one.message, words))
        counted[key] = counted.get(key, 0) + 1
    grid = facts(list(dict(known).items())) if known else ""
    if not counted:
        return grid
    lines = []
    for (level, subject, message), times in list(counted.items())[:limit]:
        again = f' <span class="times">{times}×</span>' if times > 1 else ""
        who = f"<b>{escape(subject)}</b> " if subject else ""
        lines.append(f'<li class="finding-{level}">{who}{rich(message)}{again}</li>')
    more = len(counted) - limit
    if more > 0:
        lines.append(f"<li>{escape(words('job.more', n=more))}</li>")
    return f'<ul class="findings">{"".join(lines)}</ul>{grid}'


def tiles(values: Mapping[str, str]) -> str:
    """Return a row of numbers with their names."""
    cells = (
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in values.items()
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def thin(points: Mapping[int, float], limit: int = MAX_POINTS) -> list[tuple[int, float]]:
    """Return at most `limit` points in the order of their steps, the first and last among them."""
    ordered = sorted(points.items())
    if len(ordered) <= limit:
        return ordered
    stride = (len(ordered) - 1) / (limit - 1)
    return [ordered[round(n * stride)] for n in range(limit)]


def loss_rows(history: History, words: Words, steps: int = 0) -> list[tuple[float, float, str]]:
    """Return (step, loss, name of the line) for the plot: training and evaluation loss.

    The plot draws lines only: a single evaluation becomes a dash, 4 % as long as the plot.

    Args:
        history: Of the run.
        words: Of the screen.
        steps: How many the plot shows in all.
    """
    rows: list[tuple[float, float, str]] = []
    end = max(steps, history.step)
    for metric in ("loss", "eval_loss"):
        name = words(f"plot.{metric}")
        points = thin(history.metrics.get(metric, {}))
        if len(points) == 1 and metric == "eval_loss":
            ((step, value),) = points
            right = min(end, step + end / 50)
            rows += [(right - end / 25, value, name), (right, value, name)]
        else:
            rows += [(step, value, name) for step, value in points]
    return rows


def numbers(history: History, words: Words) -> dict[str, str]:
    """Return the latest numbers of a training run, by name."""
    shown = {words("job.step"): str(history.step)}
    for metric in ("loss", "eval_loss"):
        value = history.latest(metric)
        shown[words(f"plot.{metric}")] = "–" if value is None else f"{value:.3f}"
    return shown
