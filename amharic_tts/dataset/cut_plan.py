"""Where a recording is cut: at pauses, never inside a word whose times are known.

Without subtitles the pieces of speech are joined to clips near a target length, by dynamic
programming over all pauses. With subtitles, their ends are moved to the speech that they mean, and
short ones of one sentence are joined.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amharic_tts.audio.speech import FRAME_SECONDS, SpeechTrack
from amharic_tts.dataset.cut_settings import CutSettings
from amharic_tts.dataset.rules import note
from amharic_tts.dataset.subtitles import Cue

Span = tuple[float, float]
"""Start and end in seconds."""

_BELOW = 0.15
"""Speech goes on until the network is so much less sure than where it began (silero-vad's rule)."""
_LEAST_SPEECH = 0.1
"""Shorter sounds are taken for noise."""
_REACH = 0.6
"""Seconds that the end of a subtitle is moved outward to the end of its speech."""
_TAIL = 0.2
"""A subtitle gives up so much speech at its edge: the end of somebody else's word."""
_MOVED = 0.05
_EDGE = 0.25
"""Share of a clip at each end in which a forced cut is not looked for."""


@dataclass(frozen=True)
class Plan:
    """The cues of a recording after planning, and what was done."""

    cues: list[Cue]
    speech: list[Span]
    joined: int = 0
    """Subtitles that were joined to the one before."""
    moved: int = 0
    """Subtitles whose start or end was moved by over 50 ms."""
    forced: int = 0
    """Cuts inside speech, because there was no pause."""


def speech_spans(track: SpeechTrack, settings: CutSettings) -> list[Span]:
    """Return the pieces of speech, with at least `settings.pause` between them."""
    on = round(settings.threshold * 255)
    off = round(max(0.01, settings.threshold - _BELOW) * 255)
    sure = track.speech >= on
    maybe = track.speech >= off
    # Runs of "maybe" that hold a "sure": hysteresis without a loop over the frames.
    edges = np.flatnonzero(np.diff(np.concatenate(([0], maybe.view(np.int8), [0]))))
    found: list[Span] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if not sure[first:last].any():
            continue
        start, end = first * FRAME_SECONDS, min(last * FRAME_SECONDS, track.duration)
        if found and start - found[-1][1] < settings.pause:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [span for span in found if span[1] - span[0] >= _LEAST_SPEECH]


def plan(
    track: SpeechTrack, cues: Sequence[Cue], words: Sequence[Span], settings: CutSettings
) -> Plan:
    """Return where to cut.

    Args:
        track: What was heard of the recording.
        cues: Its subtitles, sorted; without any, the clips have no text yet.
        words: Times of its words, where they are known.
        settings: How to cut.
    """
    if settings.mode == "exact":
        return Plan(list(cues), [])
    speech = speech_spans(track, settings)
    if cues:
        return _fitted(track, list(cues), sorted(words), speech, settings)
    return _by_speech(track, sorted(words), speech, settings)


def _by_speech(
    track: SpeechTrack, words: list[Span], speech: list[Span], settings: CutSettings
) -> Plan:
    pieces, forced = _short_enough(track, words, speech, settings)
    cues: list[Cue] = []
    for first, last in _groups(pieces, settings):
        before = pieces[first - 1][1] if first else 0.0
        after = pieces[last + 1][0] if last + 1 < len(pieces) else track.duration
        start, end = _padded((pieces[first][0], pieces[last][1]), before, after, settings)
        notes = [note("forced_cut", _FORCED) for at in (start, end) if at in forced]
        cues.append(Cue(len(cues) + 1, start, end, "", notes=tuple(notes[:1])))
    return Plan(cues, speech, forced=len(forced))


_FORCED = "there is no pause near: it is cut at the quietest moment, maybe inside a word"


def _padded(span: Span, before: float, after: float, settings: CutSettings) -> Span:
    """Add the padding, at most half of the pause on each side."""
    start, end = span
    start -= max(0.0, min(settings.padding, (start - before) / (2 if before else 1)))
    end += max(0.0, min(settings.padding, (after - end) / 2))
    return max(0.0, start), end


def _short_enough(
    track: SpeechTrack, words: list[Span], speech: list[Span], settings: CutSettings
) -> tuple[list[Span], set[float]]:
    """Split speech without a pause that is longer than a clip may be; return the forced cuts."""
    room = settings.longest - 2 * settings.padding
    pieces: list[Span] = []
    forced: set[float] = set()
    for start, end in speech:
        while end - start > room:
            parts = math.ceil((end - start) / room)
            aim = start + (end - start) / parts
            reach = _EDGE * room
            at = _quietest(track, aim - reach, min(aim + reach, start + room))
            at = _between_words(at, words, start, start + room)
            pieces.append((start, at))
            forced.add(at)
            start = at
        pieces.append((start, end))
    return pieces, forced


def _quietest(track: SpeechTrack, low: float, high: float) -> float:
    """Return the middle of the frame that is least like speech, and the quietest of such."""
    first = round(low / FRAME_SECONDS)
    last = max(first + 1, math.floor(high / FRAME_SECONDS))
    # Eight steps of "speech", so that a loud breath does not win by a hair.
    rank = (track.speech[first:last] >> 5).astype(np.int32) * 256 - track.quiet[first:last]
    return (first + int(np.argmin(rank)) + 0.5) * FRAME_SECONDS


def _between_words(at: float, words: list[Span], low: float, high: float) -> float:
    """Move a moment out of a known word, to its nearer edge between `low` and `high`."""
    inside = _word_at(at, words)
    if inside is None:
        return at
    edges = [edge for edge in inside if low < edge <= high]
    return min(edges, key=lambda edge: abs(edge - at)) if edges else at


def _word_at(at: float, words: list[Span]) -> Span | None:
    index = bisect_right(words, (at, math.inf)) - 1
    if index >= 0 and words[index][0] < at < words[index][1]:
        return words[index]
    return None


def _groups(pieces: list[Span], settings: CutSettings) -> list[tuple[int, int]]:
    """Return first and last piece of each clip, so that the sum of the costs is the least.

    A clip costs the square of its distance from the target, relative to it; one that is too short
    costs more. Pauses inside a clip cost besides, so that cuts lie in the longest pauses.
    """
    room = settings.longest - 2 * settings.padding
    best: list[tuple[float, int]] = [(0.0, 0)]
    for last in range(len(pieces)):
        costs = []
        inner = 0.0
        for first in range(last, -1, -1):
            length = pieces[last][1] - pieces[first][0]
            if first < last:
                gap = pieces[first + 1][0] - pieces[first][1]
                inner += (gap / settings.apart) ** 2
                if gap > settings.apart or length > room:
                    break
            costs.append((best[first][0] + _cost(length, settings) + inner, first))
        best.append(min(costs))
    groups = []
    last = len(pieces)
    while last:
        first = best[last][1]
        groups.append((first, last - 1))
        last = first
    return groups[::-1]


def _cost(length: float, settings: CutSettings) -> float:
    off = (length - settings.target) / settings.target
    short = max(0.0, settings.shortest - length) / settings.shortest
    # A little for each clip: of two ways at the same distance from the target, the fewer clips.
    return off * off + 4 * short + 0.05


def _fitted(
    track: SpeechTrack,
    cues: list[Cue],
    words: list[Span],
    speech: list[Span],
    settings: CutSettings,
) -> Plan:
    joined = _joined(cues, speech, settings) if settings.merge else cues
    usable = [i for i, cue in enumerate(joined) if not cue.notes]
    moved = 0
    floor = 0.0
    for place, i in enumerate(usable):
        cue = joined[i]
        ceiling = track.duration
        if place + 1 < len(usable):
            ceiling = joined[usable[place + 1]].start
        start, end = _to_speech(cue, floor, max(ceiling, cue.end), words, speech, settings)
        if end - start > settings.longest:
            start, end = cue.start, cue.end  # the rules will tell that it is too long
        moved += max(abs(start - cue.start), abs(end - cue.end)) > _MOVED
        joined[i] = dataclasses.replace(cue, start=round(start, 3), end=round(end, 3))
        floor = joined[i].end
    return Plan(joined, speech, len(cues) - len(joined), moved)


def _to_speech(
    cue: Cue,
    floor: float,
    ceiling: float,
    words: list[Span],
    speech: list[Span],
    settings: CutSettings,
) -> Span:
    """Return the ends of a cue at the ends of its speech, between its neighbours."""
    spoken = _words_of(cue, words)
    if spoken:
        start, end = spoken[0][0], spoken[-1][1]
        near = _near(words, cue)
    else:
        near = _near(speech, cue)
        if not any(s < cue.end and e > cue.start for s, e in near):
            return cue.start, cue.end  # nothing is heard in it
        start = _moved(cue.start, cue.end, floor, near)
        mirrored = [(-e, -s) for s, e in reversed(near)]
        end = -_moved(-cue.end, -cue.start, -ceiling, mirrored)
        start = max(start, min(floor, cue.start))
    if any(s < start < e for s, e in near) or start < floor:
        before = start  # in running speech, or in touch with the cue before: nothing to add
    else:
        before = max([floor, *(e for _, e in near if e <= start)])
    after = end
    if not any(s < end < e for s, e in near):
        later = [s for s, _ in near if s >= end]
        after = min([*later, ceiling] if end <= ceiling else later, default=end)
    pad = settings.padding
    return start - min(pad, (start - before) / 2), end + min(pad, (after - end) / 2)


def _moved(start: float, end: float, floor: float, speech: list[Span]) -> float:
    """Return where the speech of a cue begins; mirrored in time, where it ends.

    A cue that begins inside a piece of speech takes all of it if it is not far and not the speech
    of the cue before; if only its last bit is there, that is left to the cue before. A cue that
    begins in a pause begins with the next piece.
    """
    later = [s for s, _ in speech if start <= s < end]
    for s, e in speech:
        if s < start < e:
            if start - s <= _REACH and s >= floor - _TAIL:
                return s
            return later[0] if later and e - start <= _TAIL else start
    return later[0] if later else start


def _near(spans: list[Span], cue: Cue) -> list[Span]:
    """Return the spans around a cue."""
    first = max(0, bisect_left(spans, (cue.start - 5, 0.0)) - 1)
    last = bisect_right(spans, (cue.end + 5, math.inf))
    return spans[first : last + 1]


def _words_of(cue: Cue, words: list[Span]) -> list[Span]:
    """Return the words of which at least half lies in the cue."""
    return [
        (start, end)
        for start, end in (_near(words, cue) if words else ())
        if min(end, cue.end) - max(start, cue.start) >= (end - start) / 2
    ]


_ENDS = tuple(".!?…።፧፨")
_CLOSING = "\"'”’»)]"


def _joined(cues: list[Cue], speech: list[Span], settings: CutSettings) -> list[Cue]:
    """Join short neighbours of one sentence, and those between which there is no pause."""
    found: list[Cue] = []
    for cue in cues:
        if found and _belong(found[-1], cue, speech, settings):
            last = found[-1]
            text = f"{last.text} {cue.text}"
            found[-1] = dataclasses.replace(last, end=max(last.end, cue.end), text=text)
        else:
            found.append(cue)
    return found


def _belong(last: Cue, cue: Cue, speech: list[Span], settings: CutSettings) -> bool:
    """Tell whether two cues become one clip."""
    if last.notes or cue.notes or last.speaker != cue.speaker:
        return False
    gap, length = cue.start - last.end, cue.end - last.start
    room = settings.longest - 2 * settings.padding
    if gap > settings.apart or length > room:
        return False
    if len(last.text) + 1 + len(cue.text) > settings.max_characters:
        return False
    short = min(last.end - last.start, cue.end - cue.start) < settings.shortest
    open_end = not last.text.rstrip(_CLOSING).endswith(_ENDS)
    through = any(s < last.end - _TAIL and e > cue.start + _TAIL for s, e in _near(speech, cue))
    return short or through or (open_end and length <= settings.target * 1.25)
