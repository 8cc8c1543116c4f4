"""Edits that are killed at random moments: is a row lost, or changed without a record?

    python -m benchmarks.dataset_kills [--kills 100] [--seed 0] [--json]

A process edits a small dataset as fast as it can (texts, ends, splits, merges, accept, reject,
undo, and new versions in between) and tells each edit when it has returned. It is killed after a
random time. Then every row must be as the told edits left it, or as they and the one that was under
way did; the journals must hold exactly those edits; and every clip must have its samples.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.audio.read import RATE
from amharic_tts.dataset import journal, versions
from amharic_tts.dataset.clips import samples_hash, to_pcm, write_wav
from amharic_tts.dataset.edits import Editor, editor
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError

ROWS = 30
LONGEST = 0.25
"""Seconds until a process is killed, at most."""
Model = dict[str, dict[str, Any]]


class Letters:
    """An encoder without a vocabulary."""

    def prepare(self, text: str) -> str:
        return text.strip()

    def encode(self, prepared: str) -> list[int]:
        return [0] * len(prepared)

    def unknown(self, text: str) -> list[str]:
        return []


def made(folder: Path, rows: int = ROWS, seed: int = 0, language: str = "en") -> Dataset:
    """Return a dataset of short noises; in English nothing makes phonemes, which takes time."""
    random_ = np.random.default_rng(seed)
    dataset = Dataset(folder, language, origin="benchmark")
    dataset.save_header()
    made = []
    for n in range(rows):
        pcm = to_pcm((0.1 * random_.standard_normal(RATE)).astype(np.float32))
        row = Utterance(f"clip-{n:04d}", f"wavs/clip-{n:04d}.wav", f"text number {n}")
        write_wav(folder / row.audio, pcm)
        made.append(
            Utterance(
                row.id,
                row.audio,
                row.text,
                row.text,
                speaker="one",
                source="a.wav",
                source_hash="0",
                span=(n * 1.0, n + 1.0),
                duration=1.0,
                audio_hash=samples_hash(pcm),
            )
        )
    return versions.commit(dataset, made, "made for a measurement")


def one_edit(edit: Editor, rows: list[Utterance], chance: random.Random) -> journal.Edit | None:
    """Make one random decision; None where it begins a version, or may not be made."""
    row = chance.choice(rows)
    kind = chance.choice(
        ("text", "text", "ends", "split", "merge", "accept", "reject", "undo", "version")
    )
    try:
        if kind == "text":
            return edit.text(row.id, f"text {chance.random()}")
        if kind == "ends":
            return edit.ends(row.id, round(chance.uniform(0, 0.2), 2), 0.9)
        if kind == "split":
            return edit.split(row.id, row.duration / 2)
        if kind == "merge":
            return edit.merge([row.id, chance.choice(rows).id])
        if kind == "accept":
            return edit.accept([row.id])
        if kind == "reject":
            return edit.reject([row.id], "not good")
        if kind == "undo":
            return edit.undo()
        versions.keep_now(edit.dataset.folder, "kept")
    except UserError:
        pass  # a clip that was replaced, one that is too short: nothing was changed
    return None


def victim(folder: Path, out: int, seed: int) -> None:
    """Edit until killed; tell each edit that has returned as a line on the pipe `out`."""
    chance = random.Random(seed)
    while True:
        edit = editor(folder, "victim", Letters())
        rows = list(Dataset.load(folder).utterances)
        done = one_edit(edit, rows, chance)
        if done is not None:
            told = [[change.id, change.after] for change in done.changes]
            os.write(out, (json.dumps(told) + "\n").encode("utf-8"))


@dataclass
class Outcome:
    """What a number of kills came to."""

    kills: int = 0
    edits: int = 0
    """Edits that had returned."""
    under_way: int = 0
    """Edits that were on the disk although the kill came before they returned."""
    wrong: list[str] = field(default_factory=list)


def apply(model: Model, changes: list[tuple[str, dict[str, Any] | None]]) -> None:
    """Bring an edit into the model, without the code that is under test."""
    for id, after in changes:
        if after is None:
            model.pop(id)
        else:
            model[id] = {**model.get(id, {}), **after}


def killed(folder: Path, kills: int, seed: int = 0, longest: float = LONGEST) -> Outcome:
    """Kill so many editing processes, one after another, and look at the dataset after each."""
    chance, outcome = random.Random(seed), Outcome()
    model: Model = {row.id: row.fields() for row in Dataset.load(folder).utterances}
    for number in range(kills):
        told = _one_kill(folder, chance.uniform(0.0, longest), seed * 1_000_003 + number)
        outcome.kills += 1
        outcome.edits += len(told)
        for changes in told:
            apply(model, changes)
        written = _written(folder)
        more = written - outcome.edits - outcome.under_way
        if more == 1:
            outcome.under_way += 1
            last = _last_edit(folder)
            apply(model, [(change.id, change.after) for change in last.changes])
        elif more:
            outcome.wrong.append(f"kill {number}: {more} edits too many on record")
        outcome.wrong += [f"kill {number}: {what}" for what in _differences(folder, model)]
    return outcome


def _one_kill(folder: Path, seconds: float, seed: int) -> list[Any]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            victim(folder, writer, seed)
        finally:
            os._exit(1)
    os.close(writer)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        lines = pipe.read().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def _journals(folder: Path) -> list[Path]:
    return sorted((folder / "journal").glob("*.jsonl"))


def _written(folder: Path) -> int:
    return sum(len(journal.edits(folder, int(path.stem))) for path in _journals(folder))


def _last_edit(folder: Path) -> journal.Edit:
    number = int(_journals(folder)[-1].stem)
    return journal.edits(folder, number)[-1]


def _differences(folder: Path, model: Model) -> list[str]:
    dataset = Dataset.load(folder)
    now = {row.id: row.fields() for row in dataset.utterances}
    found = [f"`{id}` is lost" for id in model if id not in now]
    found += [f"`{id}` came from nowhere" for id in now if id not in model]
    found += [f"`{id}` was changed" for id in now if id in model and now[id] != model[id]]
    found += [f"the sound of `{id}` was changed" for id in versions.changed_sounds(dataset)]
    for version in versions.listed(folder)[1:]:
        versions.rows_of(folder, version.number)  # checks the hash
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = made(Path(place) / "dataset").folder
        outcome = killed(folder, options.kills, options.seed)
    if options.json:
        sys.stdout.write(json.dumps(vars(outcome)) + "\n")
        return
    sys.stdout.write(
        f"{outcome.kills} kills, {outcome.edits} edits told, {outcome.under_way} under way, "
        f"{len(outcome.wrong)} rows or records wrong\n"
    )
    for line in outcome.wrong:
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
