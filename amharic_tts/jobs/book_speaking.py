"""One book on its way: what is not spoken yet is spoken, then the files are written."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from amharic_tts.audio.encode import of_name
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress, Sentence
from amharic_tts.files import disk_errors, require_space, write_text, writing
from amharic_tts.jobs import book_join, book_text, book_times
from amharic_tts.jobs.book_check import Trouble
from amharic_tts.jobs.book_pace import Pace
from amharic_tts.jobs.book_parts import FOLDER, Files, Keys, Parts, Spoken, identity
from amharic_tts.jobs.book_text import Item, Source
from amharic_tts.jobs.book_times import Placed, Said
from amharic_tts.synthesis import text_split
from amharic_tts.synthesis.request import FASTEST, MAX_CHARACTERS, SpeechRequest

if TYPE_CHECKING:
    from amharic_tts.jobs.book import BookRequest

FORMAT = 1
"""Of `book.json`."""
SEED = "seed"
_BYTES_A_SECOND = 2 * 24_000
_BETWEEN = 0.5
"""Seconds between two progress events while a file is written."""
_TRIES = 2
"""How often a piece is begun whose process died."""
_LEVELS = {"failed": "warning", "doubtful": "info"}
_KEPT = "What is spoken is kept: the same again goes on there"


class Speaks(Protocol):
    """What a book needs of a `SpeechClient`."""

    def speak(self, request: SpeechRequest) -> Iterator[Event]:
        """Yield the events of a speech, the last one `Done`."""


class Book:
    """Speaks one book; its folder is held by the caller."""

    def __init__(
        self,
        request: BookRequest,
        source: Source,
        troubles: Sequence[Trouble],
        voice: Path,
        client: Speaks,
    ) -> None:
        """Take what was looked at: `troubles` are the lines that are left out."""
        self.request, self.source, self.troubles = request, source, troubles
        self.client, self.out = client, request.out
        self.parts, self.files = Parts(self.out), Files(self.out)
        self.items = book_text.items(
            source,
            join=request.files != "line",
            left_out={one.line for one in troubles},
            longest=MAX_CHARACTERS if request.phonemes else book_text.PIECE,
        )
        self.seed = self._seed()
        self.keys = Keys(request.speech(""), self.seed, identity(voice, request.references))
        self.began = time.monotonic()
        self.kept = self.spoken = self.faster = 0
        self._not_checked: set[str] = set()
        self._pace = Pace(self.items)

    def run(self) -> Iterator[Event]:
        """Speak what is not spoken yet, then write the files.

        Yields:
            `Done` at the end, with ``out``, ``manifest``, ``table``, ``file`` (of a single one),
            ``files`` (how many), ``lines``, ``spoken`` and ``kept`` pieces, ``skipped`` lines,
            ``faster``, ``late`` and ``over`` cues, ``verdicts`` (how many sentences have each),
            ``cut``, ``seconds`` of sound, ``seed`` and ``took`` (seconds).
        """
        self._check_folder()
        rooms: Sequence[float | None] = [None] * len(self.items)
        if self.source.cues:
            rooms = book_times.rooms(self.items)
        said: list[Said] = []
        for item, room in zip(self.items, rooms, strict=True):
            said.append((yield from self._say(item, room)))
            if self.request.files == "line":
                name = self._line_file(item)
                yield from self._write(name, book_times.one_after_another(said[-1:]))
        yield from self._finish(said)

    def _seed(self) -> int:
        """Return the seed of the whole: the asked one, or one that is drawn once for a folder."""
        if self.request.seed is not None:
            return self.request.seed
        path = self.out / FOLDER / SEED
        with disk_errors(path):
            told = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
        if told.isdecimal():
            return int(told)
        seed = secrets.randbelow(2**31)
        write_text(path, f"{seed}\n")
        return seed

    def _check_folder(self) -> None:
        """Refuse a folder with files of others under our names, and a disk that is too full.

        Raises:
            UserError: There is such a file, or the disk is too full.
        """
        strangers = self.files.strangers(self._names())
        if strangers:
            raise UserError(
                f"`{self.out / strangers[0]}` is there already and not from a book",
                "Choose another folder with --out",
            )
        codes = sum(text_split.expected_codes(item.text) for item in self.items)
        size = 2 * _BYTES_A_SECOND * codes / text_split.CODES_PER_SECOND
        there = sum(path.stat().st_size for path in self.parts.folder.glob("*.wav"))
        require_space(self.out, max(0, round(size) - there), "The sound of this book")

    def _names(self) -> list[str]:
        """Return every file that is going to be written beside the pieces."""
        if self.request.files == "line":
            return [*map(self._line_file, self.items), book_join.MANIFEST, book_join.TABLE]
        sound = [name for name, _ in self._groups([])]
        return [*sound, *map(_srt, sound), book_join.MANIFEST, book_join.TABLE]

    def _line_file(self, item: Item) -> str:
        return book_join.names([item.number], len(self.source.lines), self.request.form)[0]

    def _groups(self, said: Sequence[Said]) -> list[tuple[str, list[Said]]]:
        """Return the files that are written at the end, with what goes into each."""
        suffix = of_name(self.request.form).suffix
        if self.request.files == "one":
            return [(f"book{suffix}", list(said))]
        chapters = sorted({item.chapter for item in self.items})
        return [
            (f"chapter-{number:03d}{suffix}", [s for s in said if s.item.chapter == number])
            for number in chapters
        ]

    def _say(self, item: Item, room: float | None) -> Generator[Event, None, Said]:
        """Speak an item; a cue that does not fit is spoken once more, faster."""
        requests = [self.keys.next(text) for text in item.pieces]
        said = yield from self._pieces(item, requests)
        times = 1.0 if room is None else book_times.faster(said.seconds, room)
        own = self.request.sampling.speed
        speed = min(FASTEST, own * times)
        if speed <= own:
            return said
        self.faster += 1
        sampling = replace(self.request.sampling, speed=round(speed, 3))
        quick = [replace(request, sampling=sampling) for request in requests]
        return (yield from self._pieces(item, quick))

    def _pieces(
        self, item: Item, requests: Sequence[SpeechRequest]
    ) -> Generator[Event, None, Said]:
        found = []
        for request in requests:
            key = self.keys.of(request)
            part = self.parts.get(key)
            if part is not None:
                self.kept += 1
                self._pace.skip(len(request.text))
            else:
                part = yield from self._piece(item, request, key)
            found.append(part)
        return Said(item, tuple(found))

    def _piece(
        self, item: Item, request: SpeechRequest, key: str
    ) -> Generator[Event, None, Spoken]:
        """Speak one piece and keep it.

        Raises:
            UserError: The voice refuses it, or the disk is full; names the line.
            StudioError: The process died each time.
        """
        asked = replace(request, out=self.parts.wav(key))
        with disk_errors(self.parts.folder):
            self.parts.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _TRIES + 1):
            try:
                result, sentences = yield from self._spoken(item, asked)
                break
            except UserError as error:
                raise UserError(f"line {item.line}: {error.message}", error.hint) from error
            except StudioError as error:
                if attempt == _TRIES:
                    message = f"line {item.line}: {error.message}"
                    raise StudioError(message, f"{_KEPT}. {error.hint}") from error
                yield Finding("again", f"begun once more: {error.message}", "info", _place(item))
        part = self.parts.put(request, key, result, sentences)
        self.spoken += 1
        self._pace.add(len(request.text))
        yield from self._findings(item, part)
        yield self._pace.progress(_note(item))
        return part

    def _spoken(
        self, item: Item, request: SpeechRequest
    ) -> Generator[Event, None, tuple[dict[str, Any], list[Sentence]]]:
        sentences: list[Sentence] = []
        for event in self.client.speak(request):
            if isinstance(event, Done):
                return event.result, sentences
            if isinstance(event, Sentence):
                sentences.append(event)
                share = event.number / max(1, event.total)
                yield self._pace.progress(_note(item), share * len(request.text))
            elif isinstance(event, Progress):
                # Told between two lines it would be taken for the progress of the book.
                yield self._pace.progress(event.note if not event.total else _note(item))
            elif isinstance(event, Finding) and not event.code.startswith("check."):
                # What the check found is told below, with the text of the sentence.
                yield replace(event, subject=_place(item))
        raise StudioError("The speech ended without a result", "Look at the log")

    def _findings(self, item: Item, part: Spoken) -> Iterator[Finding]:
        for one in part.sentences:
            check = one["check"] or {}
            verdict, reasons = check.get("verdict", ""), "; ".join(check.get("reasons", ()))
            if verdict in _LEVELS:
                message = f"`{one['text'][:60]}`: {reasons}"
                level = _LEVELS[verdict]
                yield Finding(f"check_{verdict}", message, level, _place(item))  # type: ignore[arg-type]
            elif verdict == "not checked" and reasons not in self._not_checked:
                self._not_checked.add(reasons)
                yield Finding("not_checked", f"not checked: {reasons}", "info", _place(item))

    def _write(self, name: str, placed: Sequence[Placed]) -> Iterator[Event]:
        """Write one sound file, if it is not there as it should be."""
        form, rate = self.request.form, placed[0].said.parts[0].rate
        made = book_join.made_from(placed, form)
        if self.files.is_made(name, made):
            return
        book_join.check_size(placed, form, rate)
        self.files.claim(name)
        clock, told = Clock(round(placed[-1].stop), f"writing {name}"), time.monotonic()
        for seconds in book_join.write_sound(self.out / name, placed, self.parts, form, rate):
            if time.monotonic() - told > _BETWEEN:
                told = time.monotonic()
                yield clock.progress(round(seconds))
        self.files.note(name, made)

    def _write_text(self, name: str, content: bytes) -> None:
        self.files.claim(name)
        with writing(self.out / name) as file:
            file.write(content)

    def _finish(self, said: Sequence[Said]) -> Iterator[Event]:
        rows: list[dict[str, Any]] = []
        subtitles: list[str] = []
        for name, placed in self._placed(said):
            if self.request.files != "line":
                yield from self._write(name, placed)
                subtitles.append(_srt(name))
                self._write_text(subtitles[-1], book_join.subtitles(placed).encode("utf-8"))
            for one in placed:
                rows.append(book_join.row(one, name, self.source.cues))
                yield from _lateness(one)
        sound = list(dict.fromkeys(row["file"] for row in rows))
        rows = sorted([*rows, *self._left_out()], key=lambda row: row["line"])
        manifest = self._manifest(sound, subtitles, rows)
        self._write_text(book_join.TABLE, book_join.table(rows))
        self._write_text(
            book_join.MANIFEST,
            json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8"),
        )
        gone = self.files.put_away([*sound, *subtitles, book_join.MANIFEST, book_join.TABLE])
        if gone:
            message = f"{len(gone)} files of an earlier run are put into `earlier`"
            yield Finding("earlier_files", message, "info")
        yield from self._totals(sound, rows, said)

    def _placed(self, said: Sequence[Said]) -> Iterator[tuple[str, list[Placed]]]:
        """Yield each file with what is where in it."""
        if self.source.cues:
            at_cues = book_times.at_cues(said)
            if self.request.files == "one":
                yield self._groups([])[0][0], at_cues
                return
            for one in at_cues:  # in a file of its own it begins at once
                alone = book_times.one_after_another([one.said])[0]
                yield self._line_file(one.said.item), [replace(alone, over=one.over)]
        elif self.request.files == "line":
            for each in said:
                yield self._line_file(each.item), book_times.one_after_another([each])
        else:
            for name, group in self._groups(said):
                yield name, book_times.one_after_another(group)

    def _left_out(self) -> list[dict[str, Any]]:
        return [
            {"line": one.line, "text": one.text, "file": "", "skipped": one.reason}
            for one in self.troubles
        ]

    def _manifest(
        self, sound: Sequence[str], subtitles: Sequence[str], rows: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        request = self.request
        return {
            "format": FORMAT,
            "source": request.source.name,
            "voice": request.voice,
            "language": request.language,
            "seed": self.seed,
            "sampling": asdict(request.sampling),
            "check": request.check,
            "takes": request.takes,
            "phonemes": request.phonemes,
            "form": request.form,
            "files": list(sound),
            "subtitles": list(subtitles),
            "rows": list(rows),
        }

    def _totals(
        self, sound: Sequence[str], rows: Sequence[dict[str, Any]], said: Sequence[Said]
    ) -> Iterator[Event]:
        if self.kept:
            message = f"{self.kept} of {self.kept + self.spoken} pieces were spoken before"
            yield Finding("already_said", message, "info")
        if self.faster:
            message = f"{self.faster} cues are said up to {book_times.FASTEST:g} times faster"
            yield Finding("cues_faster", message + " so as to fit", "info")
        checks = [one["check"] for row in rows for one in row.get("sentences", ())]
        yield Done(
            {
                "out": str(self.out),
                "manifest": str(self.out / book_join.MANIFEST),
                "table": str(self.out / book_join.TABLE),
                "file": str(self.out / sound[0]) if len(sound) == 1 else "",
                "files": len(sound),
                "lines": len(self.source.lines),
                "spoken": self.spoken,
                "kept": self.kept,
                "skipped": len(self.troubles),
                "faster": self.faster,
                "late": sum(bool(row.get("late")) for row in rows),
                "over": sum(bool(row.get("over")) for row in rows),
                "verdicts": dict(Counter(check["verdict"] for check in checks if check)),
                "cut": sum(row.get("cut", 0) for row in rows),
                "seconds": round(sum(one.seconds for one in said), 3),
                "seed": self.seed,
                "took": round(time.monotonic() - self.began, 3),
            }
        )


def _lateness(one: Placed) -> Iterator[Finding]:
    where = _place(one.said.item)
    if one.over:
        message = f"the speech is {one.over:.2f} s longer than its cue has room for"
        yield Finding("cue_too_long", message, "warning", where)
    if one.late:
        message = f"begins {one.late:.2f} s after its cue: the one before was not over"
        yield Finding("cue_late", message, "warning", where)


def _srt(name: str) -> str:
    return f"{Path(name).stem}.srt"


def _place(item: Item) -> str:
    return f"line {item.line}"


def _note(item: Item) -> str:
    text = item.text if len(item.text) <= 60 else f"{item.text[:59]}…"
    return f"line {item.line}: {text}"
