"""Bring in, the microphone: the next sentence is shown, read aloud, and every take is kept."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr
import numpy as np
import soundfile

from amharic_tts.dataset.prompts import (
    Session,
    Take,
    latest,
    read_prompts,
    session_folder,
    sessions,
)
from amharic_tts.errors import UserError
from amharic_tts.ui import job_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.studio import Studio

LANGUAGES = ("am", "en", "ar", "de", "es", "fr", "it", "pt", "tr")


class RecordPart:
    """Widgets and handlers of reading prompts."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words

    def build(self) -> RecordPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.number = gr.State(1)
        with gr.Accordion(
            say("dataset.record.title"), open=False, elem_id="dataset-record", elem_classes="card"
        ):
            gr.HTML(f"<p>{escape(say('dataset.record.text'))}</p>")
            self.session = gr.Dropdown(
                [], label=say("dataset.record.session"), visible=False, elem_id="record-session"
            )
            self._reading()
            with gr.Accordion(
                say("dataset.record.new"), open=True, elem_id="record-new"
            ) as self.beginning:
                self._beginning()
        self._wire()
        return self

    def _reading(self) -> None:
        say = self.say
        with gr.Column(visible=False, elem_id="record-box") as self.box:
            self.prompt = gr.HTML(elem_id="record-prompt")
            self.sound = gr.Audio(
                sources=["microphone"],
                type="numpy",
                label=say("dataset.record.microphone"),
                elem_id="record-sound",
            )
            self.notes = gr.HTML(elem_id="record-notes")
            with gr.Row(elem_classes="actions"):
                self.before = gr.Button(say("dataset.record.before"), size="sm")
                self.skip = gr.Button(say("dataset.record.skip"), size="sm", elem_id="record-skip")
                self.after = gr.Button(
                    say("dataset.record.next"), variant="primary", size="sm", elem_id="record-next"
                )
            self.takes = gr.Radio(
                [], label=say("dataset.record.takes"), visible=False, elem_id="record-takes"
            )
            self.heard = gr.Audio(
                label=say("dataset.record.heard"),
                interactive=False,
                visible=False,
                buttons=["download"],
                elem_id="record-heard",
            )
            self.counts = gr.HTML(elem_id="record-counts")
            self.make = gr.Button(say("dataset.record.build"), elem_id="record-build")

    def _beginning(self) -> None:
        say = self.say
        with gr.Row():
            self.name = gr.Textbox(label=say("dataset.record.name"), elem_id="record-name")
            self.speaker = gr.Textbox(label=say("dataset.record.speaker"), elem_id="record-speaker")
            self.language = gr.Dropdown(
                [(say(f"language.of.{code}"), code) for code in LANGUAGES],
                value="am",
                label=say("dataset.build.language"),
            )
        self.texts = gr.Textbox(
            label=say("dataset.record.texts"),
            info=say("dataset.record.texts_help"),
            lines=5,
            max_lines=12,
            elem_id="record-texts",
        )
        self.file = gr.File(
            label=say("dataset.record.file"), file_types=[".txt"], height=90, elem_classes="drop"
        )
        with gr.Row(elem_classes="actions"):
            self.sample = gr.Button(say("dataset.record.sample"), size="sm")
            self.begin = gr.Button(
                say("dataset.record.begin"), variant="primary", size="sm", elem_id="record-begin"
            )

    def _wire(self) -> None:
        say = self.say
        wire(self.sample.click, self.sample_texts, say, None, [self.texts])
        fields = [self.name, self.speaker, self.language, self.texts, self.file]
        wire(self.begin.click, self.start, say, fields, self.outputs)
        wire(self.session.input, self.choose, say, [self.session], self.outputs)
        here = [self.session, self.number]
        wire(self.sound.stop_recording, self.take, say, [*here, self.sound], self.outputs)
        wire(self.takes.input, self.pick, say, [*here, self.takes], self.outputs)
        wire(self.before.click, self.go_back, say, here, self.outputs)
        wire(self.after.click, self.go_on, say, here, self.outputs)
        wire(self.skip.click, self.pass_over, say, here, self.outputs)

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        reading = [self.number, self.box, self.prompt, self.sound, self.notes, self.takes]
        return [*reading, self.heard, self.counts, self.session, self.beginning]

    def show(self) -> dict[Any, Any]:
        """Show the sessions, the one that was read last with the prompt that is next."""
        names = sessions(self.studio.workspace)
        if not names:
            return {
                self.session: gr.Dropdown(choices=[], value=None, visible=False),
                self.box: gr.Column(visible=False),
            }
        return self.choose(latest(self.studio.workspace) or names[0])

    def _session(self, name: str) -> Session:
        return Session.load(session_folder(self.studio.workspace, name))

    def sample_texts(self) -> str:
        """Return sentences to begin with."""
        from amharic_tts.dataset.sample import sentences

        return "\n".join(sentences())

    def start(
        self, name: str, speaker: str, language: str, texts: str, file: str | None
    ) -> dict[Any, Any]:
        """Begin a session.

        Raises:
            UserError: A name or the texts are missing, or the session is there already.
        """
        from pathlib import Path

        lines = [*texts.split("\n"), *(read_prompts(Path(file)) if file else ())]
        speaker = speaker.strip() or "speaker"
        session = Session.create(self.studio.workspace, name, lines, speaker, language)
        return self.choose(session.name)

    def choose(self, name: str) -> dict[Any, Any]:
        """Show a session at the prompt that is next."""
        session = self._session(name)
        names = sessions(self.studio.workspace)
        return {
            self.session: gr.Dropdown(choices=names, value=name, visible=True),
            self.beginning: gr.Accordion(open=False),
            **self._draw(session, session.next() or 1),
        }

    def take(self, name: str, number: int, sound: tuple[int, Any] | None) -> dict[Any, Any]:
        """Keep what was recorded as a take of the prompt in view.

        Raises:
            UserError: Nothing was recorded.
        """
        if sound is None:
            raise UserError("Nothing was recorded", "Allow the page to use the microphone")
        rate, samples = sound
        session = self._session(name).record(number, np.asarray(samples), rate)
        return self._draw(session, number)

    def pick(self, name: str, number: int, take: int) -> dict[Any, Any]:
        """Let another take count."""
        return self._draw(self._session(name).choose(number, int(take)), number)

    def go_on(self, name: str, number: int) -> dict[Any, Any]:
        """Show the next prompt that is not read yet, else the one after this."""
        session = self._session(name)
        after = number + 1 if number < len(session.texts) else 1
        return self._draw(session, session.next(number) or after)

    def go_back(self, name: str, number: int) -> dict[Any, Any]:
        """Show the prompt before this one."""
        return self._draw(self._session(name), max(1, number - 1))

    def pass_over(self, name: str, number: int) -> dict[Any, Any]:
        """Pass a prompt over, and show the next one."""
        session = self._session(name).skip(number)
        return self._draw(session, session.next(number) or number)

    def arguments(self, name: str | None) -> list[str]:
        """Return the command that builds a dataset of a session.

        Raises:
            UserError: Nothing was read yet.
        """
        if not name:
            raise UserError("There is no session", "Begin one above")
        session = self._session(name)
        if not session.chosen():
            raise UserError(f"Nothing was read yet in `{name}`")
        language = f"--language={session.language}"
        return ["dataset", "build", str(session.folder), f"--name={session.name}", language]

    def _draw(self, session: Session, number: int) -> dict[Any, Any]:
        say, takes, chosen = self.say, session.of_prompt(number), session.choice(number)
        told = say("dataset.record.count", n=number, total=len(session.texts))
        if number in session.skipped:
            told += " · " + say("dataset.record.skipped")
        choices = [(self._told(take), take.take) for take in takes]
        return {
            self.number: number,
            self.box: gr.Column(visible=True),
            self.prompt: f'<p class="prompt-count">{escape(told)}</p>'
            f'<div class="prompt" lang="{escape(session.language)}">'
            f"{escape(session.texts[number - 1])}</div>",
            self.sound: gr.Audio(value=None),
            self.notes: _notes(chosen),
            self.takes: gr.Radio(
                choices=choices, value=chosen.take if chosen else None, visible=bool(takes)
            ),
            self.heard: self._playable(session, chosen),
            self.counts: job_view.tiles(self._numbers(session)),
        }

    def _told(self, take: Take) -> str:
        return self.say("dataset.record.take", n=take.take, seconds=f"{take.seconds:.1f}")

    def _playable(self, session: Session, take: Take | None) -> Any:
        if take is None:
            return gr.Audio(value=None, visible=False)
        samples, rate = soundfile.read(session.sound(take), dtype="int16")
        return gr.Audio((rate, samples), visible=True)

    def _numbers(self, session: Session) -> dict[str, str]:
        say, chosen = self.say, session.chosen()
        seconds = sum(take.seconds for take in chosen)
        return {
            say("dataset.record.counts.read"): f"{len(chosen)} / {len(session.texts)}",
            say("dataset.record.counts.skipped"): str(len(session.skipped)),
            say("dataset.record.counts.takes"): str(len(session.takes)),
            say("dataset.record.counts.time"): job_view.duration(seconds, say),
        }


def _notes(take: Take | None) -> str:
    """Return what is odd about a take, to be read again at once."""
    lines = "".join(
        f'<li class="finding-{note["level"]}">{rich(note["message"])}</li>'
        for note in (take.notes if take else ())
    )
    return f'<ul class="findings">{lines}</ul>' if lines else ""
