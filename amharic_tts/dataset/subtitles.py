"""Subtitles: SRT and VTT cues with their line numbers; SSA/ASS by pysubs2; TextGrid by praatio.

SRT and VTT are read here and not by pysubs2, which takes VTT identifiers and notes, and a last line
that is a number, for (or out of) the spoken text, and passes over times that it can't read.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset.rules import Note, note
from amharic_tts.dataset.textfile import read_text
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s|$)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_BREAK = re.compile(r"<(?:br|p|div)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<[\d:.]+>|\{\\[^}]*\}")
_STAMP = re.compile(rf"<{_TIME}>")
_NOT_CUES = ("WEBVTT", "NOTE", "STYLE", "REGION")
_TOUCHING = 0.05
"""Seconds that neighbouring cues may overlap; subtitle editors round to video frames."""


@dataclass(frozen=True)
class Cue:
    """One subtitle: seconds in the recording, the words, and what is odd about it."""

    line: int
    start: float
    end: float
    text: str
    speaker: str = ""
    notes: tuple[Note, ...] = ()
    words: tuple[tuple[float, float], ...] = ()
    """Start and end of its words in seconds, where the file tells them."""


def read_cues(path: Path) -> tuple[list[Cue], list[Finding]]:
    """Return the cues of a subtitle file in the order of their starts.

    Every block with an arrow gives one cue; one that is empty or has no possible times carries a
    note of level "error".

    Raises:
        UserError: No such file, another encoding, or no cues in it.
    """
    findings: list[Finding] = []
    if path.suffix.lower() == ".textgrid":
        from amharic_tts.dataset.textgrid import read_textgrid

        cues, findings = read_textgrid(path)
    elif path.suffix.lower() in (".ass", ".ssa"):
        cues = list(_substation(path, read_text(path)))
    else:
        cues, repeated = _unrolled(list(_blocks(read_text(path))))
        if repeated:
            message = f"{repeated} lines that stand again in the next subtitle are taken once"
            findings.append(Finding("rolling_cues", message, "info", path.name))
    if not cues:
        raise UserError(
            f"`{path}` holds no subtitles",
            "It should have lines such as `00:00:01,000 --> 00:00:03,500`, each with text below",
        )
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end, cue.line))
    if ordered != cues:
        moved = sum(a != b for a, b in zip(cues, ordered, strict=True))
        message = f"{moved} of {len(cues)} cues were not in the order of their times; sorted"
        findings.append(Finding("unordered_cues", message, "info", path.name))
    return _mark_overlaps(ordered), findings


_Block = tuple[int, str, list[str]]
"""Number and text of the line with the arrow, and the lines below it."""


def _unrolled(blocks: list[_Block]) -> tuple[list[Cue], int]:
    """Return the cues, and how many lines were left out because they were shown before.

    Automatic captions roll: each shows the line before it again, above the new one. They are known
    by the times inside their lines.
    """
    rolling = any(_STAMP.search(line) for _, _, words in blocks for line in words)
    if not rolling:
        return [_cue(*block) for block in blocks], 0
    cues, shown, repeated = [], set[str](), 0
    for number, timing, words in blocks:
        fresh = [line for line in words if _plain(line) not in shown]
        repeated += len(words) - len(fresh)
        shown = {_plain(line) for line in words}
        if fresh or not words:
            cues.append(_cue(number, timing, fresh))
    return cues, repeated


def _blocks(text: str) -> Iterator[_Block]:
    """Yield a block for each line with an arrow; its text goes on to the next empty line."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if "-->" not in line or _inside_comment(lines, index):
            continue
        words = []
        for following in range(index + 1, len(lines)):
            spaces = following == index + 1 and lines[following]  # some captions begin with ` `
            if not (lines[following].strip() or spaces) or "-->" in lines[following]:
                break
            words.append(lines[following])
        else:
            following = len(lines)
        glued = following < len(lines) and "-->" in lines[following]
        if glued and words and words[-1].strip().isdigit():
            words.pop()  # no empty line between two cues: the line above an arrow is its number
        yield index + 1, line, words


def _inside_comment(lines: Sequence[str], index: int) -> bool:
    """Tell whether a line belongs to a WebVTT block that is not a cue."""
    while index > 0 and lines[index - 1].strip():
        index -= 1
    return lines[index].split(" ")[0].strip() in _NOT_CUES


def _cue(number: int, timing: str, words: Sequence[str]) -> Cue:
    joined = " ".join(words)
    voice = _VOICE.search(joined)
    spoken = _plain(joined)
    speaker = voice[1].strip() if voice else ""
    match = _TIMING.match(timing)
    if not match:
        message = f"line {number}: `{timing.strip()[:60]}` is not a pair of times"
        return Cue(number, 0.0, 0.0, spoken, speaker, (note("bad_cue_time", message),))
    start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
    return checked(Cue(number, start, end, spoken, speaker, words=_times(joined, start, end)))


def _plain(line: str) -> str:
    """Return a line without its marks of layout."""
    return " ".join(html.unescape(_TAG.sub("", _BREAK.sub(" ", line))).split())


def _times(line: str, start: float, end: float) -> tuple[tuple[float, float], ...]:
    """Return when the words of a line are said, from the times that stand inside it."""
    pieces = _STAMP.split(line)
    if len(pieces) == 1:
        return ()
    # Four groups of a time stand between two pieces of text.
    starts = [start, *(_seconds(pieces[i : i + 4]) for i in range(1, len(pieces), 5))]
    ends = [*starts[1:], end]
    found = zip(starts, ends, pieces[::5], strict=True)
    return tuple((s, e) for s, e, text in found if s < e and _plain(text))


def checked(cue: Cue) -> Cue:
    """Return a cue with notes on what can't be used of it."""
    notes = []
    if cue.end <= cue.start:
        message = f"line {cue.line}: the cue ends at {cue.end:.3f} s, not after its start"
        notes.append(note("bad_cue_time", message))
    if not cue.text:
        notes.append(note("empty_cue", f"line {cue.line}: the cue has no text"))
    return dataclasses.replace(cue, notes=tuple(notes))


def _seconds(groups: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in groups)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _substation(path: Path, text: str) -> Iterator[Cue]:
    import pysubs2

    try:
        subtitles = pysubs2.SSAFile.from_string(text, format_=path.suffix.lower()[1:])
    except (pysubs2.Pysubs2Error, ValueError, LookupError) as error:
        raise UserError(f"`{path}` can't be read as subtitles: {error}") from error
    for number, event in enumerate(subtitles, 1):
        if event.is_text:
            words = " ".join(event.plaintext.split())
            yield checked(Cue(number, event.start / 1000, event.end / 1000, words, event.name))


def _mark_overlaps(cues: Sequence[Cue]) -> list[Cue]:
    """Note on both of two cues that they overlap: the speech of one is heard in the other."""
    marked = list(cues)
    usable = [i for i, cue in enumerate(cues) if not cue.notes]
    last = -1
    for i in usable:
        if last >= 0 and cues[last].end > cues[i].start + _TOUCHING:
            for this, other in ((last, i), (i, last)):
                message = (
                    f"overlaps the cue at {cues[other].start:.2f} s, whose words are heard too"
                )
                if not marked[this].notes:
                    notes = (note("overlapping_cue", message),)
                    marked[this] = dataclasses.replace(marked[this], notes=notes)
        if last < 0 or cues[i].end > cues[last].end:
            last = i
    return marked
