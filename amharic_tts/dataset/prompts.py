"""Reading prompts into a microphone: sentences, and every take of each.

A session is a folder `recordings/NAME/`: `prompts.json` (what is read), `takes/*.wav` (as they were
recorded), and `takes.jsonl`, to which each decision is appended at once. `dataset build` takes the
folder like any other.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from filelock import FileLock
from numpy.typing import NDArray

from amharic_tts.audio.measure import measure
from amharic_tts.dataset import rules
from amharic_tts.dataset.rules import Note, note
from amharic_tts.dataset.textfile import read_text
from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors, write_text, writing
from amharic_tts.text.languages import canonical
from amharic_tts.workspace import Workspace

HEADER = "prompts.json"
JOURNAL = "takes.jsonl"
_QUIET_DB = -30.0
"""A take that never gets louder was spoken too far from the microphone."""
_MOST = 20_000


@dataclass(frozen=True)
class Take:
    """One take of a prompt; prompts and takes are numbered from 1 on."""

    prompt: int
    take: int
    file: str
    """Relative to the session's folder."""
    seconds: float
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Session:
    """A session as it stands; every change returns it anew, read from its files."""

    folder: Path
    language: str
    speaker: str
    texts: tuple[str, ...]
    takes: tuple[Take, ...] = ()
    picked: tuple[tuple[int, int], ...] = ()
    """(prompt, take) that were chosen by hand; else the last take of a prompt counts."""
    skipped: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        return self.folder.name

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        name: str,
        texts: Sequence[str],
        speaker: str = "speaker",
        language: str = "am",
    ) -> Session:
        """Begin a session.

        Raises:
            UserError: A wrong name or language, one that is there already, or no texts.
        """
        folder = session_folder(workspace, name)
        told = tuple(" ".join(text.split()) for text in texts if text.strip())
        if not told or len(told) > _MOST:
            raise UserError(f"There are {len(told)} texts to read; give 1 to {_MOST}")
        if is_session(folder):
            raise UserError(
                f"There is a session `{folder.name}` already", "Go on with it, or name a new one"
            )
        if not speaker.strip():
            raise UserError("speaker: give a name")
        body = {
            "format": 1,
            "language": canonical(language),
            "speaker": speaker.strip(),
            "texts": told,
        }
        write_text(folder / HEADER, json.dumps(body, ensure_ascii=False, indent=1) + "\n")
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Session:
        """Read a session.

        Raises:
            UserError: There is none, or it is damaged.
        """
        try:
            body: dict[str, Any] = json.loads((folder / HEADER).read_text(encoding="utf-8"))
            texts = tuple(str(text) for text in body["texts"])
            session = cls(folder, str(body["language"]), str(body["speaker"]), texts)
        except FileNotFoundError:
            raise UserError(f"There is no session `{folder.name}`") from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"`{folder / HEADER}` can't be read: {error}") from error
        return session._with_journal()

    def _with_journal(self) -> Session:
        takes, picked, skipped = [], dict[int, int](), set[int]()
        for entry in _entries(self.folder / JOURNAL):
            prompt = int(entry["prompt"])
            if entry["do"] == "take":
                notes = tuple(entry.get("notes", ()))
                sizes = (int(entry["take"]), str(entry["file"]), float(entry["seconds"]))
                takes.append(Take(prompt, *sizes, notes))
                picked.pop(prompt, None)
                skipped.discard(prompt)
            elif entry["do"] == "choose":
                picked[prompt] = int(entry["take"])
                skipped.discard(prompt)
            else:
                skipped.add(prompt)
        choices = tuple(sorted(picked.items()))
        head = (self.folder, self.language, self.speaker, self.texts)
        return Session(*head, tuple(takes), choices, frozenset(skipped))

    def of_prompt(self, prompt: int) -> list[Take]:
        """Return the takes of a prompt, in order."""
        return [take for take in self.takes if take.prompt == prompt]

    def choice(self, prompt: int) -> Take | None:
        """Return the take of a prompt that counts: the one picked by hand, else the last."""
        takes = self.of_prompt(prompt)
        wanted = dict(self.picked).get(prompt)
        if prompt in self.skipped:
            return None
        return next((t for t in takes if t.take == wanted), takes[-1] if takes else None)

    def chosen(self) -> list[Take]:
        """Return the take that counts of every prompt that has one."""
        found = (self.choice(n) for n in range(1, len(self.texts) + 1))
        return [take for take in found if take is not None]

    def next(self, after: int = 0) -> int | None:
        """Return the first prompt after one that is neither read nor skipped, else any such."""
        done = {take.prompt for take in self.takes} | self.skipped
        numbers = range(1, len(self.texts) + 1)
        waiting = [n for n in numbers if n not in done]
        return next((n for n in waiting if n > after), waiting[0] if waiting else None)

    def sound(self, take: Take) -> Path:
        """Return where a take is.

        Raises:
            UserError: The journal names a place outside the session.
        """
        path = self.folder / take.file
        if self.folder.resolve() not in path.resolve().parents:
            raise UserError(f"`{take.file}` is outside the session `{self.name}`")
        return path

    def record(self, prompt: int, samples: NDArray[Any], rate: int) -> Session:
        """Keep a take of a prompt, with what is odd about it.

        Args:
            prompt: From 1 on.
            samples: Shape ``(n,)`` or ``(n, channels)``; whole numbers of 16 or 32 bits, or floats
                of full scale 1, as a browser gives them.
            rate: Samples a second.

        Raises:
            UserError: No such prompt, or nothing was recorded.
        """
        self._check(prompt)
        mono = _mono(samples)
        if not len(mono) or not np.isfinite(mono).all():
            raise UserError("Nothing was recorded", "Allow the page to use the microphone")
        notes = _take_notes(mono, rate)
        with self._writing() as number_of:
            take = number_of(prompt)
            file = f"takes/{prompt:04d}-{take}.wav"
            content = BytesIO()
            soundfile.write(content, mono, rate, format="WAV", subtype="PCM_16")
            with writing(self.folder / file) as target:
                target.write(content.getvalue())
            seconds = round(len(mono) / rate, 3)
            told = {"take": take, "file": file, "seconds": seconds, "notes": notes}
            self._append("take", prompt, told)
        return Session.load(self.folder)

    def choose(self, prompt: int, take: int) -> Session:
        """Let another take of a prompt count.

        Raises:
            UserError: There is no such take.
        """
        if take not in [one.take for one in self.of_prompt(prompt)]:
            raise UserError(f"Prompt {prompt} of `{self.name}` has no take {take}")
        with self._writing():
            self._append("choose", prompt, {"take": take})
        return Session.load(self.folder)

    def skip(self, prompt: int) -> Session:
        """Pass a prompt over; its takes stay, and count again once one is chosen.

        Raises:
            UserError: No such prompt.
        """
        self._check(prompt)
        with self._writing():
            self._append("skip", prompt, {})
        return Session.load(self.folder)

    def _check(self, prompt: int) -> None:
        if not 1 <= prompt <= len(self.texts):
            raise UserError(f"`{self.name}` has no prompt {prompt}; it has {len(self.texts)}")

    def _writing(self) -> _Journal:
        return _Journal(self.folder)

    def _append(self, do: str, prompt: int, more: dict[str, Any]) -> None:
        body = {"do": do, "prompt": prompt, **more, "at": round(time.time(), 3)}
        line = json.dumps(body, ensure_ascii=False) + "\n"
        with disk_errors(self.folder), open(self.folder / JOURNAL, "ab") as file:
            file.write(line.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())


