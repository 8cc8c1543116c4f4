"""TextGrids of Praat and of forced aligners: one tier gives the sentences, one the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from amharic_tts.dataset.subtitles import Cue, checked
from amharic_tts.dataset.textfile import read_text
from amharic_tts.dataset.wording import listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_WORDS = ("words", "word", "ort-mau", "orth", "tokens")
_PHONES = ("phones", "phone", "phonemes", "mau", "segments", "kan-mau")
_GAP = 0.25
"""Seconds between two words that end a sentence, where only words are there."""
_SILENCE = frozenset({"", "sil", "sp", "spn", "<eps>", "<p:>", "<sil>", "#", "<unk>"})

Entry = tuple[float, float, str]


def read_textgrid(path: Path) -> tuple[list[Cue], list[Finding]]:
    """Return the sentences of a TextGrid, with the times of their words where a tier has them.

    Raises:
        UserError: It is damaged, or has no interval with a text.
    """
    tiers = _tiers(path)
    words = next((tiers[name] for name in tiers if name.lower() in _WORDS), [])
    sentences = {
        name: entries
        for name, entries in tiers.items()
        if entries and name.lower() not in (*_WORDS, *_PHONES)
    }
    if not sentences and not words:
        raise UserError(
            f"`{path}` has no interval with a text",
            "It should have an interval tier of sentences, or one called `words`",
        )
    if sentences:
        # The tier with the longest texts holds the sentences, not syllables or parts of speech.
        name = max(sentences, key=lambda key: _mean_length(sentences[key]))
        entries, others = sentences[name], [key for key in sentences if key != name]
        told = f"the text comes from the tier `{name}`"
        told += f"; not used: {listed(others)}" if others else ""
    else:
        entries, told = list(_grouped(words)), "the text comes from the tier of words"
    cues = [
        checked(Cue(number, start, end, text, words=_inside(words, start, end)))
        for number, (start, end, text) in enumerate(entries, 1)
    ]
    return cues, [Finding("tier", told, "info", path.name)]


def _tiers(path: Path) -> dict[str, list[Entry]]:
    """Return the interval tiers by name; what stands for silence is left out."""
    from praatio import textgrid
    from praatio.utilities.errors import PraatioException

    read_text(path)  # tells a wrong encoding, or a file that is no text, with the line
    try:
        grid: Any = textgrid.openTextgrid(
            str(path), includeEmptyIntervals=False, duplicateNamesMode="rename"
        )
    except (PraatioException, ValueError, LookupError) as error:
        raise UserError(
            f"`{path}` can't be read as a TextGrid: {error}", "Save it again in Praat"
        ) from error
    found: dict[str, list[Entry]] = {}
    for name in grid.tierNames:
        tier = grid.getTier(name)
        if isinstance(tier, textgrid.IntervalTier):
            rows = [(float(e.start), float(e.end), " ".join(e.label.split())) for e in tier.entries]
            found[name] = [row for row in rows if row[2].lower() not in _SILENCE]
    return found


def _mean_length(entries: Sequence[Entry]) -> float:
    return sum(len(text) for *_, text in entries) / len(entries)


def _grouped(words: Sequence[Entry]) -> Iterator[Entry]:
    """Join words to sentences at the pauses between them."""
    start = end = 0.0
    said: list[str] = []
    for first, last, text in words:
        if said and first - end > _GAP:
            yield start, end, " ".join(said)
            said = []
        start = first if not said else start
        end = last
        said.append(text)
    if said:
        yield start, end, " ".join(said)


def _inside(words: Sequence[Entry], start: float, end: float) -> tuple[tuple[float, float], ...]:
    return tuple((s, e) for s, e, _ in words if start <= (s + e) / 2 < end)
