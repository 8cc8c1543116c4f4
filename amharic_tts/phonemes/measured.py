"""What recognitions have cost on this machine, setting by setting: only what was measured."""

from __future__ import annotations

import dataclasses
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from amharic_tts import files
from amharic_tts.phonemes.extractor import PhonemeExtractor

KEPT = 40
"""Settings that are remembered; the one that was not used for longest goes first."""
_writing = threading.Lock()


@dataclass(frozen=True)
class Setting:
    """How a model ran: not what was asked for, but what the loaded model says of itself."""

    model: str
    backend: str
    dtype: str
    threads: int


@dataclass(frozen=True)
class Cost:
    """What a setting has cost so far."""

    setting: Setting
    runs: int
    seconds_heard: float
    seconds_taken: float
    load_seconds: float
    """Of the last time that it was loaded."""
    memory_mb: float
    """Held by the whole process after the last run."""

    @property
    def real_time_factor(self) -> float | None:
        """Seconds taken for a second of sound; None before any sound."""
        return self.seconds_taken / self.seconds_heard if self.seconds_heard else None


def setting_of(extractor: PhonemeExtractor) -> Setting:
    """Return how an extractor's model runs."""
    model = extractor.recognizer
    return Setting(model.id, model.backend, model.dtype, model.threads)


def memory_mb() -> float:
    """Return the memory that this process holds now (resident), in MB."""
    return float(psutil.Process().memory_info().rss / 1e6)


def costs(path: Path) -> list[Cost]:
    """Return what was measured, the last used setting first.

    A missing or damaged file counts as nothing measured: all of it can be measured again.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [_cost(row) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _cost(row: dict[str, Any]) -> Cost:
    return Cost(**{**row, "setting": Setting(**row["setting"])})


def record(path: Path, extractor: PhonemeExtractor, heard: float, taken: float) -> list[Cost]:
    """Add a recognition to the file and return everything measured.

    Args:
        path: The JSON file.
        extractor: Did it.
        heard: Seconds of sound.
        taken: Seconds that it took, loading not counted.

    Raises:
        UserError: The file can't be written.
    """
    setting = setting_of(extractor)
    with _writing:
        known = costs(path)
        before = next((c for c in known if c.setting == setting), None)
        if before is not None:
            heard, taken = heard + before.seconds_heard, taken + before.seconds_taken
        runs = 1 + (before.runs if before else 0)
        now = Cost(setting, runs, heard, taken, extractor.usage.load_seconds, memory_mb())
        kept = [now, *(c for c in known if c.setting != setting)][:KEPT]
        body = [dataclasses.asdict(cost) for cost in kept]
        files.write_text(path, json.dumps(body, ensure_ascii=False, indent=1) + "\n")
    return kept
