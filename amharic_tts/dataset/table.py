"""The clip table: any page of a large dataset, sorted, filtered and searched, without loading it.

An SQLite file in the cache is the index. It is made from `utterances.jsonl` and the journal, which
stay the truth, and follows them: new edits are taken in one by one, a new state makes a new index.
It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset import states
from amharic_tts.dataset.checks import store
from amharic_tts.dataset.journal import Edit, Journal, state_of
from amharic_tts.dataset.manifest import Dataset, Utterance, folded, read_rows
from amharic_tts.dataset.table_index import FORMAT, Index, search_form
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Event
from amharic_tts.files import disk_errors

PAGE_ROWS = 50
MOST_ROWS = 500
COLUMNS = {
    "order": "pos",
    "id": "id",
    "text": "text",
    "seconds": "seconds",
    "speaker": "speaker",
    "source": "source",
    "split": "split",
    "decision": "decision",
    "findings": "findings",
}
"""What the table can be sorted by, besides ``value`` and the names of the measures."""
DECISIONS = ("accepted", "rejected", "replaced")


@dataclass(frozen=True)
class Query:
    """Which rows are wanted, in which order."""

    search: str = ""
    """Part of the text or the id; capital letters are as small ones."""
    finding: str = ""
    """Code that the rows carry."""
    decision: str = ""
    """``accepted``, ``rejected``, ``replaced`` (split or merged); empty leaves out ``replaced``."""
    speaker: str = ""
    split: str = ""
    sort: str = "order"
    """A key of `COLUMNS`, a measure such as ``peak_db``, or ``value``: that of `finding`."""
    descending: bool = False
    page: int = 1
    size: int = PAGE_ROWS

    def problems(self, measures: Sequence[str]) -> list[str]:
        """Return everything that is wrong with the query."""
        found = []
        if self.sort not in COLUMNS and self.sort not in measures and self.sort != "value":
            known = ", ".join([*COLUMNS, "value", *measures])
            found.append(f"sort: `{self.sort}` is none of {known}")
        if self.sort == "value" and not self.finding:
            found.append("sort: `value` needs a finding")
        if self.decision and self.decision not in DECISIONS:
            found.append(f"decision: `{self.decision}` is none of {', '.join(DECISIONS)}")
        if self.page < 1 or not 1 <= self.size <= MOST_ROWS:
            found.append(f"page: from 1, with 1 to {MOST_ROWS} rows")
        return found


@dataclass(frozen=True)
class Page:
    """One page of the table."""

    rows: tuple[Utterance, ...]
    total: int
    """How many rows the query finds in all."""
    number: int
    pages: int


class ClipTable:
    """The rows of a dataset, by pages; looks rows up for an `Editor`, too.

    Args:
        folder: The dataset.
        cache: Folder for indexes; the table makes its own in it.

    Raises:
        UserError: There is no dataset.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        if not Dataset.exists(folder):
            raise UserError(
                f"There is no dataset `{folder.name}`", "See them with: amharic-tts dataset list"
            )
        self.header = Dataset.load_header(folder)
        self.folder, self._cache = folder, cache / "tables" / folder.name
        self._stamp: tuple[tuple[int, ...], int] = ((), -1)
        self._index: Index | None = None

    def refresh(self) -> Iterator[Event]:
        """Bring the index up to the present state; yields progress where it is made anew.

        Raises:
            UserError: The dataset is damaged, or the disk is full.
        """
        checked = store.stamp(self.folder)
        stamp = (states.stamp(self.folder), checked)
        if self._index is not None and stamp == self._stamp:
            return
        head = Journal(self.folder).recorded()
        digest = states.rows_hash(self.folder)
        path = self._cache / f"{FORMAT}-{head.number:04d}-{digest[:16]}-{checked:x}.sqlite"
        index = Index(path)
        if not index.ready():
            yield from self._build(index, head.number)
        if index.follow(self.folder, head.number):
            self._index, self._stamp = index, stamp
            return
        # A measure that the index has no column for.
        path.unlink(missing_ok=True)
        yield from self._build(index, head.number)
        self._index, self._stamp = index, stamp

    def update(self) -> None:
        """As `refresh`, for callers that show no progress."""
        for _ in self.refresh():
            pass

    def _build(self, index: Index, number: int) -> Iterator[Event]:
        content = (self.folder / states.ROWS).read_bytes()
        rows = tuple(read_rows(content, self.folder / states.ROWS))
        state = state_of(self.folder, number)
        everything = folded(rows, state)
        checked = store.findings(
            dataclasses.replace(Dataset.load_header(self.folder), utterances=everything)
        )
        clock = Clock(len(everything), "clips")
        with disk_errors(index.path):
            for done in index.build(everything, state.count, state.size, checked):
                yield clock.progress(done)
            for old in self._cache.glob("*.sqlite"):
                if old != index.path:
                    with contextlib.suppress(OSError):  # open in another tab on some systems
                        old.unlink()

    @property
    def _now(self) -> Index:
        if self._index is None:
            self.update()
        assert self._index is not None
        return self._index

    @property
    def dataset(self) -> Dataset:
        """The dataset's header with the number of the state that the table shows."""
        return dataclasses.replace(self.header, state=self._now.number)

    def page(self, query: Query) -> Page:
        """Return a page; one after the last is the last.

        Raises:
            UserError: The query is wrong; the message lists everything.
        """
        index = self._now
        self._refuse(query, index)
        with index.connected() as db:
            source, values = _found(db, query)
            total = int(db.execute(f"SELECT count(*) {source}", values).fetchone()[0])
            pages = max(1, -(-total // query.size))
            number = min(query.page, pages)
            keys = f"SELECT rows.key {source} {_order(query)} LIMIT ? OFFSET ?"
            limits = (query.size, (number - 1) * query.size)
            rows = _rows(db, keys, (*values, *limits))
        return Page(tuple(rows), total, number, pages)

    @staticmethod
    def _refuse(query: Query, index: Index) -> None:
        problems = query.problems(index.measures)
        if problems:
            raise UserError("The table can't be shown:\n" + "\n".join(f"- {p}" for p in problems))

    def ids(self, query: Query) -> list[str]:
        """Return the ids of all rows that a query finds, on whatever page."""
        with self._now.connected() as db:
            source, values = _found(db, query)
            rows = db.execute(f"SELECT rows.id {source} {_order(query)}", values)
            return [str(id) for (id,) in rows]

    def found(self, query: Query) -> list[Utterance]:
        """Return all rows that a query finds, on whatever page.

        Raises:
            UserError: The query is wrong; the message lists everything.
        """
        index = self._now
        self._refuse(query, index)
        with index.connected() as db:
            source, values = _found(db, query)
            return _rows(db, f"SELECT rows.key {source} {_order(query)}", values)

    def findings(self) -> dict[str, int]:
        """Return how many rows carry each code, the most frequent first."""
        return self._counts("SELECT code, count(*) AS n FROM findings GROUP BY code")

    def speakers(self) -> dict[str, int]:
        """Return how many rows each speaker has, the most frequent first."""
        return self._counts("SELECT speaker, count(*) AS n FROM rows GROUP BY speaker")

    def decisions(self) -> dict[str, int]:
        """Return how many rows are accepted, rejected and replaced."""
        return self._counts("SELECT decision, count(*) AS n FROM rows GROUP BY decision")

    def _counts(self, wanted: str) -> dict[str, int]:
        with self._now.connected() as db:
            rows = db.execute(f"{wanted} ORDER BY n DESC, 1").fetchall()
        return {str(name): int(count) for name, count in rows}

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures that rows have."""
        return self._now.measures

    def row(self, id: str) -> Utterance:
        """Return a row.

        Raises:
            UserError: There is none.
        """
        with self._now.connected() as db:
            found = db.execute(
                "SELECT line FROM rows JOIN lines USING (key) WHERE id = ?", (id,)
            ).fetchone()
        if found is None:
            raise UserError(f"`{self.header.name}` has no clip `{id}`")
        return Utterance.from_line(found[0])

    def has(self, id: str) -> bool:
        """Tell whether a row has this id, whatever its capital letters are."""
        with self._now.connected() as db:
            wanted = (search_form(id),)
            return db.execute("SELECT 1 FROM rows WHERE name = ?", wanted).fetchone() is not None

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """Return ids in the order of the dataset."""
        places = {}
        with self._now.connected() as db:
            for id in ids:
                found = db.execute("SELECT pos FROM rows WHERE id = ?", (id,)).fetchone()
                if found is None:
                    raise UserError(f"`{self.header.name}` has no clip `{id}`")
                places[id] = float(found[0])
        return sorted(places, key=lambda id: places[id])

    def behind(self, id: str) -> str:
        """Return the row that stands behind another and was not replaced, or an empty text."""
        with self._now.connected() as db:
            found = db.execute(
                "SELECT id FROM rows WHERE pos > (SELECT pos FROM rows WHERE id = ?) "
                "AND decision != 'replaced' ORDER BY pos LIMIT 1",
                (id,),
            ).fetchone()
        return str(found[0]) if found else ""

    def twin_of_text(self, normalized: str, but: str) -> str:
        """Return the id of another accepted row with this text, or an empty text."""
        return self._twin("normalized", normalized, but)

    def twin_of_sound(self, audio_hash: str, but: str) -> str:
        """Return the id of another accepted row with this sound, or an empty text."""
        return self._twin("audio_hash", audio_hash, but)

    def _twin(self, column: str, value: str, but: str) -> str:
        if not value:
            return ""
        with self._now.connected() as db:
            found = db.execute(
                f"SELECT id FROM rows WHERE {column} = ? AND decision = 'accepted' AND id != ? "
                "ORDER BY pos LIMIT 1",
                (value, but),
            ).fetchone()
        return str(found[0]) if found else ""

    def history(self, most: int = 20) -> list[Edit]:
        """Return the last edits on the present state, the newest first."""
        return Journal(self.folder).edits()[-most:][::-1]


def _rows(db: sqlite3.Connection, keys: str, values: tuple[object, ...]) -> list[Utterance]:
    """Return the rows of a query for keys, in its order."""
    wanted = "SELECT line FROM lines WHERE key = ?"
    found = db.execute(keys, values).fetchall()
    return [Utterance.from_line(db.execute(wanted, key).fetchone()[0]) for key in found]


def _found(db: sqlite3.Connection, query: Query) -> tuple[str, tuple[object, ...]]:
    """Return the FROM and WHERE of a query with their values.

    What takes a look at every text is done once, into a temporary table.
    """
    tables = "FROM rows"
    where: list[str] = []
    values: list[object] = []
    if query.finding:
        tables = "FROM findings CROSS JOIN rows ON rows.key = findings.key"
        where.append("findings.code = ?")
        values.append(query.finding)
    if query.decision:
        where.append("rows.decision = ?")
        values.append(query.decision)
    else:
        where.append("rows.decision != 'replaced'")
    for column in ("speaker", "split"):
        if getattr(query, column):
            where.append(f"rows.{column} = ?")
            values.append(getattr(query, column))
    if query.search.strip():
        db.execute(
            "CREATE TEMP TABLE hits AS SELECT key FROM texts WHERE instr(folded, ?) > 0",
            (search_form(query.search.strip()),),
        )
        if not query.finding:
            tables = "FROM hits CROSS JOIN rows ON rows.key = hits.key"
        else:
            where.append("rows.key IN (SELECT key FROM hits)")
    return f"{tables} WHERE {' AND '.join(where)}", tuple(values)


def _order(query: Query) -> str:
    if query.sort == "value":
        column = "findings.value"
    elif query.sort in COLUMNS:
        column = f"rows.{COLUMNS[query.sort]}"
    else:
        column = f'rows."m_{query.sort}"'
    way = "DESC" if query.descending else "ASC"
    return f"ORDER BY {column} {way}, rows.pos {way}"
