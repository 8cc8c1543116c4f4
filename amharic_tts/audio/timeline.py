"""Sound at its own time: a video whose sound starts late, or misses a piece, must not slide.

Subtitles count from the beginning of the file. A decoder hands out one frame after the other; where
a recorder of variable frame rate dropped some, the sound behind would come too early.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from amharic_tts.audio.read import Samples

TOLERANCE = 0.04
"""Seconds that a frame may be off its time: rounding of time stamps, and encoders' delays."""
_BLOCK = 1 << 15
_BEYOND = 1.0


class Timeline:
    """Puts frames at their times; counts in samples at the stream's rate.

    Args:
        rate: Samples a second.
        start: The file's own beginning in seconds, from which subtitles count.
        duration: Seconds that the file says it has, or None; a time stamp beyond is not believed.

    Attributes:
        filled: Seconds of silence that were put in.
        cut: Seconds of sound that were left out, because two frames claim the same time.
    """

    def __init__(self, rate: int, start: float, duration: float | None) -> None:
        self._rate, self._start, self._duration = rate, start, duration
        self._at = 0
        self.filled, self.cut = 0.0, 0.0

    def place(self, samples: Samples, time: float | None) -> Iterator[Samples]:
        """Yield what must be heard for a frame: silence before it, and the frame.

        Args:
            samples: Shape ``(n, channels)``.
            time: When the frame is heard, in seconds; None where the file does not say.
        """
        off = 0 if time is None else round((time - self._start) * self._rate) - self._at
        if abs(off) <= TOLERANCE * self._rate or not self._believed(off):
            off = 0
        if off > 0:
            self.filled += off / self._rate
            self._at += off
            for begin in range(0, off, _BLOCK):
                yield np.zeros((min(_BLOCK, off - begin), samples.shape[1]), samples.dtype)
        elif off < 0:
            gone = min(-off, len(samples))
            self.cut += gone / self._rate
            samples = samples[gone:]
        self._at += len(samples)
        if len(samples):
            yield samples

    def _believed(self, off: int) -> bool:
        """Tell whether a jump stays inside the file; broken time stamps leap by hours."""
        end = (self._at + off) / self._rate
        return self._duration is not None and -_BEYOND <= end <= self._duration + _BEYOND
