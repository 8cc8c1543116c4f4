"""How fast a voice speaks, measured while it does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

_Step = TypeVar("_Step")

SAME_CODES = {"int8": 98.6, "bf16": 99.8}
"""Percent of the codes that stay fp32's likeliest in a lower precision, after the same codes:
measured by ``benchmarks.speaking`` with the practice voice, 20 sentences
(``docs/results/speaking.md``)."""


@dataclass
class Pace:
    """What was measured while speaking."""

    codes: int = 0
    writing: float = 0.0
    """Seconds that the GPT took."""
    sounding: float = 0.0
    """Seconds that the decoder took."""
    spoken: float = 0.0
    """Seconds of sound."""

    def to_dict(self) -> dict[str, float]:
        """Return codes a second, and seconds of work for a second of sound."""
        return {
            "codes_a_second": round(self.codes / max(self.writing, 1e-9), 1),
            "real_time_factor": round((self.writing + self.sounding) / max(self.spoken, 1e-9), 3),
        }


def timed(writing: Iterator[_Step], pace: Pace) -> Iterator[_Step]:
    """Hand steps on; count the time between them and the codes."""
    while True:
        began = time.perf_counter()
        step = next(writing, None)
        pace.writing += time.perf_counter() - began
        if step is None:
            return
        pace.codes += 1
        yield step
