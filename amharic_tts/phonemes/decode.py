"""From log-probabilities to phones: the best path of CTC, with times, confidences, runners-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from amharic_tts.phonemes.models.base import Array, Symbols
from amharic_tts.phonemes.result import Phone

LONGEST = 0.25
"""Seconds after which a phone ends even where no other begins: a pause is not part of it."""
PAUSE = 0.5
"""Seconds without any symbol that end a word, where the model marks words at all."""
RUNNERS_UP = 3
_LEAST = 0.001
"""A runner-up has at least this mean probability."""


@dataclass
class _Run:
    """Neighbouring frames with the same best symbol."""

    symbol: int
    start: float
    last: float
    """Seconds at which its last frame begins."""
    total: NDArray[np.float64]
    """Sum of the probabilities of all symbols over the frames."""
    frames: int

    @property
    def mean(self) -> NDArray[np.float64]:
        return self.total / self.frames


@dataclass
class _Open:
    """A phone that may still get a modifier, and whose end is not known yet."""

    parts: list[_Run] = field(default_factory=list)
    word: int = 0


class Decoder:
    """The best path, fed with any number of frames at a time; the cuts between leave no trace.

    Symbols that are not allowed are taken out *before* the decision: their probability goes to the
    others in proportion, so that confidences are probabilities within the inventory.

    Args:
        symbols: What the columns are.
        allowed: Columns that may be taken (`inventory.allowed`); None allows all sounds.
        runners_up: How many to keep for each phone.
    """

    def __init__(
        self,
        symbols: Symbols,
        allowed: frozenset[int] | None = None,
        runners_up: int = RUNNERS_UP,
    ) -> None:
        self._symbols, self._count = symbols, runners_up
        self._restricted = allowed is not None
        columns = frozenset(range(len(symbols.names)))
        barred = symbols.ignored if allowed is None else columns - allowed | symbols.ignored
        self._barred = sorted(barred - {symbols.blank})
        no_phones = {symbols.blank, symbols.word, *symbols.modifiers, *barred}
        self._phones = np.array(sorted(columns - no_phones), dtype=np.int64)
        self._run: _Run | None = None
        self._open: _Open | None = None
        self._done: list[Phone] = []
        self._word = 0
        self._begun = False  # whether the current word has a phone

    def feed(self, log_probabilities: Array, starts: NDArray[np.float64]) -> list[Phone]:
        """Return the phones that are complete now.

        Args:
            log_probabilities: Shape (frames, symbols); they follow the frames fed before.
            starts: Seconds at which each frame begins, shape (frames,).
        """
        if not len(log_probabilities):
            return []
        scores = self._masked(log_probabilities)
        chances = np.exp(scores, dtype=np.float64)
        for index, bias in self._symbols.bias:
            scores[:, index] += bias
        best = scores.argmax(axis=1)
        edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
        totals = np.add.reduceat(chances, edges[:-1], axis=0)
        for total, (first, last) in zip(totals, pairwise(edges), strict=True):
            symbol, run = int(best[first]), self._run
            if run is not None and run.symbol == symbol:
                run.total, run.frames = run.total + total, run.frames + last - first
                run.last = float(starts[last - 1])
            else:
                self._end_run()
                span = float(starts[first]), float(starts[last - 1])
                self._run = _Run(symbol, *span, total, last - first)
        return self._taken()

    def pause(self, at: float) -> list[Phone]:
        """Return the rest; what is fed next begins another phone and another word.

        Args:
            at: Seconds at which the sound pauses or ends.
        """
        self._end_run()
        self._end_phone(at)
        self._end_word()
        return self._taken()

    def _masked(self, log_probabilities: Array) -> Array:
        scores = log_probabilities.copy()
        if self._barred:
            scores[:, self._barred] = -np.inf
        if self._restricted:
            scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return scores

    def _taken(self) -> list[Phone]:
        done, self._done = self._done, []
        return done

    def _end_word(self) -> None:
        self._word += self._begun and self._symbols.word is not None
        self._begun = False

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        if run.symbol == self._symbols.blank:
            if run.last - run.start >= PAUSE:
                self._end_word()
            return
        if run.symbol in self._symbols.modifiers:
            # One at the beginning of a word belongs to no phone, and is left out.
            if self._open is not None and self._begun:
                self._open.parts.append(run)
            return
        self._end_phone(run.start)
        if run.symbol == self._symbols.word:
            self._end_word()
            return
        self._open = _Open([run], self._word)
        self._begun = True

    def _end_phone(self, at: float) -> None:
        phone, self._open = self._open, None
        if phone is None:
            return
        first, last = phone.parts[0], phone.parts[-1]
        confidence = float(np.mean([part.mean[part.symbol] for part in phone.parts]))
        self._done.append(
            Phone(
                phone="".join(self._symbols.names[part.symbol] for part in phone.parts),
                start=first.start,
                end=min(at, last.start + LONGEST),
                confidence=min(1.0, confidence),
                word=phone.word,
                runners_up=self._runners_up(first),
            )
        )

    def _runners_up(self, run: _Run) -> tuple[tuple[str, float], ...]:
        chances = run.mean[self._phones]
        order = np.argsort(-chances, kind="stable")[: self._count + 1]
        found = [
            (self._symbols.names[column], float(chances[i]))
            for i in order
            if (column := int(self._phones[i])) != run.symbol and chances[i] >= _LEAST
        ]
        return tuple(found[: self._count])


def decode(
    log_probabilities: Array,
    symbols: Symbols,
    frame_seconds: float,
    allowed: frozenset[int] | None = None,
    runners_up: int = RUNNERS_UP,
) -> list[Phone]:
    """Return the phones of a whole sound; see `Decoder`.

    Args:
        log_probabilities: Shape (frames, symbols).
        symbols: What the columns are.
        frame_seconds: Length of a frame.
        allowed: Columns that may be taken.
        runners_up: How many to keep for each phone.
    """
    decoder = Decoder(symbols, allowed, runners_up)
    starts = np.arange(len(log_probabilities), dtype=np.float64) * frame_seconds
    found = decoder.feed(log_probabilities, starts)
    return found + decoder.pause(len(log_probabilities) * frame_seconds)
