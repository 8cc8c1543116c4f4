"""The Train page: what to train on, how, and the live view of a run."""

from __future__ import annotations

from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.jobs import store
from amharic_tts.ui import job_view, runs_view, train_form
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.pages.base_model import BaseModelBox
from amharic_tts.ui.studio import Studio


class TrainPage:
    """Widgets and handlers of the Train page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "train", "run")
        self.base_model = BaseModelBox(studio)
        self.fields: dict[str, Any] = {}

    def build(self) -> TrainPage:
        """Place the widgets in the current layout and wire them."""
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=5, min_width=340, elem_id="train-form"):
                self._what()
                self._how()
                self.problems = gr.HTML(visible=False, elem_id="train-problems")
                self.start = gr.Button(
                    self.say("train.start"), variant="primary", size="lg", elem_id="train-start"
                )
            with gr.Column(scale=7, min_width=340, elem_classes="card", elem_id="train-live"):
                self.runs = gr.Dropdown(
                    label=self.say("train.runs"), choices=[], visible=False, elem_id="train-runs"
                )
                self.none = gr.HTML(
                    f'<div class="nothing"><h3>{self.say("train.none.title")}</h3>'
                    f"<p>{self.say('train.none.text')}</p></div>"
                )
                self.panel.build()
        self._wire()
        return self

    def _what(self) -> None:
        say = self.say
        with gr.Column(elem_classes="card"):
            self.dataset = gr.Dropdown(
                label=say("train.field.dataset"),
                info=say("train.help.dataset"),
                choices=[],
                elem_id="train-dataset",
            )
            bases = [b for b in train_form.BASES if b != "folder" or self.studio.local]
            self.base = gr.Radio(
                [(say(f"train.base.{name}"), name) for name in bases],
                value="practice",
                label=say("train.field.base"),
                info=say("train.help.base"),
                elem_id="train-base",
            )
            self.base_model.build()
            self.folder = gr.Textbox(
                label=say("train.field.base_folder"),
                info=say("train.help.base_folder"),
                visible=False,
            )
            self._choice("text_mode")
        self.fields["dataset"] = self.dataset

    def _how(self) -> None:
        say = self.say
        with gr.Column(elem_classes="card"):
            with gr.Row():
                for name in train_form.MAIN:
                    self._number(name)
            gr.HTML(f"<h3>{say('train.machine')}</h3>")
            for name in train_form.SWITCHES:
                self._check(name)
            self._choice("mixed_precision")
            with gr.Accordion(say("train.more"), open=False), gr.Row(elem_classes="grid"):
                for name in train_form.MORE:
                    if name in train_form.CHOICES:
                        self._choice(name)
                    elif isinstance(train_form.DEFAULTS[name], bool):
                        self._check(name)
                    else:
                        self._number(name)

    def _number(self, name: str) -> None:
        value = train_form.DEFAULTS[name]
        self.fields[name] = gr.Number(
            label=self.say(f"train.field.{name}"),
            info=self.say(f"train.help.{name}"),
            value=value,
            precision=0 if isinstance(value, int) else None,
            min_width=140,
            elem_id=f"train-{name}",
        )

    def _check(self, name: str) -> None:
        self.fields[name] = gr.Checkbox(
            label=self.say(f"train.field.{name}"),
            info=self.say(f"train.help.{name}"),
            value=train_form.DEFAULTS[name],
            min_width=140,
            elem_id=f"train-{name}",
        )

    def _choice(self, name: str) -> None:
        self.fields[name] = gr.Radio(
            [(self.say(f"train.choice.{c}"), c) for c in train_form.CHOICES[name]],
            value=train_form.DEFAULTS[name],
            label=self.say(f"train.field.{name}"),
            info=self.say(f"train.help.{name}"),
            min_width=140,
            elem_id=f"train-{name}",
        )

    def _wire(self) -> None:
        say, panel = self.say, self.panel
        wire(self.base.change, self.pick_base, say, [self.base], self.base_outputs)
        wire(
            self.start.click,
            self.launch,
            say,
            inputs_kwargs={
                **self.fields,
                "chosen_base": self.base,
                "base_folder": self.folder,
            },
            outputs=[self.problems, self.runs, self.none, *panel.outputs],
            concurrency_limit=1,
            show_progress="minimal",
            show_progress_on=self.start,
        )
        wire(self.runs.input, panel.attach_id, say, [self.runs], panel.outputs)
        wire(panel.ended.change, self.list_runs, say, [panel.watch], [self.runs, self.none])

    @property
    def base_outputs(self) -> list[Any]:
        """Every widget that depends on the base."""
        return [self.folder, *self.base_model.outputs]

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        machine = [self.fields[name] for name in (*train_form.SWITCHES, "mixed_precision")]
        return [
            self.dataset,
            *machine,
            self.runs,
            self.none,
            *self.base_outputs,
            *self.panel.outputs,
        ]

    def load(self, request: gr.Request) -> dict[Any, Any]:
        """Fill the form for this machine; show the run of ``?run=ID``, the live or the last."""
        wanted = dict(request.query_params).get("run") if request else None
        return {**self.abilities(), **self.lists(), **self.open_run(wanted)}

    def abilities(self) -> dict[Any, Any]:
        """Return the switches with what this machine can do of them."""
        updates: dict[Any, Any] = {}
        for name in train_form.SWITCHES:
            usable, told = train_form.switch(name, self.say)
            value = {} if usable else {"value": False}
            updates[self.fields[name]] = gr.Checkbox(interactive=usable, info=told, **value)
        offered, told = train_form.precisions(self.say)
        updates[self.fields["mixed_precision"]] = gr.Radio(choices=offered, info=told)
        return updates

    def lists(self, dataset: str | None = None) -> dict[Any, Any]:
        """Return the datasets to choose from, and whether the real base is here."""
        from amharic_tts.dataset.manifest import Dataset

        names = list(Dataset.names(self.studio.workspace))
        chosen = dataset if dataset in names else next(iter(names), None)
        return {
            self.dataset: gr.Dropdown(choices=names, value=chosen),
            **self.base_model.load(),
        }

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
            self.none: gr.HTML(visible=not offered),
        }

    def list_runs(self, watch: job_view.Watch) -> dict[Any, Any]:
        """Show the list with the states as they are now."""
        return self._runs(watch.job_id or None)

    def pick_base(self, base: str) -> dict[Any, Any]:
        """Show what the chosen base needs: a licence and a download, or a folder."""
        return {
            self.folder: gr.Textbox(visible=base == "folder"),
            **self.base_model.pick(base == "xtts-v2"),
        }

    def launch(self, chosen_base: str, base_folder: str, **values: Any) -> dict[Any, Any]:
        """Start a run of what the form says; what is wrong stays on the page until it is mended."""
        try:
            job = self._create(chosen_base, base_folder, values)
        except UserError as error:
            hint = f"<br><small>{rich(error.hint)}</small>" if error.hint else ""
            return {self.problems: gr.HTML(rich(error.message) + hint, visible=True)}
        return {
            self.problems: gr.HTML(visible=False),
            **self._runs(job.id),
            **self.panel.attach(job),
        }

    def _create(self, base: str, base_folder: str, values: dict[str, Any]) -> store.Job:
        from amharic_tts.dataset.manifest import Dataset
        from amharic_tts.jobs import training

        if base == "folder":
            self.studio.require_local()
        language, name = "am", values.get("dataset")
        if name:  # without one, the run says so with everything else that is missing
            language = Dataset.load(self.studio.workspace.dataset(name)).language
        config = train_form.config(values, base, base_folder, language)
        return training.start_run(self.studio.workspace, config)
