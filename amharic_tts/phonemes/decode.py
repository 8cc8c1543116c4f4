"""From log-probabilities to phones: the best path of CTC, with times and confidences."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from amharic_tts.phonemes.models.base import Array, Symbols
from amharic_tts.phonemes.result import Phone

LONGEST = 0.25
"""Seconds after which a phone ends even where no other begins: a pause is not part of it."""


def decode(
    log_probabilities: Array, symbols: Symbols, frame_seconds: float, word: int = 0
) -> tuple[list[Phone], int]:
    """Return the phones of the best path, and the number of the word after them.

    Args:
        log_probabilities: Shape (frames, symbols).
        symbols: What the columns are.
        frame_seconds: Length of a frame.
        word: The number of the first word.
    """
    if not len(log_probabilities):
        return [], word
    scores = log_probabilities.copy()
    for index, bias in symbols.bias:
        scores[:, index] += bias
    if symbols.ignored:
        scores[:, sorted(symbols.ignored)] = -np.inf
    best = scores.argmax(axis=1)
    total = len(best)
    # Runs of the same symbol; the blank between two runs makes them two phones.
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), total]
    runs = [(int(best[a]), a, b) for a, b in pairwise(edges)]
    heard = [run for run in runs if run[0] != symbols.blank]
    phones: list[Phone] = []
    begun = False
    for number, (symbol, first, last) in enumerate(heard):
        if symbol == symbols.word:
            word += begun
            begun = False
            continue
        following = heard[number + 1][1] if number + 1 < len(heard) else total
        end = min(following * frame_seconds, first * frame_seconds + LONGEST)
        name = symbols.names[symbol]
        confidence = float(np.exp(log_probabilities[first:last, symbol]).mean())
        if symbol in symbols.modifiers:
            if begun:
                before = phones[-1]
                joined = (before.confidence + confidence) / 2
                phones[-1] = Phone(before.phone + name, before.start, end, joined, word)
            continue
        phones.append(Phone(name, first * frame_seconds, end, min(1.0, confidence), word))
        begun = True
    return phones, word + begun
