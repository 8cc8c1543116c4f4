"""A whole text or subtitles, spoken: looked at before, kept line by line, joined at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding
from amharic_tts.jobs import book_check, book_text
from amharic_tts.jobs.book_check import Problem, Trouble
from amharic_tts.jobs.book_speaking import Book, Speaks
from amharic_tts.jobs.book_text import Source
from amharic_tts.synthesis import text_split
from amharic_tts.synthesis.request import Precision, Sampling, SpeechRequest
from amharic_tts.workspace import Workspace

FORMATS = ("wav", "mp3", "flac", "ogg", "opus")
FILES = ("one", "line", "chapter")
_LOCK = ".book.lock"


@dataclass(frozen=True)
class BookRequest:
    """What is spoken and where it goes; the page and the command fill it in."""

    source: Path
    """A text file or subtitles (`book_text.read`)."""
    voice: str
    out: Path
    """Folder of the results; the same request again goes on there."""
    files: Literal["one", "line", "chapter"] = "one"
    """One file for all, one for each line or cue, or one for each chapter."""
    form: str = "wav"
    language: str | None = None
    seed: int | None = None
    """Of the whole; drawn at the first run and kept in the folder by default."""
    sampling: Sampling = field(default_factory=Sampling)
    references: tuple[Path, ...] = ()
    precision: Precision = "auto"
    check: bool = False
    takes: int = 1
    phonemes: bool = False
    skip: bool = False
    """Leave out lines that can't be said; else nothing is spoken where there is one."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        found = []
        if self.form not in FORMATS:
            found.append(f"format: `{self.form}` is none of {', '.join(FORMATS)}")
        if self.files not in FILES:
            found.append(f"files: `{self.files}` is none of {', '.join(FILES)}")
        if self.files == "chapter" and self.source.suffix.lower() in book_text.SUBTITLES:
            found.append("files: subtitles have no chapters")
        if self.seed is not None and not 0 <= self.seed < 2**31:
            found.append(f"seed: {self.seed} is outside of 0 to {2**31 - 1}")
        try:
            self.speech("x").checked()
        except UserError as error:
            found.append(error.message)
        return found

    def speech(self, text: str) -> SpeechRequest:
        """Return what is asked of the voice for one text."""
        return SpeechRequest(
            self.voice,
            text,
            self.language,
            self.references,
            sampling=self.sampling,
            phonemes=self.phonemes,
            check=self.check,
            takes=self.takes,
            precision=self.precision,
        )


def run(
    workspace: Workspace,
    request: BookRequest,
    client: Speaks,
    problem: Problem | None = None,
    dry: bool = False,
) -> Iterator[Event]:
    """Speak a text file or subtitles.

    After each piece its sound is on the disk, so the work may be stopped or killed at any moment;
    the same request goes on where it was and says nothing twice.

    Args:
        workspace: Where the voice is found.
        request: What to say, and how.
        client: Speaks.
        problem: Tells why a text can't be said; by default asks the voice's vocabulary.
        dry: Only look at the lines.

    Yields:
        Findings, a `Progress` for each sentence with the time left, then `Done`; see
        `Book.run` for its result.

    Raises:
        UserError: A wrong request, a file that can't be read, lines that can't be said (all of
            them are named, and nothing is spoken), a folder that is used or holds other files, a
            full disk.
        StudioError: The speech process died twice at the same piece.
    """
    wrong = request.problems()
    if wrong:
        raise UserError("The book can't begin:\n" + "\n".join(f"- {p}" for p in wrong))
    source = book_text.read(request.source)
    yield from source.findings
    folder = book_check.voice_folder(workspace, request.voice)
    asked = problem or book_check.by_voice(folder, request.language, request.phonemes)
    troubles: list[Trouble] = []
    for found in book_check.troubles(source, asked):
        if isinstance(found, Trouble):
            troubles.append(found)
        else:
            yield found
    if dry:
        yield Done(_looked_at(source, troubles))
        return
    if troubles and not request.skip:
        raise book_check.refused(troubles, source)
    for one in troubles:
        yield Finding("line_skipped", f"left out: {one.reason}", "warning", f"line {one.line}")
    if len(troubles) == len(source.lines):
        raise UserError(f"No line of `{source.path.name}` can be said", "Look at the reasons above")
    with _held(request.out):
        yield from Book(request, source, troubles, folder, client).run()


def _looked_at(source: Source, troubles: Sequence[Trouble]) -> dict[str, Any]:
    bad = {one.line for one in troubles}
    good = [line.text for line in source.lines if line.number not in bad]
    codes = sum(text_split.expected_codes(text) for text in good)
    return {
        "lines": len(source.lines),
        "characters": source.characters,
        "expected_seconds": round(codes / text_split.CODES_PER_SECOND, 1),
        "troubles": [one.to_dict() for one in troubles],
    }


@contextlib.contextmanager
def _held(out: Path) -> Iterator[None]:
    """Make the folder and hold it against a second book.

    Raises:
        UserError: It can't be made or written, or another book is being written there.
    """
    hint = "Choose another folder with --out"
    lock = FileLock(out / _LOCK, timeout=0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"Another book is being written into `{out}`", "Wait until it is done"
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"`{out}` is not a folder", hint) from error
    except OSError as error:
        raise UserError(f"`{out}` can't be written: {error.strerror}", hint) from error
    try:
        yield
    finally:
        lock.release()
