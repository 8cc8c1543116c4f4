"""A dataset on disk: `utterances.jsonl` is the truth, `dataset.json` says what never changes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.dataset.rules import Note
from amharic_tts.errors import UserError
from amharic_tts.files import write_text
from amharic_tts.workspace import Workspace

FORMAT = 1
ROWS = "utterances.jsonl"
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

    @property
    def accepted(self) -> bool:
        return self.decision == "accepted"

    def to_line(self) -> str:
        """Return the row as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Utterance:
        """Return the row of one line.

        Raises:
            ValueError: The line is not a row.
        """
        body = json.loads(line)
        if not isinstance(body, dict) or not isinstance(body.get("id"), str):
            raise ValueError("it has no id")
        known = {f.name for f in dataclasses.fields(cls)}
        values = {key: value for key, value in body.items() if key in known}
        if values.get("span") is not None:
            start, end = values["span"]
            values["span"] = (float(start), float(end))
        return cls(**values)


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
        rows = []
        with open(folder / ROWS, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    rows.append(Utterance.from_line(line.decode("utf-8")))
                except (ValueError, TypeError) as error:
                    raise UserError(
                        f"`{folder / ROWS}` line {number} is damaged: {error}",
                        "Put a copy of the dataset back, or build it again under another name",
                    ) from error
        return dataclasses.replace(cls.load_header(folder), utterances=tuple(rows))

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

    def save(self, utterances: Iterable[Utterance]) -> Dataset:
        """Replace the rows in one step and return the dataset with them."""
        rows = tuple(utterances)
        write_text(self.folder / ROWS, "".join(row.to_line() + "\n" for row in rows))
        return dataclasses.replace(self, utterances=rows)
