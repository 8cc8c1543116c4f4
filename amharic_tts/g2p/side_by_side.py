"""The outputs of several backends laid under each other, phone under phone, word by word.

Progressive alignment: the first sequence makes the columns, each further one is laid on them with
the fewest edits (the costs of `alignment`, summed over the cells of a column), and adds a column
where it has a phone that nobody had before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, zip_longest
from typing import TypeVar

from amharic_tts.g2p.alignment import change_cost, distance, gap_cost
from amharic_tts.g2p.compare import Comparison, Side
from amharic_tts.g2p.words import by_word

LONG = "ː"
LONGEST_WORD = 300
"""Phones; longer words are laid from the left, without alignment: its cost grows by the square."""
MOST_WORDS = 150
"""Words of a line whose backends differ in their number; more are laid from the left too."""

T = TypeVar("T")


class Mark(str, Enum):
    """How a cell stands to the cell of the first row in its column."""

    SAME = "same"
    LENGTH = "length"
    """The same phone, long in one and short in the other."""
    OTHER = "other"
    """Another phone."""
    EXTRA = "extra"
    """A phone where the first row has none."""
    MISSING = "missing"
    """None where the first row has one."""


def mark(first: str, cell: str) -> Mark:
    """Return how a cell differs from that of the first row; an empty one is a gap."""
    if cell == first:
        return Mark.SAME
    if not first or not cell:
        return Mark.EXTRA if cell else Mark.MISSING
    same_phone = cell.rstrip(LONG) == first.rstrip(LONG)
    return Mark.LENGTH if same_phone else Mark.OTHER


@dataclass(frozen=True)
class Block:
    """One word: a row of cells for each backend, all of the same length, a gap is empty."""

    word: str
    """As it stands in the normalised text; empty where the backends do not agree on words."""
    rows: tuple[tuple[str, ...], ...]
    own: bool = False
    """Whether the user's lexicon gave it; then it is the same in every row."""

    @property
    def differs(self) -> bool:
        """Whether any row is not as the first one."""
        return any(row != self.rows[0] for row in self.rows)

    def marks(self, row: int) -> list[Mark]:
        """Return how each cell of a row stands to the first row."""
        return [mark(*pair) for pair in zip(self.rows[0], self.rows[row], strict=True)]


@dataclass(frozen=True)
class SideBySide:
    """One line by every backend that wrote something."""

    backends: tuple[str, ...]
    """Names, in the order of the rows; the first is the one that the others are compared with."""
    blocks: tuple[Block, ...]


def columns(sequences: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of an alignment of phones, all of the same length.

    Args:
        sequences: Phones of each backend; those of the first make the columns.

    Returns:
        A row for each sequence; without its empty cells it is the sequence.

    Example:
        >>> columns([["h", "u", "lː"], ["h", "u", "l", "ɨ"]])
        (('h', 'u', 'lː', ''), ('h', 'u', 'l', 'ɨ'))
    """
    if max(map(len, sequences), default=0) > LONGEST_WORD:
        return tuple(zip(*zip_longest(*sequences, fillvalue=""), strict=True))
    return tuple(tuple(row) for row in _aligned(sequences, "", gap_cost, change_cost))


def side_by_side(comparison: Comparison, first: str = "") -> SideBySide:
    """Return the aligned outputs of one line.

    Args:
        comparison: What the backends wrote.
        first: The backend that the others are compared with; the first that wrote something where
            it is not among them.
    """
    sides = [side for side in comparison.sides if side.words]
    sides.sort(key=lambda side: side.backend != first)
    if not sides:
        return SideBySide((), ())
    rows = _words([list(side.words) for side in sides])
    written = by_word(comparison.normalized, lambda word: word).split()
    named = len(written) == len(rows[0]) and all(len(side.words) == len(written) for side in sides)
    blocks = (
        Block(
            written[at] if named else "",
            columns([row[at] for row in rows]),
            named and sides[0].own[at],
        )
        for at in range(len(rows[0]))
    )
    return SideBySide(tuple(side.backend for side in sides), tuple(blocks))


def own_words(side: Side) -> tuple[str, ...]:
    """Return the words of an output that the user's lexicon gave, each once."""
    return tuple(
        dict.fromkeys("".join(word) for word, own in zip(side.words, side.own, strict=True) if own)
    )


Word = tuple[str, ...]


def _words(sequences: Sequence[Sequence[Word]]) -> list[list[Word]]:
    """Lay words under each other; backends mostly write as many as the text has."""
    counts = {len(words) for words in sequences}
    if len(counts) == 1:
        return [list(words) for words in sequences]
    if max(counts) > MOST_WORDS:
        return [list(row) for row in zip(*zip_longest(*sequences, fillvalue=()), strict=True)]
    return _aligned(sequences, (), len, distance)


def _aligned(
    sequences: Sequence[Sequence[T]],
    nothing: T,
    gap: Callable[[T], int],
    change: Callable[[T, T], int],
) -> list[list[T]]:
    rows: list[list[T]] = []
    for number, sequence in enumerate(sequences):
        earlier = next((n for n in range(number) if list(sequences[n]) == list(sequence)), None)
        if earlier is None:
            rows = _laid(rows, sequence, nothing, gap, change)
        else:
            rows.append(list(rows[earlier]))
    return rows


def _laid(
    rows: list[list[T]],
    sequence: Sequence[T],
    nothing: T,
    gap: Callable[[T], int],
    change: Callable[[T, T], int],
) -> list[list[T]]:
    """Return rows with one more, laid on them at the lowest cost over all pairs of cells."""
    if not rows:
        return [list(sequence)]
    stacks = [[cell for cell in stack if cell] for stack in zip(*rows, strict=True)]
    left_out = [sum(map(gap, stack)) for stack in stacks]
    added = [len(rows) * gap(item) for item in sequence]
    # A cell against the gaps of a column costs as much as against nothing there.
    partner = [
        [
            sum(change(cell, item) for cell in stack) + (len(rows) - len(stack)) * gap(item)
            for item in sequence
        ]
        for stack in stacks
    ]
    costs = [list(accumulate(added, initial=0))]
    for i, cost in enumerate(left_out):
        above, row = costs[-1], [costs[-1][0] + cost]
        for j, more in enumerate(added):
            row.append(min(above[j] + partner[i][j], above[j + 1] + cost, row[-1] + more))
        costs.append(row)
    return _traced(rows, sequence, nothing, costs, partner, left_out)


def _traced(
    rows: list[list[T]],
    sequence: Sequence[T],
    nothing: T,
    costs: list[list[int]],
    partner: list[list[int]],
    left_out: list[int],
) -> list[list[T]]:
    made: list[list[T]] = [[] for _ in (*rows, sequence)]
    i, j = len(left_out), len(sequence)
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + partner[i - 1][j - 1]:
            i, j = i - 1, j - 1
            stack = [*(row[i] for row in rows), sequence[j]]
        elif i and costs[i][j] == costs[i - 1][j] + left_out[i - 1]:
            i -= 1
            stack = [*(row[i] for row in rows), nothing]
        else:
            j -= 1
            stack = [*(nothing for _ in rows), sequence[j]]
        for row, cell in zip(made, stack, strict=True):
            row.append(cell)
    return [row[::-1] for row in made]
