"""The real base on the Train page: its licence, its download, and whether it is here."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from amharic_tts import base_models
from amharic_tts.base_models import catalog
from amharic_tts.errors import UserError
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio


class BaseModelBox:
    """The part of the Train page that shows up when XTTS v2 is chosen."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", "base")

    def build(self) -> BaseModelBox:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        model = catalog.CATALOG[catalog.XTTS_V2]
        licence = catalog.CPML
        link = (
            f'<a href="{escape(licence.link)}" target="_blank" rel="noreferrer">'
            f"{escape(licence.link)}</a>"
        )
        with gr.Column(visible=False, elem_classes="inset", elem_id="base-xtts") as self.box:
            self.here = gr.HTML()
            self.licence = gr.HTML(
                f"<h4>{escape(licence.name)}</h4><p>{rich(licence.summary)}. {link}</p>"
            )
            self.accept = gr.Checkbox(label=say("base.accept"), elem_id="base-accept")
            size = f"{model.download_size / 1e9:.1f}"
            self.download = gr.Button(say("base.download", size=size), elem_id="base-download")
            self.panel.build()
        wire(self.download.click, self.start, say, [self.accept], self.panel.outputs)
        wire(self.panel.ended.change, self.load, say, None, self.outputs)
        return self

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `load` or `pick` may update."""
        return [self.box, self.here, self.accept, self.download, *self.panel.outputs]

    def present(self) -> bool:
        """Tell whether the real base is in the workspace, whole."""
        return base_models.is_ready(self.studio.workspace, catalog.XTTS_V2)

    def load(self) -> dict[Any, Any]:
        """Show whether the base is here, and a download that still runs."""
        present = self.present()
        told = self.say("base.present" if present else "base.absent")
        return {
            self.here: f"<p>{told}</p>",
            self.accept: gr.Checkbox(visible=not present),
            self.download: gr.Button(visible=not present),
            **({} if present else self.panel.attach(self.studio.task_of("base"))),
        }

    def pick(self, wanted: bool) -> dict[Any, Any]:
        """Show the box if this base was chosen."""
        return {self.box: gr.Column(visible=wanted)}

    def start(self, accepted: bool) -> dict[Any, Any]:
        """Start the download as a task, once the licence is accepted.

        Raises:
            UserError: It is not.
        """
        if not accepted:
            raise UserError("Accept the licence before the download", "Tick the box above")
        job = self.studio.start_task(
            "base", self.say("base.task"), ["base", "download", "--accept-license"]
        )
        return self.panel.attach(job)
