"""The clip table of 100,000 rows, and edits under random kills.

    python -m benchmarks.dataset_table [--quick] [--json] [--rows N] [--kills N]

Every query is asked on its first, its middle and its last page, each by a table that has just been
opened, as a page of the browser does; the time is that of the whole answer, rows included. The
peer reads the same file into pandas, as a tool without an index does once, and then sorts or
filters in memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from amharic_tts.dataset import versions
from amharic_tts.dataset.edits import Editor
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.rules import note
from amharic_tts.dataset.table import COLUMNS, ClipTable, Query
from benchmarks import dataset_kills

ROWS, QUICK_ROWS = 100_000, 5_000
KILLS, QUICK_KILLS = 100, 5
WORDS = (
    *("ሰላም", "ቤት", "ውሃ", "መንገድ", "ትምህርት", "ልጅ", "አዲስ", "ዛሬ", "ነገ", "ትልቅ", "ከተማ"),
    *("ተራራ", "መጽሐፍ", "ጥሩ", "ብዙ", "ሰው", "ሀገር", "ቀን", "ሥራ", "ጊዜ"),
)
CODES = ("clipping", "inaudible", "duplicate_text", "too_long", "unknown_characters", "truncated")
Row = dict[str, Any]


def made(folder: Path, count: int, seed: int = 0) -> Dataset:
    """Return a dataset of `count` rows without sounds."""
    chance = random.Random(seed)
    dataset = Dataset(folder, "am", origin="benchmark")
    dataset.save_header()
    return versions.commit(dataset, (_row(n, chance) for n in range(count)), "made")


def _row(number: int, chance: random.Random) -> Utterance:
    text = " ".join(chance.choices(WORDS, k=chance.randint(3, 12)))
    codes = chance.sample(CODES, chance.choice((0, 0, 0, 1, 2)))
    findings = [{**note(code, f"made {code}"), "value": chance.random()} for code in codes]
    refused = any(item["level"] == "error" for item in findings)
    seconds = round(chance.uniform(1, 11), 3)
    return Utterance(
        f"talk-{number // 200:04d}-{number:06d}",
        f"wavs/{number}.wav",
        text,
        text,
        "sɨlam " * 4,
        "rule_based rules-2",
        f"speaker {chance.randrange(40)}",
        f"talk-{number // 200:04d}.mp3",
        (number * 1.0, number + seconds),
        seconds,
        {"peak_db": chance.uniform(-30, 0), "rms_db": chance.uniform(-50, -10), "clipped": 0.0},
        findings,  # type: ignore[arg-type]
        "eval" if number % 10 == 0 else "train",
        "rejected" if refused else "accepted",
        f"{number // 200:032x}",
        f"{number:032x}",
    )


def queries() -> Iterator[Query]:
    """Yield what the page can ask for: every sort both ways, every filter, sorts of filters."""
    for sort, down in itertools.product([*COLUMNS, "peak_db", "rms_db", "clipped"], (False, True)):
        yield Query(sort=sort, descending=down)
    for code in CODES:
        yield Query(finding=code)
        yield Query(finding=code, sort="value", descending=True)
        yield Query(finding=code, sort="seconds", decision="accepted")
    for decision, sort in itertools.product(("accepted", "rejected"), ("order", "seconds", "text")):
        yield Query(decision=decision, sort=sort)
    for search in ("መጽሐፍ", "ቤት ውሃ", "talk-0007", "nowhere"):
        yield Query(search=search)
        yield Query(search=search, sort="rms_db", descending=True)
    yield Query(speaker="speaker 7", sort="seconds")
    yield Query(split="eval", sort="findings", descending=True)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the milliseconds that something took, and what it returned."""
    begun = time.perf_counter()
    result = work()
    return (time.perf_counter() - begun) * 1000, result


