"""Where a clip that is too long can be cut: in pauses between words, so that all parts fit XTTS."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from amharic_tts.audio.quality import pauses_of
from amharic_tts.audio.read import Samples
from amharic_tts.dataset import rules
from amharic_tts.phonemes.align import WordScore

LONGEST = rules.MAX_SECONDS - 0.3
SHORTEST = 1.5
"""Seconds of a part."""
WISHED = 7.0
"""Seconds that a part should have: the length of most clips that XTTS was trained on."""
LEAST_PAUSE = 0.12
NEAR = 0.35
"""Seconds between a pause and the end of a word that the alignment puts there."""
_CLAUSE = tuple(".,!?;:።፣፤፥፦፧፨")


@dataclass(frozen=True)
class Part:
    """One part of a clip: seconds in the clip, and its words."""

    start: float
    end: float
    text: str

    def to_list(self) -> list[float | str]:
        """Return it for JSON."""
        return [round(self.start, 3), round(self.end, 3), self.text]


@dataclass(frozen=True)
class _Place:
    """Where a clip may be cut: in the middle of a pause, before word number `word`."""

    at: float
    word: int
    cost: float


def split_up(samples: Samples, rate: int, words: Sequence[WordScore]) -> list[Part]:
    """Return the parts of a clip, or nothing where it has no pauses at the right places.

    Among all ways to cut in pauses that lie between two words, that with the least cost: how far
    the parts are from `WISHED` seconds, and cuts in short pauses and inside a clause.

    Args:
        samples: The clip.
        rate: Samples a second.
        words: The words of its whole text, with their places in the sound.
    """
    seconds = len(samples) / rate
    places = [_Place(0.0, 0, 0.0), *_places(pauses_of(samples, rate, LEAST_PAUSE), words)]
    places.append(_Place(seconds, len(words), 0.0))
    best: list[tuple[float, int]] = [(0.0, 0)]
    for i, place in enumerate(places[1:], 1):
        ways = [
            (best[j][0] + _cost(place.at - before.at) + place.cost, j)
            for j, before in enumerate(places[:i])
            if SHORTEST <= place.at - before.at <= LONGEST
            and place.word > before.word
            and best[j][0] < float("inf")
        ]
        best.append(min(ways, default=(float("inf"), 0)))
    if best[-1][0] == float("inf"):
        return []
    chosen, at = [len(places) - 1], len(places) - 1
    while at:
        at = best[at][1]
        chosen.append(at)
    cuts = [places[i] for i in reversed(chosen)]
    return [
        Part(a.at, b.at, " ".join(word.text for word in words[a.word : b.word]))
        for a, b in itertools.pairwise(cuts)
    ]


def _cost(seconds: float) -> float:
    return ((seconds - WISHED) / WISHED) ** 2


def _places(pauses: Sequence[tuple[float, float]], words: Sequence[WordScore]) -> list[_Place]:
    found = []
    for start, end in pauses:
        middle = (start + end) / 2
        near = [
            (min(abs(a.end - middle), abs(b.start - middle)), i)
            for i, (a, b) in enumerate(itertools.pairwise(words), 1)
            if a.start < middle < b.end
        ]
        if not near or min(near)[0] > NEAR + (end - start) / 2:
            continue
        _, word = min(near)
        clause = words[word - 1].text.endswith(_CLAUSE)
        short = max(0.0, 0.4 - (end - start))
        found.append(_Place(middle, word, short + (0.0 if clause else 0.3)))
    return found
