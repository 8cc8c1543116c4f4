"""The Pronunciation page: one text through every G2P backend, and what the normaliser changed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import table
from amharic_tts.ui.studio import Studio

MAX_CHARACTERS = 5_000


def compare(text: str, language: str = "am") -> dict[str, Any]:
    """Return a text as it is read: normalised, what changed, and each backend's phonemes.

    Args:
        text: At most 5000 characters.
        language: Language code of the text.

    Returns:
        ``text``, ``normalized``, ``changes`` (before, after, rule) and ``backends`` (name,
        version, phonemes; where one is not installed, the reason and the hint instead).

    Raises:
        UserError: Empty or too long.
    """
    from amharic_tts.g2p import registry
    from amharic_tts.text.normalize import normalize

    if not text.strip():
        raise UserError("There is no text to read", "Type a sentence")
    if len(text) > MAX_CHARACTERS:
        raise UserError(f"The text has {len(text)} characters; the page reads {MAX_CHARACTERS}")
    normal = normalize(text, language)
    answers = []
    for backend in registry.backends():
        able = backend.availability()
        answer = {"name": backend.name, "version": "", "phonemes": "", "reason": "", "hint": ""}
        if able.ok:
            answer |= {"version": backend.version, "phonemes": backend.convert(normal.text)}
        else:
            answer |= {"reason": able.reason, "hint": able.hint}
        answers.append(answer)
    changes = [
        {"before": change.before, "after": change.after, "rule": change.rule}
        for change in normal.changes
    ]
    return {"text": text, "normalized": normal.text, "changes": changes, "backends": answers}


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
        """Show what every backend makes of the text."""
        say, answer = self.say, compare(text)
        header = [say("g2p.column.backend"), say("g2p.column.phonemes")]
        rows = [
            [f"{one['name']}\n{one['version']}", one["phonemes"] or self._why(one)]
            for one in answer["backends"]
        ]
        if answer["changes"]:
            names = [say(f"g2p.change.{key}") for key in ("before", "after", "rule")]
            changed = table(
                names,
                [[repr_of(c["before"]), repr_of(c["after"]), c["rule"]] for c in answer["changes"]],
            )
        else:
            changed = f'<p class="quiet">{say("g2p.unchanged")}</p>'
        return {
            self.result: gr.Column(visible=True),
            self.backends: table(header, rows, "phonemes"),
            self.changes: f"<h3>{say('g2p.changes')}</h3>{changed}",
        }

    def _why(self, answer: dict[str, str]) -> str:
        hint = f"\n{answer['hint']}" if answer["hint"] else ""
        return self.say("g2p.absent", reason=answer["reason"]) + hint


def repr_of(text: str) -> str:
    """Return a piece of text so that white space and invisible characters can be seen."""
    seen = "".join(
        c if c.isprintable() and c != " " else ("␣" if c == " " else f"U+{ord(c):04X}")
        for c in text
    )
    return seen or "∅"
