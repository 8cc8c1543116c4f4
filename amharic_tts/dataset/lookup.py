"""Looking up rows for an edit: in memory here, in the table's index for large datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError


class Rows(Protocol):
    """Where the rows are looked up: `table.ClipTable`, or `Loaded` for a dataset in memory."""

    def row(self, id: str) -> Utterance:
        """Return a row; `UserError` where there is none."""

    def twin_of_text(self, normalized: str, but: str) -> str:
        """Return the id of another accepted row with this text, or an empty text."""

    def twin_of_sound(self, audio_hash: str, but: str) -> str:
        """Return the id of another accepted row with this sound, or an empty text."""

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """Return ids in the order of the dataset."""

    def has(self, id: str) -> bool:
        """Tell whether a row has this id."""


class Loaded:
    """The rows of a dataset in memory, looked up as `Rows`."""

    def __init__(self, dataset: Dataset) -> None:
        self._name = dataset.name
        self._rows = {row.id: row for row in dataset.utterances}
        self._place = {id: place for place, id in enumerate(self._rows)}

    def row(self, id: str) -> Utterance:
        if id not in self._rows:
            raise UserError(f"`{self._name}` has no clip `{id}`")
        return self._rows[id]

    def has(self, id: str) -> bool:
        return id in self._rows

    def in_order(self, ids: Iterable[str]) -> list[str]:
        return sorted(ids, key=lambda id: self._place[self.row(id).id])

    def twin_of_text(self, normalized: str, but: str) -> str:
        return self._twin("normalized", normalized, but)

    def twin_of_sound(self, audio_hash: str, but: str) -> str:
        return self._twin("audio_hash", audio_hash, but)

    def _twin(self, field: str, value: str, but: str) -> str:
        same = (r.id for r in self._rows.values() if r.accepted and getattr(r, field) == value)
        return next((id for id in same if id != but), "") if value else ""
