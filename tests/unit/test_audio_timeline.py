"""Sound of videos at its own time: late starts, dropped frames, doubled ones, broken stamps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_media import tone

from amharic_tts.audio.read import decode
from amharic_tts.audio.timeline import Timeline

RATE = 48_000
SIZE = 1024


def video(path: Path, sound: np.ndarray, starts: list[int], pictures: list[float]) -> Path:
    """A video whose sound frames begin at given samples, and whose pictures come at any time."""
    with av.open(str(path), "w", format="matroska") as out:
        picture = out.add_stream("mpeg4", rate=30)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        picture.time_base = picture.codec_context.time_base = Fraction(1, 1000)
        stream = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for at in pictures:
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        for number, start in enumerate(starts):
            part = sound[number * SIZE : (number + 1) * SIZE]
            pcm = (part * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def loud(samples: np.ndarray) -> list[tuple[float, float]]:
    """Where there is sound, in seconds, to a hundredth."""
    on = np.abs(samples) > 0.01
    blocks = on[: len(on) // 480 * 480].reshape(-1, 480).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], blocks.astype(np.int8), [0]))))
    return [(a / 100, b / 100) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@pytest.fixture
def sound() -> np.ndarray:
    return tone(2.0, rate=RATE, level=0.5)[: 90 * SIZE]


PICTURES = [0.0, 0.02, 0.5, 0.53, 1.9, 2.4]
"""Pictures of variable frame rate."""


def test_pictures_of_any_rate_do_not_move_the_sound(tmp_path: Path, sound: np.ndarray) -> None:
    path = video(tmp_path / "a.mkv", sound, [n * SIZE for n in range(90)], PICTURES)
    assert loud(decode(path, RATE).samples) == [(0.0, 1.92)]


def test_sound_that_starts_late_stays_late(tmp_path: Path, sound: np.ndarray) -> None:
    path = video(tmp_path / "a.mkv", sound, [RATE // 2 + n * SIZE for n in range(90)], PICTURES)
    assert loud(decode(path, RATE).samples) == [(0.5, 2.42)]


def test_sound_that_was_dropped_is_silence(tmp_path: Path, sound: np.ndarray) -> None:
    starts = [n * SIZE + (RATE if n >= 45 else 0) for n in range(90)]
    path = video(tmp_path / "a.mkv", sound, starts, [*PICTURES, 3.0])
    assert loud(decode(path, RATE).samples) == [(0.0, 0.96), (1.96, 2.92)]


def place(timeline: Timeline, *frames: tuple[int, float | None]) -> int:
    """Place frames of some samples at some times; return how many samples came out."""
    made = 0
    for size, time in frames:
        made += sum(len(part) for part in timeline.place(np.ones((size, 1), np.float32), time))
    return made


def test_sound_that_comes_twice_is_cut(tmp_path: Path) -> None:
    timeline = Timeline(1000, 0.0, 10.0)
    assert place(timeline, (1000, 0.0), (1000, 0.5), (1000, 1.5)) == 2500
    assert (timeline.filled, timeline.cut) == (0.0, 0.5)
    assert place(timeline, (100, 2.0)) == 0


@pytest.mark.parametrize("time", [None, 1.03, 5000.0, -300.0])
def test_what_is_not_believed_moves_nothing(time: float | None) -> None:
    timeline = Timeline(1000, 0.0, 10.0)
    assert place(timeline, (1000, 0.0), (1000, time)) == 2000
    assert (timeline.filled, timeline.cut) == (0.0, 0.0)


def test_without_a_length_no_jump_is_believed() -> None:
    assert place(Timeline(1000, 0.0, None), (1000, 0.0), (1000, 4.0)) == 2000


def test_the_files_own_beginning_counts() -> None:
    assert place(Timeline(1000, 7.0, 10.0), (1000, 7.0), (1000, 8.5)) == 2500
