"""The SQLite file behind the clip table: what is in it, how it is made and follows the edits."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from amharic_tts.dataset.checks import store
from amharic_tts.dataset.journal import Edit
from amharic_tts.dataset.manifest import Utterance
from amharic_tts.dataset.rules import Note
from amharic_tts.dataset.states import journal_file
from amharic_tts.files import sync_files

FORMAT = 2
"""Part of the file's name, so that another version of the studio makes its own."""
_STEP = 2000
_PATIENCE = 30.0
_MEASURE = re.compile(r"[a-z][a-z0-9_]{0,40}")

_ROWS = """
CREATE TABLE rows (
    key INTEGER PRIMARY KEY, id TEXT, name TEXT, pos REAL, text TEXT, normalized TEXT,
    audio_hash TEXT, speaker TEXT, source TEXT, split TEXT, decision TEXT, seconds REAL,
    findings INTEGER{measures}
);
CREATE TABLE lines (key INTEGER PRIMARY KEY, line TEXT);
CREATE TABLE texts (key INTEGER PRIMARY KEY, folded TEXT);
CREATE TABLE findings (key INTEGER, code TEXT, level TEXT, value REAL);
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT);
"""
_INDEXED = ("pos", "text", "speaker", "source", "split", "decision", "seconds", "findings", "id")
_Values = tuple[object, ...]


def search_form(text: str) -> str:
    """Return a text as it is searched: composed, without capital letters."""
    return unicodedata.normalize("NFC", text).casefold()


