"""The steps of a run beside each other, for the screen. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amharic_tts.jobs.checkpoints import CheckpointRow
from amharic_tts.jobs.scores import FOLDER
from amharic_tts.ui import html
from amharic_tts.ui.html import Safe, chip
from amharic_tts.ui.words import Words

REFERENCE = -1
"""Stands for the reference clip where a step is chosen to be heard."""
MEASURES = ("phoneme_error", "agreement", "similarity")
"""Shares, which one plot holds."""
COLUMNS = ("step", "notes", "loss", "eval_loss", *MEASURES, "seconds")


def table(rows: Sequence[CheckpointRow], words: Words) -> str:
    """Return the table with, below it, why something was not measured."""
    if not rows:
        return f'<p class="quiet">{words("checkpoint.none")}</p>'
    header = [words(f"checkpoint.column.{name}") for name in COLUMNS]
    body = [_cells(row, words) for row in rows]
    whys = sorted({_why(name, why, words) for row in rows for name, why in row.reasons.items()})
    below = "".join(f"<li>{html.rich(why)}</li>" for why in whys)
    missing = f'<ul class="whys">{below}</ul>' if below else ""
    return html.table(header, body, "numbers checkpoints") + missing


def _why(name: str, why: str, words: Words) -> str:
    label = words.get(f"checkpoint.column.{name}")
    return f"{label}: {why}" if label else why


def _cells(row: CheckpointRow, words: Words) -> list[str]:
    length = "–"
    if row.seconds is not None:
        length = f"{row.seconds:.1f} / {row.expected_seconds or 0:.1f}"
    return [
        str(row.step),
        Safe(" ".join(_notes(row, words))),
        _number(row.loss, 3),
        _number(row.eval_loss, 3),
        "–" if row.phoneme_error is None else f"{row.phoneme_error:.0%}",
        _number(row.agreement, 2),
        _number(row.similarity, 2),
        length,
    ]


def _notes(row: CheckpointRow, words: Words) -> list[Safe]:
    found = []
    for kind, name, holds in (
        ("done", "best", row.best),
        ("running", "exported", row.exported),
        ("", "kept", row.kept),
    ):
        if holds:
            found.append(chip(kind, words(f"checkpoint.note.{name}")))
    for name, count in (("ran_away", row.ran_away), ("stopped_early", row.stopped_early)):
        if count:
            told = words(f"checkpoint.note.{name}", n=count, all=len(row.samples))
            found.append(chip("failed", told))
    return found


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def points(rows: Sequence[CheckpointRow], words: Words) -> list[tuple[int, float, str]]:
    """Return (step, value, name) of what was measured of the samples, for the plot."""
    found = []
    for name in MEASURES:
        label = words(f"checkpoint.column.{name}")
        values = [(row.step, getattr(row, name)) for row in rows]
        found += [(step, value, label) for step, value in values if value is not None]
    return found


def spoken(run: Path, rows: Sequence[CheckpointRow], words: Words) -> list[tuple[str, int]]:
    """Return (label, step) of what can be heard: the steps with samples, and the reference."""
    steps = [
        (words("checkpoint.at", n=row.step), row.step)
        for row in rows
        if any(sample.audio for sample in row.samples)
    ]
    if steps and (run / FOLDER / "reference.wav").is_file():
        steps.append((words("checkpoint.reference"), REFERENCE))
    return steps


def sentences(rows: Sequence[CheckpointRow]) -> list[str]:
    """Return what the samples say, each once."""
    return list(dict.fromkeys(sample.text for row in rows for sample in row.samples))


def sound(run: Path, rows: Sequence[CheckpointRow], step: int, text: str) -> Path | None:
    """Return the file of a sentence at a step, or of the reference; None where there is none."""
    if step == REFERENCE:
        path = run / FOLDER / "reference.wav"
        return path if path.is_file() else None
    for row in rows:
        for sample in row.samples:
            if row.step == step and sample.text == text and sample.audio:
                path = run / sample.audio
                inside = run.resolve() in path.resolve().parents
                return path if inside and path.is_file() else None
    return None
