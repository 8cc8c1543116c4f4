"""What a speech recogniser gives, whatever model is behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second that the models hear."""
Samples = NDArray[np.float32]
METHOD = "1"
"""How sound is cut and heard; a new value whenever that changes, so that what was remembered of
the old way is not used again."""


@dataclass(frozen=True)
class Word:
    """One word as it is written, punctuation included."""

    text: str
    start: float
    """Seconds in the sound."""
    end: float
    confidence: float
    """0 to 1, by the model itself."""

    def moved(self, seconds: float) -> Word:
        """Return the word `seconds` later."""
        start, end = round(self.start + seconds, 3), round(self.end + seconds, 3)
        return replace(self, start=start, end=end)


@dataclass(frozen=True)
class Heard:
    """What was heard in one stretch of sound."""

    text: str = ""
    words: tuple[Word, ...] = ()
    """Empty where the model tells no times."""
    confidence: float | None = None
    """Mean of the words', or of the model's tokens where it tells no words; None where nothing
    was heard, or the model does not tell."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        words = [[w.text, w.start, w.end, w.confidence] for w in self.words]
        return {"text": self.text, "words": words, "confidence": self.confidence}

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Heard:
        """Return what `to_dict` made.

        Raises:
            ValueError, TypeError, KeyError: It is something else.
        """
        words = tuple(
            Word(str(text), float(start), float(end), float(confidence))
            for text, start, end, confidence in body["words"]
        )
        sure = body["confidence"]
        return cls(str(body["text"]), words, None if sure is None else float(sure))


class Recogniser(Protocol):
    """A loaded model."""

    longest: float
    """Seconds of the longest stretch that it may be given."""

    def hear(self, samples: Samples) -> Heard:
        """Return what is said in mono samples at `RATE`; the times count from their beginning."""


def joined(parts: list[tuple[float, Heard]]) -> Heard:
    """Return what was heard in the pieces of a sound as one.

    Args:
        parts: Where each piece begins, in seconds, and what was heard in it.
    """
    words = tuple(word.moved(start) for start, heard in parts for word in heard.words)
    text = " ".join(heard.text for _, heard in parts if heard.text)
    sure = [(h.confidence, len(h.text)) for _, h in parts if h.confidence is not None and h.text]
    letters = sum(length for _, length in sure)
    mean = round(sum(c * length for c, length in sure) / letters, 4) if letters else None
    return Heard(text, words, mean)
