"""Recognise recordings into files: a transcript with times beside subtitles that a build takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from amharic_tts.dataset.subtitles import Cue
from amharic_tts.dataset.wording import counted
from amharic_tts.dataset.workers import ONE_PROCESS, Engine
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, write_text
from amharic_tts.phonemes import batch_files
from amharic_tts.phonemes.batch_files import Sound, Stamp
from amharic_tts.recognition import session
from amharic_tts.recognition.cues import cues
from amharic_tts.recognition.session import Recognised
from amharic_tts.text.languages import canonical
from amharic_tts.workspace import Workspace

_LOCK = ".transcripts.lock"


def _subtitles(form: str) -> Callable[[Sequence[Cue]], str]:
    def write(found: Sequence[Cue]) -> str:
        import pysubs2

        events = [
            pysubs2.SSAEvent(start=round(1000 * c.start), end=round(1000 * c.end), text=c.text)
            for c in found
        ]
        subtitles = pysubs2.SSAFile()
        subtitles.events = events
        return subtitles.to_string(form)

    return write


def _plain(found: Sequence[Cue]) -> str:
    return "".join(f"{cue.text}\n" for cue in found)


FORMS: dict[str, Callable[[Sequence[Cue]], str] | None] = {
    "srt": _subtitles("srt"),
    "vtt": _subtitles("vtt"),
    "txt": _plain,
    "json": None,
}
"""Ending of the file -> what writes it; the JSON is always there."""


@dataclass(frozen=True)
class FilesRequest:
    """What is transcribed; the command fills it in."""

    sources: tuple[Path, ...]
    """Files and folders."""
    out: Path
    """Folder of the results."""
    model: str
    language: str = "am"
    form: str = "srt"
    engine: Engine = field(default=ONE_PROCESS)
    device: str = "auto"
    threads: int = 0
    revision: str = ""
    again: bool = False
    """Write files anew that are there from the same model and sound."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        found = self.engine.problems()
        if not self.sources:
            found.append("sources: choose at least one file or folder")
        if self.form not in FORMS:
            found.append(f"form: `{self.form}` is none of {', '.join(FORMS)}")
        if self.threads < 0:
            found.append(f"threads: {self.threads} is less than 0")
        return found


def run(workspace: Workspace, request: FilesRequest) -> Iterator[Event]:
    """Transcribe recordings.

    The files of a recording are written as soon as it is heard, and pieces of it are remembered
    before that: the same request goes on where it was stopped or killed.

    Yields:
        Findings, progress in seconds of sound with the time left, then `Done` with ``out``,
        ``files``, ``written``, ``skipped``, ``refused``, ``cues``, ``seconds`` and ``model``.

    Raises:
        UserError: A wrong request, no sounds, the recogniser is not here, the folder can't be
            written or is used by another, a full disk.
    """
    problems = request.problems()
    if problems:
        raise UserError("The work can't begin:\n" + "\n".join(f"- {p}" for p in problems))
    request = replace(request, language=canonical(request.language))
    found = batch_files.collect(request.sources)
    yield from found.findings
    settings = session.settings_for(
        workspace,
        *(request.model, request.language, request.engine),
        *(request.device, request.threads, request.revision),
    )
    with _held(request.out):
        yield from _Batch(workspace, request, settings).run(found.sounds)


@contextlib.contextmanager
def _held(out: Path) -> Iterator[None]:
    """Make the folder and hold it against a second batch.

    Raises:
        UserError: It can't be made or written, or another batch has it.
    """
    hint = "Choose another folder with --out"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise UserError(
            f"Other recordings are written into `{out}` now", "Wait until that is done"
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"`{out}` is not a folder", hint) from error
    except PermissionError as error:
        raise UserError(f"`{out}` can't be written: {error.strerror}", hint) from error


@dataclass(frozen=True)
class _Task:
    """One recording, and the file (without ending) that its results go to."""

    sound: Sound
    stamp: Stamp
    target: str

    def __str__(self) -> str:
        return self.sound.name


