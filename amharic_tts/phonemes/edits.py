"""Two sequences of phones laid side by side, in memory that grows with their length only.

Without times the rows are the fewest edits (Levenshtein 1966); among the alignments with that
number the one whose changed phones are nearest by `features.distance` is taken, so that p stands
beside b rather than beside a. With times, phones that stand apart in the sound are kept apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from amharic_tts.phonemes.features import distance

NEAR = 0.1
"""Seconds between two phones that count as the same place: CTC spikes move by a few frames."""
FAR = 0.4
"""Seconds beyond `NEAR` that weigh as much as one edit; more than two of them never do."""

_EDIT = 1 << 32
_FINE = 1 << 10
"""Steps of a distance; a million phones that differ stay below one edit."""
_AT_ONCE = 1 << 18
"""Cells of the table that is kept; longer sequences are halved first (Hirschberg 1975)."""

Costs = NDArray[np.int64]
Times = Sequence[tuple[float, float]]
Pair = tuple[int | None, int | None]
"""Indices in the wanted and in the heard sequence; None where there is no partner."""
_Change = Callable[[int, Costs], Costs]
"""Costs of one wanted phone beside heard ones, by their indices."""


def align(
    wanted: Sequence[str],
    heard: Sequence[str],
    places: Times | None = None,
    times: Times | None = None,
) -> list[Pair]:
    """Return the pairs of the best alignment, in order. Both sequences are covered exactly once.

    Args:
        wanted: Phones.
        heard: Phones.
        places: Seconds (start, end) where each wanted phone stands, if known.
        times: Seconds of the heard phones.
    """
    change = _phones(wanted, heard)
    if places is not None and times is not None:
        change = _timed(change, np.reshape(places, (-1, 2)), np.reshape(times, (-1, 2)))
    found: list[Pair] = []
    _halved(np.arange(len(wanted)), np.arange(len(heard)), change, found)
    return found


def errors(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Return the fewest edits (changed, extra, missing) from one sequence to the other."""
    every = np.arange(len(heard))
    return int(_last_row(np.arange(len(wanted)), every, _phones(wanted, heard))[-1]) // _EDIT


def errors_within(part: Sequence[str], whole: Sequence[str]) -> int:
    """Return the fewest edits from `part` to any stretch of `whole` (Sellers 1980)."""
    row = [0] * (len(whole) + 1)
    for i, left in enumerate(part, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(whole, 1):
            change = diagonal + (left != right)
            diagonal = row[j]
            row[j] = min(change, diagonal + 1, row[j - 1] + 1)
    return min(row)


def _phones(wanted: Sequence[str], heard: Sequence[str]) -> _Change:
    kinds = {phone: at for at, phone in enumerate(dict.fromkeys([*wanted, *heard]))}
    costs = np.array([[_cost(a, b) for b in kinds] for a in kinds], dtype=np.int64)
    left = [kinds[phone] for phone in wanted]
    right = np.array([kinds[phone] for phone in heard], dtype=np.int64)
    return lambda i, js: np.asarray(costs[left[i], right[js]])


def _timed(change: _Change, places: NDArray[np.float64], times: NDArray[np.float64]) -> _Change:
    def changed(i: int, js: Costs) -> Costs:
        start, end = places[i]
        apart = np.maximum(start - times[js, 1], times[js, 0] - end) - NEAR
        late = np.clip(apart / FAR, 0.0, 2.0) * _EDIT
        return change(i, js) + late.astype(np.int64)

    return changed


def _cost(left: str, right: str) -> int:
    return 0 if left == right else _EDIT + round(distance(left, right) * _FINE)


def _halved(left: Costs, right: Costs, change: _Change, found: list[Pair]) -> None:
    """Add the pairs of two stretches of indices."""
    if len(left) <= 1 or len(right) <= 1 or len(left) * len(right) <= _AT_ONCE:
        found += _whole(left, right, change)
        return
    middle = len(left) // 2
    before = _last_row(left[:middle], right, change)
    after = _last_row(left[middle:][::-1], right[::-1], change)[::-1]
    cut = int(np.argmin(before + after))
    _halved(left[:middle], right[:cut], change, found)
    _halved(left[middle:], right[cut:], change, found)


def _next_row(row: Costs, changes: Costs) -> Costs:
    """Return the row of the table below `row`; `changes` are the costs of changed phones."""
    steps = np.arange(len(row), dtype=np.int64) * _EDIT
    best = np.minimum(row[:-1] + changes, row[1:] + _EDIT)
    # A step to the right always costs one edit: less these, the best way is a running minimum.
    return np.minimum.accumulate(np.concatenate([row[:1] + _EDIT, best]) - steps) + steps


def _last_row(left: Costs, right: Costs, change: _Change) -> Costs:
    row = np.arange(len(right) + 1, dtype=np.int64) * _EDIT
    for i in left.tolist():
        row = _next_row(row, change(i, right))
    return row


def _whole(left: Costs, right: Costs, change: _Change) -> list[Pair]:
    changes = [change(i, right) for i in left.tolist()]
    table = [np.arange(len(right) + 1, dtype=np.int64) * _EDIT]
    for costs in changes:
        table.append(_next_row(table[-1], costs))
    pairs: list[Pair] = []
    i, j = len(left), len(right)
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + changes[i - 1][j - 1]:
            i, j = i - 1, j - 1
            pairs.append((int(left[i]), int(right[j])))
        elif i and here == table[i - 1][j] + _EDIT:
            i -= 1
            pairs.append((int(left[i]), None))
        else:
            j -= 1
            pairs.append((None, int(right[j])))
    return pairs[::-1]
