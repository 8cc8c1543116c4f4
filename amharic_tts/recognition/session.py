"""Recognise many sounds: pieces of them go to the engine, what was heard is remembered at once.

What was heard in a piece of sound is kept under the hash of its samples and of the model, in a file
to which lines are only appended. So whatever was stopped or killed goes on with the piece that it
was at, in the middle of a long recording too, and a sound is never heard twice by one model.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from amharic_tts.audio.read import AudioStream, probe
from amharic_tts.dataset.workers import ONE_PROCESS, RAY, Engine, mapped
from amharic_tts.errors import UserError
from amharic_tts.events import Progress
from amharic_tts.files import disk_errors
from amharic_tts.recognition import store
from amharic_tts.recognition.base import METHOD, RATE, Heard, Recogniser, Samples, joined
from amharic_tts.recognition.pieces import is_silent, pieces
from amharic_tts.workspace import Workspace

Name = TypeVar("Name")
_BETWEEN = 0.5
"""Seconds between two progress events."""
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Settings:
    """Everything that a worker needs to load the recogniser."""

    files: store.Files
    language: str
    device: str = "cpu"
    threads: int = 0
    """On the CPU; 0: four, or as many as there are in one process, and one on a cluster."""

    def made(self) -> str:
        """Return a hash of everything that decides what is heard, but the sound."""
        facts = [METHOD, store.fingerprint(self.files), self.files.kind, self.language, self.device]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def settings_for(
    workspace: Workspace,
    model: str,
    language: str,
    engine: Engine = ONE_PROCESS,
    device: str = "auto",
    threads: int = 0,
    revision: str = "",
) -> Settings:
    """Return the settings of a recogniser that is here.

    Raises:
        UserError: It is not here, no recogniser, or the device is not there.
    """
    if device not in DEVICES:
        raise UserError(f"`{device}` is no device", f"One of {', '.join(DEVICES)}")
    files = store.find(workspace, model, language, revision)
    if engine.name == RAY and device == "cuda":
        raise UserError(
            "On a cluster recognition runs on the CPUs", "Leave --device out, or --engine"
        )
    if device == "auto":
        device = "cuda" if engine.name != RAY and _has_gpu(files.kind) else "cpu"
    return Settings(files, language, device, threads or (1 if engine.name == RAY else 0))


def _has_gpu(kind: str) -> bool:
    if kind == store.WHISPER:
        import ctranslate2

        return bool(ctranslate2.get_cuda_device_count())
    import torch

    return bool(torch.cuda.is_available())


def longest_of(kind: str) -> float:
    """Return the seconds of the longest piece for a kind of model, without loading it."""
    from amharic_tts.recognition import hub_model, whisper_model

    if kind == store.WHISPER:
        return whisper_model.WhisperModel.longest
    return hub_model.CtcModel.longest if kind == store.CTC else hub_model.Seq2SeqModel.longest


@functools.lru_cache(maxsize=1)
def load(settings: Settings) -> Recogniser:
    """Return the loaded model; a process keeps the last one.

    Raises:
        UserError: See the kinds of models.
    """
    from amharic_tts.recognition import hub_model, whisper_model

    files, device, threads = settings.files, settings.device, settings.threads
    if files.kind == store.WHISPER:
        return whisper_model.WhisperModel(files, settings.language, device, threads)
    threads = threads or min(4, os.cpu_count() or 1)
    if files.kind == store.CTC:
        return hub_model.CtcModel(files, device, threads)
    return hub_model.Seq2SeqModel(files, settings.language, device, threads)


class Memory:
    """What was heard so far by one model, in ``cache/transcripts/<model>.jsonl``.

    Held is where each line begins; the lines stay on the disk until they are asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begins: dict[str, int] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        at = 0
        with disk_errors(self.path), open(self.path, "rb") as file:
            for raw in file:
                begins, at = at, at + len(raw)
                try:
                    body = json.loads(raw)
                    Heard.from_dict(body)
                    self._begins[str(body["piece"])] = begins
                except (ValueError, TypeError, KeyError):
                    continue  # half a line of a killed process; its piece is heard again

    def get(self, piece: str) -> Heard | None:
        """Return what was heard in a piece, or None."""
        begins = self._begins.get(piece)
        if begins is None:
            return None
        with disk_errors(self.path), open(self.path, "rb") as file:
            file.seek(begins)
            return Heard.from_dict(json.loads(file.readline()))

    def put(self, piece: str, heard: Heard) -> None:
        """Remember what was heard in a piece, on the disk too.

        Raises:
            UserError: The disk is full or can't be written.
        """
        if piece in self._begins:
            return
        line = json.dumps({"piece": piece, **heard.to_dict()}, ensure_ascii=False)
        raw = line.encode("utf-8") + b"\n"
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a+b") as file:
                if file.seek(0, os.SEEK_END):
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        raw = b"\n" + raw  # after a kill in the middle of a line
                file.write(raw)
                file.flush()
                # Another process may write, too: where ours went is known only now.
                self._begins[piece] = file.tell() - len(line.encode("utf-8")) - 1


