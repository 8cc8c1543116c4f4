"""What callers hand in as sound, as blocks of mono float32 at the recognisers' rate.

Nothing is held longer than a block, so that hours of sound need no more memory than seconds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import RATE, Array

Audio: TypeAlias = (
    "ArrayLike | Iterator[ArrayLike] | str | Path | bytes | bytearray | memoryview | BinaryIO"
)
"""Samples, an iterator of blocks of them, the path of a media file, or the bytes of one (also an
open binary file)."""

_BLOCK = 10  # seconds
_LOW_RATE = 8000
_SAMPLES = "Give samples as a list or array of numbers, or the path or the bytes of a sound file"


class Sound:
    """A sound of any form; iterate over it for its blocks.

    Args:
        audio: See `Audio`. Arrays are mono, or two-dimensional with the channels as the shorter
            side; floats have their full scale at 1, integers at their type's largest value, and
            64-bit ones (lists of integers) at that of 16 bits.
        rate: Samples a second of an array; a file knows its own.

    Attributes:
        notes: What was done to it, or is wrong with it; complete once the blocks have run out.

    Raises:
        UserError: While iterating: no sound, no such file, NaN or infinite values, no usable rate.
    """

    def __init__(self, audio: Audio, rate: float = RATE) -> None:
        self._audio, self._rate = audio, rate
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Array]:
        audio = self._audio
        if isinstance(audio, (str, Path)):
            return self._file(Path(audio))
        if isinstance(audio, (bytes, bytearray, memoryview)) or hasattr(audio, "read"):
            return self._bytes(audio)  # type: ignore[arg-type]
        if isinstance(audio, Iterator):
            return self._stream(audio)
        return self._array(audio)

    def _file(self, path: Path) -> Iterator[Array]:
        from amharic_tts.audio.read import AudioStream

        stream = AudioStream(path, RATE)
        self._note_rate(stream.info.rate)
        yield from stream
        if stream.truncated:
            self.notes.append(f"the file is cut short: {stream.truncated}")

    def _bytes(self, audio: bytes | bytearray | memoryview | BinaryIO) -> Iterator[Array]:
        """Yield the blocks by way of a file: decoders want to seek, and hours must not be held."""
        handle, name = tempfile.mkstemp(prefix="sound-")
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(audio, (bytes, bytearray, memoryview)):
                    file.write(audio)
                else:
                    if audio.seekable():
                        audio.seek(0)
                    shutil.copyfileobj(audio, file)
            yield from self._file(path)
        except UserError as error:
            message = error.message.replace(f"`{path}`", "The sound given as bytes")
            raise UserError(message, error.hint) from error
        finally:
            path.unlink(missing_ok=True)

    def _array(self, audio: object) -> Iterator[Array]:
        samples, rate = _checked(audio, self._rate)
        self._note_rate(rate)
        peak = _peak(samples, rate)
        if peak > 1.0:
            self.notes.append(f"scaled down from a peak of {peak:.4g} (full scale is 1)")
        blocks = (_mono(block) / np.float32(max(1.0, peak)) for block in _blocks(samples, rate))
        yield from blocks if rate == RATE else _resampled(blocks, rate)

    def _stream(self, audio: Iterator[ArrayLike]) -> Iterator[Array]:
        """Yield blocks that are not here yet; what is louder than full scale stays so."""

        def blocks() -> Iterator[Array]:
            for block in audio:
                samples, rate = _checked(block, self._rate)
                _peak(samples, rate)
                yield _mono(samples)

        yield from blocks() if self._rate == RATE else _resampled(blocks(), self._rate)

    def _note_rate(self, rate: float) -> None:
        if rate < _LOW_RATE:
            self.notes.append(
                f"the sound has {rate:g} samples a second, and so nothing above {rate / 2:g} Hz; "
                "many consonants can't be told apart in it"
            )


def _checked(audio: object, rate: float) -> tuple[np.ndarray, float]:
    """Return samples, time first, and their rate."""
    try:
        samples = np.asarray(audio)
    except ValueError as error:  # lists of different lengths
        raise UserError("The sound is no array of numbers", _SAMPLES) from error
    if samples.dtype.kind not in "iufb":
        raise UserError(
            f"The sound is no array of numbers (its type is `{samples.dtype}`)", _SAMPLES
        )
    if samples.ndim not in (1, 2):
        raise UserError(
            f"The sound has {samples.ndim} dimensions", "Give samples, or samples by channels"
        )
    if not isinstance(rate, (int, float, np.number)) or not 1000 <= rate <= 768_000:
        raise UserError(f"{rate} is no sample rate (1000 to 768000)")
    if not samples.size:
        samples = samples.reshape(-1)
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T
    return samples, float(rate)


def _blocks(samples: np.ndarray, rate: float) -> Iterator[np.ndarray]:
    size = int(_BLOCK * rate)
    for at in range(0, len(samples), size):
        yield samples[at : at + size]


def _peak(samples: np.ndarray, rate: float) -> float:
    """Return the loudest value of the mono sound; 1 for integers, which can't be louder.

    Raises:
        UserError: NaN or infinite values.
    """
    if samples.dtype.kind != "f" and samples.dtype.itemsize < 8:
        return 1.0
    peak = 0.0
    for number, block in enumerate(_blocks(samples, rate)):
        mono = _mono(block)
        if not np.isfinite(mono).all():
            at = number * _BLOCK + int(np.argmin(np.isfinite(mono))) / rate
            raise UserError(
                f"The sound holds NaN or infinite values, first at {at:.2f} s",
                "Export it again, or leave it out",
            )
        peak = max(peak, float(np.abs(mono).max(initial=0.0)))
    return peak


def _mono(block: np.ndarray) -> Array:
    """Return float32; integers are divided by their full scale, unsigned ones centred first."""
    kind = block.dtype.kind
    # A float64 above the largest float32 becomes infinite, and is refused as such.
    with np.errstate(over="ignore", invalid="ignore"):
        if kind in "iu":
            info = np.iinfo(block.dtype)
            # Lists of integers become 64 bits wide; what is in them are 16-bit samples.
            half = 2.0**15 if info.bits == 64 else (float(info.max) - float(info.min) + 1) / 2
            centre = 0.0 if info.bits == 64 else float(info.min) + half
            block = (block - centre) / half
        if block.ndim == 2:
            block = block.mean(axis=1) if block.shape[1] else np.zeros(len(block))
        return np.ascontiguousarray(block, dtype=np.float32)


def _resampled(blocks: Iterable[Array], rate: float) -> Iterator[Array]:
    import soxr

    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
