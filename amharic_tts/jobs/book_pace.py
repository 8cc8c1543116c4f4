"""How far a book is, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Sequence

from amharic_tts.events import Progress
from amharic_tts.jobs.book_text import Item


class Pace:
    """How far the speaking is, and how long it will take at the pace of this run."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._total = sum(len(item.pieces) for item in items)
        self._left = sum(len(text) for item in items for text in item.pieces)
        self._done = self._characters = 0
        self._began: float | None = None

    def skip(self, characters: int) -> None:
        """Count a piece that was there."""
        self._done, self._left = self._done + 1, self._left - characters

    def add(self, characters: int) -> None:
        """Count a piece that was spoken now."""
        self.skip(characters)
        self._characters += characters

    def progress(self, note: str, characters: float = 0.0) -> Progress:
        """Return how far it is, with some characters of the piece at hand."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        said = self._characters + characters
        left = None
        if said:
            left = max(0.0, self._left - characters) * (now - self._began) / said
        # A cue that is said again, faster, counts as a piece too.
        return Progress(min(self._done, self._total), self._total, note, left)
