"""When each piece of a book is heard: pauses between paragraphs, or the times of subtitles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amharic_tts.jobs.book_parts import Spoken
from amharic_tts.jobs.book_text import Item
from amharic_tts.synthesis.sentences import PARAGRAPH, SENTENCE

BEFORE_HEADING, AFTER_HEADING = 1.5, 1.0
"""Seconds of silence around a heading; between others see `synthesis.sentences`."""
BEFORE_NEXT = 0.05
"""Seconds that a cue should end before the next one begins."""
TAIL = 1.0
"""Seconds that speech may go on after its cue, where no other one follows so soon."""
FASTEST = 1.3
"""Times faster than asked that a cue is said so as to fit; more is hard to follow."""
TOLERANCE = 0.02
"""Seconds that nobody notices."""


@dataclass(frozen=True)
class Said:
    """One item as it was spoken."""

    item: Item
    parts: tuple[Spoken, ...]

    @property
    def seconds(self) -> float:
        """How long it is, with the pauses between its pieces."""
        return _begin(self, 0.0)[-1] + self.parts[-1].seconds


@dataclass(frozen=True)
class Placed:
    """One item at its place in a file."""

    said: Said
    starts: tuple[float, ...]
    """Seconds at which each of its pieces begins."""
    late: float = 0.0
    """Seconds that it begins after its cue."""
    over: float = 0.0
    """Seconds that it goes on beyond its room (`room`)."""

    @property
    def stop(self) -> float:
        """Seconds at which it ends."""
        return self.starts[-1] + self.said.parts[-1].seconds


def rooms(items: Sequence[Item]) -> list[float]:
    """Return how many seconds the speech of each cue may take.

    Up to `TAIL` after its end, but not into the next cue; cues that begin together have their own
    lengths.
    """
    found = []
    for item, following in zip(items, [*items[1:], None], strict=True):
        until = item.end + TAIL
        if following is not None and following.start > item.start:
            until = min(until, following.start - BEFORE_NEXT)
        elif following is not None:
            until = item.end
        found.append(max(until - item.start, 0.1))
    return found


def faster(seconds: float, room: float) -> float:
    """Return how many times faster a cue has to be said; 1 where it fits."""
    if seconds <= room + TOLERANCE:
        return 1.0
    # A hundredth more, since whole codes are not cut.
    return min(FASTEST, round(1.01 * seconds / room, 3))


def _begin(said: Said, at: float) -> tuple[float, ...]:
    starts = []
    for part in said.parts:
        starts.append(round(at, 6))
        at += part.seconds + _silence(part, SENTENCE)
    return tuple(starts)


def _silence(part: Spoken, pause: float) -> float:
    """Return what has to be added to the silence that a piece ends with."""
    return max(0.0, pause - part.tail)


def one_after_another(spoken: Iterable[Said]) -> list[Placed]:
    """Place items with pauses between them; the first begins at once."""
    found: list[Placed] = []
    for said in spoken:
        at = 0.0
        if found:
            before = found[-1].said
            at = found[-1].stop + _silence(before.parts[-1], pause(before.item, said.item))
        found.append(Placed(said, _begin(said, at)))
    return found


def pause(before: Item, after: Item) -> float:
    """Return the seconds of silence between two items."""
    if after.heading:
        return BEFORE_HEADING
    if before.heading:
        return AFTER_HEADING
    return PARAGRAPH


def at_cues(spoken: Sequence[Said]) -> list[Placed]:
    """Place items at the times of their cues; one that is not over yet delays the next."""
    found: list[Placed] = []
    until = 0.0
    for said, room in zip(spoken, rooms([one.item for one in spoken]), strict=True):
        start = max(said.item.start, until)
        late = start - said.item.start
        placed = Placed(
            said,
            _begin(said, start),
            round(late, 3) if late > TOLERANCE else 0.0,
            round(said.seconds - room, 3) if said.seconds > room + TOLERANCE else 0.0,
        )
        found.append(placed)
        until = placed.stop
    return found
