"""The clip table answers as sorting and filtering the rows in memory would, whatever was edited."""

from __future__ import annotations

import dataclasses
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from amharic_tts.dataset import versions
from amharic_tts.dataset.edits import Editor
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.table import COLUMNS, ClipTable, Query
from amharic_tts.errors import UserError
from amharic_tts.events import Progress
from benchmarks.dataset_kills import Letters, one_edit
from benchmarks.dataset_kills import made as made_with_sounds
from benchmarks.dataset_table import made, queries

KEYS = {
    "order": lambda row: 0,
    "id": lambda row: row.id,
    "text": lambda row: row.text,
    "seconds": lambda row: row.duration,
    "speaker": lambda row: row.speaker,
    "source": lambda row: row.source,
    "split": lambda row: row.split,
    "decision": lambda row: row.decision,
    "findings": lambda row: len(row.findings),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("large") / "datasets" / "d", 400).folder


def wanted(rows: tuple[Utterance, ...], query: Query) -> list[str]:
    """Return the ids that a query should find, in their order, by plain Python."""

    def value(row: Utterance) -> object:
        if query.sort == "value":
            return next(n["value"] for n in row.findings if n["code"] == query.finding)
        return KEYS[query.sort](row) if query.sort in KEYS else row.measures[query.sort]

    found = [
        row
        for row in rows
        if query.finding in ("", *(n["code"] for n in row.findings))
        and query.search.casefold() in f"{row.id}\n{row.text}".casefold()
        and query.speaker in ("", row.speaker)
        and query.split in ("", row.split)
        and query.decision in ("", row.decision)
    ]
    ordered = sorted(found, key=value)  # type: ignore[arg-type]
    return [row.id for row in (ordered[::-1] if query.descending else ordered)]


def test_every_query_of_the_measurement_is_answered_right(large: Path, tmp_path: Path) -> None:
    rows = Dataset.load(large).utterances
    table = ClipTable(large, tmp_path)
    assert set(KEYS) == set(COLUMNS)
    for query in queries():
        ids = wanted(rows, query)
        assert table.ids(query) == ids, query
        page = table.page(dataclasses.replace(query, page=2, size=30))
        assert page.total == len(ids)
        if len(ids) > 30:
            assert [row.id for row in page.rows] == ids[30:60]
            assert page.rows[0] in rows


def test_a_page_after_the_last_is_the_last(large: Path, tmp_path: Path) -> None:
    page = ClipTable(large, tmp_path).page(Query(page=99, size=150))
    assert (page.number, page.pages, len(page.rows)) == (3, 3, 100)


def test_progress_is_told_while_the_index_is_made(large: Path, tmp_path: Path) -> None:
    events = list(ClipTable(large, tmp_path).refresh())
    assert [(e.done, e.total) for e in events if isinstance(e, Progress)] == [(400, 400)]
    assert list(ClipTable(large, tmp_path).refresh()) == []


def test_wrong_queries_are_told_at_once(large: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        ClipTable(large, tmp_path).page(Query(sort="id; DROP TABLE rows", decision="?", page=0))
    assert [line.split(":")[0] for line in told.value.message.splitlines()[1:]] == [
        "- sort",
        "- decision",
        "- page",
    ]
    with pytest.raises(UserError, match="`value` needs a finding"):
        ClipTable(large, tmp_path).page(Query(sort="value"))
    odd = ClipTable(large, tmp_path).page(Query(search="%' OR 1=1 --"))
    assert odd.total == 0


def test_the_index_follows_edits_and_new_versions(tmp_path: Path) -> None:
    folder = made_with_sounds(tmp_path / "datasets" / "d", 12).folder
    mine, other = ClipTable(folder, tmp_path), ClipTable(folder, tmp_path)
    chance = random.Random(4)
    for _ in range(40):
        mine.update()
        edit = Editor(mine.dataset, mine, "me", Letters())
        rows = Dataset.load(folder).utterances
        one_edit(edit, list(rows), chance)
        other.update()
        rows = Dataset.load(folder).utterances
        found = [other.row(row.id) for row in rows]
        assert tuple(found) == rows
        shown = [row.id for row in rows if "replaced" not in {n["code"] for n in row.findings}]
        assert other.ids(Query()) == shown
    assert versions.listed(folder)[0].number > 1
    assert len(list((tmp_path / "tables" / "d").glob("*.sqlite"))) == 1


def test_the_index_may_be_deleted(tmp_path: Path) -> None:
    folder = made_with_sounds(tmp_path / "datasets" / "d", 3).folder
    ClipTable(folder, tmp_path).update()
    for path in (tmp_path / "tables" / "d").iterdir():
        path.unlink()
    assert ClipTable(folder, tmp_path).page(Query()).total == 3
    for path in (tmp_path / "tables" / "d").iterdir():
        path.write_bytes(b"spoilt by a power cut")
    assert ClipTable(folder, tmp_path).page(Query()).total == 3


def test_counts_and_neighbours(large: Path, tmp_path: Path) -> None:
    table, rows = ClipTable(large, tmp_path), Dataset.load(large).utterances
    assert sum(table.speakers().values()) == 400
    assert table.decisions() == {
        "accepted": sum(row.accepted for row in rows),
        "rejected": sum(not row.accepted for row in rows),
    }
    clipping = sum(any(n["code"] == "clipping" for n in row.findings) for row in rows)
    assert table.findings()["clipping"] == clipping
    assert table.behind(rows[0].id) == rows[1].id
    assert table.behind(rows[-1].id) == ""
    with pytest.raises(UserError, match="`d` has no clip `nobody`"):
        table.row("nobody")


def test_the_table_is_made_by_whichever_thread_comes(tmp_path: Path) -> None:
    """Gradio takes each step of a handler in a thread of its pool, and not always in the same."""
    rows = 4001  # three steps
    table = ClipTable(made(tmp_path / "datasets" / "d", rows).folder, tmp_path)
    steps = table.refresh()
    told = []
    while True:
        with ThreadPoolExecutor(1) as pool:  # a new thread for every step
            event = pool.submit(next, steps, None).result()
        if event is None:
            break
        assert isinstance(event, Progress)
        told.append(event.done)
    assert told == [2000, 4000, rows]
    assert table.page(Query()).total == rows
