"""The report of a dataset as the page shows it: rows, counts and pages. No Gradio here."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amharic_tts.dataset import states
from amharic_tts.errors import UserError
from amharic_tts.events import Finding
from amharic_tts.ui.job_view import named
from amharic_tts.ui.words import Words

PAGE_ROWS = 50


def sound(folder: Path, row_id: str) -> tuple[str, int, np.ndarray]:
    """Return a clip's title, its rate, and its sound as int16 samples.

    Raises:
        UserError: The dataset has no such clip, or it can't be read.
    """
    from amharic_tts.audio import read
    from amharic_tts.dataset.manifest import Dataset

    dataset = Dataset.load(folder)
    row = next((one for one in dataset.utterances if one.id == row_id), None)
    if row is None:
        raise UserError(f"`{folder.name}` has no clip `{row_id}`")
    samples = read.read(dataset.wav(row), rate=read.RATE)
    pcm = (samples.clip(-1, 1) * 32767).astype("int16")
    return f"{row_id}: {row.text}", read.RATE, pcm


@dataclass(frozen=True)
class Row:
    """One clip of the report."""

    id: str
    text: str
    duration: float
    tokens: int
    split: str
    findings: tuple[tuple[str, str], ...]
    """(code, message) pairs."""
    accepted: bool

    def told(self, words: Words) -> str:
        """Return its findings in words, a line each."""
        return "\n".join(named(code, message, words) for code, message in self.findings)

    def use(self, words: Words) -> str:
        """Return what will happen to it: trained on, used for evaluation, or refused."""
        return words("dataset.use." + (self.split if self.accepted else "refused"))


@dataclass(frozen=True)
class DatasetView:
    """A dataset's report, ready to be filtered and paged."""

    name: str
    language: str
    rows: tuple[Row, ...]
    notes: tuple[Finding, ...] = ()
    """What is worth knowing of the dataset as a whole."""

    def chosen(self, only_refused: bool) -> Sequence[Row]:
        """Return all rows, or those that training would refuse."""
        return [row for row in self.rows if not (only_refused and row.accepted)]

    def pages(self, only_refused: bool) -> int:
        """Return the number of pages, at least 1."""
        return max(1, -(-len(self.chosen(only_refused)) // PAGE_ROWS))

    def table(self, only_refused: bool, page: int, words: Words) -> list[list[str]]:
        """Return one page (from 1) of the table's cells."""
        page = min(max(1, page), self.pages(only_refused))
        rows = self.chosen(only_refused)[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
        return [self.cells(row, words) for row in rows]

    @staticmethod
    def cells(row: Row, words: Words) -> list[str]:
        """Return the cells of one row, in the order of `header`."""
        return [
            row.id,
            row.text,
            f"{row.duration:.2f}",
            str(row.tokens),
            words(f"dataset.split.{row.split}"),
            row.use(words),
            row.told(words),
        ]

    @staticmethod
    def header(words: Words) -> list[str]:
        """Return the names of the columns."""
        keys = ("id", "text", "duration", "tokens", "split", "use", "findings")
        return [words(f"dataset.column.{key}") for key in keys]

    def counts(self, words: Words) -> dict[str, str]:
        """Return the numbers above the table, by name."""
        good = [row for row in self.rows if row.accepted]
        minutes = sum(row.duration for row in good) / 60
        return {
            words("dataset.count.rows"): str(len(self.rows)),
            words("dataset.count.train"): str(sum(row.split == "train" for row in good)),
            words("dataset.count.eval"): str(sum(row.split == "eval" for row in good)),
            words("dataset.count.refused"): str(len(self.rows) - len(good)),
            words("dataset.count.minutes"): f"{minutes:.1f}",
        }


def view(folder: Path) -> DatasetView:
    """Read a dataset and its report.

    Raises:
        UserError: There is no dataset in `folder`, or it is damaged.
    """
    return _view(folder, states.stamp(folder))


@functools.lru_cache(maxsize=8)
def _view(folder: Path, _stamp: tuple[int, ...]) -> DatasetView:
    from amharic_tts.dataset import manifest, split, validate

    dataset = manifest.Dataset.load(folder)
    report = validate.check(dataset)
    rows = tuple(
        Row(
            id=row.id,
            text=row.text,
            duration=row.duration,
            tokens=row.tokens,
            split=row.split,
            findings=tuple((f["code"], f["message"]) for f in row.findings),
            accepted=row.decision == "accepted",
        )
        for row in report.rows
    )
    return DatasetView(
        dataset.name, dataset.language, rows, tuple(split.findings(dataset.utterances))
    )
