"""The Speak page: a finished voice, a text, and the sound of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Progress
from amharic_tts.jobs import store
from amharic_tts.synthesis import voices
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.practice_voice import built_in
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.ui import downloads, runs_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.studio import Studio


@dataclass(frozen=True)
class SpeakForm:
    """What the form holds."""

    voice: str | None
    text: str
    reference: str | None
    seed: int | None

    def check(self, known: Sequence[str]) -> None:
        """Check the form against the ids of the voices: a page takes ids, never folders.

        Raises:
            UserError: A text is missing, or the voice is not one of the workspace.
        """
        if not self.voice or self.voice not in known:
            raise UserError("There is no such voice", "Train one to its end first")
        if not self.text.strip():
            raise UserError("There is no text to speak", "Type a sentence")


class SpeakPage:
    """Widgets and handlers of the Speak page."""

    def __init__(self, studio: Studio, client: SpeechClient) -> None:
        self.studio, self.say, self.client = studio, studio.words, client

    def build(self) -> SpeakPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=6, min_width=320, elem_classes="card"):
                self.none = gr.HTML(f'<p class="nothing">{say("speak.none")}</p>', visible=False)
                self.voice = gr.Dropdown(
                    label=say("speak.voice"), choices=[], elem_id="speak-voice"
                )
                self.note = gr.HTML(visible=False, elem_id="speak-note")
                self.text = gr.Textbox(
                    label=say("speak.text"),
                    value=say("speak.example"),
                    lines=4,
                    elem_id="speak-text",
                )
                with gr.Accordion(say("speak.more"), open=False):
                    self.reference = gr.Audio(
                        label=say("speak.reference"),
                        buttons=["download"],
                        sources=["upload", "microphone"],
                        type="filepath",
                    )
                    self.seed = gr.Number(
                        label=say("speak.seed"), info=say("speak.seed_help"), value=7, precision=0
                    )
                self.go = gr.Button(
                    say("speak.go"), variant="primary", size="lg", elem_id="speak-go"
                )
            with gr.Column(scale=5, min_width=320, elem_classes="card"):
                self.told = gr.HTML(
                    f'<p class="quiet">{say("speak.idle")}</p>', elem_id="speak-told"
                )
                self.sound = gr.Audio(
                    label=say("speak.result"),
                    buttons=["download"],
                    interactive=False,
                    visible=False,
                    elem_id="speak-sound",
                )
                self.save = gr.DownloadButton(
                    say("speak.download"), visible=False, elem_id="speak-download"
                )
        wire(
            self.go.click,
            self.speak,
            say,
            [self.voice, self.text, self.reference, self.seed],
            [self.told, self.sound, self.save, self.go],
            concurrency_id="model",
            concurrency_limit=1,
        )
        wire(self.voice.input, self.describe, say, [self.voice], [self.note])
        return self

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return [self.none, self.voice, self.note, self.go]

    def load(self, chosen: str | None = None) -> dict[Any, Any]:
        """List the voices of the workspace that are whole."""
        known = self.known()
        offered = [(self._title(voice), voice.id) for voice in known]
        ids = [one for _, one in offered]
        # The built-in voice gives way to the first one of the user's own.
        value = chosen if chosen in ids and chosen != PRACTICE else ids[0]
        return {
            self.none: gr.HTML(visible=len(known) == 1),
            self.voice: gr.Dropdown(choices=offered, value=value),
            **self.describe(value),
        }

    def known(self) -> list[voices.Voice]:
        """Return the voices that can be chosen: newest first, the built-in one last."""
        own = [v for v in voices.list_voices(self.studio.workspace) if not v.problems]
        return [*own, built_in(self.studio.workspace)]

    def _title(self, voice: voices.Voice) -> str:
        if voice.id == PRACTICE:
            return self.say("speak.practice")
        job = store.get(self.studio.workspace, voice.id)
        return runs_view.title(job)

    def describe(self, voice_id: str | None) -> dict[Any, Any]:
        """Say what a listener must know of the chosen voice, such as that it does not speak."""
        note = next((v.note for v in self.known() if v.id == voice_id), "")
        return {self.note: gr.HTML(f'<p class="note">{rich(note)}</p>', visible=bool(note))}

    def speak(
        self, voice: str | None, text: str, reference: str | None, seed: int | None
    ) -> Iterator[dict[Any, Any]]:
        """Tell what is being done as it goes, then give the sound."""
        form, begun = SpeakForm(voice, text, reference, seed), time.monotonic()
        yield {
            self.told: f'<p class="busy">{escape(self.say("speak.loading"))}</p>',
            self.sound: gr.Audio(visible=False),
            self.save: gr.DownloadButton(visible=False),
            self.go: gr.Button(interactive=False),
        }
        try:
            for event in self._events(form):
                if isinstance(event, Progress):
                    yield {self.told: f'<p class="busy">{escape(event.note)}</p>'}
                elif isinstance(event, Done):
                    yield self._made(event.result, time.monotonic() - begun)
        except StudioError as error:
            hint = f"<br><small>{rich(error.hint)}</small>" if error.hint else ""
            yield {self.told: f'<p class="job-error">{rich(error.message)}{hint}</p>'}
        yield {self.go: gr.Button(interactive=True)}

    def _events(self, form: SpeakForm) -> Iterator[Event]:
        form.check([voice.id for voice in self.known()])
        references = (Path(form.reference),) if form.reference else ()
        request = SpeechRequest(form.voice or "", form.text, references=references, seed=form.seed)
        return self.client.speak(request)

    def _made(self, result: dict[str, Any], took: float) -> dict[Any, Any]:
        import soundfile

        path = Path(result["audio"])
        pcm, rate = soundfile.read(path, dtype="int16")
        length = f"{len(pcm) / rate:.1f}"
        return {
            self.told: f"<p>{self.say('speak.done', length=length, took=f'{took:.1f}')}</p>",
            self.sound: gr.Audio((rate, pcm), visible=True),
            self.save: gr.DownloadButton(
                value=downloads.offer(path.name, path.read_bytes()), visible=True
            ),
        }
