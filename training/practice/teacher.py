"""Let the teacher speak: texts in, clips with their sound out, in files that are read as arrays.

English is read by espeak-ng itself. Amharic is read by the studio's own G2P and spoken from
espeak-ng's phoneme mnemonics, since espeak-ng lengthens no consonant and puts vowels where none
belong.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from amharic_tts.espeak.client import EspeakClient
from amharic_tts.files import write_text, writing
from amharic_tts.g2p.say import for_espeak
from training.base import RATE
from training.practice.voices import TeacherVoice

_QUIET = 150
"""Samples (of 32768) below which espeak-ng is silent between texts."""
_BEFORE, _AFTER = int(0.03 * RATE), int(0.06 * RATE)
"""Silence that a clip keeps at its ends."""


@dataclass(frozen=True)
class Line:
    """What one voice shall say."""

    voice: TeacherVoice
    language: str
    text: str


@dataclass(frozen=True)
class Spoken:
    """A clip of the teacher."""

    voice: str
    """Its name."""
    language: str
    text: str
    chunk: int
    """Which array of the folder holds it."""
    start: int
    stop: int


def pronounced(line: Line) -> str:
    """Return what espeak-ng is given for a line.

    Raises:
        StudioError: It has a phone that espeak-ng can't say.
    """
    if line.language != "am":
        return line.text
    return for_espeak(line.text)


def speak(client: EspeakClient, lines: Sequence[Line]) -> list[np.ndarray]:
    """Return int16 samples at 22,050 Hz for each line, without the silence around it."""
    with tempfile.TemporaryDirectory() as folder:
        request = [
            {
                "out": str(Path(folder) / f"{number}.wav"),
                "voice": line.voice.espeak(line.language),
                "speed": line.voice.speed,
                "pitch": line.voice.pitch,
                "texts": [pronounced(line)],
                "mnemonics": line.language == "am",
            }
            for number, line in enumerate(lines)
        ]
        client.ask({"do": "record", "recordings": request, "gap": 0})
        return [_trimmed(soundfile.read(one["out"], dtype="int16")[0]) for one in request]


def _trimmed(samples: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    if not len(loud):
        return samples[:0]
    start, stop = max(0, loud[0] - _BEFORE), min(len(samples), loud[-1] + _AFTER)
    return np.pad(samples[start:stop], (_BEFORE - loud[0] if loud[0] < _BEFORE else 0, 0))


class Library:
    """The teacher's clips in a folder: ``0000.npy`` (int16 samples in a row) and ``0000.jsonl``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clips: list[Spoken] = []
        for path in sorted(folder.glob("*.jsonl")):
            lines = path.read_text(encoding="utf-8").splitlines()
            self.clips += [Spoken(**json.loads(line)) for line in lines]
        self.numbers = sorted({clip.chunk for clip in self.clips})
        """Of the chunks."""
        self._chunks: dict[int, np.ndarray] = {}

    def joined(self, clips: Sequence[Spoken], samples: int, rng: np.random.Generator) -> np.ndarray:
        """Return drawn clips one after the other, float32, at least so many samples."""
        parts: list[np.ndarray] = []
        while sum(map(len, parts)) < samples:
            parts.append(self.sound(clips[int(rng.integers(len(clips)))]))
        return np.concatenate(parts)

    def chunk(self, number: int) -> np.ndarray:
        """Return all samples of a chunk, int16, not read into memory."""
        if number not in self._chunks:
            self._chunks[number] = np.load(self.folder / f"{number:04d}.npy", mmap_mode="r")
        return self._chunks[number]

    def sound(self, clip: Spoken) -> np.ndarray:
        """Return a clip, float32 in [-1, 1]."""
        samples = self.chunk(clip.chunk)[clip.start : clip.stop]
        return np.asarray(samples, dtype=np.float32) / 32768


def fill(
    folder: Path,
    lines: Sequence[Line],
    tick: Callable[[int, int], None] = lambda done, total: None,
    chunk: int = 250,
) -> Library:
    """Speak all lines into a folder; chunks that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [lines[i : i + chunk] for i in range(0, len(lines), chunk)]
    missing = [i for i in range(len(parts)) if not (folder / f"{i:04d}.jsonl").exists()]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(lambda i: _fill(folder, i, parts[i]), missing), 1):
            tick(len(parts) - len(missing) + done, len(parts))
    return Library(folder)


def _fill(folder: Path, number: int, lines: Sequence[Line]) -> None:
    client = EspeakClient()
    try:
        sounds = speak(client, lines)
    finally:
        client.close()
    with writing(folder / f"{number:04d}.npy", sync=False) as file:
        np.save(file, np.concatenate(sounds).astype(np.int16), allow_pickle=False)
    rows = "".join(
        json.dumps(asdict(s), ensure_ascii=False) + "\n" for s in _spans(number, lines, sounds)
    )
    write_text(folder / f"{number:04d}.jsonl", rows)


def _spans(number: int, lines: Sequence[Line], sounds: Sequence[np.ndarray]) -> Iterator[Spoken]:
    at = 0
    for line, sound in zip(lines, sounds, strict=True):
        if len(sound):
            yield Spoken(line.voice.name, line.language, line.text, number, at, at + len(sound))
        at += len(sound)
