"""Small recordings for the tests of audio and datasets, made on the spot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr

from amharic_tts.events import Done, Event, Finding

RATE = 22050


def tone(seconds: float, pitch: float = 220.0, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    """A sine with its first overtone; different pitches make different clips."""
    t = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * pitch * t) + 0.5 * np.sin(4 * np.pi * pitch * t)
    return np.asarray(level * wave / 1.5, dtype=np.float32)


def wav(path: Path, seconds: float = 1.0, pitch: float = 220.0, **how: Any) -> Path:
    """A 22.05 kHz mono 16-bit WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(seconds, pitch, **how), RATE, format="WAV", subtype="PCM_16")
    return path


def encode(path: Path, samples: np.ndarray, rate: int, codec: str, container: str) -> Path:
    """A file by FFmpeg's libraries: m4a, mp4, webm."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        size = stream.codec_context.frame_size or 960
        for start in range(0, len(samples), size):
            part = samples[None, start : start + size]
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.rate, frame.pts = rate, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def video_only(path: Path) -> Path:
    """A few pictures without a sound."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def at_48k(samples: np.ndarray) -> np.ndarray:
    return np.asarray(soxr.resample(samples, RATE, 48_000), dtype=np.float32)


def findings(events: Iterable[Event]) -> list[tuple[str, str, str]]:
    """Code, level and subject of each finding."""
    return [(e.code, e.level, e.subject) for e in events if isinstance(e, Finding)]


def result(events: Sequence[Event]) -> dict[str, Any]:
    last = events[-1]
    assert isinstance(last, Done), last
    return last.result


class Letters:
    """An encoder that knows Ethiopic and Latin letters, and counts one token a character."""

    def prepare(self, text: str) -> str:
        return " ".join(text.split()).lower()

    def encode(self, prepared: str) -> list[int]:
        return [ord(c) for c in prepared]

    def unknown(self, text: str) -> list[str]:
        return sorted({c for c in text if "А" <= c <= "я"})
