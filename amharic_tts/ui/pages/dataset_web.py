"""Bring in, an address: a recording from the web, by yt-dlp where it is installed."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from amharic_tts.dataset import fetch
from amharic_tts.errors import UserError
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.studio import Studio

PAGE = "dataset-fetch"


class WebPart:
    """Widgets and handlers of bringing in from an address; what came goes into the form above."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self) -> WebPart:
        """Place the widgets in the current layout."""
        say = self.say
        with gr.Accordion(
            say("dataset.web.title"), open=False, elem_id="dataset-web", elem_classes="card"
        ):
            gr.HTML(f"<p>{escape(say('dataset.web.text'))}</p>")
            if not fetch.installed():
                gr.HTML(f'<p class="quiet">{rich(say("dataset.web.missing"))}</p>')
            with gr.Row():
                self.address = gr.Textbox(
                    label=say("dataset.web.address"), scale=3, elem_id="web-address"
                )
                self.language = gr.Textbox(
                    "am", label=say("dataset.web.subtitles"), scale=1, elem_id="web-subtitles"
                )
                self.automatic = gr.Checkbox(label=say("dataset.web.automatic"), scale=1)
            self.start = gr.Button(say("dataset.web.start"), size="sm", elem_id="web-start")
            self.panel.build()
            self.told = gr.HTML(elem_id="web-told")
        return self

    def wire(self, folder: gr.Textbox) -> None:
        """Connect the widgets; `folder` is where the form takes a folder of this machine."""
        fields = [self.address, self.language, self.automatic]
        wire(self.start.click, self.begin, self.say, fields, [self.told, *self.panel.outputs])
        done = [self.told, folder] if self.studio.local else [self.told]
        wire(self.panel.ended.change, self.ended, self.say, [self.panel.watch], done)

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        return self.panel.outputs

    def show(self) -> dict[Any, Any]:
        """Show a task that still runs, or went wrong."""
        return self.panel.attach(self.studio.task_of(PAGE))

    def begin(self, address: str, subtitles: str, automatic: bool) -> dict[Any, Any]:
        """Start the command that brings a recording in.

        Raises:
            UserError: It is no address, or no language.
        """
        request = fetch.FetchRequest(address.strip(), subtitles.strip(), bool(automatic))
        problems = request.problems()
        if problems:
            raise UserError("\n".join(problems))
        command = ["dataset", "fetch", request.address, f"--subtitles={request.subtitles}"]
        command += ["--automatic"] if request.automatic else []
        job = self.studio.start_task(PAGE, self.say("dataset.web.task"), command)
        return {self.told: "", **self.panel.attach(job)}

    def ended(self, watch: Watch) -> Any:
        """Put what came into the form."""
        made = watch.history.result
        folder = str(made.get("folder", ""))
        if not folder:
            return ["", gr.skip()] if self.studio.local else ""
        title = str(made.get("title") or "")
        told = f"<p>{rich(self.say('dataset.web.done', title=title, folder=folder))}</p>"
        return [told, folder] if self.studio.local else told
