"""Where a recording holds speech: silero-vad's network, block by block, without torch.

The network's weights are inside the package `silero-vad` (MIT), whose own code is not imported: it
would load torch, and holds a whole recording in memory. Its sequence graph runs in onnxruntime.
"""

from __future__ import annotations

import importlib.util
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amharic_tts.audio.read import AudioStream, Samples
from amharic_tts.errors import MissingPart
from amharic_tts.files import writing

logger = logging.getLogger(__name__)

RATE = 16_000
"""The rate that the network hears, in samples a second."""
FRAME = 512
"""Samples of one frame: 32 ms."""
FRAME_SECONDS = FRAME / RATE
_CONTEXT = 64
"""Samples of the frame before that the network sees again."""
_STATE = (1, 1, 128)
_FRAMES_AT_ONCE = 250
_FORMAT = 1
_DB_STEP = 0.5


@dataclass(frozen=True)
class SpeechTrack:
    """What was heard of a recording, frame by frame of 32 ms; 10 hours take 2 MB.

    Attributes:
        speech: Shape ``(frames,)``, 0 to 255: how surely the frame is speech.
        quiet: Shape ``(frames,)``, level below full scale in steps of half a dB; 255 is silence.
        duration: Seconds of the recording.
        truncated: How the file was cut short, or empty.
    """

    speech: NDArray[np.uint8]
    quiet: NDArray[np.uint8]
    duration: float
    truncated: str = ""

    def level_db(self) -> NDArray[np.float32]:
        """Return the level of each frame in dB against full scale (root mean square)."""
        return self.quiet.astype(np.float32) * -_DB_STEP

    def save(self, path: Path) -> None:
        """Write the track by `files.writing`."""
        with writing(path) as file:
            np.savez_compressed(
                file,
                format=np.int64(_FORMAT),
                speech=self.speech,
                quiet=self.quiet,
                duration=np.float64(self.duration),
                truncated=np.str_(self.truncated),
            )

    @classmethod
    def load(cls, path: Path) -> SpeechTrack | None:
        """Return a track that was saved, or None where there is none that can be used."""
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as kept:
                if int(kept["format"]) != _FORMAT:
                    return None
                sizes = (kept["speech"], kept["quiet"])
                return cls(*sizes, float(kept["duration"]), str(kept["truncated"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("%s is damaged and made again: %s", path, error)
            return None


def listen(path: Path) -> Iterator[float | SpeechTrack]:
    """Hear a recording once; yield the seconds heard now and then, and the track at last.

    Memory holds a few seconds of sound, however long the recording is.

    Raises:
        UserError: The file can't be read (see `AudioStream`).
        MissingPart: The weights are not installed.
    """
    network = _Network()
    stream = AudioStream(path, RATE)
    speech: list[NDArray[np.uint8]] = []
    quiet: list[NDArray[np.uint8]] = []
    size, heard = _FRAMES_AT_ONCE * FRAME, 0
    waiting: list[Samples] = []
    held = 0

    def take(samples: Samples) -> None:
        speech.append(network.hear(samples))
        quiet.append(_quiet(samples))

    for block in stream:
        waiting.append(block)
        held += len(block)
        if held < size:
            continue
        joined = np.concatenate(waiting)
        whole = held // size * size
        for at in range(0, whole, size):
            take(joined[at : at + size])
        heard += whole
        waiting, held = [joined[whole:]], held - whole
        yield heard / RATE
    if held:
        rest = np.concatenate(waiting)
        take(np.pad(rest, (0, -len(rest) % FRAME)))
        heard += held
    none = np.zeros(0, np.uint8)
    yield SpeechTrack(
        np.concatenate(speech or [none]),
        np.concatenate(quiet or [none]),
        heard / RATE,
        stream.truncated,
    )


def heard(path: Path, kept: Path) -> Iterator[float | SpeechTrack]:
    """Do as `listen`, and keep the track in a file; one that is kept already is used.

    Args:
        path: The recording.
        kept: Where its track is kept; the name must follow from the recording's content.
    """
    track = SpeechTrack.load(kept)
    if track is not None:
        yield track
        return
    for item in listen(path):
        if isinstance(item, SpeechTrack):
            item.save(kept)
        yield item


def _quiet(samples: Samples) -> NDArray[np.uint8]:
    power = np.mean(np.square(samples.reshape(-1, FRAME)), axis=1)
    decibels = 10 * np.log10(np.maximum(power, 1e-13))
    return np.clip(np.rint(-decibels / _DB_STEP), 0, 255).astype(np.uint8)


class _Network:
    """The network with its memory of one recording."""

    def __init__(self) -> None:
        self._session = _session()
        self._h, self._c = np.zeros(_STATE, np.float32), np.zeros(_STATE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def hear(self, samples: Samples) -> NDArray[np.uint8]:
        """Return how surely each frame is speech, shape ``(frames,)``, 0 to 255."""
        rows = samples.reshape(-1, FRAME)
        frames = np.empty((len(rows), _CONTEXT + FRAME), np.float32)
        frames[:, _CONTEXT:] = rows
        frames[0, :_CONTEXT] = self._context
        frames[1:, :_CONTEXT] = rows[:-1, -_CONTEXT:]
        self._context = rows[-1, -_CONTEXT:].copy()
        inputs = {"input": frames, "h": self._h, "c": self._c}
        found, self._h, self._c = self._session.run(None, inputs)
        return np.rint(np.clip(found, 0, 1) * 255).astype(np.uint8)


@cache
def _session() -> Any:
    spec = importlib.util.find_spec("silero_vad")  # finds its folder without importing it
    if spec is None or spec.origin is None:
        raise MissingPart(
            "The package `silero-vad`, which finds the pauses of a recording, is not installed",
            "Run: python smart_install.py",
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread: the network is small, and the same sound gives the same numbers everywhere.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = Path(spec.origin).parent / "data" / "silero_vad_16k_sequence.onnx"
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
