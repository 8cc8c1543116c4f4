"""The Speak page: a voice, a text, and the sound of it while it is made and afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import soundfile

from amharic_tts.audio.encode import FORMATS, encode
from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import StudioError
from amharic_tts.events import Chunk, Done, Finding, Progress, Sentence
from amharic_tts.jobs import store
from amharic_tts.synthesis import voices
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.history import History, Spoken
from amharic_tts.synthesis.practice_voice import built_in
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.ui import downloads, runs_view, speak_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.pages.book_box import BookBox
from amharic_tts.ui.pages.speak_compare import CompareBox
from amharic_tts.ui.pages.speak_controls import SpeakControls
from amharic_tts.ui.pages.voice_box import VoiceBox
from amharic_tts.ui.speak_form import SpeakForm
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.theme import ASSETS

TAKEN_AWAY = ("wav", "mp3", "flac", "ogg")


class SpeakPage:
    """Widgets and handlers of the Speak page."""

    def __init__(self, studio: Studio, client: SpeechClient) -> None:
        self.studio, self.say, self.client = studio, studio.words, client
        self.history = History(studio.workspace)
        self.controls = SpeakControls(studio)
        self.compare = CompareBox(studio, client, self.known)
        self.book, self.box = BookBox(studio), VoiceBox(studio)

    def build(self) -> SpeakPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.shown = gr.State("")
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
                    max_lines=16,
                    elem_id="speak-text",
                )
                with gr.Row():
                    self.go = gr.Button(
                        say("speak.go"), variant="primary", size="lg", elem_id="speak-go"
                    )
                    self.stop = gr.Button(
                        say("speak.stop"), size="lg", visible=False, elem_id="speak-stop"
                    )
                self.controls.build()
            with gr.Column(scale=6, min_width=320, elem_classes="card"):
                self._result()
        with gr.Accordion(
            say("speak.compare.title"), open=False, elem_id="speak-compare", elem_classes="card"
        ):
            self.compare.build(self.text)
        self.book.build(self.voice)
        self.box.build()
        self._wire()
        return self

    def _result(self) -> None:
        say = self.say
        self.told = gr.HTML(f'<p class="quiet">{say("speak.idle")}</p>', elem_id="speak-told")
        self.figure = gr.HTML(
            elem_id="speak-figure",
            js_on_load=(ASSETS / "speak.js").read_text(encoding="utf-8"),
        )
        # In the page from the start: what a widget is given before it stands there can be lost.
        with gr.Row(visible="hidden", elem_classes="toolbar") as self.taking:
            self.format = gr.Dropdown(
                [(FORMATS[name].name.upper(), name) for name in TAKEN_AWAY],
                value="wav",
                label=say("speak.format"),
                min_width=110,
                elem_id="speak-format",
            )
            self.save = gr.DownloadButton(say("speak.download"), elem_id="speak-download")
            self.delete = gr.Button(say("speak.delete"), elem_id="speak-delete")
        with gr.Row(visible=False, elem_classes="toolbar") as self.sure:
            gr.HTML(f"<p>{say('speak.delete_sure')}</p>")
            self.yes = gr.Button(say("speak.delete_yes"), variant="stop", elem_id="speak-yes")
            self.no = gr.Button(say("speak.delete_no"), elem_id="speak-no")
        self.earlier = gr.Dropdown(
            [], label=say("speak.earlier"), visible=False, elem_id="speak-earlier"
        )

    def _wire(self) -> None:
        say = self.say
        asked = {"voice": self.voice, "text": self.text, **self.controls.inputs}
        queue = {"concurrency_id": "model", "concurrency_limit": 8}
        running = wire(
            self.go.click,
            self.speak,
            say,
            inputs_kwargs=asked,
            outputs=[*self._shown, self.go, self.stop],
            # The button is off while it speaks; "once" would stay closed after a Stop.
            trigger_mode="multiple",
            **queue,
        )
        over = [self.told, self.go, self.stop]
        wire(self.stop.click, self.stopped, say, None, over, cancels=[running])
        wire(self.voice.input, self.describe, say, [self.voice], [self.note])
        wire(self.figure.select, self.again, say, [self.shown], self._shown, **queue)
        wire(self.earlier.input, self.open, say, [self.earlier], self._shown)
        wire(self.box.brought_in.change, self.load, say, [self.voice], self.loaded)
        wire(self.format.input, self.take, say, [self.shown, self.format], [self.save])
        wire(self.delete.click, self.ask, say, None, [self.sure])
        wire(self.no.click, self.keep, say, None, [self.sure])
        wire(self.yes.click, self.drop, say, [self.shown], [*self._shown, self.sure])

    @property
    def _shown(self) -> list[Any]:
        return [
            self.told,
            self.figure,
            self.shown,
            self.taking,
            self.format,
            self.save,
            self.earlier,
        ]

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        own = [self.none, self.voice, self.note, self.earlier]
        return [*own, *self.compare.loaded, *self.book.outputs, *self.box.outputs]

    def load(self, chosen: str | None = None) -> dict[Any, Any]:
        """List the voices of the workspace that are whole, and what was spoken."""
        known = self.known()
        offered = [(self._title(voice), voice.id) for voice in known]
        ids = [one for _, one in offered]
        # The built-in voice gives way to the first one of the user's own.
        value = chosen if chosen in ids and chosen != PRACTICE else ids[0]
        return {
            self.none: gr.HTML(visible=len(known) == 1),
            self.voice: gr.Dropdown(choices=offered, value=value),
            **self.describe(value),
            **self._earlier(None),
            **self.compare.load(offered),
            **self.book.load(),
            **self.box.load(),
        }

    def known(self) -> list[voices.Voice]:
        """Return the voices that can be chosen: newest first, the built-in one last."""
        own = [v for v in voices.list_voices(self.studio.workspace) if not v.problems]
        return [*own, built_in(self.studio.workspace)]

    def _title(self, voice: voices.Voice) -> str:
        if voice.id == PRACTICE:
            return self.say("speak.practice")
        if voice.imported:
            return voice.id
        job = store.get(self.studio.workspace, voice.id)
        return runs_view.title(job)

    def describe(self, voice_id: str | None) -> dict[Any, Any]:
        """Say what a listener must know of the chosen voice, such as that it does not speak."""
        note = next((v.note for v in self.known() if v.id == voice_id), "")
        return {self.note: gr.HTML(f'<p class="note">{rich(note)}</p>', visible=bool(note))}

    def speak(self, **form: Any) -> Iterator[dict[Any, Any]]:
        """Tell what is being done as it goes, let it be heard, then give the whole."""
        form["references"] = form.pop("references", None) or ()
        began = time.monotonic()
        yield {
            self.told: f'<p class="busy">{escape(self.say("speak.loading"))}</p>',
            self.figure: "",
            self.taking: gr.Row(visible="hidden"),
            self.go: gr.Button(interactive=False),
            self.stop: gr.Button(visible=True),
        }
        try:
            request = SpeakForm(**form).request([voice.id for voice in self.known()])
            yield from self._spoken(request, began)
        except StudioError as error:
            yield {self.told: _failed(error)}
        yield {self.go: gr.Button(interactive=True), self.stop: gr.Button(visible=False)}

    def _spoken(self, request: SpeechRequest, began: float) -> Iterator[dict[Any, Any]]:
        live, made, odd = speak_view.Live(secrets.token_hex(4)), list[Sentence](), list[str]()
        for event in self.client.speak(request):
            if isinstance(event, Progress):
                yield {self.told: f'<p class="busy">{escape(_progress(event))}</p>'}
            elif isinstance(event, Chunk):
                live.add(event)
                yield {self.figure: live.html(made, self.say)}
            elif isinstance(event, Sentence):
                made.append(event)
                yield {self.figure: live.html(made, self.say)}
            elif isinstance(event, Finding):
                odd.append(f"{event.subject}: {event.message}" if event.subject else event.message)
            elif isinstance(event, Done):
                spoken = self.history.keep(request, made, event.result)
                length, took = f"{event.result['seconds']:.1f}", f"{time.monotonic() - began:.1f}"
                told = f"<p>{self.say('speak.done', length=length, took=took)}</p>"
                told += "".join(f'<p class="note">{rich(one)}</p>' for one in odd)
                yield self._whole(spoken, told)

    def _whole(self, spoken: Spoken, told: str) -> dict[Any, Any]:
        return {
            self.told: told + speak_view.pace(spoken, self.say),
            self.figure: speak_view.figure(spoken, self.say),
            self.shown: spoken.id,
            self.taking: gr.Row(visible=True),
            self.format: "wav",
            self.save: _offered(spoken, "wav"),
            **self._earlier(spoken.id),
        }

    def _earlier(self, chosen: str | None) -> dict[Any, Any]:
        known = [(one.title, one.id) for one in self.history.newest()]
        return {self.earlier: gr.Dropdown(choices=known, value=chosen, visible=bool(known))}

    def stopped(self) -> dict[Any, Any]:
        """Say that the speech was broken off; Gradio has closed it."""
        return {
            self.told: f'<p class="quiet">{escape(self.say("speak.stopped"))}</p>',
            self.go: gr.Button(interactive=True),
            self.stop: gr.Button(visible=False),
        }

    def again(self, speech: str, event: gr.EventData) -> Iterator[dict[Any, Any]]:
        """Say one sentence of the speech that is shown again, with another seed."""
        spoken = self.history.get(speech)
        number = int(event._data["value"]["again"])
        told = self.say("speak.saying_again", n=number)
        yield {self.told: f'<p class="busy">{escape(told)}</p>'}
        request = replace(
            spoken.request, only=number, seed=secrets.randbelow(2**31), stream=False, takes=1
        )
        made: Sentence | None = None
        for happened in self.client.speak(request):
            if isinstance(happened, Sentence):
                made = happened
            elif isinstance(happened, Done):
                assert made is not None
                sound = Path(happened.result["audio"])
                new = self.history.with_sentence(spoken, made, sound)
                sound.unlink()  # the sentence alone; the whole holds it
                told = self.say("speak.said_again", n=number)
                yield self._whole(new, f"<p>{escape(told)}</p>")

    def open(self, speech: str | None) -> dict[Any, Any]:
        """Show an earlier speech."""
        if not speech:
            return {self.told: f'<p class="quiet">{escape(self.say("speak.idle"))}</p>'}
        spoken = self.history.get(speech)
        return self._whole(spoken, f"<p>{rich(spoken.request.text)}</p>")

    def take(self, speech: str, name: str) -> dict[Any, Any]:
        """Offer the speech in another format."""
        return {self.save: _offered(self.history.get(speech), name)}

    def ask(self) -> dict[Any, Any]:
        """Ask before the speech goes to the trash."""
        return {self.sure: gr.Row(visible=True)}

    def keep(self) -> dict[Any, Any]:
        """Leave it."""
        return {self.sure: gr.Row(visible=False)}

    def drop(self, speech: str) -> dict[Any, Any]:
        """Move the speech to the trash."""
        self.history.delete(self.history.get(speech))
        return {
            self.sure: gr.Row(visible=False),
            self.told: f'<p class="quiet">{escape(self.say("speak.deleted"))}</p>',
            self.figure: "",
            self.shown: "",
            self.taking: gr.Row(visible="hidden"),
            **self._earlier(None),
        }


def _progress(event: Progress) -> str:
    if not event.total:
        return event.note
    left = f", {event.seconds_left:.0f} s" if event.seconds_left else ""
    return f"{event.note}: {event.done:.0f} / {event.total:.0f}{left}"


def _failed(error: StudioError) -> str:
    hint = f"<br><small>{rich(error.hint)}</small>" if error.hint else ""
    return f'<p class="job-error">{rich(error.message)}{hint}</p>'


def _offered(spoken: Spoken, name: str) -> str:
    if name == "wav":
        return downloads.offer_copy(spoken.sound)
    samples, rate = soundfile.read(spoken.sound, dtype="float32")
    file = f"{spoken.id}{FORMATS[name].suffix}"
    return downloads.offer(file, encode(samples, rate, name))
