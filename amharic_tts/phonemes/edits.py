"""Two sequences of phones laid side by side, in memory that grows with their length only.

The number of edits is the plain edit distance (Levenshtein 1966). Among the alignments with that
number the one whose changed phones are nearest by `features.distance` is taken, so that p stands
beside b rather than beside a, and the rows of an alignment are exactly the errors of the PER.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amharic_tts.phonemes.features import distance

_EDIT = 1 << 32
_FINE = 1 << 10
"""Steps of a distance; a million phones that differ stay below one edit."""
_AT_ONCE = 1 << 20
"""Cells of the table that is kept; longer sequences are halved first (Hirschberg 1975)."""

Costs = NDArray[np.int64]
Pair = tuple[int | None, int | None]
"""Indices in the wanted and in the heard sequence; None where there is no partner."""


def align(wanted: Sequence[str], heard: Sequence[str]) -> list[Pair]:
    """Return the pairs of the best alignment, in order. Both sequences are covered exactly once."""
    kinds = {phone: at for at, phone in enumerate(dict.fromkeys([*wanted, *heard]))}
    names = list(kinds)
    costs = np.array([[_change(a, b) for b in names] for a in names], dtype=np.int64)
    left = np.array([kinds[phone] for phone in wanted], dtype=np.int64)
    right = np.array([kinds[phone] for phone in heard], dtype=np.int64)
    found: list[Pair] = []
    _halved(left, right, 0, 0, costs, found)
    return found


def _change(left: str, right: str) -> int:
    return 0 if left == right else _EDIT + round(distance(left, right) * _FINE)


def _halved(
    left: Costs, right: Costs, first: int, second: int, costs: Costs, found: list[Pair]
) -> None:
    """Add the pairs of two stretches that begin at `first` and `second`."""
    if len(left) <= 1 or len(right) <= 1 or len(left) * len(right) <= _AT_ONCE:
        found += [
            (None if i is None else i + first, None if j is None else j + second)
            for i, j in _whole(left, right, costs)
        ]
        return
    middle = len(left) // 2
    before = _last_row(left[:middle], right, costs)
    after = _last_row(left[middle:][::-1], right[::-1], costs)[::-1]
    cut = int(np.argmin(before + after))
    _halved(left[:middle], right[:cut], first, second, costs, found)
    _halved(left[middle:], right[cut:], first + middle, second + cut, costs, found)


def _next_row(row: Costs, changes: Costs) -> Costs:
    """Return the row of the table below `row`; `changes` are the costs of changed phones."""
    steps = np.arange(len(row), dtype=np.int64) * _EDIT
    best = np.minimum(row[:-1] + changes, row[1:] + _EDIT)
    # A step to the right always costs one edit: less these, the best way is a running minimum.
    return np.minimum.accumulate(np.concatenate([row[:1] + _EDIT, best]) - steps) + steps


def _last_row(left: Costs, right: Costs, costs: Costs) -> Costs:
    row = np.arange(len(right) + 1, dtype=np.int64) * _EDIT
    for kind in left:
        row = _next_row(row, costs[kind, right])
    return row


def _whole(left: Costs, right: Costs, costs: Costs) -> list[Pair]:
    table = [np.arange(len(right) + 1, dtype=np.int64) * _EDIT]
    for kind in left:
        table.append(_next_row(table[-1], costs[kind, right]))
    pairs: list[Pair] = []
    i, j = len(left), len(right)
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + costs[left[i - 1], right[j - 1]]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and here == table[i - 1][j] + _EDIT:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]
