"""The list of runs, newest first, with their states in words. No Gradio here."""

from __future__ import annotations

import time

from amharic_tts.jobs import store
from amharic_tts.ui.words import Words
from amharic_tts.workspace import Workspace

SHOWN = 100


def choices(workspace: Workspace, words: Words) -> list[tuple[str, str]]:
    """Return (label, id) of the newest runs."""
    return [(label(job, words), job.id) for job in store.jobs(workspace)[:SHOWN]]


def label(job: store.Job, words: Words) -> str:
    """Return a run in one line: its state, what, and when."""
    return f"{words('state.' + job.state())} · {title(job)}"


def title(job: store.Job) -> str:
    """Return what a job is and when it was made."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.spec.created))
    return f"{job.spec.title} · {when}"


def shown_first(workspace: Workspace) -> store.Job | None:
    """Return the run to show on opening the page: the newest that runs, else the newest."""
    running = store.running(workspace)
    return running or next(iter(store.jobs(workspace)), None)
