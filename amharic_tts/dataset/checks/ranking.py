"""Which clip to look at first: wrong texts, then what can't be trained on well, then the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.rules import Note

ORDER = (
    *("speech_differs", "audio_changed", "inaudible", "wrong_language", "wrong_script"),
    *("end_unsaid", "more_said", "said_twice", "twin", "fast", "slow", "cut_start", "cut_end"),
    *("digits_left", "clipping", "noisy", "hole", "other_speaker", "narrow_band", "offset"),
    *("long_pause", "quiet", "loud", "silence_start", "silence_end", "duplicate_text"),
)
"""The graver first; what is not here comes last."""
LOW_IS_BAD = frozenset({"speech_differs", "end_unsaid", "noisy", "narrow_band", "quiet", "slow"})


@dataclass(frozen=True)
class Ranked:
    """One finding of one clip."""

    row: Utterance
    finding: Note

    @property
    def code(self) -> str:
        """Of the finding."""
        return str(self.finding["code"])


def ranked(dataset: Dataset, found: Mapping[str, Sequence[Note]], code: str = "") -> list[Ranked]:
    """Return the findings, the gravest first.

    Args:
        dataset: Its rows.
        found: Findings by the id of the row.
        code: Only findings of this one.
    """
    every = [
        Ranked(row, finding)
        for row in dataset.utterances
        for finding in found.get(row.id, ())
        if not code or finding["code"] == code
    ]
    return sorted(every, key=_gravity)


def _gravity(one: Ranked) -> tuple[int, float]:
    place = ORDER.index(one.code) if one.code in ORDER else len(ORDER)
    value = float(one.finding.get("value", 0.0))
    return place, value if one.code in LOW_IS_BAD else -value
