"""The widgets of the training form: one for every setting, from the table in `train_form`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from amharic_tts.ui import train_form
from amharic_tts.ui.pages.base_model import BaseModelBox
from amharic_tts.ui.studio import Studio
from training.config import FinetuneConfig


class TrainFields:
    """Widgets of the settings, by the names of `FinetuneConfig`."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.base_model = BaseModelBox(studio)
        self.widgets: dict[str, Any] = {}
        """All but the base, which is two widgets: its name and, for a folder, its path."""

    def build_what(self) -> None:
        """Place what is learned from, and what it starts from."""
        say = self.say
        self._dataset("dataset")
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
            elem_id="train-base-folder",
        )
        self._place("text_mode")

    def build_main(self) -> None:
        """Place the few that matter most."""
        numbers = [name for name in train_form.MAIN if train_form.kind(name) in ("whole", "number")]
        with gr.Row():
            for name in numbers:
                self._place(name)
        for name in train_form.MAIN:
            if name not in numbers:
                self._place(name)

    def build_groups(self) -> None:
        """Place all the others, group by group, closed."""
        for group in train_form.GROUPS:
            title = self.say(f"train.group.{group.name}")
            with gr.Accordion(title, open=False, elem_id=f"train-group-{group.name}"):
                gr.HTML(f'<p class="quiet">{self.say(f"train.group_help.{group.name}")}</p>')
                with gr.Row(elem_classes="settings-grid"):
                    for name in group.fields:
                        self._place(name)

    def _place(self, name: str) -> None:
        kind = train_form.kind(name)
        make = {
            "choice": self._choice,
            "check": self._check,
            "dataset": self._dataset,
            "lines": self._lines,
            "text": self._text,
        }.get(kind, self._number)
        make(name)

    def _words(self, name: str) -> dict[str, Any]:
        return {
            "label": self.say(f"train.field.{name}"),
            "info": self.say(f"train.help.{name}"),
            "min_width": 150,
            "elem_id": f"train-{name}",
        }

    def _dataset(self, name: str) -> None:
        self.widgets[name] = gr.Dropdown(choices=[], **self._words(name))

    def _number(self, name: str) -> None:
        whole = train_form.kind(name) == "whole"
        self.widgets[name] = gr.Number(
            value=train_form.DEFAULTS[name], precision=0 if whole else None, **self._words(name)
        )

    def _check(self, name: str) -> None:
        self.widgets[name] = gr.Checkbox(value=train_form.DEFAULTS[name], **self._words(name))

    def _choice(self, name: str) -> None:
        choices = [(self.say(f"train.choice.{c}"), c) for c in train_form.CHOICES[name]]
        self.widgets[name] = gr.Radio(choices, value=train_form.DEFAULTS[name], **self._words(name))

    def _lines(self, name: str) -> None:
        self.widgets[name] = gr.Textbox(lines=3, max_lines=8, **self._words(name))

    def _text(self, name: str) -> None:
        # The language of the dataset is taken where none is named.
        value = "" if name == "language" else train_form.DEFAULTS[name]
        self.widgets[name] = gr.Textbox(train_form.shown(name, value), **self._words(name))

    def asked(
        self, chosen_base: str, base_folder: str, values: Mapping[str, Any]
    ) -> tuple[FinetuneConfig, str]:
        """Return the run that the form asks for, and the language of its dataset.

        Raises:
            UserError: Values that are not of their field's type; the dataset can't be read.
        """
        from amharic_tts.dataset.manifest import Dataset

        if chosen_base == "folder":
            self.studio.require_local()
        language, name = "am", values.get("dataset")
        if name:  # without one, the run says so with everything else that is missing
            language = Dataset.load(self.studio.workspace.dataset(name)).language
        return train_form.config(values, chosen_base, base_folder, language), language

    @property
    def inputs(self) -> dict[str, Any]:
        """Every widget by the name that a handler takes its value by."""
        return {**self.widgets, "chosen_base": self.base, "base_folder": self.folder}

    @property
    def outputs(self) -> list[Any]:
        """Every widget that a filling or `load` may update."""
        return [*self.widgets.values(), self.base, self.folder, *self.base_model.outputs]

    def load(self, dataset: str | None = None) -> dict[Any, Any]:
        """Return the form as this machine and this workspace allow it."""
        updates: dict[Any, Any] = {}
        for name, widget in self.widgets.items():
            told = train_form.help_of(name, self.say)
            usable = not train_form.obstacle(name, self.say)
            if train_form.kind(name) == "choice":
                choices = train_form.offered(name, self.say)
                updates[widget] = gr.Radio(choices=choices, interactive=usable, info=told)
            elif train_form.kind(name) != "dataset":
                off = {} if usable else {"value": self._default(name)}
                updates[widget] = type(widget)(interactive=usable, info=told, **off)
        return {**updates, **self.lists(dataset)}

    def _default(self, name: str) -> Any:
        return train_form.shown(name, train_form.DEFAULTS[name])

    def lists(self, dataset: str | None = None) -> dict[Any, Any]:
        """Return the datasets to choose from, and whether the real base is here."""
        names = self.datasets()
        chosen = dataset if dataset in names else next(iter(names), None)
        replay, say = "replay_dataset", self.say
        none = [(say("train.no_replay"), ""), *((name, name) for name in names)]
        return {
            self.widgets["dataset"]: gr.Dropdown(choices=names, value=chosen),
            self.widgets[replay]: gr.Dropdown(
                choices=none,
                interactive=not train_form.obstacle(replay, say),
                info=train_form.help_of(replay, say),
            ),
            **self.base_model.load(),
        }

    def datasets(self) -> list[str]:
        """Return the names of the datasets of the workspace."""
        from amharic_tts.dataset.manifest import Dataset

        return list(Dataset.names(self.studio.workspace))

    def fill(self, filling: train_form.Filling, keep: tuple[str, ...] = ()) -> dict[Any, Any]:
        """Return the widgets with the values of some settings.

        Args:
            filling: The values.
            keep: Fields that stay as they stand; with `base` among them, the base too.
        """
        updates: dict[Any, Any] = {
            self.widgets[name]: value for name, value in filling.values.items() if name not in keep
        }
        if "base" not in keep:
            updates |= {self.base: filling.base, **self.pick_base(filling.base)}
            visible = filling.base == "folder"
            updates[self.folder] = gr.Textbox(filling.base_folder, visible=visible)
        return updates

    def pick_base(self, base: str) -> dict[Any, Any]:
        """Show what the chosen base needs: a licence and a download, or a folder."""
        return {
            self.folder: gr.Textbox(visible=base == "folder"),
            **self.base_model.pick(base == "xtts-v2"),
        }
