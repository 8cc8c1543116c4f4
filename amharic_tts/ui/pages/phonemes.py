"""The Phonemes page: which phones are in a recording, when, and how sure the model is."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.errors import UserError
from amharic_tts.ui import downloads, job_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import rich, table
from amharic_tts.ui.studio import Studio

SHOWN = 400


@functools.cache
def _extractor() -> Any:
    from amharic_tts.phonemes.extractor import PhonemeExtractor

    return PhonemeExtractor()


class PhonemesPage:
    """Widgets and handlers of the Phonemes page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words

    def build(self) -> PhonemesPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Column(elem_classes="card"):
            gr.HTML(f"<p>{say('phonemes.text')}</p>")
            self.audio = gr.Audio(
                label=say("phonemes.audio"),
                buttons=["download"],
                sources=["upload", "microphone"],
                type="filepath",
                elem_id="phonemes-audio",
            )
            self.go = gr.Button(say("phonemes.go"), variant="primary", elem_id="phonemes-go")
        with gr.Column(elem_classes="card", visible=False, elem_id="phonemes-result") as self.box:
            self.facts = gr.HTML()
            self.phones = gr.HTML(elem_id="phonemes-line")
            self.notes = gr.HTML()
            self.table = gr.HTML(elem_id="phonemes-table")
            self.csv = gr.DownloadButton(say("phonemes.csv"), size="sm", elem_id="phonemes-csv")
        wire(
            self.go.click,
            self.show,
            say,
            [self.audio],
            [self.box, self.facts, self.phones, self.notes, self.table, self.csv],
            concurrency_id="model",
            concurrency_limit=1,
            show_progress="minimal",
        )
        return self

    def show(self, path: str | None) -> dict[Any, Any]:
        """Show the phones of an uploaded or recorded sound.

        Raises:
            UserError: There is none, or it can't be read.
        """
        if not path:
            raise UserError("There is no recording", "Upload one, or record with the microphone")
        heard = _extractor().extract_phoneme(Path(path))
        say = self.say
        header = [say(f"phonemes.column.{key}") for key in ("phone", "start", "end", "confidence")]
        rows = [
            [p.phone, f"{p.start:.2f}", f"{p.end:.2f}", f"{p.confidence:.2f}"] for p in heard.phones
        ]
        more = len(rows) - SHOWN
        rest = f"<p>{say('phonemes.more', n=more)}</p>" if more > 0 else ""
        facts = {
            say("phonemes.count"): str(len(rows)),
            say("phonemes.model"): str(heard.model),
            say("phonemes.notation"): str(heard.notation),
            say("phonemes.languages"): ", ".join(heard.languages),
        }
        return {
            self.box: gr.Column(visible=True),
            self.facts: job_view.tiles(facts),
            self.phones: phone_line(heard.phones),
            self.notes: "".join(f'<p class="note">{rich(note)}</p>' for note in heard.notes),
            self.table: f'<div class="tall">{table(header, rows[:SHOWN], "numbers")}</div>' + rest,
            self.csv: gr.DownloadButton(value=downloads.offer_table("phones.csv", header, rows)),
        }


def phone_line(phones: Any) -> str:
    """Return the phones as a line of marks; the surer the model, the stronger the mark."""
    from html import escape

    marks = (
        f'<span style="--sure:{max(0.0, min(1.0, float(p.confidence))):.2f}" '
        f'title="{p.start:.2f}-{p.end:.2f} s, {p.confidence:.2f}">{escape(p.phone)}</span>'
        for p in phones[:SHOWN]
    )
    return f'<div class="phones">{"".join(marks)}</div>'
