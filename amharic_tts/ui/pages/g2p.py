"""The Pronunciation page: one text through every G2P backend, and what the normaliser changed."""

from __future__ import annotations

import dataclasses
from html import escape
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.g2p import compare as core
from amharic_tts.g2p import registry
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import table
from amharic_tts.ui.studio import Studio

MAX_CHARACTERS = 5_000


def compare(text: str) -> dict[str, Any]:
    """Return an Amharic text as every G2P backend reads it.

    Args:
        text: Lines of Amharic, at most 5000 characters.

    Returns:
        ``lines``, each with ``text``, ``normalized``, ``changes`` (span, before, after, rule) and
        ``sides`` (backend, version, ipa, words, problems: why there is no output, or what is odd).

    Raises:
        UserError: Empty or too long.
    """
    return {"lines": [dataclasses.asdict(one) for one in compared(text)]}


def compared(text: str) -> list[core.Comparison]:
    """Return the comparison of every line that is not empty.

    Raises:
        UserError: Empty or too long.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError("There is no text to read", "Type a sentence")
    if len(text) > MAX_CHARACTERS:
        raise UserError(f"The text has {len(text)} characters; the page reads {MAX_CHARACTERS}")
    return list(core.compare(lines))


class G2PPage:
    """Widgets and handlers of the Pronunciation page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words

    def build(self) -> G2PPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Column(elem_classes="card"):
            gr.HTML(f"<p>{say('g2p.text')}</p>")
            self.text = gr.Textbox(
                label=say("g2p.input"),
                value=say("g2p.example"),
                lines=3,
                elem_id="g2p-text",
            )
            self.convert = gr.Button(say("g2p.convert"), variant="primary", elem_id="g2p-convert")
        with gr.Column(elem_classes="card", visible=False, elem_id="g2p-result") as self.result:
            self.backends = gr.HTML(elem_id="g2p-backends")
            self.changes = gr.HTML(elem_id="g2p-changes")
        outputs = [self.result, self.backends, self.changes]
        for event in (self.convert.click, self.text.submit):
            wire(event, self.show, say, [self.text], outputs, show_progress="minimal")
        return self

    def show(self, text: str) -> dict[Any, Any]:
        """Show what every backend makes of the text, and what the normaliser changed first."""
        found = compared(text)
        return {
            self.result: gr.Column(visible=True),
            self.backends: "".join(self._line(one) for one in found),
            self.changes: f"<h3>{self.say('g2p.changes')}</h3>{self._changes(found)}",
        }

    def _line(self, one: core.Comparison) -> str:
        header = [self.say(f"g2p.column.{key}") for key in ("backend", "phonemes", "notes")]
        rows = [
            [f"{side.backend}\n{side.version}", side.ipa or "–", self._notes(side)]
            for side in one.sides
        ]
        agree = self.say("g2p.agree" if one.agree else "g2p.differ")
        return (
            f'<p class="said" lang="am">{escape(one.normalized)}</p>'
            f'<p class="quiet">{agree}</p>{table(header, rows, "phonemes")}'
        )

    @staticmethod
    def _notes(side: core.Side) -> str:
        hint = "" if side.ipa else registry.get(side.backend).availability().hint
        return "\n".join([*side.problems, *([hint] if hint else [])])

    def _changes(self, found: list[core.Comparison]) -> str:
        rows = [
            [visible(change.before), visible(change.after), change.rule]
            for one in found
            for change in one.changes
        ]
        if not rows:
            return f'<p class="quiet">{self.say("g2p.unchanged")}</p>'
        return table([self.say(f"g2p.change.{key}") for key in ("before", "after", "rule")], rows)


def visible(text: str) -> str:
    """Return a piece of text so that white space and invisible characters can be seen."""
    seen = "".join(
        c if c.isprintable() and c != " " else ("␣" if c == " " else f"U+{ord(c):04X}")
        for c in text
    )
    return seen or "∅"
