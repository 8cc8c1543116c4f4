"""Transcribe one recording, without a dataset: text with times, to be read and taken away."""

from __future__ import annotations

import functools
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.jobs.store import History
from amharic_tts.recognition.transcript import Transcript
from amharic_tts.ui import downloads, transcript_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.pages.dataset_record import LANGUAGES
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.transcript_view import FORMS, FileForm

PAGE = "transcribe-file"


class FileBox:
    """Widgets and handlers; the recogniser is the one that is chosen above them."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self) -> FileBox:
        """Place the widgets in the current layout; `connect` wires them."""
        say = self.say
        self.kept = gr.State(None)
        with gr.Accordion(
            say("transcript.title"), open=False, elem_id="transcript", elem_classes="card"
        ) as self.box:
            gr.HTML(f"<p>{escape(say('transcript.text'))}</p>")
            self.audio = gr.File(
                label=say("transcript.audio"), height=140, elem_id="transcript-audio"
            )
            self.language = gr.Dropdown(
                [(say(f"language.of.{code}"), code) for code in LANGUAGES],
                value="am",
                label=say("transcript.language"),
                elem_id="transcript-language",
            )
            self.start = gr.Button(
                say("transcript.start"), variant="primary", elem_id="transcript-start"
            )
            self.panel.build()
            with gr.Column(visible=False, elem_id="transcript-done") as self.done:
                self.result = gr.HTML(elem_id="transcript-result")
                with gr.Row(elem_classes="actions"):
                    self.files = {
                        form: gr.DownloadButton(
                            say("transcript.download", form=form.upper()),
                            size="sm",
                            elem_id=f"transcript-{form}",
                        )
                        for form in FORMS
                    }
        return self

    def connect(self, model: Any, other: Any) -> None:
        """Wire the widgets to each other and to the choice of the recogniser."""
        form = [self.audio, self.language, model, other, self.kept]
        begun = [self.kept, self.done, *self.panel.outputs]
        wire(self.start.click, self.begin, self.say, form, begun)
        wire(self.panel.ended.change, self.ended, self.say, [self.panel.watch], self._shown)

    @property
    def _shown(self) -> list[Any]:
        return [self.done, self.result, *self.files.values()]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        return [self.box, *self._shown, *self.panel.outputs]

    def show(self) -> dict[Any, Any]:
        """Show a task that runs or went wrong, or what the last one heard."""
        job = self.studio.newest_task(PAGE)
        if job is None:
            return {}
        history = job.history()
        if history.state != "done":
            return {self.box: gr.Accordion(open=True), **self.panel.attach(job)}
        if history.result.get("refused"):
            return {}
        return {self.box: gr.Accordion(open=True), **self._drawn(history)}

    def begin(self, *values: Any) -> dict[Any, Any]:
        """Start the command that hears the recording.

        Raises:
            UserError: There is no recording, or the recogniser is not here.
        """
        *fields, kept = values
        form = FileForm(*fields)
        model = form.recogniser(self.studio)
        copy = self._copied(str(form.audio), kept)
        title = self.say("transcript.task", name=copy.name)
        job = self.studio.start_task(PAGE, title, lambda to: form.arguments(copy, to, model))
        return {
            self.kept: (form.audio, str(copy)),
            self.done: gr.Column(visible=False),
            **self.panel.attach(job),
        }

    def _copied(self, upload: str, kept: tuple[str, str] | None) -> Path:
        """Return the copy of an upload in the workspace; another recogniser takes the same."""
        if kept and kept[0] == upload and Path(kept[1]).is_file():
            return Path(kept[1])
        return self.studio.keep_uploads([upload])[0]

    def ended(self, watch: Watch) -> dict[Any, Any]:
        """Show what was heard, when the task is done.

        Raises:
            UserError: The recording can't be read.
        """
        history = watch.history
        if history.state != "done":
            return {self.done: gr.Column(visible=False)}
        if history.result.get("refused"):
            told = "\n".join(one.message for one in history.findings if one.level == "error")
            raise UserError(
                f"The recording can't be read:\n{told}", "Choose another file, sound or video"
            )
        return self._drawn(history)

    def _drawn(self, history: History) -> dict[Any, Any]:
        one = transcript_view.found(history.result.get("out"))
        if one is None:
            return {self.done: gr.Column(visible=False)}
        return {
            self.done: gr.Column(visible=True),
            self.result: transcript_view.shown(one, self.say),
            **{
                button: gr.DownloadButton(value=_offered(one, form), visible=bool(one.cues))
                for form, button in self.files.items()
            },
        }


@functools.lru_cache(maxsize=32)
def _offered(one: Transcript, form: str) -> str:
    """Return the file to take away; the same one however often the page is opened."""
    return downloads.offer(f"{one.name}.{form}", one.written(form).encode("utf-8"))