@dataclass
class _Batch:
    workspace: Workspace
    request: FilesRequest
    settings: session.Settings
    written: int = 0
    skipped: int = 0
    refused: int = 0
    cues: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.made = self.settings.made()

    def run(self, sounds: Sequence[Sound]) -> Iterator[Event]:
        tasks: list[_Task] = []
        taken: set[str] = set()
        for sound in sounds:
            try:
                task = self._task(sound, taken)
            except UserError as error:
                yield self._refuse(sound, error)
                continue
            if task is not None:
                tasks.append(task)
        if self.skipped:
            message = f"{counted(self.skipped, 'recording')} transcribed already by this model"
            yield Finding("already_transcribed", message, "info")
        if tasks:
            yield from self._all(tasks)
        counts = {key: getattr(self, key) for key in ("written", "skipped", "refused", "cues")}
        body = {"out": str(self.request.out), "files": len(sounds), **counts}
        seconds = round(self.seconds, 3)
        yield Done({**body, "seconds": seconds, "model": self.settings.files.name})

    def _all(self, tasks: Sequence[_Task]) -> Iterator[Event]:
        memory = session.memory_of(self.workspace, self.settings)
        work = session.Session[_Task](self.settings, memory, self.request.engine)
        for step in work.run(session.Sound(task, task.sound.path) for task in tasks):
            if isinstance(step, Progress):
                yield step
                continue
            task = step.sound.name
            if step.error is not None:
                yield self._refuse(task.sound, step.error)
                continue
            if step.truncated:
                message = f"it was cut short: {step.truncated}"
                yield Finding("truncated", message, "warning", task.sound.name)
            try:
                stamp = self._unchanged(task)
            except UserError as error:
                yield self._refuse(task.sound, error)
                continue
            if not step.heard.text:
                yield Finding("nothing_heard", "no words were heard", "warning", task.sound.name)
            self._write(task, step, stamp)

    def _refuse(self, sound: Sound, error: UserError) -> Finding:
        self.refused += 1
        return Finding("unreadable", error.message, "error", sound.name)

    def _task(self, sound: Sound, taken: set[str]) -> _Task | None:
        """Return what is to be done, or None where the result is there.

        Raises:
            UserError: The file is gone.
        """
        stamp = batch_files.stamp(sound)
        first, number = sound.stem, 1
        target = first
        while target.casefold() in taken or self._foreign(target, sound):
            number += 1
            target = f"{first}-{number}"
        taken.add(target.casefold())
        known = self._known(target)
        if known and not self.request.again and self._same(known, sound, stamp):
            self.skipped += 1
            self._restore(target, known)
            return None
        return _Task(sound, stamp, target)

    def _path(self, target: str, form: str) -> Path:
        return self.request.out / f"{target}.{form}"

    def _known(self, target: str) -> dict[str, Any]:
        """Return what the result of a recording says, or nothing."""
        try:
            body = json.loads(self._path(target, "json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return body if isinstance(body, dict) and "made" in body else {}

    def _foreign(self, target: str, sound: Sound) -> bool:
        """Tell whether a name is taken: by another recording, or by a file that is not ours."""
        path = self._path(target, "json")
        if not path.exists():
            return any(self._path(target, form).exists() for form in FORMS)
        return self._known(target).get("path") != batch_files.key(sound)

    def _same(self, known: dict[str, Any], sound: Sound, stamp: Stamp) -> bool:
        if known.get("made") != self.made or known.get("bytes") != stamp.size:
            return False
        if known.get("modified") == stamp.modified:
            return True
        return bool(known.get("sha256") == batch_files.hashed(sound))

    def _restore(self, target: str, known: dict[str, Any]) -> None:
        """Write the subtitles of a recording from its JSON, where they are not there."""
        if not self._path(target, self.request.form).exists():
            found = [Cue(n, *cue) for n, cue in enumerate(known["cues"], 1)]
            self._write_form(target, found)

    def _write_form(self, target: str, found: Sequence[Cue]) -> None:
        writer = FORMS[self.request.form]
        if writer is None:
            return
        path, text = self._path(target, self.request.form), writer(found)
        with disk_errors(path):
            if path.exists() and path.read_bytes() != text.encode("utf-8"):
                path.replace(path.with_name(f"{path.name}.old"))  # it may be corrected by hand
        write_text(path, text)

    def _unchanged(self, task: _Task) -> Stamp:
        """Return the stamp of a recording, with its hash.

        Raises:
            UserError: It is gone, or it was changed since it was looked at.
        """
        sha256 = batch_files.hashed(task.sound)
        if batch_files.stamp(task.sound) != task.stamp:
            raise UserError(
                f"`{task.sound.name}` was changed while it was heard",
                "Wait until it is finished, then do the same again",
            )
        return replace(task.stamp, sha256=sha256)

    def _write(self, task: _Task, step: Recognised[_Task], stamp: Stamp) -> None:
        found = cues(step.parts, step.seconds)
        body = {
            "audio": task.sound.name,
            "language": self.settings.language,
            "model": self.settings.files.name,
            "seconds": round(step.seconds, 3),
            **step.heard.to_dict(),
            "cues": [[cue.start, cue.end, cue.text] for cue in found],
            "path": batch_files.key(task.sound),
            "bytes": stamp.size,
            "modified": stamp.modified,
            "sha256": stamp.sha256,
            "made": self.made,
        }
        self._write_form(task.target, found)
        # Last: it says that the recording is done.
        text = json.dumps(body, ensure_ascii=False, indent=1)
        write_text(self._path(task.target, "json"), text + "\n")
        self.written += 1
        self.cues += len(found)
        self.seconds += step.seconds
