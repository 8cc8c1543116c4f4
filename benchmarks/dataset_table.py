"""The clip table of 100,000 rows, and edits under random kills.

    python -m benchmarks.dataset_table [--quick] [--json] [--rows N] [--kills N] [--at DIR]

Every query is asked on its first, its middle and its last page, each by a table that has just been
opened, as a page of the browser does; the time is that of the whole answer, rows included. CPU time
of the process stands beside wall time, since a shared machine is not always ours. The peer has the
same rows in memory as a pandas table and sorts or filters them there.
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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from amharic_tts.dataset import versions
from amharic_tts.dataset.edits import Editor
from amharic_tts.dataset.journal import Journal
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
        findings,
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


@dataclasses.dataclass(frozen=True)
class Taken:
    """Milliseconds that something took."""

    wall: float
    cpu: float


def timed(work: Callable[[], Any]) -> tuple[Taken, Any]:
    """Return what something took, and what it returned."""
    begun, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall = (time.perf_counter() - begun) * 1000
    return Taken(wall, (time.process_time() - cpu) * 1000), result


def pages(folder: Path, cache: Path) -> list[tuple[Taken, Query]]:
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


def peer_pages(folder: Path) -> list[Taken]:
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


def edits(folder: Path, cache: Path, count: int = 40) -> list[Taken]:
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
        Journal(folder).undo()  # the dataset may be measured again
    return found


def row(measure: str, unit: str, ours: float, goal: float | None, peer: float | None = None) -> Row:
    """Return one row of the report."""
    return {
        "measure": measure,
        "unit": unit,
        "peer": round(peer, 2) if peer is not None else None,
        "ours": round(ours, 2),
        "ratio": round(peer / ours, 2) if peer and ours else None,
        "goal": goal,
    }


def both(
    measure: str, ours: Sequence[Taken], goal: float | None, peer: Sequence[Taken] = ()
) -> Iterator[Row]:
    """Yield the slowest and the median of some times, in wall and CPU milliseconds."""
    for name, clock in itertools.product(("slowest", "median"), ("wall", "cpu")):
        choose = max if name == "slowest" else statistics.median
        mine = choose([getattr(one, clock) for one in ours])
        theirs = choose([getattr(one, clock) for one in peer]) if peer else None
        aim = goal if name == "slowest" else None
        yield row(f"{measure}, {name}, {clock}", "ms", mine, aim, theirs)


def rows(count: int, kills: int, place: Path) -> Iterator[Row]:
    """Yield the rows of the report; the dataset is made in `place`, unless it is there."""
    folder = place / "large"
    if not folder.exists():
        made(folder, count)
    with tempfile.TemporaryDirectory(dir=place) as cache:
        building, _ = timed(lambda: ClipTable(folder, Path(cache)).update())
        asked = pages(folder, Path(cache))
        beside = peer_pages(folder)
        table = f"clip table of {count} rows"
        yield from both(f"{table}: {len(asked)} pages", [one for one, _ in asked], 100, beside)
        for clock, milliseconds in vars(building).items():
            yield row(f"{table}: index made anew, {clock}", "ms", milliseconds, None)
        decided = edits(folder, Path(cache))
        yield from both(f"{table}: decision and the page after it", decided, None)
    with tempfile.TemporaryDirectory(dir=place) as small:
        outcome = dataset_kills.killed(dataset_kills.made(Path(small) / "small").folder, kills)
    told = f"rows lost or changed without a record, {kills} kills, {outcome.edits} edits"
    yield row(told, "rows", len(outcome.wrong), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and kills")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--at", type=Path, help="make the dataset here, or use the one that is")
    options = parser.parse_args()
    count = options.rows or (QUICK_ROWS if options.quick else ROWS)
    kills = options.kills or (QUICK_KILLS if options.quick else KILLS)
    with tempfile.TemporaryDirectory() as place:
        found = list(rows(count, kills, options.at or Path(place)))
    if options.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    for one in found:
        peer = "" if one["peer"] is None else f" (pandas {one['peer']})"
        sys.stdout.write(f"{one['measure']}: {one['ours']} {one['unit']}{peer}\n")


if __name__ == "__main__":
    main()