def pages(folder: Path, cache: Path) -> list[tuple[float, Query]]:
    """Return the milliseconds of every query on three of its pages."""
    found = []

    def ask(query: Query) -> Any:
        return ClipTable(folder, cache).page(query)

    for query in queries():
        taken, first = timed(lambda query=query: ask(query))  # type: ignore[misc]
        found.append((taken, query))
        for number in {max(1, first.pages // 2), first.pages} - {1}:
            other = dataclasses.replace(query, page=number)
            found.append((timed(lambda other=other: ask(other))[0], other))  # type: ignore[misc]
    return found


def peer_pages(folder: Path) -> list[float]:
    """Return the milliseconds of the same queries in pandas, where it can ask them by a column."""
    import pandas as pd

    table = pd.read_json(folder / "utterances.jsonl", lines=True)
    table["order"], table["seconds"] = range(len(table)), table["duration"]
    table["findings"] = table["findings"].map(len)
    found = []
    for sort in COLUMNS:
        found.append(timed(lambda sort=sort: table.sort_values(sort, kind="stable")[:50])[0])  # type: ignore[misc]
    for word in ("መጽሐፍ", "ቤት ውሃ"):
        found.append(
            timed(lambda word=word: table[table["text"].str.contains(word, regex=False)][:50])[0]  # type: ignore[misc]
        )
    return found


def edits(folder: Path, cache: Path, count: int = 40) -> list[float]:
    """Return the milliseconds of each edit, from the decision to the page that shows it."""
    found = []
    chance = random.Random(1)
    for number in chance.sample(range(1000), count):
        id = f"talk-{number // 200:04d}-{number:06d}"

        def decide(id: str = id) -> None:
            table = ClipTable(folder, cache)
            Editor(table.dataset, table, "tab").reject([id])
            table.update()
            table.page(Query())

        found.append(timed(decide)[0])
    return found


def row(measure: str, unit: str, ours: float, goal: float | None, peer: float | None = None) -> Row:
    """Return one row of the report."""
    ratio = round(peer / ours, 2) if peer and ours else None
    peers = round(peer, 2) if peer is not None else None
    return {
        "measure": measure,
        "unit": unit,
        "peer": peers,
        "ours": round(ours, 2),
        "ratio": ratio,
        "goal": goal,
    }


def rows(count: int, kills: int) -> Iterator[Row]:
    """Yield the rows of the report."""
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place) / "large", Path(place) / "cache"
        made(folder, count)
        building, _ = timed(lambda: ClipTable(folder, cache).update())
        asked = pages(folder, cache)
        taken = [milliseconds for milliseconds, _ in asked]
        beside = peer_pages(folder)
        slowest = max(asked, key=lambda one: one[0])
        table = f"clip table of {count} rows"
        yield row(f"{table}: slowest of {len(taken)} pages", "ms", slowest[0], 100, max(beside)) | {
            "slowest": str(slowest[1])
        }
        middle = statistics.median(taken)
        yield row(f"{table}: median page", "ms", middle, None, statistics.median(beside))
        yield row(f"{table}: index made anew", "ms", building, None)
        decided = edits(folder, cache)
        yield row(
            f"{table}: decision and page after it, median", "ms", statistics.median(decided), None
        )
        yield row(f"{table}: decision and page after it, slowest", "ms", max(decided), None)
        small = dataset_kills.made(Path(place) / "small").folder
        outcome = dataset_kills.killed(small, kills)
        told = f"rows lost or changed without a record, {kills} kills, {outcome.edits} edits"
        yield row(told, "rows", len(outcome.wrong), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and kills")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = options.rows or (QUICK_ROWS if options.quick else ROWS)
    kills = options.kills or (QUICK_KILLS if options.quick else KILLS)
    found = list(rows(count, kills))
    if options.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    for one in found:
        peer = "" if one["peer"] is None else f" (pandas {one['peer']})"
        sys.stdout.write(f"{one['measure']}: {one['ours']} {one['unit']}{peer}\n")


if __name__ == "__main__":
    main()
