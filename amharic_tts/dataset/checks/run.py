"""The deep check over a dataset: an iterator of events that can be stopped and goes on."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.dataset import prepare
from amharic_tts.dataset.checks import clip, store
from amharic_tts.dataset.checks.clip import Item
from amharic_tts.dataset.checks.judge import judge
from amharic_tts.dataset.checks.ranking import ranked
from amharic_tts.dataset.checks.record import Record, is_valid, key_of
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.workers import ONE_PROCESS, Engine, mapped
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress
from amharic_tts.workspace import Workspace

EMBEDDED = "embedded"
_BETWEEN = 0.5
"""Seconds between two progress events."""
_CHUNK = 4
"""Clips that a worker of a cluster measures at once."""


@dataclass(frozen=True)
class CheckRequest:
    """What a check looks at; the form of the page and the command fill it in."""

    name: str
    """Of the dataset."""
    model: str = EMBEDDED
    """Recogniser that hears the phones of each clip; empty leaves the phones out."""
    again: bool = False
    """Measure every clip anew, those that did not change too."""
    engine: Engine = ONE_PROCESS
    """Where clips are measured; what is found is the same everywhere."""


def check(workspace: Workspace, request: CheckRequest) -> Iterator[Event]:
    """Measure every clip of a dataset and write down what is odd; no row is changed.

    What was measured before and did not change since is taken over, so a check that was stopped or
    killed goes on where it was, and one after a few edits takes seconds.

    Yields:
        Findings, progress with the time left, then `Done` with `summary`.

    Raises:
        UserError: No such dataset, a damaged one, another check of it at work, or the cluster
            can't be reached.
    """
    folder = workspace.dataset(request.name)
    dataset = Dataset.load(folder)
    with prepare.held(workspace, folder.name, "check"):
        model = request.model
        if model:
            try:
                clip.extractor(model)
            except UserError as error:
                yield Finding("phones_not_heard", f"the phones are not heard: {error.message}")
                model = ""
        before = {} if request.again else store.resumable(folder)
        records, todo = _known(dataset, before, model)
        if records:
            message = f"{len(records)} of {len(dataset.utterances)} clips did not change since"
            yield Finding("already_checked", message, "info")
        yield from _measure(dataset, todo, model, records, request.engine)
        ordered = {row.id: records[row.id] for row in dataset.utterances if row.id in records}
        for id, found in judge(dataset, ordered).items():
            ordered[id] = {**ordered[id], "findings": found}
        store.save(folder, ordered.values())
        yield Done(summary(dataset, ordered))


def _known(
    dataset: Dataset, before: dict[str, Record], model: str
) -> tuple[dict[str, Record], list[Utterance]]:
    """Return the records that stay, and the rows that are to be measured."""
    records: dict[str, Record] = {}
    todo = []
    for row in dataset.utterances:
        record = before.get(row.id)
        if record and _same(dataset, row, record, model):
            records[row.id] = record
        else:
            todo.append(row)
    return records, todo


def _same(dataset: Dataset, row: Utterance, record: Record, model: str) -> bool:
    if not is_valid(record, row, dataset.language):
        return False
    if record["stamp"] != _stamp(dataset, row):
        return False
    return not model or not row.audio or bool(record["model"] == model)


def _stamp(dataset: Dataset, row: Utterance) -> list[int]:
    """Return size and time of a row's WAV, by which a change from outside is noticed."""
    try:
        status = dataset.wav(row).stat() if row.audio else None
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns] if status else []


def _measure(
    dataset: Dataset,
    rows: Sequence[Utterance],
    model: str,
    records: dict[str, Record],
    engine: Engine,
) -> Iterator[Event]:
    """Measure rows; each is on the disk before the next one is taken."""
    total = len(dataset.utterances)
    clock, told = Clock(total, "clips checked", done=len(records)), time.monotonic()
    yield clock.progress(len(records))
    stamps: deque[list[int]] = deque()

    def items() -> Iterator[Item]:
        for row in rows:
            # Before the sound is read: a change after that is noticed by the next check.
            stamps.append(_stamp(dataset, row))
            yield Item.of(dataset, row, model)

    found = mapped(clip.measured, items(), engine, chunk=_CHUNK)
    with store.appending(dataset.folder) as append:
        for row, numbers in zip(rows, found, strict=True):
            key = key_of(row, dataset.language)
            record = {"id": row.id, "key": key, "stamp": stamps.popleft(), **numbers}
            records[row.id] = record
            append(record)
            if time.monotonic() - told > _BETWEEN:
                told = time.monotonic()
                yield clock.progress(len(records))
    yield Progress(total, total, "clips checked", 0.0)


def summary(dataset: Dataset, records: dict[str, Record]) -> dict[str, Any]:
    """Return a check in numbers: what `dataset validate` prints with ``--json``."""
    valid = {
        row.id: records[row.id]
        for row in dataset.utterances
        if row.id in records and is_valid(records[row.id], row, dataset.language)
    }
    codes = Counter(n["code"] for r in valid.values() for n in r.get("findings", []))
    heard = [r["agreement"]["score"] for r in valid.values() if r.get("agreement")]
    return {
        "dataset": dataset.name,
        "rows": len(dataset.utterances),
        "checked": len(valid),
        "changed": len(dataset.utterances) - len(valid),
        "heard": len(heard),
        "clean": sum(not r.get("findings") for r in valid.values()),
        "findings": dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))),
    }


def report(folder: Path) -> dict[str, Any]:
    """Return `summary` and the rows with findings of the last check, the gravest first.

    Raises:
        UserError: It was never checked, or a file is damaged.
    """
    dataset = Dataset.load(folder)
    records = store.load(folder)
    if not records:
        raise UserError(
            f"`{dataset.name}` was not checked yet",
            f"Check it with: amharic-tts dataset validate {dataset.name}",
        )
    found = store.of_records(dataset, records)
    order = dict.fromkeys(one.row.id for one in ranked(dataset, found))
    by_id = {row.id: row for row in dataset.utterances}
    clips = [
        {"id": id, "text": by_id[id].text, "decision": by_id[id].decision, "findings": found[id]}
        for id in order
    ]
    return {**summary(dataset, records), "clips": clips}
