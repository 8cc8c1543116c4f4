"""A dataset in distributions: how long, loud, clean and fast its clips are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amharic_tts.dataset.checks import store
from amharic_tts.dataset.checks.judge import pace_of
from amharic_tts.dataset.checks.record import Record, is_valid
from amharic_tts.dataset.manifest import Dataset, Utterance

Value = Callable[[Utterance, Record], "float | None"]


@dataclass(frozen=True)
class Histogram:
    """Counts in equal steps: `counts[i]` values are from ``start + i * step`` on."""

    name: str
    unit: str
    start: float
    step: float
    counts: tuple[int, ...]
    middle: float
    """The median."""
    low: float
    """One value in twenty is below, and one above the next."""
    high: float

    @property
    def total(self) -> int:
        """How many values there are."""
        return sum(self.counts)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        numbers = {"start": self.start, "step": self.step, "counts": list(self.counts)}
        spread = {"middle": round(self.middle, 3), "low": round(self.low, 3)}
        return {"name": self.name, "unit": self.unit, **numbers, **spread, "high": self.high}


def _sound(key: str) -> Value:
    return lambda row, record: (record.get("sound") or {}).get(key)


VALUES: dict[str, tuple[str, float, Value]] = {
    "length": ("s", 1.0, lambda row, record: row.duration or None),
    "loudness": ("LUFS", 1.0, _sound("loudness")),
    "snr": ("dB", 2.0, _sound("snr_db")),
    "pace": (
        "phones/s",
        1.0,
        lambda row, record: (pace_of(record) or None) if record.get("sound") else None,
    ),
    "agreement": ("", 0.05, lambda row, record: (record.get("agreement") or {}).get("score")),
}
"""Name of a distribution: its unit, the step of its histogram, and where the value is."""


def histogram(
    name: str, unit: str, values: Sequence[float], step: float, start: float | None = None
) -> Histogram | None:
    """Return a histogram, or None where there are no values.

    Args:
        name: What the values are.
        unit: Of them.
        values: In any order.
        step: Width of a bar.
        start: Left end of the first bar; None takes a multiple of the step.
    """
    if not values:
        return None
    table = np.asarray(values, dtype=np.float64)
    first = float(np.floor(table.min() / step) * step) if start is None else start
    places = np.floor((table - first) / step + 1e-9).astype(int)
    counts = np.bincount(np.maximum(places, 0))
    low, middle, high = (float(v) for v in np.quantile(table, [0.05, 0.5, 0.95]))
    return Histogram(name, unit, first, step, tuple(counts.tolist()), middle, low, round(high, 3))


def distributions(dataset: Dataset) -> dict[str, Histogram]:
    """Return the distributions of the accepted clips, by name; those that are known.

    The length is always known, the others from the last check, as far as it is of the clips as
    they are now.

    Raises:
        UserError: The file of the check is damaged.
    """
    records = store.load(dataset.folder)
    pairs = [(row, _valid(records, row, dataset.language)) for row in dataset.accepted()]
    found = {}
    for name, (unit, step, value) in VALUES.items():
        values = [v for row, record in pairs if (v := value(row, record)) is not None]
        made = histogram(name, unit, values, step)
        if made:
            found[name] = made
    return found


def _valid(records: Mapping[str, Record], row: Utterance, language: str) -> Record:
    record = records.get(row.id)
    return record if record and is_valid(record, row, language) else {}


def hours(dataset: Dataset) -> dict[str, float]:
    """Return the hours of accepted clips by speaker, the longest first."""
    counts: Counter[str] = Counter()
    for row in dataset.accepted():
        counts[row.speaker] += row.duration  # type: ignore[assignment]
    return {speaker: round(seconds / 3600, 4) for speaker, seconds in counts.most_common()}


def before_and_after(clips: Sequence[Mapping[str, Any]]) -> dict[str, list[Histogram]]:
    """Return two histograms, on the same steps, of each number that a repair changed.

    Args:
        clips: ``clips`` of what a repair ended with.
    """
    steps = {"duration": ("s", 0.5), "loudness": ("LUFS", 1.0), "snr_db": ("dB", 2.0)}
    found = {}
    for name, (unit, step) in steps.items():
        old = [c["before"][name] for c in clips if c["before"].get(name) is not None]
        new = [number for c in clips for number in _after(c["after"], name)]
        if not old or not new:
            continue
        start = float(np.floor(min(*old, *new) / step) * step)
        pair = [histogram(name, unit, values, step, start) for values in (old, new)]
        found[name] = [one for one in pair if one]
    return found


def _after(after: Mapping[str, Any], name: str) -> list[float]:
    parts = after.get("parts", [after])
    return [part[name] for part in parts if part.get(name) is not None]
