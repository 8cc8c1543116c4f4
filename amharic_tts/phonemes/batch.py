"""Recognise many sounds: shortest first, one file a sound and one table, and go on after a stop.

Shortest first, since a batch that is stopped then has the most files done, and mistakes in the
request show after seconds. Memory does not depend on the order: every sound is heard in pieces.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from amharic_tts import __version__
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, write_text
from amharic_tts.phonemes import batch_files, export, inventory
from amharic_tts.phonemes.batch_files import Sound, Stamp
from amharic_tts.phonemes.batch_ledger import Entry, Ledger
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import LoadOptions
from amharic_tts.phonemes.result import Recognition
from amharic_tts.phonemes.settings import from_environment

_LOCK = ".phones.lock"
_BETWEEN = 0.5
"""Seconds between two progress events while nothing is heard."""
_LONGEST_NAME = 150
"""Bytes of a file's name; systems allow 255, and the ending and the aside name come to it."""
_RESERVED = "phones"
"""The tables of the batch are called so."""


class Hears(Protocol):
    """What a batch needs of an extractor."""

    def extract_phoneme(self, audio: Path) -> Recognition:
        """Return the phones of a media file."""


@dataclass(frozen=True)
class BatchRequest:
    """What a batch is made from; the page and the command fill it in."""

    sources: tuple[Path, ...]
    """Files and folders."""
    out: Path
    """Folder of the results."""
    form: str = "json"
    """Form of the single files: a key of `export.ENDINGS`."""
    model: str = catalog.EMBEDDED
    options: LoadOptions = field(default_factory=LoadOptions)
    inventory: str | Sequence[str] | None = None
    """Phones that may be written (`inventory.given`); None leaves the model free."""
    top: int | None = None
    """How many runners-up a phone has; None takes what the extractor gives."""
    resume: bool = True
    """Whether to pass over what was heard already with the same model and settings."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        found = []
        if not self.sources:
            found.append("sources: choose at least one file or folder")
        if self.form not in export.ENDINGS:
            forms = ", ".join(export.ENDINGS)
            found.append(f"form: `{self.form}` is none of {forms}")
        if self.top is not None and self.top < 0:
            found.append(f"top: {self.top} is less than 0")
        return found

    def made(self) -> str:
        """Return a hash of everything that a result depends on but the sound."""
        # By its phones: the file of a list may change under the same name.
        phones = None if self.inventory is None else sorted(inventory.given(self.inventory))
        model = catalog.key(self.model, replace(self.options, threads=0, pack=True))
        words = from_environment().word_forms
        facts = [__version__, model, words, phones, self.top]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def run(request: BatchRequest, extractor: Hears | None = None) -> Iterator[Event]:
    """Recognise all sounds of the sources.

    After each sound its result is on the disk, so the work may be stopped or killed at any moment;
    the same request goes on where it was. A sound that can't be read is a finding.

    Args:
        request: What to hear, and how.
        extractor: Used instead of one made for the request.

    Yields:
        Findings, a `Progress` for each sound with the time left, then `Done` with ``out``,
        ``table``, ``files``, ``heard``, ``skipped`` (heard before), ``refused``, ``phones`` and
        ``seconds`` of sound heard now.

    Raises:
        UserError: A wrong request, no sounds, no such model, a folder that can't be written or is
            used by another batch, a full disk.
    """
    problems = request.problems()
    if problems:
        raise UserError("The batch can't begin:\n" + "\n".join(f"- {p}" for p in problems))
    found = batch_files.collect(request.sources)
    yield from found.findings
    with _held(request.out):
        yield from _Batch(request, Ledger(request.out), extractor).run(found.sounds)


@contextlib.contextmanager
def _held(out: Path) -> Iterator[None]:
    """Make the folder and hold it against a second batch.

    Raises:
        UserError: It can't be made or written, or another batch has it.
    """
    hint = "Choose another folder with --out"
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / _LOCK, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"Another batch writes into `{out}` now", "Wait until it is done"
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"`{out}` is not a folder", hint) from error
    except OSError as error:
        raise UserError(f"`{out}` can't be written: {error.strerror}", hint) from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Task:
    sound: Sound
    stamp: Stamp
    seconds: float


@dataclass
class _Batch:
    request: BatchRequest
    ledger: Ledger
    extractor: Hears | None
    heard: int = 0
    skipped: int = 0
    refused: int = 0
    phones: int = 0
    seconds: float = 0.0
    told: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.made = self.request.made()
        self.taken = {entry.file.casefold() for entry in self.ledger.entries.values()}

    def run(self, sounds: Sequence[Sound]) -> Iterator[Event]:
        tasks: list[_Task] = []
        for number, sound in enumerate(sounds):
            try:
                task = self._needed(sound)
            except UserError as error:
                yield self._refuse(sound, error)
                continue
            if task is None:
                self.skipped += 1
                self._restore(sound)
            else:
                tasks.append(task)
            if time.monotonic() - self.told > _BETWEEN:
                self.told = time.monotonic()
                yield Progress(number + 1, len(sounds), "files looked at")
        if self.skipped:
            message = f"{self.skipped} of {len(sounds)} files are heard already with these settings"
            yield Finding("already_heard", message, "info")
        yield from self._hear_all(sorted(tasks, key=lambda task: task.seconds), len(sounds))
        self.ledger.close()
        counts = {key: getattr(self, key) for key in ("heard", "skipped", "refused", "phones")}
        places = {"out": str(self.request.out), "table": str(self.ledger.table)}
        result = {**places, "files": len(sounds), **counts, "seconds": round(self.seconds, 3)}
        yield Done({**result, "model": self.request.model})

    def _refuse(self, sound: Sound, error: UserError) -> Finding:
        self.refused += 1
        return Finding("unreadable", error.message, "error", sound.name)

    def _needed(self, sound: Sound) -> _Task | None:
        """Return what is to be done, or None where the result is there.

        Raises:
            UserError: It is not a sound.
        """
        stamp = batch_files.stamp(sound)
        if self.request.resume and self._same(sound, stamp):
            return None
        return _Task(sound, stamp, batch_files.seconds(sound))

    def _same(self, sound: Sound, stamp: Stamp) -> bool:
        known = self.ledger.entries.get(batch_files.key(sound))
        if known is None or known.made != self.made or known.stamp.size != stamp.size:
            return False
        # A copy or a restored backup has another time and the same bytes.
        return (
            known.stamp.modified == stamp.modified
            or known.stamp.sha256 == batch_files.hashed(sound)
        )  # fmt: skip

    def _hear_all(self, tasks: Sequence[_Task], files: int) -> Iterator[Event]:
        if not tasks:
            return
        yield Progress(files - len(tasks), files, "loading the model")
        hears = self._extractor()
        began, left, done = time.monotonic(), sum(task.seconds for task in tasks), 0.0
        for number, task in enumerate(tasks, files - len(tasks) + 1):
            try:
                yield from self._hear(hears, task)
            except _Refused as refused:
                yield self._refuse(task.sound, refused.error)
            left, done = left - task.seconds, done + task.seconds
            pace = (time.monotonic() - began) / done if done else None
            seconds_left = None if pace is None else max(0.0, left * pace)
            yield Progress(number, files, task.sound.name, seconds_left)

    def _extractor(self) -> Hears:
        if self.extractor is not None:
            return self.extractor
        from amharic_tts.phonemes.extractor import PhonemeExtractor

        request = self.request
        return PhonemeExtractor(
            model=request.model, options=request.options, inventory=request.inventory
        )

    def _hear(self, hears: Hears, task: _Task) -> Iterator[Event]:
        """Recognise one sound and write its result.

        Raises:
            _Refused: It can't be read to its end.
            UserError: The result can't be written.
        """
        sound = task.sound
        try:
            found = hears.extract_phoneme(sound.path)
            stamp = replace(task.stamp, sha256=batch_files.hashed(sound))
        except UserError as error:
            raise _Refused(error) from error
        for note in found.notes:
            yield Finding("note", note, "info", sound.name)
        result = {"audio": sound.name, **export.limited(found, self.request.top).to_dict()}
        key = batch_files.key(sound)
        file = self._file(sound)
        # Claimed first: after a kill between the two lines the file is known to be ours.
        self.ledger.claim(key, file)
        self._write(file, result)
        self.ledger.add(key, Entry(file, stamp, self.made, 0), result)
        self.heard += 1
        self.phones += len(found.phones)
        self.seconds += found.duration

    def _file(self, sound: Sound) -> str:
        """Return where the result of a sound goes, without ending; no other file has that name."""
        known = self.ledger.entries.get(batch_files.key(sound))
        if known is not None:
            return known.file
        folder, slash, name = sound.stem.rpartition("/")
        if len(name.encode("utf-8")) > _LONGEST_NAME:
            digest = hashlib.sha256(name.encode("utf-8")).hexdigest()[:8]
            name = name.encode("utf-8")[:_LONGEST_NAME].decode("utf-8", "ignore") + f"-{digest}"
        first = f"{folder}{slash}{name}"
        candidate, number = first, 1
        while not self._free(candidate):
            number += 1
            candidate = f"{first}-{number}"
        self.taken.add(candidate.casefold())
        return candidate

    def _free(self, file: str) -> bool:
        if file.casefold() in self.taken or file.casefold() == _RESERVED:
            return False
        return not any(
            (self.request.out / f"{file}{end}").exists() for end in export.ENDINGS.values()
        )

    def _restore(self, sound: Sound) -> None:
        """Write the file of a sound from the table, where it is not there in this form."""
        key = batch_files.key(sound)
        file = self.ledger.entries[key].file
        if not self._path(file).exists():
            self._write(file, self.ledger.result(key))

    def _path(self, file: str) -> Path:
        return self.request.out / f"{file}{export.ENDINGS[self.request.form]}"

    def _write(self, file: str, result: dict[str, object]) -> None:
        path = self._path(file)
        item = (str(result["audio"]), export.from_dict(result))
        text = export.WRITERS[self.request.form]([item])
        with disk_errors(path):
            if path.exists() and path.read_bytes() != text.encode("utf-8"):
                # It may hold corrections by hand, as TextGrids often do.
                path.replace(path.with_name(f"{path.name}.old"))
        write_text(path, text)


class _Refused(Exception):
    """A sound that can't be read; a result that can't be written is no such thing."""

    def __init__(self, error: UserError) -> None:
        super().__init__(error.message)
        self.error = error
