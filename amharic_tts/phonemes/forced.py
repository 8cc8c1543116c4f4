"""CTC forced alignment in numpy: where in a sound each wanted phone stands, and how well it fits.

The best path through the labels with an optional blank between them (Graves et al. 2006,
"Connectionist Temporal Classification", ICML), by Viterbi in the log domain. Time grows with
frames x labels; memory only with the square root of the frames, since the way back is taken from
rows kept every so often, between which it is computed again: 10 minutes and 10,000 phones
(30,000 frames) take 30 MB and not 2.4 GB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import Posteriors

MOST_CELLS = 1_000_000_000
"""Frames times labels; a billion takes about a quarter of a minute."""
FLOOR = -50.0
"""No symbol is less likely than e to the power of this, so that every text has a way."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Column = int | Sequence[int]
"""One column of a model, or several that stand for the same phone."""


class Span(NamedTuple):
    """The frames of one label."""

    first: int
    last: int
    """The frame after its last one."""
    score: float
    """0 to 1: how likely it is there, beside the likeliest symbol of the same frames."""


def shortest(labels: Sequence[int] | Labels) -> int:
    """Return how many frames labels need: one each, and a blank between two that are the same."""
    found = np.asarray(labels, dtype=np.int64)
    return len(found) + int((found[1:] == found[:-1]).sum())


def forced(posteriors: Posteriors, columns: Sequence[Column]) -> list[Span]:
    """Lay labels on a sound and return the frames of each.

    The score is the goodness of pronunciation of Witt & Young 2000 (Speech Communication 30), as
    it is taken for networks (Hu et al. 2015) and CTC: the mean over the frames of a label of
    ``log p(label) - log p(best symbol)``, as a ratio of probabilities, ``exp`` of it. Where a
    phone is not in the sound, the best symbol is another one, or the blank.

    Args:
        posteriors: What the model thinks of each frame.
        columns: The column of each label; the probabilities of several columns are added.

    Raises:
        UserError: The sound is too short for the labels, or both are too long.
    """
    groups = [(c,) if isinstance(c, (int, np.integer)) else tuple(c) for c in columns]
    kinds = {group: at for at, group in enumerate(dict.fromkeys(groups))}
    labels = np.array([kinds[group] for group in groups], dtype=np.int64)
    scores = np.maximum(posteriors.log_probabilities, FLOOR)
    frames = len(scores)
    if not groups:
        return []
    if shortest(labels) > frames:
        raise UserError(
            f"The sound is too short for the text: {len(groups)} phones need {shortest(labels)} "
            f"frames, and there are {frames}",
            "Check that the text is the one that was spoken",
        )
    if frames * len(groups) > MOST_CELLS:
        raise UserError(
            f"{len(groups)} phones can't be laid on {frames} frames at once",
            "Cut the sound and its text",
        )
    emissions = np.stack([_added(scores, group) for group in kinds], axis=1)
    symbols = posteriors.symbols
    pauses = [symbols.blank, *([] if symbols.word is None else [symbols.word])]
    states = best_path(emissions, labels, _added(scores, pauses))
    ratios = np.minimum(emissions - scores.max(axis=1, keepdims=True), 0.0)
    return _spans(states, ratios, labels)


def _added(scores: NDArray[np.float32], columns: Sequence[int]) -> NDArray[np.float32]:
    chosen = scores[:, list(columns)]
    if chosen.shape[1] == 1:
        return chosen[:, 0]
    return np.logaddexp.reduce(chosen, axis=1)


def _spans(states: Labels, ratios: NDArray[np.float32], labels: Labels) -> list[Span]:
    on = np.flatnonzero(states % 2)
    label = states[on] // 2
    firsts = on[np.searchsorted(label, np.arange(len(labels)), side="left")]
    lasts = on[np.searchsorted(label, np.arange(len(labels)), side="right") - 1] + 1
    found = []
    for first, last, kind in zip(firsts.tolist(), lasts.tolist(), labels.tolist(), strict=True):
        found.append(Span(first, last, float(np.exp(ratios[first:last, kind].mean()))))
    return found


def best_path(emissions: NDArray[np.float32], labels: Labels, blank: NDArray[np.float32]) -> Labels:
    """Return the state of each frame: 2k + 1 is label k, 2k the blank before it.

    Args:
        emissions: Log-probabilities, shape (frames, kinds of labels), finite.
        labels: The kind of each label; `shortest` frames at least.
        blank: Log-probabilities of the blank, shape (frames,).
    """
    frames, count = len(emissions), len(labels)
    skip = np.concatenate([[False], labels[1:] != labels[:-1]])
    size = max(1, round(frames**0.5))
    on: Floats = np.full(count, -np.inf)
    off: Floats = np.full(count + 1, -np.inf)
    off[0] = 0.0
    kept: list[tuple[Floats, Floats]] = []
    for t in range(frames):
        if t % size == 0:
            kept.append((on, off))
        on, off = _step(on, off, skip, emissions[t, labels], blank[t])
    state = 2 * count if off[-1] >= on[-1] else 2 * count - 1
    path = np.empty(frames, dtype=np.int64)
    for block in range(len(kept) - 1, -1, -1):
        first = block * size
        on, off = kept[block]
        rows = []
        for t in range(first, min(first + size, frames)):
            rows.append((on, off))
            on, off = _step(on, off, skip, emissions[t, labels], blank[t])
        for back, (on, off) in enumerate(reversed(rows)):
            path[first + len(rows) - 1 - back] = state
            state = _before(state, on, off, skip)
    return path


def _step(
    on: Floats, off: Floats, skip: NDArray[np.bool_], emission: Floats, blank: float
) -> tuple[Floats, Floats]:
    """Return the best scores of all states one frame later: on the labels, on the blanks."""
    next_off = off.copy()
    np.maximum(next_off[1:], on, out=next_off[1:])
    next_on = np.maximum(on, off[:-1])
    np.maximum(next_on[1:], on[:-1], out=next_on[1:], where=skip[1:])
    return next_on + emission, next_off + blank


def _before(state: int, on: Floats, off: Floats, skip: NDArray[np.bool_]) -> int:
    """Return the state of the frame before, from which the best way to `state` comes."""
    at, is_label = divmod(state, 2)
    if not is_label:
        return state - 1 if at and on[at - 1] > off[at] else state
    best, came = on[at], state
    if off[at] > best:
        best, came = off[at], state - 1
    if at and skip[at] and on[at - 1] > best:
        came = state - 2
    return came
