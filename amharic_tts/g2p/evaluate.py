"""How often a backend is right on a gold file, and what it does wrong.

PER is the number of edits over the number of segments of the gold, WER the share of words with any
edit; both over the whole list, in each `View`. Where a word has several pronunciations, the one
nearest to the output counts (in each view by itself; the first of equals).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from amharic_tts.errors import MissingPart, StudioError, UserError
from amharic_tts.events import Clock, Done, Event, Finding
from amharic_tts.g2p import registry
from amharic_tts.g2p.alignment import Category, distance, sorted_edits
from amharic_tts.g2p.base import Backend
from amharic_tts.g2p.gold import GoldFile
from amharic_tts.g2p.symbols import View, seen, segments
from amharic_tts.text.normalize import normalize

PAUSE = 0.5
"""Seconds between two events of progress; at each, the reader may stop the work."""
EXAMPLES = 5
"""Examples of a category in a result; the wrong words are all in it."""


@dataclass(frozen=True)
class Rate:
    """Edits and wrong words in one view."""

    words: int
    errors: int = 0
    segments: int = 0
    wrong_words: int = 0

    def plus(self, errors: int, segments: int) -> Rate:
        """Return the rate with one more of its words counted."""
        wrong = self.wrong_words + (errors > 0)
        return Rate(self.words, self.errors + errors, self.segments + segments, wrong)

    @property
    def per(self) -> float:
        """Edits over segments, 0 to 1 and above."""
        return self.errors / max(1, self.segments)

    @property
    def wer(self) -> float:
        """Share of words that are not exactly right."""
        return self.wrong_words / max(1, self.words)

    def to_dict(self) -> dict[str, float]:
        """Return the counts and both rates."""
        return {"per": self.per, "wer": self.wer, **asdict(self)}


@dataclass(frozen=True)
class Mistake:
    """A word that a backend got wrong, with the nearest gold; both as segments in one string."""

    word: str
    wanted: str
    written: str
    categories: tuple[Category, ...]


@dataclass(frozen=True)
class Score:
    """What one set of outputs is worth."""

    rates: dict[View, Rate]
    mistakes: tuple[Mistake, ...]
    """Strict view, in the order of the gold."""

    def counts(self) -> dict[Category, int]:
        """Return how often each category occurs, the most frequent first."""
        found: dict[Category, int] = dict.fromkeys(Category, 0)
        for mistake in self.mistakes:
            for kind in mistake.categories:
                found[kind] += 1
        ordered = sorted(found.items(), key=lambda item: -item[1])
        return {kind: count for kind, count in ordered if count}

    def examples(self, kind: Category, most: int = EXAMPLES) -> list[Mistake]:
        """Return the first words with a mistake of a category."""
        return [mistake for mistake in self.mistakes if kind in mistake.categories][:most]

    def to_dict(self) -> dict[str, Any]:
        """Return rates, categories with examples, and every wrong word."""
        return {
            "rates": {view.value: rate.to_dict() for view, rate in self.rates.items()},
            "categories": [
                {
                    "category": kind.value,
                    "count": count,
                    "examples": [_as_dict(example) for example in self.examples(kind)],
                }
                for kind, count in self.counts().items()
            ],
            "mistakes": [_as_dict(mistake) for mistake in self.mistakes],
        }


def _as_dict(mistake: Mistake) -> dict[str, Any]:
    kinds = [kind.value for kind in mistake.categories]
    shown = {"word": mistake.word, "wanted": mistake.wanted, "written": mistake.written}
    return {**shown, "categories": kinds}


def score(gold: Mapping[str, Sequence[str]], written: Mapping[str, str]) -> Score:
    """Return the score of outputs.

    Args:
        gold: The right pronunciations of each word, in IPA; at least one each.
        written: What a backend made of each word; a word that is missing counts as empty.
    """
    rates = {view: Rate(words=len(gold)) for view in View}
    mistakes: list[Mistake] = []
    for word, pronunciations in gold.items():
        wanted = [segments(ipa) for ipa in pronunciations]
        output = segments(written.get(word, ""))
        for view, rate in rates.items():
            shown = seen(output, view)
            candidates = [seen(found, view) for found in wanted]
            errors, at = min((distance(c, shown), i) for i, c in enumerate(candidates))
            rates[view] = rate.plus(errors, len(candidates[at]))
            if errors and view is View.STRICT:
                kinds = tuple(kind for kind, _ in sorted_edits(candidates[at], shown))
                mistakes.append(Mistake(word, "".join(candidates[at]), "".join(shown), kinds))
    return Score(rates, tuple(mistakes))


def evaluate(gold: GoldFile, names: Sequence[str] | None = None) -> Iterator[Event]:
    """Measure backends on a gold file, without fallback; words are normalised as everywhere.

    A word that a backend can't convert counts as empty and is listed under ``failures``.

    Args:
        gold: The list.
        names: Names of backends; None takes all that work here, and says which do not.

    Yields:
        Progress and findings, then `Done` with ``gold`` (name, words, pronunciations), ``backends``
        (each with backend, version, failures, and `Score.to_dict`) and ``unavailable``.

    Raises:
        UserError: A backend is not known.
        MissingPart: A backend that was named does not work here.
    """
    chosen, unavailable = _chosen(names)
    for missing in unavailable:
        message = f"not measured: {missing['reason']}"
        yield Finding("g2p_unavailable", message, "info", missing["backend"])
    words = gold.words
    clock = Clock(len(chosen) * len(words), "words")
    found = []
    for place, backend in enumerate(chosen):
        written: dict[str, str] = {}
        failures: list[dict[str, str]] = []
        told = float("-inf")
        for number, word in enumerate(words):
            if time.monotonic() - told >= PAUSE:
                told = time.monotonic()
                yield clock.progress(place * len(words) + number, f"words by {backend.name}")
            try:
                written[word] = output(backend.convert, word)
            except StudioError as error:
                failures.append({"word": word, "reason": error.message})
        about = {"backend": backend.name, "version": backend.version, "failures": failures}
        found.append({**about, **score(words, written).to_dict()})
    about_gold = {"name": gold.name, "words": len(words), "pronunciations": len(gold.lines)}
    yield Done({"gold": about_gold, "backends": found, "unavailable": unavailable})


def output(convert: Callable[[str], str], word: str) -> str:
    """Return what a backend makes of a word as it stands in a list."""
    return convert(normalize(word, "am").text)


def _chosen(names: Sequence[str] | None) -> tuple[list[Backend], list[dict[str, str]]]:
    every = registry.backends() if names is None else [registry.get(name) for name in names]
    chosen: list[Backend] = []
    unavailable: list[dict[str, str]] = []
    for backend in every:
        state = backend.availability()
        if state.ok:
            if backend not in chosen:
                chosen.append(backend)
        elif names is None:
            about = {"backend": backend.name, "reason": state.reason, "hint": state.hint}
            unavailable.append(about)
        else:
            message = f"The backend `{backend.name}` does not work here: {state.reason}"
            raise MissingPart(message, state.hint)
    if not chosen:
        raise UserError("No G2P backend works here", "Run `amharic-tts doctor`")
    return chosen, unavailable
