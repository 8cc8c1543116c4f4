"""A dataset on disk: `utterances.jsonl` is the truth, `dataset.json` says what never changes.

Decisions on single rows are in the journal on top of `utterances.jsonl` (`journal.py`); whoever
loads a dataset gets them applied.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.dataset import journal, states
from amharic_tts.dataset.journal import State
from amharic_tts.dataset.rules import BY_HAND, Note
from amharic_tts.dataset.states import ROWS, Fields
from amharic_tts.errors import UserError
from amharic_tts.files import write_text
from amharic_tts.workspace import Workspace

FORMAT = 1
HEADER = "dataset.json"
WAVS = "wavs"


@dataclass(frozen=True)
class Utterance:
    """One clip, or one row that could not become a clip; one line of `utterances.jsonl`."""

    id: str
    audio: str = ""
    """Path of the WAV relative to the dataset folder; empty where there is none."""
    text: str = ""
    """As the user wrote it."""
    normalized: str = ""
    phonemes: str = ""
    """IPA, where some G2P has written it; `g2p` names it with its version."""
    g2p: str = ""
    speaker: str = ""
    source: str = ""
    """The recording's file name, relative to the folder that was given."""
    span: tuple[float, float] | None = None
    """Start and end in the recording, in seconds; None for a whole file."""
    duration: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)
    findings: list[Note] = field(default_factory=list)
    split: str = "train"
    decision: str = "accepted"
    source_hash: str = ""
    """First half of the SHA-256 of the recording's bytes; what a recording is known by."""
    audio_hash: str = ""
    """First half of the SHA-256 of the clip's 16-bit samples."""
    text_by: str = ""
    """Who wrote the text, where it is not as it came in: ``by hand``, ``recognised by MODEL``."""
    whole: str = ""
    """WAV that this clip is a piece of, since its ends were moved or it was split; else empty."""
    cut: tuple[float, float] | None = None
    """Start and end in `whole`, in seconds."""

    @property
    def accepted(self) -> bool:
        return self.decision == "accepted"

    @property
    def settled(self) -> bool:
        """Whether a build leaves the row as it is: accepted, or decided by a person."""
        by_hand = any(item["code"] in BY_HAND for item in self.findings)
        return self.accepted or by_hand or bool(self.audio and self.text_by) or self.cut is not None

    def to_line(self) -> str:
        """Return the row as one line of JSON."""
        # Not `asdict`, which copies everything and takes four times as long.
        return json.dumps(vars(self), ensure_ascii=False)

    def fields(self) -> Fields:
        """Return the row as JSON knows it."""
        fields: Fields = json.loads(self.to_line())
        return fields

    @classmethod
    def from_line(cls, line: str) -> Utterance:
        """Return the row of one line.

        Raises:
            ValueError: The line is not a row.
        """
        return cls.from_fields(json.loads(line))

    @classmethod
    def from_fields(cls, body: Any) -> Utterance:
        """Return the row of its fields; unknown ones are left out.

        Raises:
            ValueError: They are not a row's.
        """
        if not isinstance(body, dict) or not isinstance(body.get("id"), str):
            raise ValueError("it has no id")
        values = {key: value for key, value in body.items() if key in _FIELDS}
        for key in ("span", "cut"):
            if values.get(key) is not None:
                start, end = values[key]
                values[key] = (float(start), float(end))
        return cls(**values)


_FIELDS = frozenset(f.name for f in dataclasses.fields(Utterance))


