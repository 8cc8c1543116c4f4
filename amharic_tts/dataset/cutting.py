"""Cut the cues out of a recording while it is decoded once, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from amharic_tts.audio.read import RATE, AudioStream, Samples
from amharic_tts.dataset.subtitles import Cue
from amharic_tts.errors import UserError


@dataclass(frozen=True)
class Cut:
    """The sound of one cue; `missing` says, in words, what of it the recording does not have."""

    number: int
    """Place of the cue in the list."""
    samples: Samples | None
    missing: str = ""
    damaged: str = ""
    """Why the recording could not be decoded up to the cue, where that is the reason."""


@dataclass
class _Open:
    number: int
    start: int
    end: int
    parts: list[Samples] = field(default_factory=list)

    def take(self, block: Samples, at: int) -> bool:
        """Keep what is the cue's of a block that starts at sample `at`; tell if it is whole."""
        piece = block[max(0, self.start - at) : max(0, self.end - at)]
        if len(piece):
            self.parts.append(piece)
        return at + len(block) >= self.end

    def samples(self) -> Samples:
        return np.concatenate(self.parts) if self.parts else np.zeros(0, np.float32)


def cut(stream: AudioStream, cues: Sequence[tuple[int, Cue]]) -> Iterator[Cut | float]:
    """Yield a `Cut` for each cue as soon as it is whole, and the seconds heard after each block.

    Decoding ends with the last cue. Memory holds one block and the cues that are open in it.

    Args:
        stream: The recording at `RATE`.
        cues: Number and cue, sorted by start.
    """
    pending = [_Open(n, round(c.start * RATE), round(c.end * RATE)) for n, c in cues]
    pending.reverse()
    running: list[_Open] = []
    at, damaged = 0, ""
    if not pending:
        return
    try:
        for block in stream:
            while pending and pending[-1].start < at + len(block):
                running.append(pending.pop())
            for item in [item for item in running if item.take(block, at)]:
                running.remove(item)
                yield Cut(item.number, item.samples())
            at += len(block)
            if not pending and not running:
                return
            yield at / RATE
    except UserError as error:
        damaged = error.message
    for item in (*running, *reversed(pending)):
        yield _incomplete(item, at, damaged)


def _incomplete(item: _Open, heard: int, damaged: str) -> Cut:
    if item.start >= heard:
        missing = f"the recording ends at {heard / RATE:.2f} s, before the cue"
        return Cut(item.number, None, missing, damaged)
    missing = f"the recording ends {(item.end - heard) / RATE:.2f} s before the cue does"
    return Cut(item.number, item.samples(), missing, damaged)
