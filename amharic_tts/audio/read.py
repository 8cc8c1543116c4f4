"""Any media file to mono float32 at a rate: soundfile first, FFmpeg's libraries (PyAV) after it.

A file is known by its content, never by its name. Nothing here loads a whole recording unless it is
asked to: `AudioStream` hands out blocks, so that hours cost no more memory than seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from amharic_tts.audio.container import Headers, headers
from amharic_tts.errors import UserError

logger = logging.getLogger(__name__)

Samples = NDArray[np.float32]
"""Mono samples, one dimension, full scale at -1 and 1."""

RATE = 22050
"""The rate that XTTS trains on."""
_BLOCK = 8192
"""Frames read at once. A damaged FLAC loses its whole last block, so blocks are short."""
_RATES = range(1_000, 768_001)
_MISSING_SOUND = 0.25
"""Seconds that may be missing against the header before a file counts as cut short."""

# Only formats that hold sound: FFmpeg also opens play lists, which name other files and addresses.
_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,loas,matroska,webm,mkv,mov,mp4,m4a,3gp,"
    "3g2,mj2,mp3,mpeg,mpegts,ogg,tta,voc,w64,wav,wv"
)
_EXPORT_AGAIN = "Export it again as WAV or FLAC, or leave it out"


@dataclass(frozen=True)
class MediaInfo:
    """What a file says about its own sound; `duration` in seconds, None where it does not say."""

    duration: float | None
    rate: int
    channels: int
    format: str


@dataclass(frozen=True)
class Decoded:
    """A decoded file: mono samples at `rate`; `truncated` says how it was cut short, or nothing."""

    samples: Samples
    rate: int
    info: MediaInfo
    truncated: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate


class AudioStream:
    """Iterate over the mono float32 blocks of a media file at a rate.

    Args:
        path: Any sound or video file that soundfile or FFmpeg's libraries can read.
        rate: Samples a second that come out.

    Attributes:
        info: What the file says about itself.
        truncated: Set once the blocks have run out: how the file was cut short, or empty.

    Raises:
        UserError: No such file, empty, no sound in it, or not a media file. While iterating also:
            damaged from the start, or values that are not numbers.
    """

    def __init__(self, path: Path, rate: int = RATE) -> None:
        self.path, self.rate = Path(path), rate
        self.truncated = ""
        self._headers = _headers(self.path)
        self._reader = _open(self.path)
        self.info = self._reader.info
        if self.info.rate not in _RATES:
            raise UserError(
                f"`{self.path}` says that it has {self.info.rate} samples a second", _EXPORT_AGAIN
            )

    def __iter__(self) -> Iterator[Samples]:
        stream = soxr.ResampleStream(self.info.rate, self.rate, 1, dtype="float32", quality="HQ")
        heard = 0
        for block in self._decoded():
            heard += len(block)
            out = stream.resample_chunk(block)
            if len(out):
                yield out
        if not heard:
            raise UserError(f"`{self.path}` holds no sound", "Leave it out, or record it again")
        tail = stream.resample_chunk(np.zeros(0, np.float32), last=True)
        if len(tail):
            yield tail
        self._note_truncation(heard / self.info.rate)

    def _decoded(self) -> Iterator[Samples]:
        """Yield checked mono blocks at the file's own rate; note where they broke off."""
        heard = 0
        try:
            for block in self._reader.blocks():
                mono = _mono(block)
                if not np.isfinite(mono).all():
                    at = (heard + int(np.argmin(np.isfinite(mono)))) / self.info.rate
                    raise UserError(
                        f"`{self.path}` holds values that are not numbers (NaN or infinite), "
                        f"first at {at:.2f} s",
                        _EXPORT_AGAIN,
                    )
                heard += len(mono)
                yield mono
        except _Broken as error:
            if not heard:
                raise _unreadable(self.path, str(error)) from error
            self.truncated = f"it can be read up to {heard / self.info.rate:.2f} s, not beyond"

    def _note_truncation(self, heard: float) -> None:
        declared = self.info.duration
        if self.truncated:
            return
        if self._headers.truncated:
            self.truncated = f"its end is missing after {heard:.2f} s"
        elif declared is not None and declared - heard > max(_MISSING_SOUND, 0.01 * declared):
            self.truncated = f"it says {declared:.2f} s and holds {heard:.2f} s"


def _mono(block: Samples) -> Samples:
    """Return the mean of the channels; channel by channel, which is 20 times as fast as `mean`."""
    if block.ndim == 1:
        return block
    total = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        total += block[:, channel]
    return total / np.float32(block.shape[1]) if block.shape[1] > 1 else total


def probe(path: Path) -> MediaInfo:
    """Return what a file says about its sound, without decoding it.

    Raises:
        UserError: No such file, empty, no sound in it, or not a media file.
    """
    return AudioStream(path).info


