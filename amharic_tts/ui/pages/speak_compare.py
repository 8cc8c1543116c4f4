"""Two voices say the same text; who listens need not know which is which."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import gradio as gr
import soundfile

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Progress
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.synthesis.voices import Voice
from amharic_tts.synthesis.votes import Vote, Votes
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.studio import Studio


class CompareBox:
    """Widgets and handlers of the comparison."""

    def __init__(
        self, studio: Studio, client: SpeechClient, known: Callable[[], list[Voice]]
    ) -> None:
        self.studio, self.say, self.client = studio, studio.words, client
        self._known = known
        self.votes = Votes(studio.workspace)

    def build(self, text: gr.Textbox) -> None:
        """Place the widgets in the current layout and wire them.

        Args:
            text: What both say.
        """
        say = self.say
        self.pair = gr.State(())
        gr.HTML(f'<p class="quiet">{say("speak.compare.about")}</p>')
        with gr.Row():
            self.one = gr.Dropdown([], label=say("speak.compare.one"), elem_id="compare-one")
            self.two = gr.Dropdown([], label=say("speak.compare.two"), elem_id="compare-two")
            self.blind = gr.Checkbox(
                True,
                label=say("speak.compare.blind"),
                info=say("speak.compare.blind_help"),
                elem_id="compare-blind",
            )
        self.go = gr.Button(say("speak.compare.go"), elem_id="compare-go")
        self.told = gr.HTML(elem_id="compare-told")
        with gr.Row(visible=False) as self.heard:
            self.first = self._player("first")
            self.second = self._player("second")
        with gr.Row(visible=False) as self.asked:
            self.buttons = {
                name: gr.Button(say(f"speak.compare.{name}"), elem_id=f"compare-{name}")
                for name in ("first_better", "same", "second_better")
            }
        self.tally = gr.HTML(elem_id="compare-tally")
        shown = [self.told, self.heard, self.first, self.second, self.asked, self.pair, self.go]
        wire(
            self.go.click,
            self.speak,
            say,
            [text, self.one, self.two, self.blind],
            shown,
            concurrency_id="model",
            concurrency_limit=8,
        )
        after = [self.told, self.asked, self.tally]
        for name, button in self.buttons.items():
            wire(button.click, self._judged(name), say, [self.pair], after)

    def _player(self, name: str) -> gr.Audio:
        return gr.Audio(
            label=self.say(f"speak.compare.{name}"),
            interactive=False,
            buttons=[],
            elem_id=f"compare-sound-{name}",
        )

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return [self.one, self.two, self.tally]

    def load(self, offered: list[tuple[str, str]]) -> dict[Any, Any]:
        """Offer the voices of the page."""
        ids = [voice for _, voice in offered]
        return {
            self.one: gr.Dropdown(choices=offered, value=ids[0]),
            self.two: gr.Dropdown(choices=offered, value=ids[min(1, len(ids) - 1)]),
            self.tally: self._tally(),
        }

    def speak(self, text: str, one: str, two: str, blind: bool) -> Iterator[dict[Any, Any]]:
        """Let both voices say the text, in an order drawn by chance where nobody is to know."""
        known = [voice.id for voice in self._known()]
        if one not in known or two not in known:
            raise UserError("There is no such voice", "Choose two of the list")
        if one == two:
            raise UserError("These are the same voice twice", "Choose another one of the two")
        pair = [one, two]
        if blind and secrets.randbelow(2):
            pair.reverse()
        yield {self.go: gr.Button(interactive=False), self.heard: gr.Row(visible=False)}
        sounds, seed = [], secrets.randbelow(2**31)
        try:
            for number, voice in enumerate(pair, 1):
                for event in self.client.speak(SpeechRequest(voice, text, seed=seed)):
                    if isinstance(event, Progress):
                        told = self.say("speak.compare.making", n=number)
                        note = f"{told} {event.note}"
                        yield {self.told: f'<p class="busy">{escape(note)}</p>'}
                    elif isinstance(event, Done):
                        pcm, rate = soundfile.read(event.result["audio"], dtype="int16")
                        sounds.append((rate, pcm))
        finally:
            yield {self.go: gr.Button(interactive=True)}
        yield {
            self.told: "" if blind else f"<p>{escape(' / '.join(pair))}</p>",
            self.heard: gr.Row(visible=True),
            self.first: gr.Audio(sounds[0]),
            self.second: gr.Audio(sounds[1]),
            self.asked: gr.Row(visible=True),
            self.pair: (*pair, text, blind),
        }

    def _judged(self, name: str) -> Callable[[tuple[Any, ...]], dict[Any, Any]]:
        def judged(pair: tuple[Any, ...]) -> dict[Any, Any]:
            first, second, text, blind = pair
            better = {"first_better": first, "second_better": second}.get(name, "")
            self.votes.add(Vote(first, second, better, text, bool(blind)))
            told = self.say("speak.compare.revealed", first=first, second=second)
            return {
                self.told: f"<p>{escape(told)}</p>",
                self.asked: gr.Row(visible=False),
                self.tally: self._tally(),
            }

        return judged

    def _tally(self) -> str:
        lines = [
            self.say("speak.compare.tally", one=one, two=two, ones=a, twos=b, same=same)
            for (one, two), (a, b, same) in self.votes.tally().items()
        ]
        return "".join(f'<p class="quiet">{escape(line)}</p>' for line in lines)