@dataclass(frozen=True)
class Dataset:
    """The rows of a dataset; nothing here changes a file but `save`."""

    folder: Path
    language: str = "am"
    seed: int = 0
    """Seed of the train/eval split."""
    origin: str = ""
    """`sample` for the sample project, else empty."""
    g2p: str = ""
    """The backend that was chosen for the phonemes; empty for a language without G2P, and in
    datasets of older versions, whose phonemes are by the studio's default."""
    lexicon: str = ""
    """Version of the lexicon that it was begun with, a hash of its words; the file is beside."""
    utterances: tuple[Utterance, ...] = ()
    state: int | None = None
    """Number of the state that was loaded; None where nothing was."""
    edits: int = 0
    """How many edits on top of it were loaded."""

    @property
    def name(self) -> str:
        return self.folder.name

    def accepted(self, split: str | None = None) -> list[Utterance]:
        """Return the rows that training uses, of one split or of both."""
        return [u for u in self.utterances if u.accepted and split in (None, u.split)]

    def wav(self, utterance: Utterance) -> Path:
        """Return where a row's clip is.

        Raises:
            UserError: The row has none, or names a place outside the dataset.
        """
        path = self.folder / utterance.audio
        if not utterance.audio:
            raise UserError(f"`{utterance.id}` has no sound in the dataset `{self.name}`")
        if self.folder.resolve() not in path.resolve().parents:
            raise UserError(f"`{utterance.audio}` is outside the dataset `{self.name}`")
        return path

    @staticmethod
    def exists(folder: Path) -> bool:
        """Tell whether a folder holds a dataset; a build that was killed early leaves none."""
        return (folder / ROWS).is_file()

    @staticmethod
    def names(workspace: Workspace) -> list[str]:
        """Return the names of a workspace's datasets, sorted."""
        if not workspace.datasets.is_dir():
            return []
        return sorted(f.name for f in workspace.datasets.iterdir() if Dataset.exists(f))

    @classmethod
    def load(cls, folder: Path) -> Dataset:
        """Read a dataset.

        Raises:
            UserError: There is none, it is damaged (with the line), or from a newer version.
        """
        if not cls.exists(folder):
            raise UserError(
                f"There is no dataset `{folder.name}`", "See them with: amharic-tts dataset list"
            )
        content = (folder / ROWS).read_bytes()
        rows = tuple(read_rows(content, folder / ROWS))
        number = states.head(folder, hashlib.sha256(content).hexdigest()).number
        state = journal.state_of(folder, number)
        dataset = cls.load_header(folder)
        dataset = dataclasses.replace(dataset, state=number, edits=state.count)
        return dataclasses.replace(dataset, utterances=folded(rows, state))

    @classmethod
    def load_header(cls, folder: Path) -> Dataset:
        """Read `dataset.json`; the rows stay out.

        Raises:
            UserError: It is missing, damaged or from a newer version.
        """
        path = folder / HEADER
        try:
            body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if int(body["format"]) > FORMAT:
                raise UserError(
                    f"`{folder.name}` was made by a newer version of the studio",
                    "Update the studio",
                )
            g2p, lexicon = str(body.get("g2p", "")), str(body.get("lexicon", ""))
            made = (folder, str(body["language"]), int(body["seed"]), str(body["origin"]))
            return cls(*made, g2p, lexicon)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"`{path}` can't be read: {error}") from error

    def save_header(self) -> None:
        """Write `dataset.json`, once, when the dataset is begun."""
        body = {
            "format": FORMAT,
            "language": self.language,
            "seed": self.seed,
            "origin": self.origin,
            "g2p": self.g2p,
            "lexicon": self.lexicon,
        }
        write_text(self.folder / HEADER, json.dumps(body, indent=1) + "\n")

    def save(self, utterances: Iterable[Utterance], reason: str = "saved") -> Dataset:
        """Replace the rows in one step and return the dataset with them.

        The rows before are not kept; `versions.commit` keeps them. Edits that came in since the
        dataset was loaded go on top of the new rows.

        Raises:
            UserError: The rows were replaced since they were loaded; or the disk is full.
        """
        rows = tuple(utterances)
        seen = None if self.state is None else (self.state, self.edits)
        text = "".join(row.to_line() + "\n" for row in rows)
        by_id = _ById({row.id: row for row in rows})
        number = journal.switch(self.folder, text, reason, seen, by_id)
        state = journal.state_of(self.folder, number)
        return dataclasses.replace(
            self, utterances=folded(rows, state), state=number, edits=state.count
        )


class _ById(Mapping[str, Fields]):
    """Rows as their fields, made only for those that are asked for."""

    def __init__(self, rows: dict[str, Utterance]) -> None:
        self._rows = rows

    def __getitem__(self, id: str) -> Fields:
        return self._rows[id].fields()

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def read_rows(content: bytes, path: Path) -> Iterator[Utterance]:
    """Yield the rows of a file's content; `path` is for the message.

    Raises:
        UserError: A line is damaged.
    """
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            yield Utterance.from_line(line.decode("utf-8"))
        except (ValueError, TypeError) as error:
            raise UserError(
                f"`{path}` line {number} is damaged: {error}",
                "Put a copy of the dataset back, or build it again under another name",
            ) from error


def folded(rows: tuple[Utterance, ...], state: State) -> tuple[Utterance, ...]:
    """Return rows with the edits of a journal applied; new ones stand behind those they came from.

    Raises:
        UserError: The journal is about a row that is not there.
    """
    if not state.count:
        return rows
    found: list[Utterance] = []
    known = {row.id for row in rows} | state.made
    missing = sorted((set(state.latest) | set(state.followers)) - known)
    if missing:
        raise UserError(f"The journal changes `{missing[0]}`, and there is no such row")

    def add(id: str, row: Utterance | None) -> None:
        fields = state.latest.get(id)
        if id not in state.dead and (row or fields):
            body = {**(row.fields() if row else {}), **(fields or {})}
            found.append(Utterance.from_fields(body) if fields else row)  # type: ignore[arg-type]
        for follower in state.followers.get(id, ()):
            add(follower, None)

    for row in rows:
        add(row.id, row)
    return tuple(found)
