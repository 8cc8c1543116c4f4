"""Which of two voices was better, each time that somebody listened: ``speech/votes.jsonl``."""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from amharic_tts.files import disk_errors
from amharic_tts.workspace import Workspace

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Vote:
    """One comparison."""

    first: str
    """Voice that was heard first."""
    second: str
    better: str
    """One of the two, or empty where they were alike."""
    text: str
    blind: bool
    """Whether who listened did not know which was which."""
    at: float = field(default_factory=time.time)


class Votes:
    """The comparisons of a workspace; only ever added to."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def _path(self) -> Path:
        return self._workspace.speech / "votes.jsonl"

    def add(self, vote: Vote) -> None:
        """Write a vote.

        Raises:
            UserError: The disk is full or can't be written.
        """
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(vote), ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())

    def all(self) -> list[Vote]:
        """Return the votes, oldest first; a half-written line is told in the log."""
        found: list[Vote] = []
        if not self._path.exists():
            return found
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(Vote(**json.loads(line)))
            except (ValueError, TypeError):
                logger.warning("%s: not a vote: %s", self._path, line[:80])
        return found

    def tally(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Return, for each pair in the order of the alphabet, how often either was better, or none.

        Only comparisons in which nobody knew the voices are counted.
        """
        found: dict[tuple[str, str], list[int]] = {}
        for vote in self.all():
            if not vote.blind:
                continue
            one, two = sorted((vote.first, vote.second))
            counts = found.setdefault((one, two), [0, 0, 0])
            counts[{one: 0, two: 1}.get(vote.better, 2)] += 1
        return {pair: (a, b, same) for pair, (a, b, same) in found.items()}
