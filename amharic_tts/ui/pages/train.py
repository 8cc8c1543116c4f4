"""The Train page: what to train on, how, and the live view of a run."""

from __future__ import annotations

from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.jobs import store, training
from amharic_tts.ui import job_view, runs_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.pages.checkpoints import CheckpointBox
from amharic_tts.ui.pages.train_fields import TrainFields
from amharic_tts.ui.pages.train_preview import TrainPreview
from amharic_tts.ui.pages.train_settings import TrainSettings
from amharic_tts.ui.studio import Studio


class TrainPage:
    """Widgets and handlers of the Train page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "train", "run")
        self.form = TrainFields(studio)
        self.preview = TrainPreview(studio, self.form)
        self.settings = TrainSettings(studio, self.form)
        self.checkpoints = CheckpointBox(studio, self.panel)

    def build(self) -> TrainPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=5, min_width=340, elem_id="train-form"):
                self.settings.build()
                with gr.Column(elem_classes="card"):
                    self.form.build_what()
                with gr.Column(elem_classes="card"):
                    self.form.build_main()
                self.preview.build_plan()
                with gr.Column(elem_classes="card", elem_id="train-groups"):
                    self.form.build_groups()
                    self.preview.build_text()
                self.start = gr.Button(
                    say("train.start"), variant="primary", size="lg", elem_id="train-start"
                )
            with gr.Column(scale=7, min_width=340, elem_classes="card", elem_id="train-live"):
                with gr.Row(elem_classes="toolbar"):
                    self.runs = gr.Dropdown(
                        label=say("train.runs"), choices=[], visible=False, elem_id="train-runs"
                    )
                    self.reuse = gr.Button(
                        say("train.reuse"),
                        visible=False,
                        size="md",
                        min_width=120,
                        elem_id="train-reuse",
                    )
                self.none = gr.HTML(
                    f'<div class="nothing"><h3>{say("train.none.title")}</h3>'
                    f"<p>{say('train.none.text')}</p></div>"
                )
                self.panel.build()
                self.checkpoints.build()
        self._wire()
        return self

    def _wire(self) -> None:
        say, panel, form = self.say, self.panel, self.form
        self.preview.wire()
        self.settings.wire(self.preview.follow)
        wire(form.base.change, form.pick_base, say, [form.base], self.base_outputs)
        wire(
            self.start.click,
            self.launch,
            say,
            inputs_kwargs=form.inputs,
            outputs=[self.preview.problems, self.runs, self.reuse, self.none, *panel.outputs],
            concurrency_limit=1,
            show_progress="minimal",
            show_progress_on=self.start,
        )
        listed = [self.runs, self.reuse, self.none]
        wire(self.runs.input, panel.attach_id, say, [self.runs], panel.outputs)
        wire(panel.ended.change, self.list_runs, say, [panel.watch], listed)
        reused = wire(
            self.reuse.click, self.settings.take_run, say, [self.runs], self.settings.outputs
        )
        self.preview.follow(reused.then)

    @property
    def base_outputs(self) -> list[Any]:
        """Every widget that depends on the base."""
        return [self.form.folder, *self.form.base_model.outputs]

    @property
    def dataset(self) -> Any:
        """The widget of the dataset."""
        return self.form.widgets["dataset"]

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        live = [self.runs, self.reuse, self.none, *self.panel.outputs]
        return [*self.form.outputs, *live, *self.checkpoints.panel.outputs]

    def load(self, request: gr.Request) -> dict[Any, Any]:
        """Fill the form for this machine; show the run of ``?run=ID``, the live or the last."""
        wanted = dict(request.query_params).get("run") if request else None
        return {**self.form.load(), **self.open_run(wanted), **self.checkpoints.load()}

    def lists(self, dataset: str | None = None) -> dict[Any, Any]:
        """Return the datasets to choose from, and whether the real base is here."""
        return self.form.lists(dataset)

    def open_run(self, wanted: str | None) -> dict[Any, Any]:
        """Show a run; one that is not there is said, and the newest is shown instead."""
        job = runs_view.shown_first(self.studio.workspace)
        if wanted:
            try:
                job = store.get(self.studio.workspace, wanted)
            except UserError as error:
                gr.Warning(rich(error.message), title=self.say("error.title"))
        return {**self._runs(job.id if job else None), **self.panel.attach(job)}

    def _runs(self, chosen: str | None) -> dict[Any, Any]:
        offered = runs_view.choices(self.studio.workspace, self.say)
        return {
            self.runs: gr.Dropdown(choices=offered, value=chosen, visible=bool(offered)),
            self.reuse: gr.Button(visible=bool(offered)),
            self.none: gr.HTML(visible=not offered),
        }

    def list_runs(self, watch: job_view.Watch) -> dict[Any, Any]:
        """Show the list with the states as they are now."""
        return self._runs(watch.job_id or None)

    def launch(self, chosen_base: str, base_folder: str, **values: Any) -> dict[Any, Any]:
        """Start a run of what the form says; what is wrong stays on the page until it is mended."""
        try:
            asked, _ = self.form.asked(chosen_base, base_folder, values)
            job = training.start_run(self.studio.workspace, asked)
        except UserError as error:
            return self.preview.wrong(error)
        return {**self.preview.right(), **self._runs(job.id), **self.panel.attach(job)}
