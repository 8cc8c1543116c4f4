"""A text by every backend: side by side, heard, judged, and which result is used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import StudioError, UserError
from amharic_tts.g2p import EnhancedAmharicG2P, export, registry, speak_phonemes
from amharic_tts.g2p import compare as core
from amharic_tts.g2p.bulk import short_text
from amharic_tts.g2p.lexicon import Lexicon, read_lines
from amharic_tts.g2p.pipeline import DOCUMENTED_ORDER
from amharic_tts.g2p.side_by_side import side_by_side
from amharic_tts.ui import downloads, g2p_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich
from amharic_tts.ui.studio import Studio

MAX_CHARACTERS = 5_000
MOST_WORDS = 100
"""Words that can be chosen to be heard by themselves."""


def compared(text: str, lexicon: Lexicon | None = None) -> list[core.Comparison]:
    """Return the comparison of every line that is not empty.

    Raises:
        UserError: Empty or too long.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError("There is no text to read", "Type a sentence")
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"The text has {len(text)} characters; the page reads {MAX_CHARACTERS}",
            "Convert it as a long list",
        )
    return list(core.compare(lines, lexicon=lexicon))


@dataclasses.dataclass(frozen=True)
class TextForm:
    """What the form holds: a text, a file of the user's words, and the order of backends."""

    text: str
    lexicon: str | None
    preset: str
    picked: tuple[str, ...]

    def own(self) -> Lexicon | None:
        """Return the user's words.

        Raises:
            UserError: The file has lines that can't be used; they are named.
        """
        if not self.lexicon:
            return None
        path = Path(self.lexicon)
        return Lexicon.parse(read_lines(path, path.name), f"`{path.name}`")

    def order(self) -> list[str]:
        """Return the names of the backends in the order in which they are asked.

        Raises:
            UserError: The user's own order is empty.
        """
        orders = presets()
        if self.preset in orders:
            return orders[self.preset]
        if not self.picked:
            raise UserError("The order of G2P backends is empty", "Pick at least one")
        return list(self.picked)


def presets() -> dict[str, list[str]]:
    """Return the orders that have a name: the studio's own, and the documented one."""
    documented = [str(name) for name in DOCUMENTED_ORDER]
    return {"default": EnhancedAmharicG2P().order, "documented": documented}


Heard = dict[str, dict[str, str]]
"""What to hear (empty: the whole text) -> backend -> phonemes."""


