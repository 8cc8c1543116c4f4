"""A short piece out of a recording, for looking at it and hearing it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
import soxr

from amharic_tts.audio.read import AudioStream, Samples
from amharic_tts.errors import UserError


def read_span(path: Path, start: float, end: float, rate: int) -> Samples:
    """Return the sound between two moments, shape ``(samples,)``; shorter at the end of the file.

    Where the format can't be entered in the middle, everything before is decoded and thrown away,
    block by block.

    Args:
        path: Any sound or video file.
        start: Seconds.
        end: Seconds.
        rate: Samples a second that come out.

    Raises:
        UserError: See `AudioStream`.
    """
    stream = AudioStream(path, rate)  # tells what is wrong with the file, if anything is
    entered = _entered(path, start, end)
    if entered is not None:
        samples, own = entered
        return np.asarray(soxr.resample(samples, own, rate), dtype=np.float32)
    first, last, at = round(start * rate), round(end * rate), 0
    parts: list[Samples] = []
    try:
        for block in stream:
            parts.append(block[max(0, first - at) : max(0, last - at)])
            at += len(block)
            if at >= last:
                break
    except UserError:
        if not at:
            raise
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _entered(path: Path, start: float, end: float) -> tuple[Samples, int] | None:
    """Return a piece at the file's own rate, where libsndfile can go there at once."""
    name = os.fsencode(path) if os.name == "posix" else str(path)
    try:
        with soundfile.SoundFile(name) as sound:
            if not sound.seekable():
                return None
            rate = sound.samplerate
            sound.seek(min(sound.frames, round(start * rate)))
            samples = sound.read(round((end - start) * rate), dtype="float32", always_2d=True)
    except soundfile.SoundFileError:
        return None
    return samples.mean(axis=1, dtype=np.float32), rate
