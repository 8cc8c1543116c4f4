"""Check a dataset: would training take each row? Reads, never edits."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import soundfile

from amharic_tts.audio.read import RATE
from amharic_tts.dataset import rules
from amharic_tts.dataset.checks import store
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.rules import Encoder, Note, note
from amharic_tts.dataset.summary import summary
from amharic_tts.dataset.workers import ONE_PROCESS, Engine, mapped
from amharic_tts.errors import UserError


@dataclass(frozen=True)
class Row:
    """One row of the report."""

    id: str
    text: str
    speaker: str
    source: str
    split: str
    duration: float
    tokens: int
    findings: list[Note]
    decision: str

    @property
    def reasons(self) -> list[Note]:
        """The findings for which the row is refused."""
        return [item for item in self.findings if item["level"] == "error"]


@dataclass(frozen=True)
class Report:
    """Every row of a dataset with what was found; `accepted` and `rejected` count them."""

    dataset: Dataset
    rows: tuple[Row, ...]

    @property
    def accepted(self) -> int:
        return sum(row.decision == "accepted" for row in self.rows)

    @property
    def rejected(self) -> int:
        return len(self.rows) - self.accepted

    def reasons(self) -> dict[str, int]:
        """Return how many rows were refused for each code, the most frequent first."""
        return _count(code for row in self.rows for code in {n["code"] for n in row.reasons})

    def findings(self) -> dict[str, int]:
        """Return how many rows carry each code, the most frequent first."""
        return _count(code for row in self.rows for code in {n["code"] for n in row.findings})

    def pace(self) -> str:
        """Return, in words, how many tokens the accepted rows have: a second, a clip, at most."""
        from amharic_tts.tokenizer.encoder import pace

        rows = [row for row in self.rows if row.decision == "accepted" and row.duration]
        if not rows:
            return "no row is accepted"
        return pace([row.tokens for row in rows], sum(row.duration for row in rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data; what `dataset check --json` prints."""
        head = summary(self.dataset)
        return {
            **{key: head[key] for key in ("dataset", "folder", "language", "notes")},
            "accepted": self.accepted,
            "rejected": self.rejected,
            "reasons": self.reasons(),
            "findings": self.findings(),
            "rows": [asdict(row) for row in self.rows],
        }


def check(dataset: Dataset, encoder: Encoder | None = None, engine: Engine = ONE_PROCESS) -> Report:
    """Judge each row as training would now.

    What was found while building stays (a cut-off recording, a twin, an overlapping cue); text and
    length are judged anew, and the WAV must be there and be what the row says. What the last deep
    check found (`dataset.checks`) stands beside it; it is for people, and refuses no row.

    Args:
        dataset: A loaded dataset.
        encoder: The encoder of the base that will be trained; None takes the language's default.
        engine: Where rows are judged.

    Raises:
        UserError: The language has no encoder, or the file of the deep check is damaged.
    """
    from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, default_encoder

    encoder = encoder or default_encoder(dataset.language)
    head = replace(dataset, utterances=())
    work = functools.partial(_row, head, encoder, MAX_TEXT_TOKENS)
    checked = store.findings(dataset)
    rows = mapped(work, dataset.utterances, engine, chunk=100)
    return Report(
        dataset,
        tuple(
            replace(row, findings=store.merged(row.findings, checked.get(row.id, ())))
            for row in rows
        ),
    )


def _row(dataset: Dataset, encoder: Encoder, limit: int, row: Utterance) -> Row:
    anew = rules.TEXT_CODES | rules.LENGTH_CODES
    found = [item for item in row.findings if item["code"] not in anew]
    text, tokens = rules.text_notes(row.text, encoder, limit)
    if not any(item["code"] == "empty_cue" for item in found):
        found += text
    found += rules.length_notes(row.duration) if row.duration else []
    if row.accepted:
        found += _sound(dataset, row)
    elif not rules.is_refused(found):
        found = list(row.findings)  # it would pass now; until it is built again, it stays out
    decision = "rejected" if rules.is_refused(found) or not row.accepted else "accepted"
    return Row(
        row.id,
        row.text,
        row.speaker,
        row.source,
        row.split,
        row.duration,
        tokens,
        found,
        decision,
    )


def _sound(dataset: Dataset, row: Utterance) -> list[Note]:
    """Return what is wrong with the WAV of an accepted row."""
    try:
        path = dataset.wav(row)
    except UserError as error:
        return [note("missing_audio", error.message)]
    if not path.is_file():
        return [note("missing_audio", f"`{row.audio}` is not in the dataset's folder any more")]
    return _wav_notes(path, row)


def _wav_notes(path: Path, row: Utterance) -> list[Note]:
    try:
        info = soundfile.info(path)
    except soundfile.SoundFileError:
        return [note("unreadable_audio", f"`{row.audio}` can't be read as sound any more")]
    wanted = round(row.duration * RATE)
    if (info.samplerate, info.channels) != (RATE, 1) or info.frames != wanted:
        is_now = f"{info.frames} samples at {info.samplerate} Hz, {info.channels} channels"
        message = f"`{row.audio}` was changed: {is_now} instead of {wanted} at {RATE}, mono"
        return [note("unreadable_audio", message)]
    if (info.format, info.subtype) != ("WAV", "PCM_16"):
        # Floats may hold what is no number, and other packings be damaged further in: training
        # would only meet it when it reads the samples.
        message = f"`{row.audio}` was changed: it is {info.format} {info.subtype}, not a 16-bit WAV"
        return [note("unreadable_audio", message)]
    return []


def _count(codes: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for code in codes:
        counts[code] = counts.get(code, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