def decode(path: Path, rate: int = RATE, limit: float | None = None) -> Decoded:
    """Return a file's sound as one array and whether the file was cut short.

    Args:
        path: Any sound or video file.
        rate: Samples a second that come out.
        limit: Stop after this many seconds.

    Raises:
        UserError: See `AudioStream`.
    """
    stream = AudioStream(path, rate)
    parts: list[Samples] = []
    count = 0
    for block in stream:
        parts.append(block)
        count += len(block)
        if limit is not None and count >= limit * rate:
            break
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if limit is not None:
        samples = samples[: round(limit * rate)]
    return Decoded(samples, rate, stream.info, stream.truncated)


def read(path: Path, rate: int = RATE) -> Samples:
    """Return a file's sound as mono float32 at `rate`, shape ``(samples,)``.

    A file that was cut short gives what is there and a warning in the log; use `decode` to know.

    Raises:
        UserError: See `AudioStream`.
    """
    decoded = decode(path, rate)
    if decoded.truncated:
        logger.warning("%s was cut short: %s", path, decoded.truncated)
    return decoded.samples


class _Broken(Exception):
    """The decoder gave up; what it handed out before is good."""


@dataclass(frozen=True)
class _Reader:
    info: MediaInfo
    blocks: Callable[[], Iterator[Samples]]


def _headers(path: Path) -> Headers:
    """Look at a file's first and last bytes, and refuse what can't be a recording at all."""
    if path.is_dir():
        raise UserError(f"`{path}` is a folder, not a recording")
    try:
        found = headers(path)
    except FileNotFoundError:
        raise UserError(f"There is no file `{path}`") from None
    except OSError as error:
        raise UserError(f"`{path}` can't be opened: {error.strerror}") from error
    if found.size == 0:
        raise UserError(f"`{path}` is empty (0 bytes)", "Leave it out, or record it again")
    return found


def _unreadable(path: Path, reason: str) -> UserError:
    return UserError(f"`{path}` can't be read as sound: {reason}", _EXPORT_AGAIN)


def _open(path: Path) -> _Reader:
    if path.suffix.lower() != ".raw":  # soundfile would take it for headerless sound, by its name
        try:
            return _open_soundfile(path)
        except (soundfile.SoundFileError, _Broken):
            pass
    return _open_av(path)


def _name(path: Path) -> str | bytes:
    # soundfile encodes names itself, and refuses those that are not UTF-8.
    return os.fsencode(path) if os.name == "posix" else str(path)


def _open_soundfile(path: Path) -> _Reader:
    with soundfile.SoundFile(_name(path)) as sound:
        rate, frames = sound.samplerate, sound.frames
        kind = f"{sound.format} {sound.subtype}"
        info = MediaInfo(frames / rate if rate else None, rate, sound.channels, kind)
        # A decoder that fails on the very first block is no use; FFmpeg's may get further.
        if not len(sound.read(1024, dtype="float32")) and frames:
            raise _Broken("no sound could be decoded")

    def blocks() -> Iterator[Samples]:
        with soundfile.SoundFile(_name(path)) as sound:
            while True:
                try:
                    block = sound.read(_BLOCK, dtype="float32")
                except soundfile.SoundFileError as error:
                    raise _Broken(str(error)) from error
                if not len(block):
                    return
                yield block

    return _Reader(info, blocks)


@contextlib.contextmanager
def _container(path: Path) -> Iterator[Any]:
    import av  # 0.1 s, and most files don't need it

    # An open file instead of a name: `http:x.wav` must stay a file, and no other is opened.
    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
    with open(path, "rb") as file, av.open(file, options=options) as container:
        yield container


def _open_av(path: Path) -> _Reader:
    import av

    try:
        with _container(path) as container:
            if not container.streams.audio:
                what = "only pictures" if container.streams.video else "no sound"
                raise UserError(f"`{path}` holds {what}", "Choose a file with sound in it")
            stream = container.streams.audio[0]
            info = MediaInfo(
                container.duration / av.time_base if container.duration else None,
                stream.rate or 0,
                stream.channels or 0,
                f"{container.format.name} {stream.codec_context.name}",
            )
    except (av.FFmpegError, ValueError) as error:
        reason = "it is not a sound or video file, or it is damaged"
        raise _unreadable(path, reason) from error
    return _Reader(info, lambda: _av_blocks(path, info))


def _av_blocks(path: Path, info: MediaInfo) -> Iterator[Samples]:
    """Yield blocks of shape ``(samples, channels)`` at the stream's own rate."""
    import av

    from amharic_tts.audio.timeline import Timeline

    with _container(path) as container:
        resampler = av.AudioResampler(format="fltp", rate=info.rate)
        start = (container.start_time or 0) / av.time_base
        timeline = Timeline(info.rate, start, info.duration)
        try:
            for frame in container.decode(container.streams.audio[0]):
                time = frame.time
                for piece in resampler.resample(frame):
                    yield from timeline.place(piece.to_ndarray().T, time)
                    time = None  # a resampler may hand out several pieces for one frame
            for piece in resampler.resample(None):
                yield piece.to_ndarray().T
        except (av.FFmpegError, ValueError) as error:
            raise _Broken(str(error)) from error
