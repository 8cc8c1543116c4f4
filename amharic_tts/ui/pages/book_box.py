"""A whole text or subtitles, spoken beside the page: started, watched, stopped, taken away."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import UserError
from amharic_tts.jobs import book_join, book_text, process, store
from amharic_tts.jobs.book import FILES, FORMATS
from amharic_tts.synthesis import voices
from amharic_tts.ui import downloads, job_view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.html import table
from amharic_tts.ui.job_panel import JobPanel
from amharic_tts.ui.studio import Studio

PAGE = "book"
FOLDER = "book"
"""Of the results, in the folder of the task."""
TYPES = [".txt", ".md", *book_text.SUBTITLES]
SHOWN = 30
"""Lines that the page lists; all of them are in the table that is downloaded."""


@dataclasses.dataclass(frozen=True)
class BookForm:
    """What the form holds."""

    voice: str | None
    file: str | None
    files: str
    form: str
    check: bool
    skip: bool

    def checked(self, known: Sequence[str]) -> BookForm:
        """Return itself; the voice is one of `known` ids: a page takes ids, never folders.

        Raises:
            UserError: Something is missing or unknown.
        """
        if not self.voice or self.voice not in known:
            raise UserError("There is no such voice", "Choose one above")
        if not self.file:
            raise UserError("There is no text to speak", "Choose a text file or subtitles")
        if self.files not in FILES or self.form not in FORMATS:
            raise UserError(f"There are no such files: {self.files}, {self.form}")
        book_text.read(Path(self.file))
        return self

    def arguments(self, kept: Path, out: Path) -> list[str]:
        """Return the command; `kept` is the text in the workspace."""
        how = {"one": "--one-file", "line": "--per-line", "chapter": "--per-chapter"}
        command = ["book", str(kept), f"--voice={self.voice}", f"--out={out}"]
        command += [how[self.files], f"--format={self.form}"]
        return command + ["--check"] * self.check + ["--skip"] * self.skip


class BookBox:
    """Widgets and handlers; the page around it says which voice is chosen."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.panel = JobPanel(studio, "task", PAGE)

    def build(self, voice: Any) -> BookBox:
        """Place the widgets in the current layout and wire them.

        Args:
            voice: The component that holds the id of the chosen voice.
        """
        say = self.say
        with gr.Accordion(
            say("book.title"), open=False, elem_id="book", elem_classes="card"
        ) as self.accordion:
            gr.HTML(
                f"<p>{escape(say('book.about'))}</p>"
                f'<p class="quiet">{escape(say("book.file_help"))}</p>'
            )
            self.file = gr.File(
                label=say("book.file"),
                file_types=TYPES,
                height=120,
                elem_id="book-file",
                elem_classes="drop",
            )
            self.files = gr.Radio(
                [(say(f"book.files_of.{name}"), name) for name in FILES],
                value="one",
                label=say("book.files"),
                elem_id="book-files",
            )
            self.form = gr.Dropdown(
                [(say(f"book.form_of.{name}"), name) for name in FORMATS],
                value="mp3",
                label=say("book.form"),
                elem_id="book-form",
            )
            self.check = gr.Checkbox(
                False, label=say("book.check"), info=say("book.check_help"), elem_id="book-check"
            )
            self.skip = gr.Checkbox(
                False, label=say("book.skip"), info=say("book.skip_help"), elem_id="book-skip"
            )
            self.start = gr.Button(say("book.start"), variant="primary", elem_id="book-start")
            self.panel.build()
            with gr.Column(visible=False, elem_id="book-result") as self.box:
                self.counts = gr.HTML(elem_id="book-counts")
                self.lines = gr.HTML(elem_id="book-lines")
                with gr.Row(elem_classes="actions"):
                    self.pack = gr.Button(say("book.pack"), size="sm", elem_id="book-pack")
                    self.zip = gr.DownloadButton(
                        say("book.zip"), size="sm", visible=False, elem_id="book-zip"
                    )
        self._wire(voice)
        return self

    def _wire(self, voice: Any) -> None:
        say = self.say
        form = [voice, self.file, self.files, self.form, self.check, self.skip]
        wire(self.start.click, self.begin, say, form, self.outputs)
        wire(self.panel.ended.change, self.refresh, say, None, self.outputs)
        wire(self.pack.click, self.take_away, say, None, [self.zip], show_progress="minimal")

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `load` may update."""
        mine = [self.accordion, self.box, self.counts, self.lines, self.zip]
        return [*mine, *self.panel.outputs]

    def load(self) -> dict[Any, Any]:
        """Show the book that was started last, after a reload of the page."""
        job = self.newest()
        shown = self.shown(job)
        if job is not None and job.state() != "done":
            shown[self.accordion] = gr.Accordion(open=True)
        return shown

    def refresh(self) -> dict[Any, Any]:
        """Show what the task came to."""
        return self.anew(self.newest())

    def newest(self) -> store.Job | None:
        """Return the book that was started last."""
        return self.studio.newest_task(PAGE)

    def known(self) -> list[str]:
        """Return the ids of the voices that can be chosen."""
        own = [one.id for one in voices.list_voices(self.studio.workspace) if not one.problems]
        return [*own, PRACTICE]

    def begin(
        self, voice: str | None, file: str | None, files: str, form: str, check: bool, skip: bool
    ) -> dict[Any, Any]:
        """Start the command on a copy of the text.

        Raises:
            UserError: Something is missing, the text can't be read, or a book is being spoken.
        """
        asked = BookForm(voice, file, files, form, bool(check), bool(skip)).checked(self.known())
        before = self.newest()
        if before is not None and process.alive(before.folder):
            # Each has a speech process of its own, with the whole voice in memory.
            raise UserError(
                f"`{before.spec.title}` is being made", "Wait until it is done, or stop it"
            )
        [kept] = self.studio.keep_uploads([str(asked.file)])
        title = self.say("book.task", name=kept.name)
        job = self.studio.start_task(
            PAGE, title, lambda folder: asked.arguments(kept, folder / FOLDER)
        )
        return self.anew(job)

    def anew(self, job: store.Job | None) -> dict[Any, Any]:
        """Return `shown` for another task than before, whose ZIP is offered no longer."""
        return {**self.shown(job), self.zip: gr.DownloadButton(visible=False)}

    def shown(self, job: store.Job | None) -> dict[Any, Any]:
        """Return the updates that show a task: how far it is, or what it made."""
        panel = self.panel.attach(job)
        history = job.history() if job else None
        if history is None or "manifest" not in history.result:
            return {**panel, self.box: gr.Column(visible=False)}
        say, result = self.say, history.result
        numbers = {
            say("book.count.speech"): job_view.duration(result["seconds"], say),
            say("book.count.files"): f"{result['files']:,}",
            say("book.count.skipped"): f"{result['skipped']:,}",
        }
        for verdict in ("failed", "doubtful"):
            if verdict in result["verdicts"]:
                numbers[say(f"book.count.{verdict}")] = f"{result['verdicts'][verdict]:,}"
        return {
            **panel,
            self.box: gr.Column(visible=True),
            self.counts: job_view.tiles(numbers),
            self.lines: self._lines(Path(result["manifest"])),
        }

    def take_away(self) -> dict[Any, Any]:
        """Pack the files of the last book and offer them.

        Raises:
            UserError: There is none.
        """
        job = self.newest()
        if job is None:
            raise UserError("There is no book yet", "Let one be spoken first")
        target = downloads.folder() / f"{job.id}.zip"
        book_join.pack(job.folder / FOLDER, target)
        return {self.zip: gr.DownloadButton(value=str(target), visible=True)}

    def _lines(self, path: Path) -> str:
        """Return the first lines of a book as a table: file, time, text, what was found."""
        say = self.say
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        header = [say(f"book.column.{name}") for name in ("line", "file", "time", "text", "found")]
        told = escape(say("book.first", n=min(SHOWN, len(rows)), of=len(rows)))
        cells = [self._row(row) for row in rows[:SHOWN]]
        return f'<p class="quiet">{told}</p><div class="tall">{table(header, cells)}</div>'

    def _row(self, row: dict[str, Any]) -> list[str]:
        say, text = self.say, row["text"]
        short = text if len(text) <= 80 else f"{text[:79]}…"
        if row.get("skipped"):
            return [str(row["line"]), "", "", short, say("book.left_out", why=row["skipped"])]
        found = [say(f"book.verdict.{row['verdict'].replace(' ', '_')}")] if row["verdict"] else []
        found += row["reasons"]
        if row.get("late"):
            found.append(say("book.late", s=f"{row['late']:.1f}"))
        if row.get("over"):
            found.append(say("book.over", s=f"{row['over']:.1f}"))
        times = f"{_clock(row['start'])}–{_clock(row['stop'])}"
        return [str(row["line"]), row["file"], times, short, "; ".join(found)]


def _clock(seconds: float) -> str:
    tenths = round(10 * seconds)
    return f"{tenths // 36000}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"
