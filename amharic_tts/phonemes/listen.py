"""Listen to a recording piece by piece, and keep what is needed to look at any stretch of it later.

An hour costs as much memory as a minute: the sound and the posteriors go to a folder as they come,
and are read back for the stretch that is looked at.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from amharic_tts.audio.read import probe
from amharic_tts.events import Clock, Progress
from amharic_tts.files import disk_errors
from amharic_tts.phonemes.extractor import PhonemeExtractor, nothing_heard
from amharic_tts.phonemes.models.base import RATE, Array, Posteriors, Symbols
from amharic_tts.phonemes.result import Recognition
from amharic_tts.phonemes.sound import Sound

LONGEST = 3600.0
"""Seconds that are listened to; a page can't show more, the command has no such limit."""
POLL = 0.4
"""Seconds between two looks at how far it is."""
PEAK_SECONDS = 0.05
_SOUND, _POSTERIORS = "sound.wav", "posteriors.f16"


@dataclass(frozen=True)
class Heard:
    """A recording that was listened to; `folder` belongs to it alone."""

    recognition: Recognition
    folder: Path
    symbols: Symbols
    frame_seconds: float
    starts: NDArray[np.float64]
    """Seconds at which each frame of the posteriors begins."""
    peaks: Array
    """Loudest sample of each `PEAK_SECONDS` of the sound, 0 to 1, for an overview."""
    took: float
    """Seconds that listening took, loading of the model not counted."""

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return self.recognition.duration

    def sound(self, start: float = 0.0, end: float | None = None) -> Array:
        """Return the samples of a stretch, mono at `RATE`."""
        last = -1 if end is None else round(end * RATE)
        with soundfile.SoundFile(self.folder / _SOUND) as file:
            first = min(max(0, round(start * RATE)), file.frames)
            file.seek(first)
            count = -1 if last < 0 else max(0, last - first)
            found: Array = file.read(count, dtype="float32")
        return found

    def posteriors(self, start: float = 0.0, end: float | None = None) -> Posteriors:
        """Return what the model thought of a stretch."""
        first = int(np.searchsorted(self.starts, start))
        last = len(self.starts) if end is None else int(np.searchsorted(self.starts, end))
        width = len(self.symbols.names)
        with open(self.folder / _POSTERIORS, "rb") as file:
            file.seek(first * width * 2)
            raw = np.frombuffer(file.read((last - first) * width * 2), dtype=np.float16)
        table = raw.reshape(-1, width).astype(np.float32)
        return Posteriors(table, self.starts[first:last], self.frame_seconds, self.symbols)

    def discard(self) -> None:
        """Remove the copies that were made for looking at it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def listen(
    source: Path,
    extractor: PhonemeExtractor,
    parent: Path,
    stop: Callable[[], bool] = lambda: False,
    longest: float = LONGEST,
) -> Generator[Progress, None, Heard]:
    """Listen to a file; yield how far it is, and return what was heard.

    Args:
        source: Any sound or video file.
        extractor: Listens.
        parent: Where the folder of the result is made; it is removed if listening fails or the
            generator is closed.
        stop: Asked again and again; True ends it there, and what was heard so far is kept.
        longest: Seconds after which it ends, with a note.

    Raises:
        UserError: The file can't be read, or the disk is full.
    """
    clock = Clock(min(probe(source).duration or 0.0, longest), "")
    with disk_errors(parent):
        folder = Path(tempfile.mkdtemp(prefix="heard-", dir=parent))
    thoughts = _Thoughts(folder / _POSTERIORS)
    closed = threading.Event()

    def enough() -> bool:
        return closed.is_set() or stop()

    # In a thread of its own: where no phone is heard for an hour, this still tells how far it is.
    with ThreadPoolExecutor(max_workers=1) as worker:
        try:
            copy = _Copy(source, folder / _SOUND, enough, longest)
            work = worker.submit(_listened, extractor, copy, thoughts, folder)
            told = 0.0
            while not wait([work], timeout=POLL).done:
                if thoughts.seconds > told:
                    told = thoughts.seconds
                    yield clock.progress(told)
            heard = work.result()
            yield clock.progress(heard.duration)
            return heard
        except BaseException:
            closed.set()
            worker.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _listened(extractor: PhonemeExtractor, copy: _Copy, thoughts: _Thoughts, folder: Path) -> Heard:
    began = time.perf_counter()
    with disk_errors(folder), copy, thoughts:
        phones = tuple(extractor.stream(copy, thoughts.keep))
    taken = time.perf_counter() - began
    extractor.count(thoughts.seconds, taken)
    model = extractor.recognizer
    nothing = () if phones else (nothing_heard(silent=not len(thoughts.starts)),)
    recognition = Recognition(
        phones,
        model.id,
        model.notation,
        model.languages,
        thoughts.seconds,
        (*extractor.notes, *copy.notes, *nothing),
    )
    symbols, frame = model.symbols, model.frame_seconds
    return Heard(recognition, folder, symbols, frame, thoughts.starts, copy.peaks, taken)


class _Copy:
    """The blocks of a sound, written to a file as they pass, until it is enough."""

    def __init__(self, source: Path, copy: Path, stop: Callable[[], bool], longest: float) -> None:
        self._sound, self._copy = Sound(source), copy
        self._stop, self._left = stop, round(longest * RATE)
        self._ended = ""
        self._peaks: list[Array] = []

    def __enter__(self) -> _Copy:
        self._file = soundfile.SoundFile(self._copy, "w", RATE, 1, "PCM_16")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Array]:
        step, whole = round(PEAK_SECONDS * RATE), self._left
        rest = np.zeros(0, np.float32)
        for block in self._sound:
            if self._stop() or self._left <= 0:
                heard = (whole - self._left) / RATE
                cut = f"only the first {heard / 60:g} minutes were listened to"
                self._ended = cut if self._left <= 0 else f"stopped after {heard:.1f} s"
                break
            kept = block[: self._left]
            self._left -= len(kept)
            self._file.write(kept)
            rest = np.concatenate([rest, np.abs(kept)])
            count = len(rest) // step
            self._peaks.append(rest[: count * step].reshape(count, step).max(axis=1))
            rest = rest[count * step :]
            yield kept
        self._peaks.append(rest.max(keepdims=True) if len(rest) else rest)

    @property
    def notes(self) -> list[str]:
        """What the reader should know of the sound, once it has run out."""
        return [*self._sound.notes, *([self._ended] if self._ended else [])]

    @property
    def peaks(self) -> Array:
        """The loudest sample of each `PEAK_SECONDS`."""
        return np.concatenate(self._peaks)


class _Thoughts:
    """The posteriors, written to a file as they come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = 0.0
        self._starts: list[NDArray[np.float64]] = [np.zeros(0)]

    def __enter__(self) -> _Thoughts:
        self._file = open(self._path, "wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, scores: Array, starts: NDArray[np.float64], seconds: float) -> None:
        """Take the posteriors of one piece; see `extractor.Keep`."""
        # Three digits of a probability, which is more than any picture shows.
        self._file.write(scores.astype(np.float16).tobytes())
        self._starts.append(starts)
        self.seconds = seconds

    @property
    def starts(self) -> NDArray[np.float64]:
        """Seconds at which each frame begins."""
        return np.concatenate(self._starts)
