"""Settings that come from elsewhere: a preset, a YAML file, or a run that was made before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.jobs import store, training
from amharic_tts.ui import train_form
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.pages.train_fields import TrainFields
from amharic_tts.ui.studio import Studio
from training import config as configs
from training.config import FinetuneConfig


class TrainSettings:
    """The row above the form that fills it."""

    def __init__(self, studio: Studio, fields: TrainFields) -> None:
        self.studio, self.say, self.fields = studio, studio.words, fields

    def build(self) -> None:
        """Place the widgets."""
        say = self.say
        with gr.Column(elem_classes="card", elem_id="train-settings"):
            with gr.Row(elem_classes="toolbar"):
                self.preset = gr.Dropdown(
                    [(say(f"train.preset.{name}"), name) for name in train_form.PRESETS],
                    value=None,
                    label=say("train.presets"),
                    info=say("train.presets_help"),
                    min_width=200,
                    elem_id="train-preset",
                )
                self.file = gr.UploadButton(
                    say("train.load"),
                    file_types=[".yaml", ".yml"],
                    size="md",
                    min_width=120,
                    elem_id="train-load",
                )
            self.told = gr.HTML(visible=False, elem_id="train-told")

    @property
    def outputs(self) -> list[Any]:
        """Every widget that a filling may update."""
        return [self.told, self.preset, *self.fields.outputs]

    def wire(self, follow: Any) -> None:
        """Fill the form on a choice, and then call `follow` with the event that came of it."""
        say = self.say
        chosen = wire(self.preset.input, self.take_preset, say, [self.preset], self.outputs)
        loaded = wire(self.file.upload, self.take_file, say, [self.file], self.outputs)
        follow(chosen.then)
        follow(loaded.then)

    def take_preset(self, name: str | None) -> dict[Any, Any]:
        """Fill the form with a preset; what is trained on and from what stays as it stands."""
        if not name:
            return {self.told: gr.HTML(visible=False)}
        filling = train_form.filling(train_form.preset(name), self.say)
        head = self.say(f"train.preset_help.{name}")
        updates = self.fields.fill(filling, keep=train_form.OWN)
        return {**updates, **self._tell(head, filling.told)}

    def take_file(self, path: str | None) -> dict[Any, Any]:
        """Fill the form with a file of settings.

        Raises:
            UserError: It is not a file of settings; every unknown or wrong one is named.
        """
        if not path:
            return {}
        return self._take(configs.load(Path(path)), self.say("train.loaded", name=Path(path).name))

    def take_run(self, run_id: str | None) -> dict[Any, Any]:
        """Fill the form with the settings of a run.

        Raises:
            UserError: There is no such run, or its settings can't be read.
        """
        if not run_id:
            raise UserError("Choose a run first")
        job = store.get(self.studio.workspace, run_id)
        asked = configs.load(job.folder / training.CONFIG)
        return self._take(asked, self.say("train.loaded", name=job.id))

    def _take(self, asked: FinetuneConfig, head: str) -> dict[Any, Any]:
        filling = train_form.filling(asked, self.say)
        there = self.fields.datasets()
        keep: tuple[str, ...] = ()
        for name in train_form.DATASETS:
            value = filling.values[name]
            if value and value not in there:
                filling.told.append(f"`{name}: {value}`: {self.say('train.no_dataset')}")
                keep = (*keep, name)
        if not filling.values["dataset"]:
            keep = (*keep, "dataset")
        if filling.base == "folder" and not self.studio.local:
            filling.told.append(f"`base`: {self.say('train.no_folder')}")
            keep = (*keep, "base")
        return {**self.fields.fill(filling, keep), **self._tell(head, filling.told, forget=True)}

    def _tell(self, head: str, told: list[str], forget: bool = False) -> dict[Any, Any]:
        lines = "".join(f"<li>{rich(line)}</li>" for line in told)
        below = f"<p>{self.say('train.left_out')}</p><ul>{lines}</ul>" if told else ""
        kind = "note" if told else "quiet"
        updates: dict[Any, Any] = {
            self.told: gr.HTML(
                f'<div class="{kind}"><p>{rich(head)}</p>{below}</div>', visible=True
            )
        }
        # What comes from a file is no preset any more.
        return {**updates, self.preset: None} if forget else updates
