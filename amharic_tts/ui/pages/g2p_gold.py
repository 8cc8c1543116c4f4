"""Backends against a list of right pronunciations: a task, a plot, kinds of mistakes, tables."""

from __future__ import annotations

import dataclasses
import json
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import StudioError, UserError
from amharic_tts.g2p import export
from amharic_tts.jobs import store
from amharic_tts.ui import downloads, g2p_gold_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.pages.g2p_list import backend_choices
from amharic_tts.ui.studio import Studio

PAGE = "g2p-gold"


@dataclasses.dataclass(frozen=True)
class GoldForm:
    """What the form holds: a file of words with their pronunciation, and the backends."""

    file: str | None
    backends: tuple[str, ...]

    def check(self) -> None:
        """Check the form.

        Raises:
            UserError: Something is missing.
        """
        if not self.file:
            raise UserError("There is no list to measure on", "Choose a file of words with IPA")
        if not self.backends:
            raise UserError("There is no backend to measure", "Tick at least one")

    def arguments(self, kept: Path) -> list[str]:
        """Return the command; `kept` is the file in the workspace."""
        return ["g2p-eval", str(kept), *(f"--backend={name}" for name in self.backends)]


def read_result(path: Path) -> dict[str, Any]:
    """Return a measurement that a task wrote.

    Raises:
        StudioError: The file is gone or damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudioError(f"`{path}` can't be read: {error}") from error
    return dict(found)


class GoldPart:
    """Widgets and handlers of the view of a measurement."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self) -> GoldPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Column(elem_classes="card"):
            gr.HTML(f"<p>{escape(say('g2p.gold.about'))}</p>")
            self.file = gr.File(
                label=say("g2p.gold.file"),
                file_types=[".tsv", ".txt"],
                height=120,
                elem_id="g2p-gold-file",
                elem_classes="drop",
            )
            self.backends = backend_choices(self.studio, "g2p-gold-backends")
            self.start = gr.Button(
                say("g2p.gold.start"), variant="primary", elem_id="g2p-gold-start"
            )
            self.panel.build()
        with gr.Column(visible=False, elem_id="g2p-gold-result", elem_classes="card") as self.box:
            self.plot = gr.HTML(elem_id="g2p-gold-plot")
            self.rates = gr.HTML(elem_id="g2p-gold-rates")
            self.kinds = gr.HTML(elem_id="g2p-gold-kinds")
            with gr.Row(elem_classes="actions"):
                self.results = gr.DownloadButton(
                    say("g2p.gold.csv_results"), size="sm", elem_id="g2p-gold-results"
                )
                self.mistakes = gr.DownloadButton(
                    say("g2p.gold.csv_mistakes"), size="sm", elem_id="g2p-gold-mistakes"
                )
        wire(self.start.click, self.begin, say, [self.file, self.backends], self.outputs)
        wire(self.panel.ended.change, self.refresh, say, None, self.outputs)
        return self

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `shown` may update."""
        here = [self.box, self.plot, self.rates, self.kinds, self.results, self.mistakes]
        return [*here, *self.panel.outputs]

    def newest(self) -> store.Job | None:
        """Return the task that was started last."""
        return self.studio.newest_task(PAGE)

    def begin(self, file: str | None, backends: list[str]) -> dict[Any, Any]:
        """Start the measurement on a copy of the file."""
        form = GoldForm(file, tuple(backends or ()))
        form.check()
        (kept,) = self.studio.keep_uploads([str(form.file)])
        title = self.say("g2p.gold.task", name=kept.name)
        return self.shown(self.studio.start_task(PAGE, title, form.arguments(kept)))

    def refresh(self) -> dict[Any, Any]:
        """Show what the task came to."""
        return self.shown(self.newest())

    def shown(self, job: store.Job | None) -> dict[Any, Any]:
        """Return the updates that show a task: how far it is, or what was measured."""
        panel = self.panel.attach(job)
        history = job.history() if job else None
        if history is None or history.state != "done" or not history.result.get("file"):
            return {**panel, self.box: gr.Column(visible=False)}
        found, say = read_result(Path(history.result["file"])), self.say
        offer = downloads.offer_table
        return {
            **panel,
            self.box: gr.Column(visible=True),
            self.plot: g2p_gold_view.plots(found, say),
            self.rates: g2p_gold_view.rates(found, say),
            self.kinds: g2p_gold_view.kinds(found, say),
            self.results: gr.DownloadButton(
                value=offer("g2p-results.csv", export.RESULTS, export.result_rows(found))
            ),
            self.mistakes: gr.DownloadButton(
                value=offer("g2p-mistakes.csv", export.MISTAKES, export.mistake_rows(found))
            ),
        }