class _Journal:
    """The lock of a session's journal: two tabs never give a take the same number."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, FileLock(folder / ".lock", timeout=20)

    def __enter__(self) -> Any:
        self._lock.acquire()
        path = self._folder / JOURNAL
        if path.exists() and path.stat().st_size:
            with open(path, "rb+") as file:  # half a line of a killed writer is closed off
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
        return self._number

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _number(self, prompt: int) -> int:
        entries = _entries(self._folder / JOURNAL)
        return 1 + sum(e["do"] == "take" and e["prompt"] == prompt for e in entries)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal; a line that a killed writer left half written is no entry."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"do", "prompt"} <= set(entry):
            yield entry


def _mono(samples: NDArray[Any]) -> NDArray[np.float32]:
    wide = np.asarray(samples)
    if wide.ndim == 2:
        wide = wide.mean(axis=1, dtype=np.float64).astype(wide.dtype)
    if np.issubdtype(wide.dtype, np.integer):
        return (wide / -float(np.iinfo(wide.dtype).min)).astype(np.float32)
    return wide.astype(np.float32)


def _take_notes(mono: NDArray[np.float32], rate: int) -> list[Note]:
    """Return what the speaker should know at once, while the sentence is still on the screen."""
    measures = measure(mono, rate)
    notes = [*rules.length_notes(measures.duration), *rules.sound_notes(measures)]
    if rules.INAUDIBLE_DB <= measures.peak_db < _QUIET_DB:
        notes.append(note("take_quiet", f"the loudest moment is only {measures.peak_db:.0f} dB"))
    if measures.silence_start < 0.02 or measures.silence_end < 0.02:
        notes.append(note("take_cut_off", "it begins or ends inside a sound: wait a moment"))
    return notes


def is_session(folder: Path) -> bool:
    """Tell whether a folder holds prompts."""
    return (folder / HEADER).is_file()


def session_folder(workspace: Workspace, name: str) -> Path:
    """Return the folder of a session, there or not.

    Raises:
        UserError: `name` can't name a folder.
    """
    from amharic_tts.files import check_name

    return workspace.recordings / check_name(name, "session")


def sessions(workspace: Workspace) -> list[str]:
    """Return the names of the sessions, sorted."""
    if not workspace.recordings.is_dir():
        return []
    return sorted(folder.name for folder in workspace.recordings.iterdir() if is_session(folder))


def latest(workspace: Workspace) -> str:
    """Return the session that was changed last, or an empty text."""

    def changed(name: str) -> float:
        journal = workspace.recordings / name / JOURNAL
        return (journal if journal.exists() else journal.with_name(HEADER)).stat().st_mtime

    return max(sessions(workspace), key=changed, default="")


def read_prompts(path: Path) -> list[str]:
    """Return the texts of a file: one a line, or the second column of a table `id|text`.

    Raises:
        UserError: See `read_text`.
    """
    lines = [line.strip() for line in read_text(path).split("\n") if line.strip()]
    if lines and all(line.count("|") == 1 for line in lines):
        return [line.partition("|")[2].strip() for line in lines]
    return lines
