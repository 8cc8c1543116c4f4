"""Words with times as sentences with times: where a long recording is cut into clips.

A sentence ends at its mark, Ethiopic or Latin, or at a long pause. What is too long for a clip is
cut at a mark inside the sentence, else at the longest pause; never inside a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from amharic_tts.dataset.subtitles import Cue
from amharic_tts.recognition.base import Heard, Word

LONGEST = 11.0
"""Seconds of the longest cue; XTTS trains on 11.6 s at most, padding included."""
SHORTEST = 1.0
"""Shorter cues are joined with a neighbour where that fits."""
PAUSE = 0.8
"""Seconds of silence that end a sentence even without a mark: some models write none."""
PAD_START, PAD_END = 0.1, 0.2
"""Seconds around a cue, at most half of the pause there: times of words are good to 0.1 s."""
SENTENCE_MARKS = "።፧፨.!?…"
CLAUSE_MARKS = "፤፣፥፦,;:"

_CLOSING = "\"'”’»)]"
# An Ethiopic mark parts words by itself; no space need follow it.
_GLUED = re.compile(r"[^።፧፨፤፣፥፦]*[።፧፨፤፣፥፦]+[”’»)\]\"']*|[^።፧፨፤፣፥፦]+")

Part = tuple[float, float, Heard]
"""Start and end in seconds of a piece of the sound, and what was heard in it."""


def cues(parts: Iterable[Part], seconds: float, longest: float = LONGEST) -> list[Cue]:
    """Return the sentences of a recording.

    A piece whose model told no times of words is a cue as a whole.

    Args:
        parts: What was heard, in order.
        seconds: Length of the recording.
        longest: Of a cue, in seconds.
    """
    found: list[Cue] = []
    words: list[Word] = []
    for start, end, heard in parts:
        if heard.words:
            words += [word.moved(start) for word in heard.words]
            continue
        found += _of_words(words, longest)
        words = []
        if heard.text:
            found.append(Cue(0, start, end, heard.text))
    found += _of_words(words, longest)
    return _padded([replace(cue, line=n) for n, cue in enumerate(found, 1)], seconds)


def sentences(text: str) -> list[str]:
    """Return a text cut after every sentence mark; the marks stay with their sentences."""
    groups: list[list[str]] = [[]]
    for word in text.split():
        for piece in _GLUED.findall(word):
            groups[-1].append(piece)
            if _ends(piece, SENTENCE_MARKS):
                groups.append([])
    return [" ".join(group) for group in groups if group]


def _of_words(words: Sequence[Word], longest: float) -> list[Cue]:
    groups = [
        piece for group in _sentences(_unglued(words)) for piece in _short_enough(group, longest)
    ]
    return [
        Cue(0, group[0].start, group[-1].end, " ".join(word.text for word in group))
        for group in _merged(groups, longest)
    ]


def _ends(word: str, marks: str) -> bool:
    bare = word.rstrip(_CLOSING)
    return bool(bare) and bare[-1] in marks


def _unglued(words: Iterable[Word]) -> Iterator[Word]:
    """Yield the words, those that an Ethiopic mark parts one by one, times by their letters."""
    for word in words:
        pieces = _GLUED.findall(word.text)
        letters, at = sum(len(piece) for piece in pieces), word.start
        for piece in pieces:
            end = at + (word.end - word.start) * len(piece) / letters
            yield replace(word, text=piece, start=round(at, 3), end=round(end, 3))
            at = end


def _sentences(words: Iterable[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and word.start - group[-1].end >= PAUSE:
            yield group
            group = []
        group.append(word)
        if _ends(word.text, SENTENCE_MARKS):
            yield group
            group = []
    if group:
        yield group


def _short_enough(group: list[Word], longest: float) -> list[list[Word]]:
    if group[-1].end - group[0].start <= longest or len(group) == 1:
        return [group]
    places = range(1, len(group))

    def worth(at: int) -> tuple[bool, bool, float]:
        one, two = group[at - 1].end - group[0].start, group[-1].end - group[at].start
        even = min(one, two) >= min(SHORTEST, longest / 4)
        return even, _ends(group[at - 1].text, CLAUSE_MARKS), group[at].start - group[at - 1].end

    cut = max(places, key=worth)
    return [*_short_enough(group[:cut], longest), *_short_enough(group[cut:], longest)]


def _merged(groups: Sequence[list[Word]], longest: float) -> list[list[Word]]:
    """Join groups that are too short for a clip with the neighbour before or after them."""
    found: list[list[Word]] = []
    for group in groups:
        if found and _joinable(found[-1], group, longest):
            found[-1] = [*found[-1], *group]
        else:
            found.append(list(group))
    return found


def _joinable(one: Sequence[Word], two: Sequence[Word], longest: float) -> bool:
    short = min(one[-1].end - one[0].start, two[-1].end - two[0].start) < SHORTEST
    near = two[0].start - one[-1].end < PAUSE
    return short and near and two[-1].end - one[0].start <= longest


def _padded(found: Sequence[Cue], seconds: float) -> list[Cue]:
    padded = []
    for number, cue in enumerate(found):
        before = cue.start - (found[number - 1].end if number else 0.0)
        after = (found[number + 1].start if number + 1 < len(found) else seconds) - cue.end
        start = max(0.0, cue.start - min(PAD_START, max(0.0, before) / 2))
        end = min(seconds, cue.end + min(PAD_END, max(0.0, after) / 2))
        padded.append(replace(cue, start=round(start, 3), end=round(max(start, end), 3)))
    return padded
