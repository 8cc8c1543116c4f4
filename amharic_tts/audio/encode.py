"""Speech into the formats that people and programs ask for, at once or while it is made.

WAV and PCM need no library. MP3, FLAC, Opus and AAC are encoded by FFmpeg's libraries (PyAV), and
Vorbis by libsndfile: FFmpeg's own Vorbis encoder is unfinished.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from amharic_tts.errors import UserError

Samples = NDArray[np.float32]
"""Mono samples, one dimension, full scale at -1 and 1."""

_UNKNOWN = 0xFFFFFFFF
"""What a WAV header says where nobody knows the length yet (ITU-R BS.2088 does the same)."""
_BLOCK = 8192
"""libsndfile's Vorbis encoder keeps a whole write on the stack, so writes are short."""


@dataclass(frozen=True)
class Format:
    """One way to write sound."""

    name: str
    suffix: str
    mime: str
    codec: str = ""
    """FFmpeg's name of the encoder, where PyAV writes it."""
    container: str = ""
    """FFmpeg's name of the container."""
    layout: str = "s16"
    """FFmpeg's name of the samples that the encoder takes."""
    bits: int | None = None
    """Bits a second; None where nothing is lost, or where quality is what is set."""
    rates: tuple[int, ...] = ()
    """Samples a second that the format knows; empty: any."""


_MPEG = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

FORMATS: dict[str, Format] = {
    known.name: known
    for known in (
        Format("wav", ".wav", "audio/wav"),
        Format("mp3", ".mp3", "audio/mpeg", "libmp3lame", "mp3", "s16p", 96_000, _MPEG),
        Format("flac", ".flac", "audio/flac", "flac", "flac"),
        Format("ogg", ".ogg", "audio/ogg"),
        Format(
            *("opus", ".opus", "audio/ogg; codecs=opus", "libopus", "ogg", "s16", 48_000),
            (8000, 12000, 16000, 24000, 48000),
        ),
        Format("aac", ".aac", "audio/aac", "aac", "adts", "fltp", 96_000, _MPEG),
        Format("pcm", ".pcm", "audio/pcm"),
    )
}
"""By name. `ogg` is Vorbis, `opus` is Opus in Ogg, `pcm` is 16-bit little-endian without header."""


def of_name(name: str) -> Format:
    """Return a format by its name.

    Raises:
        UserError: There is none of that name.
    """
    if name not in FORMATS:
        raise UserError(f"There is no format `{name}`", f"There are: {', '.join(FORMATS)}")
    return FORMATS[name]


def to_pcm(samples: Samples) -> bytes:
    """Return samples of shape ``(n,)`` as 16-bit little-endian; what is louder than 1 is cut."""
    return np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()


class Encoder:
    """Encodes sound piece by piece; no byte that was handed out is changed later.

    A WAV or FLAC made this way does not know its own length, and an MP3 or AAC is up to 0.1 s
    longer than the sound. `encode` does both better.

    Example:
        >>> encoder = Encoder("mp3", 24000)
        >>> for pcm in pieces:  # 16-bit little-endian mono, as bytes
        ...     send(encoder.feed(pcm))
        >>> send(encoder.close())

    Args:
        format: A name in `FORMATS`.
        rate: Samples a second that go in. MP3, AAC and Opus know only some rates; any other is
            converted to the next one above.

    Raises:
        UserError: There is no such format.
    """

    def __init__(self, format: str, rate: int) -> None:
        self.format, self.rate = of_name(format), rate
        self._out = _Pipe()
        self._writer = _writer(self.format, rate, self._out, whole=False)

    def feed(self, pcm: bytes) -> bytes:
        """Take the next samples, 16-bit little-endian mono; return what can be sent by now.

        Raises:
            ValueError: Half a sample.
        """
        self._writer.write(np.frombuffer(pcm, "<i2"))
        return self._out.take()

    def close(self) -> bytes:
        """Return the rest; nothing can be fed afterwards. Once closed, it returns nothing more."""
        self._writer.close()
        return self._out.take()


def encode(samples: Samples, rate: int, format: str) -> bytes:
    """Return a whole file: its header knows the length, and MP3 says how to play it to the sample.

    Args:
        samples: Mono float32, shape ``(n,)``.
        rate: Samples a second.
        format: A name in `FORMATS`.

    Raises:
        UserError: There is no such format.
    """
    out = io.BytesIO()
    writer = _writer(of_name(format), rate, out, whole=True)
    writer.write(np.frombuffer(to_pcm(samples), "<i2"))
    writer.close()
    return out.getvalue()


class Writer(Protocol):
    """Takes the sound of a whole file in pieces."""

    def write(self, samples: NDArray[np.int16]) -> None:
        """Take the next samples, mono, shape ``(n,)``."""

    def close(self) -> None:
        """Write the end, and put the header right."""


