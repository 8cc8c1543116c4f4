"""Transcribe: speech recognition writes the texts that are missing; texts of people stay."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from amharic_tts.recognition import catalog
from amharic_tts.ui import dataset_view, job_view, transcribe_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.pages.transcribe_file import FileBox
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.transcribe_view import OTHER, TranscribeForm, TranscribeView

TASK, FETCH = "transcribe", "transcribe-download"


def build(studio: Studio, chosen: gr.Dropdown) -> TranscribePart:
    """Place the widgets in the current layout and wire them.

    Args:
        studio: Settings, workspace and words.
        chosen: The dataset's name, chosen once for all views of the page.
    """
    return TranscribePart(studio, chosen).build()


class TranscribePart:
    """Widgets and handlers of the view."""

    def __init__(self, studio: Studio, chosen: gr.Dropdown) -> None:
        self.studio, self.say, self.name = studio, studio.words, chosen
        self.panel = JobPanel(studio, "task", TASK)
        self.fetching = JobPanel(studio, "task", FETCH)
        self.file = FileBox(studio)

    def build(self) -> TranscribePart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        gr.HTML(f"<p>{escape(say('transcribe.text'))}</p>")
        self.counts = gr.HTML(elem_id="transcribe-counts")
        with gr.Column(elem_classes="card", elem_id="transcribe-form"):
            self.model = gr.Dropdown(
                transcribe_view.choices(self.studio, "am"),
                value=catalog.MMS,
                label=say("transcribe.model"),
                elem_id="transcribe-model",
            )
            self.other = gr.Textbox(
                label=say("transcribe.other"),
                info=say("transcribe.other_help"),
                visible=False,
                elem_id="transcribe-other",
            )
            self.card = gr.HTML(elem_id="transcribe-card", elem_classes="inset")
            self.fetch = gr.Button(say("transcribe.fetch"), size="sm", elem_id="transcribe-fetch")
            self.fetching.build()
            self.again = gr.Checkbox(
                label=say("transcribe.again"),
                info=say("transcribe.again_help"),
                elem_id="transcribe-again",
            )
            self.start = gr.Button(
                say("transcribe.start"), variant="primary", elem_id="transcribe-start"
            )
        self.panel.build()
        self._table()
        self.file.build()
        self._wire()
        return self

    def _table(self) -> None:
        say = self.say
        with gr.Column(visible=False, elem_classes="card", elem_id="transcribe-done") as self.full:
            gr.HTML(f'<p class="quiet">{escape(say("transcribe.table"))}</p>')
            self.table = gr.Dataframe(
                headers=TranscribeView.header(say),
                datatype="str",
                interactive=False,
                wrap=True,
                type="array",
                max_height=420,
                column_widths=["165px", "430px", "170px", "270px", "115px"],
                elem_id="transcribe-table",
                show_label=False,
                buttons=[],
            )
            self.clip = gr.Audio(
                label=say("dataset.clip"),
                buttons=[],
                interactive=False,
                visible=False,
                elem_id="transcribe-clip",
            )

    def _wire(self) -> None:
        say = self.say
        form = [self.name, self.model, self.other, self.again]
        shown = [self.other, self.card, self.fetch]
        wire(self.model.input, self.choose, say, [self.name, self.model], shown)
        wire(self.fetch.click, self.start_fetch, say, form, self.fetching.outputs)
        wire(self.start.click, self.start_work, say, form, self.panel.outputs)
        wire(self.fetching.ended.change, self.refresh, say, [self.name, self.model], self._shown)
        wire(self.panel.ended.change, self.refresh, say, [self.name, self.model], self._shown)
        wire(self.table.select, self.play, say, [self.name], [self.clip])
        self.file.connect(self.model, self.other)

    @property
    def _shown(self) -> list[Any]:
        chosen = [self.model, self.other, self.card, self.fetch]
        return [*chosen, self.counts, self.full, self.table, self.clip]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        panels = [*self.panel.outputs, *self.fetching.outputs]
        return [*self._shown, *panels, *self.file.outputs]

    def show(self, name: str | None) -> dict[Any, Any]:
        """Show a dataset, and tasks that still run or went wrong."""
        return {
            **self.refresh(name, None),
            **self.panel.attach(self.studio.task_of(TASK)),
            **self.fetching.attach(self.studio.task_of(FETCH)),
            **self.file.show(),
        }

    def _language(self, view: TranscribeView | None) -> str:
        return view.language if view else "am"

    def _view(self, name: str | None) -> TranscribeView | None:
        return transcribe_view.view(self.studio.workspace.dataset(name)) if name else None

    def refresh(self, name: str | None, model: str | None) -> dict[Any, Any]:
        """Show the counts, the recognisers and the recognised texts again."""
        view, say = self._view(name), self.say
        language = self._language(view)
        known = transcribe_view.choices(self.studio, language)
        value = model if model in [key for _, key in known] else catalog.default(language)
        rows = view.table(say) if view else []
        return {
            self.model: gr.Dropdown(choices=known, value=value),
            **self._chosen(value, language),
            self.counts: job_view.tiles(view.counts(say)) if view else "",
            self.full: gr.Column(visible=bool(rows)),
            self.table: rows,
            self.clip: gr.Audio(None, visible=False),
        }

    def choose(self, name: str | None, model: str) -> dict[Any, Any]:
        """Say what a recogniser is, and offer to fetch it where it is not here."""
        return self._chosen(model, self._language(self._view(name)))

    def _chosen(self, model: str, language: str) -> dict[Any, Any]:
        ready = transcribe_view.store.is_here(self.studio.workspace, model, language)
        return {
            self.other: gr.Textbox(visible=model == OTHER),
            self.card: transcribe_view.card(self.studio, model, language),
            self.fetch: gr.Button(visible=not ready),
        }

    def start_fetch(self, *values: Any) -> dict[Any, Any]:
        """Start the command that fetches the recogniser."""
        form = TranscribeForm(*values)
        command = form.download(self.studio)
        title = self.say("transcribe.fetch_task", name=command[1])
        return self.fetching.attach(self.studio.start_task(FETCH, title, command))

    def start_work(self, *values: Any) -> dict[Any, Any]:
        """Start the command that writes the missing texts."""
        form = TranscribeForm(*values)
        command = form.arguments(self.studio)
        title = self.say("transcribe.task", name=form.dataset)
        return self.panel.attach(self.studio.start_task(TASK, title, command))

    def play(self, name: str, picked: gr.SelectData) -> Any:
        """Return the sound of the row that was clicked."""
        return self.sound(name, str(picked.row_value[0]))

    def sound(self, name: str, row_id: str) -> Any:
        """Return the sound of one clip.

        Raises:
            UserError: The dataset has no such clip, or it can't be read.
        """
        title, rate, pcm = dataset_view.sound(self.studio.workspace.dataset(name), row_id)
        return gr.Audio((rate, pcm), label=title, visible=True)
