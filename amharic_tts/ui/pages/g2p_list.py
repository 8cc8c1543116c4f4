"""A long list by every backend: a task beside the page, with a table to take away."""

from __future__ import annotations

import csv
import dataclasses
import itertools
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.g2p import registry
from amharic_tts.jobs import store
from amharic_tts.ui import downloads, job_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import table
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio

PAGE = "g2p-list"
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class ListForm:
    """What the form holds: a list, the user's words, and the backends."""

    file: str | None
    lexicon: str | None
    backends: tuple[str, ...]

    def check(self) -> None:
        """Check the form.

        Raises:
            UserError: Something is missing.
        """
        if not self.file:
            raise UserError("There is no list", "Choose a text file")
        if not self.backends:
            raise UserError("There is no backend to convert with", "Tick at least one")

    def arguments(self, kept: list[Path], folder: Path) -> list[str]:
        """Return the command; `kept` are the list and the lexicon in the workspace."""
        command = ["g2p-compare", str(kept[0]), f"--out={folder / kept[0].stem}-phonemes.csv"]
        command += [f"--backend={name}" for name in self.backends]
        if self.lexicon:
            command.append(f"--lexicon={kept[1]}")
        return command


def backend_choices(studio: Studio, name: str) -> gr.CheckboxGroup:
    """Return the boxes of the backends that work here, all ticked."""
    here = [b.name for b in registry.backends() if b.availability().ok]
    say = studio.words
    return gr.CheckboxGroup(here, value=here, label=say("g2p.list.backends"), elem_id=name)


class ListPart:
    """Widgets and handlers of the view of a long list."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self) -> ListPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Column(elem_classes="card"):
            gr.HTML(f"<p>{escape(say('g2p.list.about'))}</p>")
            with gr.Row():
                self.file = gr.File(
                    label=say("g2p.list.file"),
                    file_types=[".txt", ".tsv"],
                    height=120,
                    elem_id="g2p-list-file",
                    elem_classes="drop",
                )
                self.lexicon = gr.File(
                    label=say("g2p.text.own"),
                    file_types=[".txt", ".tsv"],
                    height=120,
                    elem_classes="drop",
                )
            self.backends = backend_choices(self.studio, "g2p-list-backends")
            self.start = gr.Button(
                say("g2p.list.start"), variant="primary", elem_id="g2p-list-start"
            )
            self.panel.build()
        with gr.Column(visible=False, elem_id="g2p-list-result", elem_classes="card") as self.box:
            self.counts = gr.HTML()
            self.rows = gr.HTML(elem_id="g2p-list-rows")
            self.csv = gr.DownloadButton(say("g2p.list.csv"), size="sm", elem_id="g2p-list-csv")
        form = [self.file, self.lexicon, self.backends]
        wire(self.start.click, self.begin, say, form, self.outputs)
        wire(self.panel.ended.change, self.refresh, say, None, self.outputs)
        return self

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `shown` may update."""
        return [self.box, self.counts, self.rows, self.csv, *self.panel.outputs]

    def newest(self) -> store.Job | None:
        """Return the task that was started last."""
        return self.studio.newest_task(PAGE)

    def begin(self, file: str | None, lexicon: str | None, backends: list[str]) -> dict[Any, Any]:
        """Start the command on copies of the files."""
        form = ListForm(file, lexicon, tuple(backends or ()))
        form.check()
        kept = self.studio.keep_uploads([f for f in (file, lexicon) if f])
        title = self.say("g2p.list.task", name=kept[0].name)
        job = self.studio.start_task(PAGE, title, lambda folder: form.arguments(kept, folder))
        return self.shown(job)

    def refresh(self) -> dict[Any, Any]:
        """Show what the task came to."""
        return self.shown(self.newest())

    def shown(self, job: store.Job | None) -> dict[Any, Any]:
        """Return the updates that show a task: how far it is, or its table."""
        history = job.history() if job else None
        panel = self.panel.attach(job)
        made = Path(history.result["file"]) if history and history.result.get("file") else None
        if history is None or made is None or not made.is_file():
            return {**panel, self.box: gr.Column(visible=False)}
        say, result = self.say, history.result
        return {
            **panel,
            self.box: gr.Column(visible=True),
            self.counts: job_view.tiles(
                {
                    say("g2p.list.rows"): f"{result['rows']:,}",
                    say("g2p.list.differ"): f"{result['differ']:,}",
                }
            ),
            self.rows: self._first(made),
            self.csv: gr.DownloadButton(value=downloads.offer_copy(made)),
        }

    def _first(self, path: Path) -> str:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header, *rows = itertools.islice(csv.reader(file), SHOWN + 1)
        told = escape(self.say("g2p.list.first", n=len(rows)))
        return f'<p class="quiet">{told}</p><div class="tall">{table(header, rows)}</div>'