def writer(file: BinaryIO, rate: int, format: str) -> Writer:
    """Return what writes a whole file as `encode` does, in memory that does not grow.

    Raises:
        UserError: There is no such format.
    """
    return _writer(of_name(format), rate, file, whole=True)


def _writer(format: Format, rate: int, out: BinaryIO | _Pipe, whole: bool) -> Writer:
    if format.name == "pcm":
        return _Plain(out)
    if format.name == "wav":
        return _Wav(out, rate, whole)
    if format.name == "ogg":
        return _Vorbis(out, rate)
    return _Av(format, out, rate)


class _Pipe:
    """Collects what is written until it is taken; says that it can't seek, so nobody goes back."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._taken = 0

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        held = bytes(self._held)
        self._taken += len(held)
        self._held.clear()
        return held

    def tell(self) -> int:
        return self._taken + len(self._held)

    def flush(self) -> None:
        """Nothing is kept back."""


class _Appending(_Pipe):
    """A pipe for libsndfile, which asks for the size before it writes and then never goes back."""

    def seek(self, offset: int, whence: int = 0) -> int:
        at = offset if whence == 0 else self.tell() + offset
        if at != self.tell():
            raise OSError("this sound can only be appended to")
        return at

    def read(self, count: int = -1) -> bytes:
        return b""


class _Plain:
    def __init__(self, out: BinaryIO | _Pipe) -> None:
        self._out = out

    def write(self, samples: NDArray[np.int16]) -> None:
        self._out.write(samples.astype("<i2", copy=False).tobytes())

    def close(self) -> None:
        """There is no end to write."""


class _Wav(_Plain):
    def __init__(self, out: BinaryIO | _Pipe, rate: int, whole: bool) -> None:
        super().__init__(out)
        self._rate, self._whole = rate, whole
        self._out.write(_wav_header(rate, None))

    def close(self) -> None:
        if self._whole and not isinstance(self._out, _Pipe):
            size = self._out.tell()
            self._out.seek(0)
            self._out.write(_wav_header(self._rate, size - 44))
            self._out.seek(size)


def _wav_header(rate: int, size: int | None) -> bytes:
    """Return the 44 bytes before 16-bit mono samples; `size` is how many bytes of them follow."""
    riff, data = (_UNKNOWN, _UNKNOWN) if size is None else (size + 36, size)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", data),
    )


class _Vorbis:
    def __init__(self, out: BinaryIO | _Pipe, rate: int) -> None:
        import soundfile

        self._out = out
        self._pipe = _Appending()
        self._sound: Any = soundfile.SoundFile(
            self._pipe, "w", rate, 1, format="OGG", subtype="VORBIS"
        )

    def write(self, samples: NDArray[np.int16]) -> None:
        for start in range(0, len(samples), _BLOCK):
            self._sound.write(samples[start : start + _BLOCK])
        self._out.write(self._pipe.take())

    def close(self) -> None:
        self._sound.close()
        self._out.write(self._pipe.take())


class _Av:
    """A container of PyAV; where `out` can seek, the header is put right at the end."""

    def __init__(self, format: Format, out: BinaryIO | _Pipe, rate: int) -> None:
        import av

        self._av, self._format, self._rate = av, format, rate
        known = [other for other in format.rates if other >= rate]
        target = rate if not format.rates else known[0] if known else format.rates[-1]
        # Out at once, and Ogg pages of a tenth of a second instead of a whole one: who listens
        # while it is made waits for them.
        options = {"flush_packets": "1"}
        if format.container == "ogg":
            options["page_duration"] = "100000"
        sink = _WriteOnly(out) if isinstance(out, _Pipe) else out
        self._container: Any = av.open(
            sink, "w", format=format.container, options=options, buffer_size=4096
        )
        self._stream: Any = self._container.add_stream(format.codec, rate=target)
        self._stream.codec_context.thread_count = 1  # threads would hold frames back
        self._stream.layout = "mono"
        self._stream.format = format.layout
        if format.bits is not None:
            self._stream.bit_rate = format.bits
        self._resampler: Any = av.AudioResampler(format.layout, "mono", target)
        self._done = 0
        self._closed = False

    def write(self, samples: NDArray[np.int16]) -> None:
        if not len(samples):
            return
        frame = self._av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._rate, self._done
        self._done += len(samples)
        self._mux(self._resampler.resample(frame))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._done:
            self._mux(self._resampler.resample(None))
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _mux(self, frames: list[Any]) -> None:
        for frame in frames:
            self._container.mux(self._stream.encode(frame))


class _WriteOnly:
    """What PyAV may see of a pipe: it takes `tell` and `seek` as a promise to go back."""

    def __init__(self, pipe: _Pipe) -> None:
        self.write = pipe.write
