"""What was measured of the spoken samples of a run, kept in its `scores.json`. Needs no torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.files import write_text

NAME = "scores.json"
FOLDER = "samples"
"""In the run's folder: ``step-N/1.wav`` and so on, and `reference.wav`."""


@dataclass(frozen=True)
class SampleScore:
    """One spoken sentence. What is None was not measured; `reasons` says why, by name."""

    language: str
    text: str
    audio: str = ""
    """Path relative to the run's folder; empty where there is no sound."""
    seed: int = 0
    seconds: float | None = None
    expected_seconds: float | None = None
    """What the text takes at a usual pace (`text_split.expected_codes`)."""
    ran_away: bool | None = None
    """The model did not end by itself and was cut."""
    stopped_early: bool | None = None
    """It is much shorter than expected."""
    similarity: float | None = None
    """Cosine of the base's speaker encoder between sample and reference, -1 to 1."""
    phoneme_error: float | None = None
    """Phonemes heard wrong, as a share of those expected (`Comparison.per`); may be above 1."""
    agreement: float | None = None
    """How well sound and text agree, 0 to 1 (`Comparison.score`)."""
    missing_end: bool | None = None
    """The end of the text was not heard."""
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StepScores:
    """The samples of one step."""

    step: int
    samples: tuple[SampleScore, ...]
    seconds_taken: float = 0.0
    """How long speaking and measuring took."""

    def mean(self, name: str) -> float | None:
        """Return the mean of a number of the samples over those that have it."""
        values = [value for s in self.samples if (value := getattr(s, name)) is not None]
        return sum(values) / len(values) if values else None

    def count(self, name: str) -> int | None:
        """Return how many samples a yes-or-no is true of; None where none was looked at."""
        values = [value for s in self.samples if (value := getattr(s, name)) is not None]
        return sum(values) if values else None

    @property
    def reasons(self) -> dict[str, str]:
        """Why what was not measured wasn't, by name."""
        return {name: why for sample in self.samples for name, why in sample.reasons.items()}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> StepScores:
        """Return what was written; keys of another version are passed over."""
        known = {f.name for f in dataclasses.fields(SampleScore)}
        samples = tuple(
            SampleScore(**{key: value for key, value in sample.items() if key in known})
            for sample in body["samples"]
        )
        return cls(int(body["step"]), samples, float(body.get("seconds_taken", 0.0)))


class Scores:
    """`scores.json` of one run: step -> what was measured there."""

    def __init__(self, run: Path) -> None:
        self.path = run / NAME

    def read(self) -> dict[int, StepScores]:
        """Return everything, by step; empty where nothing was measured, or it can't be read."""
        try:
            body = json.loads(self.path.read_text(encoding="utf-8"))
            found = [StepScores.from_dict(each) for each in body["steps"]]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return {each.step: each for each in sorted(found, key=lambda each: each.step)}

    def put(self, scores: StepScores) -> None:
        """Write what was measured at one step, in the place of an older measurement there."""
        self._write({**self.read(), scores.step: scores})

    def drop_after(self, step: int) -> None:
        """Forget the steps after `step`: a resumed run goes through them once more."""
        found = self.read()
        kept = {number: each for number, each in found.items() if number <= step}
        if len(kept) < len(found):
            self._write(kept)

    def _write(self, found: Mapping[int, StepScores]) -> None:
        steps = [dataclasses.asdict(found[step]) for step in sorted(found)]
        write_text(self.path, json.dumps({"steps": steps}, ensure_ascii=False, indent=1))
