"""The Phonemes page: which phones are in a recording, when, and how sure the model is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import StudioError, UserError
from amharic_tts.phonemes import align, export, measured
from amharic_tts.phonemes.assistant import PhonemeAssistant
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.listen import Heard, listen
from amharic_tts.ui import downloads, job_view, phonemes_figure, phonemes_tables
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.pages.phonemes_tools import Tools
from amharic_tts.ui.phonemes_form import EXPECTED, INVENTORIES, ExpectedForm, ListenForm
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.theme import ASSETS
from amharic_tts.ui.words import Words

ALIGNED = 300.0
"""Seconds up to which expected phones are scored by forced alignment."""


@dataclass
class Session:
    """What one browser tab has heard; kept in its `gr.State`."""

    heard: Heard | None = None
    name: str = ""
    at: float = 0.0
    busy: bool = False
    stopping: bool = False

    def replace(self, heard: Heard, name: str) -> None:
        """Take a new recording, and drop the copies of the one before."""
        self.close()
        self.heard, self.name, self.at = heard, name, 0.0

    def close(self) -> None:
        """Remove the copies of what was heard."""
        if self.heard is not None:
            self.heard.discard()
        self.heard = None


class PhonemesPage:
    """Widgets and handlers of the Phonemes page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.tools = Tools(studio)

    def build(self) -> PhonemesPage:
        """Place the widgets in the current layout and wire them."""
        # Closing the tab drops the copies an hour later, as Gradio forgets the session.
        self.session = gr.State(Session(), delete_callback=Session.close)
        with gr.Column(elem_classes="card"):
            gr.HTML(f"<p>{self.say('phonemes.text')}</p>")
            with gr.Row(elem_classes="split"):
                with gr.Column(scale=6, min_width=320):
                    self._recording()
                with gr.Column(scale=5, min_width=320):
                    self.tools.model_choice()
                    self._inventory()
            self.told = gr.HTML(elem_id="phonemes-told")
        self._result()
        self.tools.build()
        self._wire()
        return self

    def _recording(self) -> None:
        say = self.say
        self.audio = gr.Audio(
            label=say("phonemes.audio"),
            buttons=["download"],
            sources=["upload", "microphone"],
            type="filepath",
            elem_id="phonemes-audio",
        )
        self.expected = gr.Textbox(
            label=say("phonemes.expected"),
            info=say("phonemes.expected_help"),
            lines=2,
            elem_id="phonemes-expected",
        )
        self.kind = gr.Radio(
            [(say(f"phonemes.expected_as.{kind}"), kind) for kind in EXPECTED],
            value="am",
            show_label=False,
            container=False,
            elem_id="phonemes-kind",
        )
        with gr.Row(elem_classes="toolbar"):
            self.go = gr.Button(say("phonemes.go"), variant="primary", elem_id="phonemes-go")
            self.stop = gr.Button(
                say("phonemes.stop"), variant="stop", visible=False, elem_id="phonemes-stop"
            )

    def _inventory(self) -> None:
        say = self.say
        self.inventory = gr.Dropdown(
            [(say(f"phonemes.inventory_of.{name}"), name) for name in INVENTORIES],
            value="all",
            label=say("phonemes.inventory"),
            info=say("phonemes.inventory_help"),
            elem_id="phonemes-inventory",
        )
        self.own = gr.Textbox(
            label=say("phonemes.own"),
            placeholder="s ə l a m",
            visible=False,
            elem_id="phonemes-own",
        )

    def _result(self) -> None:
        say = self.say
        script = (ASSETS / "phonemes.js").read_text(encoding="utf-8")
        hear = (ASSETS / "hear.js").read_text(encoding="utf-8")
        with gr.Column(elem_classes="card", visible=False, elem_id="phonemes-result") as self.box:
            self.facts = gr.HTML(elem_id="phonemes-facts")
            self.notes = gr.HTML(elem_id="phonemes-notes")
            with gr.Column(visible=False) as self.long:
                self.overview = gr.HTML(elem_id="phonemes-overview", js_on_load=OVERVIEW)
                with gr.Row(elem_classes="toolbar", elem_id="phonemes-turn"):
                    self.before = gr.Button(say("phonemes.before"), size="sm")
                    self.after = gr.Button(say("phonemes.after"), size="sm")
            self.figure = gr.HTML(elem_id="phonemes-figure", js_on_load=script)
            with gr.Column(visible=False, elem_id="phonemes-comparison") as self.compared:
                gr.HTML(f"<h3>{escape(say('compare.title'))}</h3>")
                self.comparison = gr.HTML(js_on_load=hear)
            self.compare = gr.Button(say("phonemes.compare"), size="sm", elem_id="phonemes-compare")
            self.table = gr.HTML(elem_id="phonemes-table", js_on_load=hear)
            with gr.Row(elem_classes="toolbar"):
                self.files = [
                    gr.DownloadButton(
                        say(f"phonemes.{form}"), size="sm", elem_id=f"phonemes-{form}"
                    )
                    for form in ("csv", "json", "textgrid")
                ]

    def _wire(self) -> None:
        say, tools = self.say, self.tools
        form = [self.audio, tools.model, tools.other, self.inventory, self.own]
        shown = [self.overview, self.long, self.before, self.after, self.figure]
        # Said at once: listening itself may have to wait for another visitor's turn to end.
        asked = wire(
            self.go.click,
            self.begin,
            say,
            [self.session],
            [self.go, self.stop, self.told, self.box],
            queue=False,
        )
        heard = wire(
            asked.then,
            self.listen,
            say,
            [self.session, self.expected, self.kind, *form, *tools.options],
            [
                *(self.told, self.box, self.facts, self.notes, self.table),
                *(self.compared, self.comparison, *self.files, *shown, *tools.measured),
            ],
            concurrency_id="model",
            concurrency_limit=1,
        )
        # Also after an error that nobody foresaw.
        wire(heard.then, self.rest, say, [self.session], [self.go, self.stop, self.told])
        wire(self.stop.click, self.ask_to_stop, say, [self.session], [self.told], queue=False)
        wire(self.before.click, lambda s: self.turn(s, -1), say, [self.session], shown)
        wire(self.after.click, lambda s: self.turn(s, 1), say, [self.session], shown)
        for part in (self.figure, self.overview):
            wire(part.select, self.go_to, say, [self.session], shown)
        wire(
            self.compare.click,
            self.compare_again,
            say,
            [self.session, self.expected, self.kind],
            [self.compared, self.comparison],
            show_progress="minimal",
        )
        wire(
            self.inventory.input,
            lambda name: gr.Textbox(visible=name == "own"),
            say,
            [self.inventory],
            [self.own],
        )

    @property
    def shown(self) -> list[Any]:
        """The widgets whose values `load` takes."""
        return [self.tools.model, self.tools.dtype]

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return self.tools.loaded

    def load(self, model: str | None, dtype: str) -> dict[Any, Any]:
        """Show which models are ready, what was measured, and tasks that still run."""
        return self.tools.load(model, dtype)

    def begin(self, session: Session) -> dict[Any, Any]:
        """Show that the click was taken, and hide the result before."""
        session.busy, session.stopping = True, False
        return {
            self.go: gr.Button(interactive=False),
            self.stop: gr.Button(visible=True),
            self.box: gr.Column(visible=False),
            self.told: self._busy(self.say("phonemes.waiting"), None),
        }

    def listen(
        self, session: Session, text: str, kind: str, *values: Any
    ) -> Iterator[dict[Any, Any]]:
        """Listen to a recording: tell how far it is, then show what was heard.

        A mistake of the visitor is told in the page, where it stays.
        """
        say = self.say
        yield {self.told: self._busy(say("phonemes.loading"), None)}
        try:
            form, wanted = ListenForm(*values), ExpectedForm(text, kind)
            source, words = form.source(), wanted.words()
            extractor = form.extractor(self.studio)
            steps = listen(source, extractor, downloads.folder(), lambda: session.stopping)
            while True:
                try:
                    progress = next(steps)
                except StopIteration as end:
                    session.replace(end.value, source.stem)
                    break
                done = job_view.duration(progress.done, say)
                share = progress.done / progress.total if progress.total else None
                yield {self.told: self._busy(say("phonemes.busy", time=done), share)}
            yield self._heard(session, extractor) | self._compared(session, words)
        except StudioError as error:
            hint = f"<br><small>{rich(error.hint)}</small>" if error.hint else ""
            yield {self.told: f'<p class="job-error">{rich(_named(error, values[0]))}{hint}</p>'}
        session.busy = False

    def rest(self, session: Session) -> dict[Any, Any]:
        """Make the page ready again; where listening broke off, nothing may look busy."""
        broken, session.busy = session.busy, False
        return {
            self.go: gr.Button(interactive=True),
            self.stop: gr.Button(visible=False),
            **({self.told: ""} if broken else {}),
        }

    @staticmethod
    def _busy(text: str, share: float | None) -> str:
        bar = (
            ""
            if share is None
            else f'<div class="bar"><i style="width:{100 * share:.0f}%"></i></div>'
        )
        return f'<div role="status"><p class="busy">{escape(text)}</p>{bar}</div>'

    def ask_to_stop(self, session: Session) -> str:
        """End listening after the piece that it is at; what was heard stays."""
        session.stopping = True
        return self._busy(self.say("phonemes.stopping"), None)

    def _heard(self, session: Session, extractor: PhonemeExtractor) -> dict[Any, Any]:
        heard, say = session.heard, self.say
        assert heard is not None
        found = heard.recognition
        cost = self.tools.record(extractor, heard)
        factor = heard.took / heard.duration if heard.duration else 0.0
        numbers = {
            say("phonemes.count"): str(len(found.phones)),
            say("phonemes.length"): _length(heard.duration, say),
            say("phonemes.took"): f"{heard.took:.2f} s",
            say("phonemes.rtf"): f"{factor:.3f}",
            say("phonemes.memory"): f"{measured.memory_mb():.0f} MB",
            say("phonemes.model"): found.model,
            say("phonemes.notation"): phonemes_tables.notation(found.notation, say),
        }
        return {
            self.told: "",
            self.box: gr.Column(visible=True),
            self.facts: job_view.tiles(numbers),
            self.notes: "".join(f'<p class="note">{rich(note)}</p>' for note in found.notes),
            self.table: phonemes_tables.phones_table(found, say) if found.phones else "",
            **self._offered(session),
            **self._figure(session),
            **cost,
            **self.tools.performance_of(PhonemeAssistant(extractor)),
        }

    def _offered(self, session: Session) -> dict[Any, Any]:
        """Return the result as files to take away."""
        heard, name, say = session.heard, session.name or "phones", self.say
        assert heard is not None
        found = heard.recognition
        header = [say(f"phonemes.column.{key}") for key in phonemes_tables.COLUMNS]
        rows = map(phonemes_tables.phone_cells, found.phones)
        paths = (
            downloads.offer_table(f"{name}.csv", header, rows),
            downloads.offer(f"{name}.json", export.to_json([(name, found)]).encode()),
            downloads.offer(f"{name}.TextGrid", export.to_textgrid(found).encode()),
        )
        buttons = zip(self.files, paths, strict=True)
        return {
            button: gr.DownloadButton(value=path, visible=bool(found.phones))
            for button, path in buttons
        }

    def _figure(self, session: Session) -> dict[Any, Any]:
        heard, say = session.heard, self.say
        if heard is None:
            return {}
        whole = phonemes_figure.overview(heard, session.at, say)
        stretch = phonemes_figure.stretch_at(heard.duration, session.at)
        legend = f'<p class="ph-legend">{escape(say("phonemes.legend"))}</p>'
        return {
            self.overview: whole,
            self.long: gr.Column(visible=bool(whole)),
            self.before: gr.Button(interactive=stretch.start > 0),
            self.after: gr.Button(interactive=stretch.end < heard.duration),
            self.figure: phonemes_figure.figure(heard, session.at, say) + legend,
        }

    def turn(self, session: Session, steps: int) -> dict[Any, Any]:
        """Show the stretch before or after."""
        session.at = max(0.0, session.at + steps * phonemes_figure.WINDOW)
        return self._figure(session)

    def go_to(self, session: Session, picked: gr.EventData) -> dict[Any, Any]:
        """Show the stretch that holds a time that was clicked."""
        session.at = float(picked._data["value"])
        return self._figure(session)

    def compare_again(self, session: Session, text: str, kind: str) -> dict[Any, Any]:
        """Compare what was heard with another text, without listening again.

        Raises:
            UserError: Nothing was typed, or the text can't be read.
        """
        words = ExpectedForm(text, kind).words()
        if not words:
            raise UserError("There is no expected text", "Type what was said above")
        return self._compared(session, words)

    def _compared(self, session: Session, words: Any) -> dict[Any, Any]:
        heard = session.heard
        if heard is None or not words:
            return {self.compared: gr.Column(visible=False), self.comparison: ""}
        scored = heard.posteriors() if heard.duration <= ALIGNED else None
        found = align.compare(heard.recognition, words, scored, heard.symbols)
        note = "" if scored is not None else self.say("compare.unscored", n=int(ALIGNED))
        body = phonemes_tables.comparison(found, self.say)
        return {
            self.compared: gr.Column(visible=True),
            self.comparison: body + (f'<p class="quiet">{escape(note)}</p>' if note else ""),
        }


def _length(seconds: float, say: Words) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else job_view.duration(seconds, say)


def _named(error: StudioError, audio: str | None) -> str:
    """Return a message with the upload's own name instead of where the page keeps it."""
    return error.message.replace(audio, Path(audio).name) if audio else error.message


OVERVIEW = """
element.addEventListener("click", (event) => {
  const whole = event.target.closest(".ph-overview");
  if (!whole) return;
  const box = whole.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  trigger("select", { value: share * Number(whole.dataset.whole) });
});
"""
