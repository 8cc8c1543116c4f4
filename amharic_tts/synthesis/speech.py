"""What an engine is asked to say, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from amharic_tts.synthesis.request import Sampling

RATE = 24000
"""Samples a second of everything that is spoken."""


@dataclass(frozen=True)
class Piece:
    """What was made of one sentence, or of a part of a long one."""

    number: int
    """From 1."""
    total: int
    text: str
    """As written."""
    prepared: str
    samples: np.ndarray
    """Float32 mono at 24 kHz."""
    codes: int
    cut: bool
    """The model did not stop by itself and was ended at `text_split.max_codes`."""
    pause: float
    """Seconds of silence that stand after it, at least."""
    seed: int
    part: bool = False
    """The sentence is spoken in several parts, of which this is one."""


@dataclass(frozen=True)
class Speech:
    """A spoken text."""

    samples: np.ndarray
    """Float32 mono, finite, within [-1, 1]."""
    rate: int
    seconds: float
    language: str
    seed: int
    pieces: int
    cut: int
    """How many pieces did not end by themselves."""


@dataclass(frozen=True)
class Asked:
    """How one text is spoken; see `SpeechRequest`."""

    text: str
    references: tuple[Path, ...] = ()
    language: str | None = None
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    phonemes: bool = False
