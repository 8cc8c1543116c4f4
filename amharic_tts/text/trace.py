"""Text that remembers what was changed in it, and where that was in the text as it came."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One change: `span` counts characters of the text as it came."""

    span: tuple[int, int]
    before: str
    after: str
    rule: str


@dataclass
class _Pass:
    """The edits of one rule: (start, end) in its input and (start, end) in its output."""

    starts: list[int]
    edits: list[tuple[int, int, int, int]]

    def start(self, position: int) -> int:
        """Return where the character at an output position began in the input."""
        at = bisect_right(self.starts, position) - 1
        if at < 0:
            return position
        in_start, in_end, _, out_end = self.edits[at]
        return in_start if position < out_end else position - out_end + in_end

    def end(self, position: int) -> int:
        """Return where the character before an output position ended in the input."""
        at = bisect_left(self.starts, position) - 1
        if at < 0:
            return position
        _, in_end, _, out_end = self.edits[at]
        return in_end if position <= out_end else position - out_end + in_end


class Traced:
    """A text under change; memory grows with the number of changes, not with the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.changes: list[Change] = []
        self._passes: list[_Pass] = []

    def replace(
        self, pattern: re.Pattern[str], make: Callable[[re.Match[str]], str], rule: str
    ) -> None:
        """Replace every match by what `make` returns; what differs is recorded under `rule`."""
        pieces: list[str] = []
        edits: list[tuple[int, int, int, int]] = []
        copied = written = 0
        for match in pattern.finditer(self.text):
            after = make(match)
            if after == match[0]:
                continue
            start, end = match.span()
            written += start - copied
            pieces += (self.text[copied:start], after)
            edits.append((start, end, written, written + len(after)))
            written += len(after)
            copied = end
            self.changes.append(Change(self._span(start, end), match[0], after, rule))
        if not edits:
            return
        pieces.append(self.text[copied:])
        self.text = "".join(pieces)
        self._passes.append(_Pass([edit[2] for edit in edits], edits))

    def find(self, pattern: re.Pattern[str], rule: str) -> Iterator[Change]:
        """Yield every match in the text as it is now, as a change to itself."""
        for match in pattern.finditer(self.text):
            yield Change(self._span(*match.span()), match[0], match[0], rule)

    def _span(self, start: int, end: int) -> tuple[int, int]:
        for step in reversed(self._passes):
            start, end = step.start(start), step.end(end)
        return start, end
