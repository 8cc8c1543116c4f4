"""What the extractor asks of a recogniser: log-probabilities of its symbols, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
RATE = 16_000
"""Samples a second that recognisers hear."""


@dataclass(frozen=True)
class Symbols:
    """The output symbols of a CTC model."""

    names: tuple[str, ...]
    blank: int
    word: int | None = None
    """The symbol that stands between words."""
    modifiers: frozenset[int] = frozenset()
    """Symbols that belong to the phone before them, such as ``ː``."""
    bias: tuple[tuple[int, float], ...] = ()
    """Added to single symbols before the best one is taken, as the model's makers do."""
    ignored: frozenset[int] = field(default=frozenset())
    """Symbols that are no sounds; they are never taken."""


class Recognizer(Protocol):
    """A loaded model."""

    @property
    def id(self) -> str:
        """Its name and version."""

    @property
    def notation(self) -> str:
        """``ipa``, ``arpabet`` or ``letters``."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that it was trained on."""

    @property
    def dtype(self) -> str:
        """Number format of its weights."""

    @property
    def symbols(self) -> Symbols:
        """Its output symbols."""

    @property
    def frame_seconds(self) -> float:
        """Length of one output frame."""

    def log_probabilities(self, samples: Array) -> Array:
        """Return natural logarithms, shape (frames, symbols), of mono samples at `RATE`."""
