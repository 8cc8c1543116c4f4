"""What a book is made of: the lines of a text file, or the cues of subtitles, in pieces to say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amharic_tts.dataset.subtitles import read_cues
from amharic_tts.dataset.textfile import read_text
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

SUBTITLES = (".srt", ".vtt", ".ass", ".ssa", ".textgrid")
LARGEST = 20_000_000
"""Bytes of a text file; about two hundred hours of speech."""
PIECE = 300
"""Most characters of a piece: up to about a minute of speech, which is what a kill can cost."""
LONGEST_CUES = 12 * 3600.0
"""Seconds that subtitles may last."""

_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
# As in `synthesis.text_split`: an Ethiopic mark ends a sentence by itself.
_ENDS = (
    re.compile(r"(?<=[።፧፨])\s*|(?<=[.!?…])\s+"),
    re.compile(r"(?<=[፣፤፥፦])\s*|(?<=[,;:])\s+"),
    re.compile(r"\s+"),
)


@dataclass(frozen=True)
class Line:
    """One line of a text file that is not empty, or one cue."""

    number: int
    """In the file, from 1; of a cue the line with its times."""
    text: str
    heading: bool = False
    paragraph: int = 0
    """Number of its paragraph, from 1."""
    start: float = 0.0
    """Seconds; of cues only, as is `end`."""
    end: float = 0.0
    trouble: str = ""
    """Why it can't be used, where the file itself says so."""


@dataclass(frozen=True)
class Item:
    """What belongs together: a line, a paragraph, a heading or a cue."""

    number: int
    """From 1, those that are left out counted too."""
    line: int
    text: str
    heading: bool = False
    chapter: int = 0
    """Number of its chapter, from 1; 0 before the first heading."""
    paragraph: int = 0
    start: float = 0.0
    end: float = 0.0
    pieces: tuple[str, ...] = ()
    """Its text in the order in which it is said."""


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    path: Path
    lines: tuple[Line, ...]
    cues: bool
    """Whether its lines have times."""
    findings: tuple[Finding, ...] = field(default=())

    @property
    def characters(self) -> int:
        return sum(len(line.text) for line in self.lines)


def read(path: Path) -> Source:
    """Read a text file or subtitles.

    A text file is UTF-8, or UTF-16 and UTF-32 where it can be told for sure. Empty lines part
    paragraphs; a line ``# Title`` begins a chapter. Subtitles are told by their ending.

    Raises:
        UserError: No such file, too large, another encoding, or nothing in it.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"`{path}` is a folder", "Give a text file or subtitles")
    if path.is_file() and path.stat().st_size > LARGEST:
        raise UserError(
            f"`{path}` has {path.stat().st_size / 1e6:.0f} MB; a book may have "
            f"{LARGEST / 1e6:.0f} MB",
            "Cut it into several files",
        )
    if path.suffix.lower() in SUBTITLES:
        return _subtitles(path)
    lines = tuple(_text_lines(read_text(path)))
    if not lines:
        raise UserError(f"`{path}` holds no text", "Give a file with words in it")
    return Source(path, lines, cues=False)


def _subtitles(path: Path) -> Source:
    cues, findings = read_cues(path)
    lines = []
    for cue in cues:
        bad = next((note["message"] for note in cue.notes if note["level"] == "error"), "")
        if cue.end > LONGEST_CUES:
            bad = f"it ends at {cue.end / 3600:.1f} h; at most {LONGEST_CUES / 3600:g} h are taken"
        lines.append(Line(cue.line, cue.text, start=cue.start, end=cue.end, trouble=bad))
    return Source(path, tuple(lines), cues=True, findings=tuple(findings))


def _text_lines(text: str) -> Iterator[Line]:
    paragraph, open_ = 0, False
    for number, raw in enumerate(text.split("\n"), 1):
        words = " ".join(raw.split())
        if not words:
            open_ = False
            continue
        heading = _HEADING.fullmatch(words)
        if heading or not open_:
            paragraph += 1
        open_ = heading is None
        yield Line(number, heading[1] if heading else words, heading is not None, paragraph)


def items(
    source: Source, join: bool, left_out: Collection[int] = (), longest: int = PIECE
) -> list[Item]:
    """Return what is said, in order, cut into pieces.

    Args:
        source: As `read` gave it.
        join: Whether the lines of a paragraph are one text, as in a book whose lines are broken
            by hand; else each line is an item.
        left_out: Numbers of lines that are not said.
        longest: Characters of a piece.
    """
    found: list[Item] = []
    chapter = number = 0
    for group in _groups(source, join and not source.cues):
        number += 1
        chapter += group[0].heading
        kept = [line for line in group if line.number not in left_out]
        if not kept:
            continue
        text = " ".join(line.text for line in kept)
        first = kept[0]
        times = (first.start, first.end)
        where = (first.heading, chapter, first.paragraph)
        found.append(Item(number, first.number, text, *where, *times, tuple(pieces(text, longest))))
    return found


def _groups(source: Source, join: bool) -> Iterator[list[Line]]:
    group: list[Line] = []
    for line in source.lines:
        if group and not (join and line.paragraph == group[-1].paragraph):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def pieces(text: str, longest: int = PIECE) -> list[str]:
    """Return a text in as few pieces as hold at most `longest` characters, cut at sentence ends.

    Where a sentence is longer, it is cut at commas, then between words, then anywhere.
    """
    return _cut(text.strip(), longest, _ENDS)


def _cut(text: str, longest: int, marks: Sequence[re.Pattern[str]]) -> list[str]:
    if len(text) <= longest:
        return [text] if text else []
    if not marks:
        return [text[at : at + longest] for at in range(0, len(text), longest)]
    found: list[str] = []
    for unit in marks[0].split(text):
        for part in _cut(unit, longest, marks[1:]):
            if found and len(found[-1]) + 1 + len(part) <= longest:
                found[-1] = f"{found[-1]} {part}"
            else:
                found.append(part)
    return found