class Index:
    """One index file; every call opens its own connection, so that threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self.measures: tuple[str, ...] = ()

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection; what was changed is kept where nothing went wrong."""
        # `build` is a generator, and Gradio takes its steps in changing threads of a pool. They
        # come one after the other: a connection is never used by two threads at once.
        db = sqlite3.connect(self.path, timeout=_PATIENCE, check_same_thread=False)
        try:
            db.execute("PRAGMA cache_size = -65536")
            db.execute("PRAGMA mmap_size = 268435456")
            with db:
                yield db
        finally:
            db.close()

    def ready(self) -> bool:
        """Tell whether the file is there and whole."""
        if not self.path.is_file():
            return False
        try:
            with self.connected() as db:
                about = dict(db.execute("SELECT key, value FROM about"))
        except sqlite3.DatabaseError:  # it is only a cache: made anew
            return False
        self.measures = tuple(json.loads(about["measures"]))
        return True

    def build(
        self,
        rows: Sequence[Utterance],
        edits: int,
        size: int,
        checked: Mapping[str, Sequence[Note]] = MappingProxyType({}),
    ) -> Iterator[int]:
        """Make the file; it appears under its name when it is whole. Yields the rows done.

        Args:
            rows: All rows, edits included.
            edits: How many edits they include.
            size: Bytes of the journal that these edits take.
            checked: What the last check found, by id; counted and sorted by with the rows' own.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        names = sorted({name for row in rows for name in row.measures if _MEASURE.fullmatch(name)})
        self.measures = tuple(names)
        with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=".making-") as folder:
            aside = Index(Path(folder) / "index.sqlite")
            aside.measures = self.measures
            with aside.connected() as db:
                # A file that a kill spoils is never found under its name.
                db.execute("PRAGMA synchronous = OFF")
                db.execute("PRAGMA journal_mode = OFF")
                db.executescript(_ROWS.format(measures="".join(f', "m_{n}" REAL' for n in names)))
                for start in range(0, len(rows), _STEP):
                    aside._put(db, list(enumerate(rows[start : start + _STEP], start)), checked)
                    yield min(len(rows), start + _STEP)
                for column in [*_INDEXED, *(f"m_{name}" for name in names)]:
                    db.execute(f'CREATE INDEX "by_{column}" ON rows ("{column}", pos, decision)')
                for column in ("normalized", "audio_hash", "name"):
                    db.execute(f"CREATE INDEX by_{column} ON rows ({column})")
                db.execute("CREATE INDEX by_code ON findings (code, value, key)")
                db.execute("CREATE INDEX by_row ON findings (key)")
                about = {"edits": edits, "size": size, "measures": json.dumps(names)}
                db.executemany("INSERT INTO about VALUES (?, ?)", list(about.items()))
                db.execute("ANALYZE")
            sync_files(aside.path.parent, [aside.path])
            aside.path.replace(self.path)

    def follow(self, folder: Path, number: int) -> bool:
        """Take in the edits that came since; False where the file can't hold them.

        Args:
            folder: The dataset.
            number: The state that the index is of.
        """
        self.number = number
        path = journal_file(folder, number)
        there = path.stat().st_size if path.is_file() else 0
        with self.connected() as db:
            if int(self._about(db, "size")) >= there:
                return True
            db.execute("BEGIN IMMEDIATE")  # another tab may do the same
            size, edits = int(self._about(db, "size")), int(self._about(db, "edits"))
            with open(path, "rb") as file:
                file.seek(size)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    edit = Edit.from_line(line.decode("utf-8"))
                    if edit.n != edits + 1 or not self._take(db, edit):
                        db.rollback()
                        return False
                    size, edits = size + len(line), edits + 1
            db.execute("UPDATE about SET value = ? WHERE key = 'size'", (size,))
            db.execute("UPDATE about SET value = ? WHERE key = 'edits'", (edits,))
        return True

    @staticmethod
    def _about(db: sqlite3.Connection, key: str) -> str:
        return str(db.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()[0])

    def _take(self, db: sqlite3.Connection, edit: Edit) -> bool:
        for change in edit.changes:
            found = db.execute(
                "SELECT key, pos, line FROM rows JOIN lines USING (key) WHERE id = ?", (change.id,)
            ).fetchone()
            kept: list[Note] = []
            if found is not None:
                kept = self._checked(db, found[0], json.loads(found[2]))
                for table in ("rows", "lines", "texts", "findings"):
                    db.execute(f"DELETE FROM {table} WHERE key = ?", (found[0],))
            if change.after is None:
                continue
            pos = self._between(db, change.follows) if found is None else float(found[1])
            if pos is None:
                return False
            before = {} if found is None else json.loads(found[2])
            row = Utterance.from_fields({**before, **change.after})
            if not set(row.measures) <= set(self.measures):
                return False
            # What a check found holds for the text and the sound that it saw.
            same = all(before.get(key) == getattr(row, key) for key in ("text", "audio_hash"))
            self._put(db, [(pos, row)], {row.id: kept} if same else {})
        return True

    @staticmethod
    def _checked(db: sqlite3.Connection, key: int, row: Mapping[str, Any]) -> list[Note]:
        """Return the findings that a row has from a check, not of its own."""
        own = {item["code"] for item in row.get("findings", [])}
        found = db.execute("SELECT code, level, value FROM findings WHERE key = ?", (key,))
        return [
            {"code": code, "level": level, "value": value}
            for code, level, value in found
            if code not in own
        ]

    @staticmethod
    def _between(db: sqlite3.Connection, id: str) -> float | None:
        """Return a place right behind a row; None where there is none left."""
        found = db.execute("SELECT pos FROM rows WHERE id = ?", (id,)).fetchone()
        if found is None:
            return None
        here = float(found[0])
        after = db.execute("SELECT min(pos) FROM rows WHERE pos > ?", (here,)).fetchone()[0]
        middle = here + 1.0 if after is None else (here + float(after)) / 2
        return middle if middle > here and (after is None or middle < float(after)) else None

    def _put(
        self,
        db: sqlite3.Connection,
        rows: Sequence[tuple[float, Utterance]],
        checked: Mapping[str, Sequence[Note]] = MappingProxyType({}),
    ) -> None:
        first = db.execute("SELECT coalesce(max(key), 0) + 1 FROM rows").fetchone()[0]
        keyed = [(first + n, pos, row) for n, (pos, row) in enumerate(rows)]
        notes = {row.id: store.merged(row.findings, checked.get(row.id, ())) for _, _, row in keyed}
        values = [self._values(*one, len(notes[one[2].id])) for one in keyed]
        self._insert(db, "rows", values)
        self._insert(db, "lines", [(key, row.to_line()) for key, _, row in keyed])
        texts = [(key, search_form(f"{row.id}\n{row.text}")) for key, _, row in keyed]
        self._insert(db, "texts", texts)
        found: list[_Values] = []
        for key, _, row in keyed:
            for item in {item["code"]: item for item in notes[row.id]}.values():
                found.append((key, item["code"], item["level"], item.get("value")))
        self._insert(db, "findings", found)

    def _values(self, key: int, pos: float, row: Utterance, notes: int) -> _Values:
        replaced = any(item["code"] == "replaced" for item in row.findings)
        return (
            key,
            row.id,
            search_form(row.id),
            pos,
            row.text,
            row.normalized,
            row.audio_hash,
            row.speaker,
            row.source,
            row.split,
            "replaced" if replaced else row.decision,
            row.duration,
            notes,
            *(row.measures.get(name) for name in self.measures),
        )

    @staticmethod
    def _insert(db: sqlite3.Connection, table: str, rows: Sequence[_Values]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
