"""What the form would start, told while it is filled in: memory, settings, command, file."""

from __future__ import annotations

import functools
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.jobs import training
from amharic_tts.ui import effective_view, train_form, train_plan
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.pages.train_fields import TrainFields
from amharic_tts.ui.studio import Studio
from training.config import FinetuneConfig

FILE = "settings.yaml"


class TrainPreview:
    """The plan of a run beside its form; it follows every change."""

    def __init__(self, studio: Studio, fields: TrainFields) -> None:
        self.studio, self.say, self.fields = studio, studio.words, fields

    def build_plan(self) -> None:
        """Place the memory planner."""
        say = self.say
        with gr.Column(elem_classes="card", elem_id="train-plan"):
            gr.HTML(f"<h3>{say('plan.title')}</h3>")
            self.plan = gr.HTML(f'<p class="quiet">{say("plan.none")}</p>', elem_id="plan-memory")
            self.take = gr.Button(say("plan.none"), visible=False, elem_id="plan-take")
            with gr.Accordion(say("plan.expected"), open=False, elem_id="plan-expected"):
                self.expected = gr.HTML()

    def build_text(self) -> None:
        """Place the command, the file and what is wrong."""
        say = self.say
        with gr.Accordion(say("plan.text"), open=False, elem_id="train-text"):
            self.command = gr.Textbox(
                label=say("plan.command"),
                interactive=False,
                buttons=["copy"],
                lines=3,
                elem_classes="mono",
                elem_id="train-command",
            )
            self.dry_step = gr.Textbox(
                label=say("plan.dry_step"),
                interactive=False,
                buttons=["copy"],
                lines=2,
                elem_classes="mono",
                elem_id="train-dry-step",
            )
            self.file = gr.HTML(elem_id="train-file")
        self.problems = gr.HTML(visible=False, elem_id="train-problems")

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `refresh` may update."""
        text = [self.command, self.dry_step, self.file]
        return [self.plan, self.take, self.expected, *text, self.problems]

    def wire(self) -> None:
        """Follow every widget of the form."""
        changes = [widget.change for widget in self.fields.inputs.values()]
        self.follow(functools.partial(gr.on, changes))
        taken = wire(
            self.take.click,
            self.take_over,
            self.say,
            inputs_kwargs=self.fields.inputs,
            outputs=[self.fields.widgets[name] for name in ("batch_size", "accumulation")],
        )
        self.follow(taken.then)

    def follow(self, event: Any) -> None:
        """Tell the plan anew after an event; of many at once only the last one counts."""
        wire(
            event,
            self.refresh,
            self.say,
            inputs_kwargs=self.fields.inputs,
            outputs=self.outputs,
            trigger_mode="always_last",
        )

    def refresh(self, chosen_base: str, base_folder: str, **values: Any) -> dict[Any, Any]:
        """Return what the form as it stands would start, and what is wrong with it."""
        try:
            asked, language = self.fields.asked(chosen_base, base_folder, values)
        except UserError as error:
            return {**self._no_plan(), **self.wrong(error)}
        found = training.problems(self.studio.workspace, asked)
        if not asked.dataset and len(found) == 1:
            found = []  # said when Start is pressed; an untouched form is no mistake yet
        told = self.wrong(UserError(_listed(found))) if found else self.right()
        return {**self._text(asked, language), **self._plan(asked), **told}

    def _text(self, asked: FinetuneConfig, language: str) -> dict[Any, Any]:
        link = "data:text/yaml;charset=utf-8," + quote(asked.to_commented_yaml())
        root = self.studio.workspace.root.absolute()
        return {
            self.command: train_form.command(asked, root, language),
            self.dry_step: train_form.command(asked, root, language, "train-plan", "--dry-step"),
            self.file: f'<a class="as-button" download="{FILE}" href="{link}">'
            f"{escape(self.say('plan.save'))}</a>",
        }

    def _no_plan(self) -> dict[Any, Any]:
        return {
            self.plan: f'<p class="quiet">{self.say("plan.none")}</p>',
            self.take: gr.Button(visible=False),
            self.expected: "",
            self.command: "",
            self.dry_step: "",
            self.file: "",
        }

    def _plan(self, asked: FinetuneConfig) -> dict[Any, Any]:
        say = self.say
        try:
            plan = train_plan.make_plan(self.studio.workspace, asked.check())
        except UserError:  # what is wrong stands with the other problems
            why = say("plan.not_yet") if asked.dataset else say("plan.none")
            return {
                self.plan: f'<p class="quiet">{why}</p>',
                self.take: gr.Button(visible=False),
                self.expected: "",
            }
        updates: dict[Any, Any] = {
            self.plan: train_plan.picture(plan, say),
            self.expected: effective_view.table(train_plan.expected(plan, say), say),
            self.take: gr.Button(visible=False),
        }
        made = plan.memory
        now = (made.batch_size, made.accumulation)
        if made.largest and made.suggested != now:
            batch, times = made.suggested
            clips = batch * times * made.processes
            told = say("plan.take", batch=batch, times=times, clips=clips)
            updates[self.take] = gr.Button(told, visible=True)
        return updates

    def take_over(self, chosen_base: str, base_folder: str, **values: Any) -> dict[Any, Any]:
        """Put the batch that is advised into the form.

        Raises:
            UserError: The form can't be planned any more.
        """
        asked, _ = self.fields.asked(chosen_base, base_folder, values)
        batch, times = train_plan.make_plan(self.studio.workspace, asked).memory.suggested
        widgets = self.fields.widgets
        if asked.effective_batch:
            return {widgets["batch_size"]: batch}
        return {widgets["batch_size"]: batch, widgets["accumulation"]: times}

    def wrong(self, error: UserError) -> dict[Any, Any]:
        """Return what is wrong, shown beside the form until it is mended."""
        hint = f"<br><small>{rich(error.hint)}</small>" if error.hint else ""
        return {self.problems: gr.HTML(rich(error.message) + hint, visible=True)}

    def right(self) -> dict[Any, Any]:
        """Return that nothing is wrong."""
        return {self.problems: gr.HTML(visible=False)}


def _listed(found: list[str]) -> str:
    return "This run can't be started:\n" + "\n".join(f"- {line}" for line in found)