class TextPart:
    """Widgets and handlers of the view of one text."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.names = [backend.name for backend in registry.backends()]

    def build(self) -> TextPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.heard = gr.State({})
        with gr.Column(elem_classes="card"):
            self._form()
        self.empty = gr.HTML(
            f'<p class="nothing">{escape(say("g2p.text.empty"))}</p>', elem_classes="card"
        )
        with gr.Column(visible=False, elem_id="g2p-result", elem_classes="results") as self.result:
            with gr.Column(elem_classes="card"):
                gr.HTML(f"<h3>{escape(say('g2p.aligned.title'))}</h3>")
                self.aligned = gr.HTML(elem_id="g2p-aligned")
                self._listen()
                self.csv = gr.DownloadButton(say("g2p.aligned.csv"), size="sm", elem_id="g2p-csv")
            with gr.Column(elem_classes="card"):
                self._order()
            with gr.Column(elem_classes="card"):
                gr.HTML(f"<h3>{escape(say('g2p.change.title'))}</h3>")
                self.changes = gr.HTML(elem_id="g2p-changes")
            with gr.Column(elem_classes="card"):
                gr.HTML(
                    f"<h3>{escape(say('g2p.quality.title'))}</h3>"
                    f'<p class="quiet">{escape(say("g2p.quality.about"))}</p>'
                )
                self.backends = gr.HTML(elem_id="g2p-backends")
        with gr.Accordion(
            say("g2p.why.title", backend=registry.DEFAULT),
            open=False,
            elem_id="g2p-why",
            elem_classes="card",
        ):
            gr.HTML(g2p_view.why(say))
        self._wire()
        return self

    def _form(self) -> None:
        say = self.say
        gr.HTML(f"<p>{escape(say('g2p.text.about'))}</p>")
        self.text = gr.Textbox(
            label=say("g2p.text.input"),
            value=say("g2p.text.example"),
            lines=3,
            max_lines=12,
            elem_id="g2p-text",
        )
        with gr.Row(elem_classes="actions"):
            self.convert = gr.Button(
                say("g2p.text.convert"), variant="primary", elem_id="g2p-convert"
            )
            self.load = gr.UploadButton(
                say("g2p.text.load"), file_types=[".txt", ".tsv"], elem_id="g2p-load"
            )
        with gr.Accordion(say("g2p.text.own"), open=False, elem_classes="inset"):
            gr.HTML(f"<p>{escape(say('g2p.text.own_help'))}</p>")
            self.lexicon = gr.File(
                label=say("g2p.text.lexicon"),
                file_types=[".txt", ".tsv"],
                height=110,
                elem_id="g2p-lexicon",
                elem_classes="drop",
            )

    def _listen(self) -> None:
        say = self.say
        with gr.Column(elem_classes="inset", elem_id="g2p-listen"):
            gr.HTML(
                f"<h4>{escape(say('g2p.hear.title'))}</h4>"
                f'<p class="quiet">{escape(say("g2p.hear.about"))}</p>'
            )
            self.what = gr.Dropdown(
                [(say("g2p.hear.whole"), "")],
                value="",
                label=say("g2p.hear.what"),
                elem_id="g2p-what",
            )
            with gr.Row(elem_classes="players"):
                self.players = {
                    name: gr.Button(
                        f"▶ {name}",
                        size="sm",
                        min_width=120,
                        elem_id=f"g2p-play-{name}",
                    )
                    for name in self.names
                }
            self.sound = gr.Audio(
                buttons=["download"],
                interactive=False,
                visible=False,
                autoplay=True,
                elem_id="g2p-sound",
            )
            self.said = gr.HTML(visible=False, elem_id="g2p-said")

    def _order(self) -> None:
        say = self.say
        orders = {name: " → ".join(order) for name, order in presets().items()}
        choices = [(say(f"g2p.order.{name}", order=order), name) for name, order in orders.items()]
        gr.HTML(
            f"<h3>{escape(say('g2p.order.title'))}</h3>"
            f'<p class="quiet">{escape(say("g2p.order.about"))}</p>'
        )
        self.preset = gr.Radio(
            [*choices, (say("g2p.order.own"), "own")],
            value="default",
            label=say("g2p.order.label"),
            elem_id="g2p-order",
        )
        self.picked = gr.Dropdown(
            self.names,
            value=presets()["documented"],
            multiselect=True,
            label=say("g2p.order.pick"),
            visible=False,
            elem_id="g2p-picked",
        )
        self.made = gr.HTML(elem_id="g2p-made")

    def _wire(self) -> None:
        say = self.say
        form = [self.text, self.lexicon, self.preset, self.picked]
        players = list(self.players.values())
        shown = [self.empty, self.result, self.aligned, self.backends, self.changes, self.csv]
        outputs = [*shown, self.what, self.heard, *players, self.sound, self.said, self.made]
        for event in (self.convert.click, self.text.submit):
            wire(event, self.show, say, form, outputs, show_progress="minimal")
        wire(self.load.upload, self.read, say, [self.load], [self.text])
        for event in (self.preset.input, self.picked.input):
            wire(event, self.choose, say, form, [self.picked, self.made])
        for name, button in self.players.items():
            wire(
                button.click,
                self._player(name),
                say,
                [self.what, self.heard],
                [self.sound, self.said],
                show_progress="minimal",
                show_progress_on=[self.said],
            )

    def read(self, path: str) -> str:
        """Return the texts of a loaded file, to be seen before they are compared.

        Raises:
            UserError: It is not UTF-8 (which line), empty, or too long for the page.
        """
        return short_text(Path(path), MAX_CHARACTERS)

    def show(
        self, text: str, lexicon: str | None, preset: str, picked: list[str]
    ) -> dict[Any, Any]:
        """Show what every backend makes of the text, and what the normaliser changed first."""
        form, say = TextForm(text, lexicon, preset, tuple(picked or ())), self.say
        own = form.own()
        found = compared(form.text, own)
        heard = _heard(found)
        choices = [(say("g2p.hear.whole"), ""), *((word, word) for word in heard if word)]
        rows = export.aligned_rows(found, registry.DEFAULT)
        file = downloads.offer_table("side-by-side.csv", export.ALIGNED, rows)
        return {
            self.empty: gr.HTML(visible=False),
            self.result: gr.Column(visible=True),
            self.aligned: g2p_view.comparison(found, say),
            self.backends: g2p_view.by_itself(found, say),
            self.changes: g2p_view.changes(found, say),
            self.csv: gr.DownloadButton(value=file),
            self.what: gr.Dropdown(choices=choices, value=""),
            self.heard: heard,
            **{
                button: gr.Button(visible=bool(heard[""].get(name)))
                for name, button in self.players.items()
            },
            self.sound: gr.Audio(None, visible=False),
            self.said: gr.HTML(visible=False),
            self.made: self._results(form, own),
        }

    def choose(
        self, text: str, lexicon: str | None, preset: str, picked: list[str]
    ) -> dict[Any, Any]:
        """Show the result again by another order of backends."""
        form = TextForm(text, lexicon, preset, tuple(picked or ()))
        picking = gr.Dropdown(visible=preset == "own")
        return {self.picked: picking, self.made: self._results(form, form.own())}

    def _results(self, form: TextForm, own: Lexicon | None) -> str:
        lines = [line for line in form.text.splitlines() if line.strip()]
        try:
            converter = EnhancedAmharicG2P(backend_order=form.order(), lexicon=own)
            found = [converter.convert_detailed(line) for line in lines]
        except StudioError as error:
            return _told(error)
        return g2p_view.results(found, self.say)

    def _player(self, name: str) -> Callable[[str, Heard], dict[Any, Any]]:
        def play(what: str, heard: Heard) -> dict[Any, Any]:
            return self.play(name, what, heard)

        return play

    def play(self, backend: str, what: str, heard: Heard) -> dict[Any, Any]:
        """Give the sound of one backend's phonemes, and say what could not be spoken."""
        try:
            spoken = speak_phonemes.speak(heard.get(what or "", {}).get(backend, ""))
        except StudioError as error:
            return {
                self.sound: gr.Audio(None, visible=False),
                self.said: gr.HTML(_told(error), visible=True),
            }
        say = self.say
        title = say("g2p.hear.sound", backend=backend, what=what or say("g2p.hear.whole"))
        told = say("g2p.hear.all")
        if spoken.dropped:
            told = say("g2p.hear.dropped", phones=" ".join(spoken.dropped))
        kind = "note" if spoken.dropped else "quiet"
        pcm = (spoken.samples.clip(-1, 1) * 32767).astype("int16")
        return {
            self.sound: gr.Audio((speak_phonemes.RATE, pcm), label=title, visible=True),
            self.said: gr.HTML(f'<p class="{kind}">{escape(told)}</p>', visible=True),
        }


def _told(error: StudioError) -> str:
    hint = f"<br><small>{rich(error.hint)}</small>" if error.hint else ""
    return f'<p class="job-error">{rich(error.message)}{hint}</p>'


def _heard(found: list[core.Comparison]) -> Heard:
    """Return the phonemes of the whole text and of each word that differs, by backend."""
    heard: Heard = {"": {}}
    for one in found:
        for side in one.sides:
            if side.ipa:
                before = heard[""].get(side.backend, "")
                heard[""][side.backend] = f"{before} {side.ipa}".strip()
    for one in found:
        laid = side_by_side(one, registry.DEFAULT)
        for block in laid.blocks:
            if block.differs and block.word and len(heard) <= MOST_WORDS:
                said = map("".join, block.rows)
                heard.setdefault(block.word, dict(zip(laid.backends, said, strict=True)))
    return heard
