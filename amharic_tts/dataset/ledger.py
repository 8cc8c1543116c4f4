"""What a build knows about the rows: those that are there, those that it adds, and their twins."""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from collections.abc import Sequence, Set
from pathlib import Path

from amharic_tts.dataset.manifest import Utterance
from amharic_tts.dataset.rules import Note, note
from amharic_tts.errors import UserError
from amharic_tts.files import check_name

Span = tuple[float, float]
Key = tuple[str, Span | None]
"""Content of the recording (or its name, where there is none) and the place in it."""

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: a file that changes has another one."""

_BAD = '\\/:*?"<>|'


def file_hash(path: Path) -> str:
    """Return the first half of the SHA-256 of a file's bytes; empty if it can't be opened."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""  # gone, or not ours to read; decoding it tells which
    return digest.hexdigest()[:32]


def stamp(path: Path) -> Stamp | None:
    """Return what tells a file that is still being written from one that is finished.

    None where it may not even be looked at; reading it will tell why.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


class Ledger:
    """Rows of the dataset and of the running build.

    Attributes:
        kept: The dataset's rows that stay as they are, in their order.
        new: The rows of this build; some of them take the place of refused ones.
        wishes: For each of them the split that its table asks for, or an empty text.
        already: How many rows were there already.
        changed_text: Ids of accepted rows that are there with another text.
        changed_sound: Recordings whose name is there with another content.
        other_takes: Ids of accepted prompts of which another take counts now.
        replaced: How many rows without a text are cut otherwise now.
        mended: How many rows that were refused before are accepted now.
    """

    def __init__(self, rows: Sequence[Utterance]) -> None:
        self.new: list[Utterance] = []
        self.wishes: list[str] = []
        self.already, self.mended = 0, 0
        self.changed_text: list[str] = []
        self.changed_sound: list[str] = []
        self.other_takes: list[str] = []
        self._rows = {row.id: row for row in rows}
        self._by_key: dict[Key, list[Utterance]] = {}
        for row in rows:
            self._by_key.setdefault(_key(row), []).append(row)
        self._by_source: dict[str, list[Utterance]] = {}
        for row in rows:
            if row.source_hash:
                self._by_source.setdefault(row.source_hash, []).append(row)
        self._ids = {_fold(row.id) for row in rows}
        self._sounds = {row.audio_hash: row.id for row in rows if row.audio_hash and row.accepted}
        self._texts = {row.normalized: row.id for row in rows if row.normalized and row.accepted}
        self._retried: dict[str, Utterance] = {}
        self._replaced: set[str] = set()

    @property
    def kept(self) -> list[Utterance]:
        gone = self._retried.keys() | self._replaced
        return [row for row in self._rows.values() if row.id not in gone]

    @property
    def replaced(self) -> int:
        """Rows without a text whose recording was cut anew."""
        return len(self._replaced)

    def rows(self, new: Sequence[Utterance]) -> list[Utterance]:
        """Return all rows with `new` in the place of the refused ones that they mend, else last."""
        by_id = {row.id: row for row in new}
        old = [by_id.get(i, row) for i, row in self._rows.items() if i not in self._replaced]
        return [*old, *(row for row in new if row.id not in self._rows)]

    def begin(self, key: Key, text: str, wanted: str, source: str) -> str:
        """Return the id under which a row should be made, or an empty text if it is there.

        A row that is there and accepted, or that a person has decided on, stays, even where its
        text is another one now. Another row that was refused is tried again under its old id: its
        text, or its recording, may be mended.

        Args:
            key: The recording's content and the place in it.
            text: As the user wrote it.
            wanted: The id that it would have by itself.
            source: The recording's name.
        """
        there = [row for row in self._by_key.get(key, []) if row.id not in self._retried]
        same = [row for row in there if row.text == text]
        if any(row.settled for row in same):
            self.already += 1
            return ""
        accepted = [row for row in there if row.settled and row.source == source]
        if not same and accepted:
            self.changed_text.append(accepted[0].id)
            return ""
        named = self._rows.get(_safe(wanted))
        if named is not None and not there and (named.source == source or not named.source_hash):
            if named.settled:
                self.changed_sound.append(source)
            elif named.id not in self._retried:
                there = [named]
        refused = [row for row in (*same, *there) if not row.settled]
        if refused:
            self._retried[refused[0].id] = refused[0]
            return refused[0].id
        return self._free_id(wanted)

    def cut_anew(self, digest: str, spans: Set[Span]) -> None:
        """Let go of the rows of a recording that have no text yet and are cut otherwise now."""
        for row in self._rows.values():
            mine = row.source_hash == digest and row.span is not None and row.span not in spans
            if mine and not row.accepted and not row.text:
                self._replaced.add(row.id)

    def covers(self, digest: str, span: Span, text: str) -> bool:
        """Tell whether a clip with a text is there already for most of a place in a recording.

        It counts as there already; the same place with the same text is left to `begin`.
        """
        for row in self._by_source.get(digest, ()):
            if not row.text or row.span is None or (row.span == span and row.text == text):
                continue
            shared = min(row.span[1], span[1]) - max(row.span[0], span[0])
            if shared > (span[1] - span[0]) / 2:
                self.already += 1
                return True
        return False

    def has_other_take(self, name: str, digest: str) -> bool:
        """Tell whether an accepted clip of this name was made of another take."""
        row = self._rows.get(_safe(name))
        if row is None or not row.accepted or row.source_hash == digest:
            return False
        self.other_takes.append(row.id)
        return True

    def refuse(self, first: int, reason: Note) -> None:
        """Refuse the new rows from number `first` on, which are one recording's."""
        for number, row in enumerate(self.new[first:], first):
            if row.id in self._retried and row.accepted:
                self.mended, self.already = self.mended - 1, self.already + 1
            for known, key in ((self._sounds, row.audio_hash), (self._texts, row.normalized)):
                if known.get(key) == row.id:
                    del known[key]
            found = [*row.findings, reason]
            self.new[number] = dataclasses.replace(row, findings=found, decision="rejected")

    def twin(self, audio_hash: str) -> str:
        """Return the id of an accepted clip with the same sound, or an empty text."""
        return self._sounds.get(audio_hash, "")

    def text_twin(self, normalized: str) -> list[Note]:
        """Return a warning if an accepted clip has the same text."""
        other = self._texts.get(normalized, "")
        return [note("duplicate_text", f"`{other}` has the same text")] if other else []

    def add(self, row: Utterance, wish: str = "") -> None:
        """Take a row of this build, and the split that its table asks for."""
        old = self._retried.get(row.id)
        if old is not None and row.accepted:
            self.mended += 1
        elif old is not None:
            self.already += 1
        self.new.append(row)
        self.wishes.append(wish)
        if row.accepted:
            self._sounds.setdefault(row.audio_hash, row.id)
            self._texts.setdefault(row.normalized, row.id)

    def sort_new(self, first: int) -> None:
        """Bring the new rows from number `first` on, which are one recording's, into its order."""
        tail = sorted(self.new[first:], key=lambda row: (row.span or (0.0, 0.0), row.id))
        self.new[first:] = tail

    @property
    def added(self) -> int:
        """Rows that were not there before."""
        return sum(row.id not in self._retried for row in self.new)

    def _free_id(self, wanted: str) -> str:
        base = _safe(wanted)
        name, n = base, 1
        while _fold(name) in self._ids:
            n += 1
            name = f"{base}-{n}"
        self._ids.add(_fold(name))
        return name


def _key(row: Utterance) -> Key:
    return (row.source_hash or row.source, row.span)


def _fold(name: str) -> str:
    """Return what two names share that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _safe(wanted: str) -> str:
    """Return a name for one file on every system: no separators, not too long."""
    name = unicodedata.normalize("NFC", wanted.replace("\\", "/").rpartition("/")[2])
    name = "".join("_" if c in _BAD or ord(c) < 32 else c for c in name).strip(" .")
    while len(name.encode("utf-8", "replace")) > 150 or len(name) > 60:
        name = name[:-1]
    name = name.strip(" .") or "clip"
    try:
        return check_name(name, "clip")
    except UserError:
        return f"clip-{name}"  # a name such as `con`, which Windows keeps for itself
