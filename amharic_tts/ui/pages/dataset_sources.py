"""Bring in: the sample project, building from recordings, and the report on every clip."""

from __future__ import annotations

from typing import Any

import gradio as gr

from amharic_tts.ui import dataset_view, downloads, job_view
from amharic_tts.ui.build_form import BuildForm
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.pages.dataset_cuts import CutsPart
from amharic_tts.ui.pages.dataset_record import LANGUAGES, RecordPart
from amharic_tts.ui.pages.dataset_web import WebPart
from amharic_tts.ui.studio import Studio


def build(studio: Studio, chosen: gr.Dropdown) -> SourcesPart:
    """Place the widgets in the current layout and wire them.

    Args:
        studio: Settings, workspace and words.
        chosen: The dataset's name, chosen once for all views of the page.
    """
    return SourcesPart(studio, chosen).build()


class SourcesPart:
    """Widgets and handlers of the first view."""

    def __init__(self, studio: Studio, chosen: gr.Dropdown) -> None:
        self.studio, self.say, self.name = studio, studio.words, chosen
        self.panel = JobPanel(studio, "task", "dataset")
        self.cuts, self.record = CutsPart(studio), RecordPart(studio)
        # Whoever names an address makes this machine go there: not for strangers.
        self.web = WebPart(studio) if studio.local else None

    def build(self) -> SourcesPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Column(visible=False, elem_id="dataset-empty", elem_classes="hero") as self.empty:
            gr.HTML(f"<h2>{say('dataset.empty.title')}</h2><p>{say('dataset.empty.text')}</p>")
            self.first = gr.Button(
                say("dataset.sample.first"), variant="primary", size="lg", elem_id="sample-first"
            )
            gr.HTML(f'<p class="quiet">{say("dataset.empty.own")}</p>')
        self.panel.build()
        self._report()
        self._form()
        self.record.build()
        if self.web is not None:
            self.web.build()
        self._wire()
        return self

    def _report(self) -> None:
        say = self.say
        with gr.Column(visible=False, elem_id="dataset-report", elem_classes="card") as self.full:
            self.sample = gr.Button(
                say("dataset.sample.again"), size="sm", elem_id="dataset-sample"
            )
            self.counts = gr.HTML(elem_id="dataset-counts")
            self.notes = gr.HTML(elem_id="dataset-notes")
            with gr.Row(elem_classes="toolbar"):
                self.which = gr.Radio(
                    [(say("dataset.show.all"), "all"), (say("dataset.show.refused"), "refused")],
                    value="all",
                    show_label=False,
                    container=False,
                    elem_id="dataset-show",
                )
                self.page = gr.Dropdown(
                    [1], value=1, label=say("dataset.page"), scale=0, min_width=110, visible=False
                )
            self.table = gr.Dataframe(
                headers=dataset_view.DatasetView.header(say),
                datatype="str",
                interactive=False,
                wrap=True,
                type="array",
                max_height=480,
                column_widths=["165px", "320px", "85px", "80px", "105px", "115px", "270px"],
                elem_id="dataset-table",
                show_label=False,
                buttons=[],
            )
            gr.HTML(f'<p class="quiet">{say("dataset.listen")}</p>')
            self.clip = gr.Audio(
                label=say("dataset.clip"),
                buttons=["download"],
                interactive=False,
                visible=False,
                elem_id="dataset-clip",
            )
            self.csv = gr.DownloadButton(say("dataset.csv"), size="sm", elem_id="dataset-csv")

    def _form(self) -> None:
        say = self.say
        with gr.Accordion(
            say("dataset.build.title"), open=False, elem_id="dataset-build", elem_classes="card"
        ):
            gr.HTML(f"<p>{say('dataset.build.text')}</p>")
            self.audio = gr.File(
                label=say("dataset.build.audio"),
                file_count="multiple",
                height=140,
                elem_id="build-audio",
            )
            with gr.Row():
                self.transcript = gr.File(
                    label=say("dataset.build.transcript"),
                    file_types=[".csv", ".tsv", ".txt", ".jsonl"],
                    elem_id="build-transcript",
                    height=120,
                )
                self.subtitles = gr.File(
                    label=say("dataset.build.subtitles"),
                    file_types=[".srt", ".vtt", ".ass", ".ssa", ".textgrid", ".TextGrid"],
                    height=120,
                    elem_id="build-subtitles",
                )
            self.folder = gr.Textbox(
                label=say("dataset.build.folder"),
                info=say("dataset.build.folder_help"),
                visible=self.studio.local,
            )
            with gr.Row():
                self.new_name = gr.Textbox(
                    label=say("dataset.build.name"), info=say("dataset.build.name_help")
                )
                self.language = gr.Dropdown(
                    [(say(f"language.of.{code}"), code) for code in LANGUAGES],
                    value="am",
                    label=say("dataset.build.language"),
                )
            self.cuts.build()
            self.start = gr.Button(
                say("dataset.build.start"), variant="primary", elem_id="build-start"
            )

    def _wire(self) -> None:
        say, panel = self.say, self.panel
        report = [self.empty, self.full, self.name, self.sample, *self._shown]
        source = [self.audio, self.folder, self.transcript, self.subtitles]
        self.cuts.wire(source)
        if self.web is not None:
            self.web.wire(self.folder)
        reading = [self.record.session]
        wire(self.record.make.click, self.build_session, say, reading, panel.outputs)
        for button in (self.first, self.sample):
            wire(button.click, self.make_sample, say, None, panel.outputs)
        wire(
            self.start.click,
            self.start_build,
            say,
            inputs=[
                *source,
                self.new_name,
                self.language,
                self.cuts.mode,
                self.cuts.changes,
                self.cuts.kept,
            ],
            outputs=panel.outputs,
        )
        wire(panel.ended.change, self.refresh, say, [self.name, panel.watch], report)
        wire(self.which.input, self.filter, say, [self.name, self.which], [self.page, self.table])
        wire(self.page.input, self.turn, say, [self.name, self.which, self.page], [self.table])
        wire(self.table.select, self.play, say, [self.name], [self.clip])

    @property
    def _shown(self) -> list[Any]:
        return [self.counts, self.notes, self.which, self.page, self.table, self.clip, self.csv]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        here = [self.empty, self.full, self.sample, *self._shown, *self.panel.outputs]
        return [*here, *(widget for part in self.parts for widget in part.outputs)]

    @property
    def parts(self) -> list[Any]:
        """The ways to bring in that have a state of their own."""
        return [self.cuts, self.record, *([self.web] if self.web is not None else [])]

    def names(self) -> list[str]:
        """Return the datasets of the workspace."""
        from amharic_tts.dataset.manifest import Dataset

        return list(Dataset.names(self.studio.workspace))

    def show(self, name: str | None) -> dict[Any, Any]:
        """Show the report of a dataset, and any task that still runs."""
        task = self.studio.task_of("dataset")  # one that is done stays as it is on the screen
        updates = {**self._shown_of(name), **(self.panel.attach(task) if task else {})}
        for part in self.parts:
            updates.update(part.show())
        return updates

    def refresh(self, name: str | None, watch: job_view.Watch) -> dict[Any, Any]:
        """Show the list of datasets again, with the one that the last task made."""
        names = self.names()
        made = watch.history.result.get("dataset")
        chosen = next((n for n in (made, name, *names) if n in names), None)
        choice = gr.Dropdown(choices=names, value=chosen, visible=bool(names))
        return {self.name: choice, **self._shown_of(chosen)}

    def _shown_of(self, name: str | None) -> dict[Any, Any]:
        names = self.names()
        updates: dict[Any, Any] = {
            self.empty: gr.Column(visible=not names),
            self.full: gr.Column(visible=bool(name)),
            self.sample: gr.Button(visible="sample" not in names),
        }
        return {**updates, **(self.choose(name) if name else {})}

    def make_sample(self) -> dict[Any, Any]:
        """Start the command that makes the sample project."""
        job = self.studio.start_task("dataset", self.say("dataset.sample.title"), ["sample"])
        return self.panel.attach(job)

    def start_build(self, *values: Any) -> dict[Any, Any]:
        """Start the command that builds a dataset from the form."""
        form = BuildForm(*values)
        title = self.say("dataset.build.task", name=form.name.strip())
        job = self.studio.start_task("dataset", title, form.arguments(self.studio))
        return self.panel.attach(job)

    def build_session(self, name: str | None) -> dict[Any, Any]:
        """Start the command that builds a dataset of the prompts that were read."""
        command = self.record.arguments(name)
        title = self.say("dataset.build.task", name=name)
        return self.panel.attach(self.studio.start_task("dataset", title, command))

    def _view(self, name: str) -> dataset_view.DatasetView:
        return dataset_view.view(self.studio.workspace.dataset(name))

    def choose(self, name: str) -> dict[Any, Any]:
        """Show the report of one dataset."""
        view, say = self._view(name), self.say
        cells = (view.cells(row, say) for row in view.rows)
        file = downloads.offer_table(f"{view.name}-report.csv", view.header(say), cells)
        return {
            self.counts: job_view.tiles(view.counts(say)),
            self.notes: job_view.findings(view.notes, say),
            self.which: "all",
            self.page: self._pages(view, False),
            self.table: view.table(False, 1, say),
            self.clip: gr.Audio(None, visible=False),
            self.csv: gr.DownloadButton(value=file),
        }

    def _pages(self, view: dataset_view.DatasetView, refused: bool) -> Any:
        count = view.pages(refused)
        return gr.Dropdown(choices=list(range(1, count + 1)), value=1, visible=count > 1)

    def filter(self, name: str, show: str) -> dict[Any, Any]:
        """Show all rows, or the refused ones, from the first page on."""
        view, refused = self._view(name), show == "refused"
        return {
            self.page: self._pages(view, refused),
            self.table: view.table(refused, 1, self.say),
        }

    def turn(self, name: str, show: str, page: int) -> list[list[str]]:
        """Return another page of the table."""
        return self._view(name).table(show == "refused", page, self.say)

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