@dataclass(frozen=True)
class Sound(Generic[Name]):
    """One sound to recognise."""

    name: Name
    path: Path


@dataclass(frozen=True)
class Recognised(Generic[Name]):
    """What was heard in a sound; `error` is why it could not be read to its end."""

    sound: Sound[Name]
    heard: Heard
    parts: tuple[tuple[float, float, Heard], ...] = ()
    """Start and end in seconds of each piece, and what was heard in it."""
    seconds: float = 0.0
    truncated: str = ""
    error: UserError | None = None


@dataclass(frozen=True)
class _Piece:
    """What goes to a worker."""

    samples: Samples | None
    """None where it is known, or silent."""
    known: Heard


def _hear(settings: Settings, piece: _Piece) -> Heard:
    """Recognise one piece, on the worker."""
    return piece.known if piece.samples is None else load(settings).hear(piece.samples)


@dataclass
class _Open(Generic[Name]):
    """A sound some of whose pieces are on their way."""

    sound: Sound[Name]
    parts: list[tuple[float, float, Heard]] = field(default_factory=list)
    sent: int = 0
    whole: bool = False
    truncated: str = ""
    error: UserError | None = None

    def result(self) -> Recognised[Name]:
        end = self.parts[-1][1] if self.parts else 0.0
        heard = joined([(start, heard) for start, _, heard in self.parts])
        return Recognised(self.sound, heard, tuple(self.parts), end, self.truncated, self.error)


class Session(Generic[Name]):
    """Recognises sounds one after the other; the results come in their order."""

    def __init__(self, settings: Settings, memory: Memory, engine: Engine = ONE_PROCESS) -> None:
        self._settings, self._memory, self._engine = settings, memory, engine
        self._longest = longest_of(settings.files.kind)
        self._open: deque[_Open[Name]] = deque()
        self._sent: deque[tuple[_Open[Name], str, float, float, bool]] = deque()
        self.done = 0.0
        """Seconds of sound that are recognised."""
        self._heard = 0.0
        self._began = self._told = time.monotonic()

    def run(self, sounds: Iterable[Sound[Name]]) -> Iterator[Recognised[Name] | Progress]:
        """Yield each sound when all of it is heard, and progress in seconds of sound.

        Raises:
            UserError: The model can't be loaded, the cluster not reached, the disk not written.
        """
        listed = list(sounds)
        total = sum(_seconds(sound.path) for sound in listed)
        work = functools.partial(_hear, self._settings)
        yield Progress(0, round(total, 1), "loading the model")
        self._began = time.monotonic()
        for heard in mapped(work, self._pieces(listed), self._engine):
            self._take(heard)
            yield from self._finished()
            if time.monotonic() - self._told > _BETWEEN:
                self._told = time.monotonic()
                yield self._progress(total)
        yield from self._finished()

    def _pieces(self, sounds: Iterable[Sound[Name]]) -> Iterator[_Piece]:
        """Decode and cut the sounds, no further ahead than the engine asks for."""
        for sound in sounds:
            item = _Open(sound)
            self._open.append(item)
            try:
                stream = AudioStream(sound.path, RATE)
                for start, samples in pieces(stream, self._longest):
                    end = start + len(samples) / RATE
                    key = hashlib.sha256(samples.tobytes()).hexdigest()[:32]
                    known = Heard() if is_silent(samples) else self._memory.get(key)
                    self._sent.append((item, key, start, end, known is None))
                    item.sent += 1
                    yield _Piece(samples if known is None else None, known or Heard())
                item.truncated = stream.truncated
            except UserError as error:
                item.error = error
            item.whole = True

    def _take(self, heard: Heard) -> None:
        item, key, start, end, new = self._sent.popleft()
        if new:
            self._memory.put(key, heard)
            self._heard += end - start
        item.parts.append((round(start, 3), round(end, 3), heard))
        self.done += end - start

    def _finished(self) -> Iterator[Recognised[Name]]:
        while self._open and self._open[0].whole and len(self._open[0].parts) == self._open[0].sent:
            yield self._open.popleft().result()

    def _progress(self, total: float) -> Progress:
        # What was known already costs nothing, so it says nothing about the pace.
        gone = time.monotonic() - self._began
        left = (total - self.done) * gone / self._heard if self._heard else None
        name = str(self._open[0].sound.name) if self._open else ""
        seconds_left = None if left is None else max(0.0, left)
        return Progress(round(min(self.done, total), 1), round(total, 1), name, seconds_left)


def _seconds(path: Path) -> float:
    """Return how long a sound says it is, for the progress; an unreadable one is told later."""
    try:
        return probe(path).duration or path.stat().st_size / 16_000
    except UserError:
        return 0.0


def memory_of(workspace: Workspace, settings: Settings) -> Memory:
    """Return what a recogniser has heard so far."""
    return Memory(workspace.cache / "transcripts" / f"{settings.made()}.jsonl")
