"""Phone recognition on a small machine: the document's way (torch, fp32) beside ours.

    python -m benchmarks.phonemes [--quick] [--json] [--data DIR]

Speed and memory are those of random weights of the published architectures, built and converted
here on the first run (4 GB of disk in the cache of models, some minutes); no model hub is asked.
Every variant is a process of its own, and all hear the same sound in turns: ratios are medians of
the ratios of the rounds. A value that could not be measured is null. The address space of a process
counts what is mapped and reserved, so that its limit is stricter than that of a container.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.phonemes import bench_limits, bench_random
from amharic_tts.phonemes.bench import made_sound
from amharic_tts.phonemes.bench_process import Variant, VariantFailed, VariantProcess
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, LoadOptions
from benchmarks import sphinx
from benchmarks.phones39 import error_rate, phones

DATA = Path(__file__).parents[2] / "shared" / "data" / "ljspeech"
Row = dict[str, Any]
LIMIT_MB, LIMIT_CPUS = 1500, 1.3
PEERS = LoadOptions("torch", "fp32", threads=1)
OURS = LoadOptions("onnxruntime", "int8", threads=1)


def row(measure: str, unit: str, peer: float | None, ours: float | None, **more: Any) -> Row:
    """Return one row; less is better everywhere, so the ratio is the peer's over ours."""
    ratio = peer / ours if peer and ours else None
    shown = {"ratio": ratio, "goal": None, **more}
    values = {"measure": measure, "unit": unit, "peer": peer, "ours": ours, **shown}
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}


class Bench:
    """Sounds on the disk, and processes that end with it."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.rounds = rounds
        self._folder = folder
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def sound(self, seconds: float) -> Path:
        """Return a file with a made sound of that length."""
        path = self._folder / f"{seconds:g}.npy"
        if not path.exists():
            np.save(path, made_sound(round(seconds * RATE)))
        return path

    def process(
        self, model: str, options: LoadOptions, seconds: float = 5.0, **how: Any
    ) -> VariantProcess | None:
        """Return a running variant; None, with its reason on stderr, where it does not run."""
        variant = Variant(model, model, "", options)
        try:
            found = VariantProcess(variant, self.sound(seconds), **how)
        except VariantFailed as error:
            note(f"{Path(model).name} {options.backend} {options.dtype}: {error}")
            return None
        self._open.callback(found.close)
        return found

    def turns(self, *processes: VariantProcess | None) -> list[list[dict[str, Any]]]:
        """Return what each round of each process took, in turns; the first is not counted."""
        taken: list[list[dict[str, Any]]] = [[] for _ in processes]
        for _ in range(self.rounds + 1):
            for process, found in zip(processes, taken, strict=True):
                if process is not None:
                    found.append(process.round())
        return [found[1:] for found in taken]

    def end(self) -> None:
        """End all processes: the next measure has the machine to itself."""
        self._open.close()


def note(text: str) -> None:
    """Tell on stderr."""
    import sys

    sys.stderr.write(text + "\n")


def random_model(size: str) -> str | None:
    """Return the folder of a model with random weights; None where it can't be made."""
    try:
        for event in bench_random.build(size):
            if isinstance(event, Done):
                return str(event.result["model"])
            note(getattr(event, "note", str(event)))
    except UserError as error:
        note(f"random {size}: {error}")
    return None


def _median(rounds: Sequence[dict[str, Any]], key: str) -> float | None:
    return statistics.median(r[key] for r in rounds) if rounds else None


def speed(bench: Bench, size: str, model: str | None, goal: float | None) -> Iterator[Row]:
    """Yield CPU seconds and peak memory for 5 s of sound; the peer hears it in one piece."""
    peer = ours = None
    if model is not None:
        peer = bench.process(model, PEERS, whole=True)
        ours = bench.process(model, OURS)
    theirs, mine = bench.turns(peer, ours)
    ratios = [a["cpu"] / b["cpu"] for a, b in zip(theirs, mine, strict=False)]
    ratio = statistics.median(ratios) if ratios else None
    name = f"wav2vec2-{size}, random weights"
    medians = (_median(theirs, "cpu"), _median(mine, "cpu"))
    yield row(f"{name}: 5 s of sound, fp32 torch / int8 ONNX", "s CPU", *medians, ratio=ratio)
    yield row(
        f"{name}: the same, ratio", "times", 1 if ratio else None, ratio, ratio=ratio, goal=goal
    )
    peaks = (_median(theirs, "peak_mb"), _median(mine, "peak_mb"))
    yield row(f"{name}: peak memory, 5 s", "MB", *peaks, goal={"large": 600, "base": 350}[size])
    bench.end()


def embedded_memory(bench: Bench) -> Iterator[Row]:
    """Yield the peak memory of the embedded model."""
    ours = bench.process(catalog.EMBEDDED, LoadOptions(threads=1))
    [mine] = bench.turns(ours)
    yield row("embedded: 5 s of sound", "s CPU", None, _median(mine, "cpu"))
    yield row("embedded: peak memory, 5 s", "MB", None, _median(mine, "peak_mb"), goal=120)
    bench.end()


def starts(bench: Bench, large: str | None) -> Iterator[Row]:
    """Yield seconds from the start of a process to its first phones, in turns."""
    asked = {
        "peer": (large, PEERS),
        "large int8": (large, replace(OURS, pack=False)),  # as the command does for one sound
        "embedded": (catalog.EMBEDDED, LoadOptions(threads=1)),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    for _ in range(max(1, bench.rounds // 2)):
        for name, (model, options) in asked.items():
            process = bench.process(model, options) if model is not None else None
            if process is not None:
                cpu = process.about["start_cpu_seconds"]
                taken[name].append((process.start_seconds, cpu))
            bench.end()
    for name, peer, goal in (("large int8", "peer", 1.5), ("embedded", "", 0.5)):
        measure = f"process start to the first phones of 5 s, {name}"
        for clock, unit in enumerate(("s", "s CPU")):
            both = [
                statistics.median(times[clock] for times in taken[side])
                if taken.get(side)
                else None
                for side in (peer, name)
            ]
            yield row(measure, unit, *both, goal=None if clock else goal)


def long_clip(bench: Bench, large: str | None) -> Iterator[Row]:
    """Yield the peak memory for a clip of 30 s; the peer hears it in one piece."""
    peaks: list[float | None] = []
    for options, whole in ((PEERS, True), (OURS, False)):
        process = large and bench.process(large, options, seconds=30, whole=whole)
        peaks.append(process.about["peak_mb"] if process else None)
        bench.end()
    yield row("large, 30 s clip: peak memory", "MB", *peaks, goal=700)


def under_limits(bench: Bench, large: str | None) -> Iterator[Row]:
    """Yield whether 30 s of sound are heard in 1.5 GB of address space on 1.3 CPUs (1 is yes)."""
    how = {"memory_limit": LIMIT_MB, "part": bench_limits.share(LIMIT_CPUS, 2)}
    limits = f"{LIMIT_MB} MB of address space, {LIMIT_CPUS} CPUs emulated, 30 s clip"
    cases = (("large", large, OURS, PEERS), ("embedded", catalog.EMBEDDED, LoadOptions(), None))
    for name, model, ours, peer in cases:
        runs: list[int | None] = []
        for options in (peer, ours):
            if model is None or options is None or not bench_limits.can_limit():
                runs.append(None)
                continue
            process = bench.process(model, options, seconds=30, **how)
            runs.append(int(process is not None))
            if process is not None:
                note(f"{name} under the limits: {process.start_seconds:.1f} s, {process.about}")
            bench.end()
        yield row(f"{name}: runs under {limits}", "1 is yes", *runs, ratio=None, goal=1)


def accuracy(data: Path, clips: int | None) -> Iterator[Row]:
    """Yield the phone error rate of the embedded model, and of pocketsphinx where it is there."""
    from amharic_tts.audio.read import read
    from amharic_tts.phonemes.extractor import PhonemeExtractor

    peer = rate = None
    if (data / "phones.json").is_file():
        reference = json.loads((data / "phones.json").read_text(encoding="utf-8"))
        reference = dict(sorted(reference.items())[:clips])
        sounds = {name: read(data / f"{name}.flac", RATE) for name in reference}
        extractor = PhonemeExtractor(model=catalog.EMBEDDED)
        heard = {name: extractor.extract_phoneme(sound) for name, sound in sounds.items()}
        written = {name: phones(" ".join(found.phonemes)) for name, found in heard.items()}
        rate = error_rate(reference, written)
        if sphinx.present():
            other = sphinx.Sphinx()
            written = {name: phones(other.ipa(sound)) for name, sound in sounds.items()}
            peer = error_rate(reference, written)
    measure = "embedded: phone error rate, LJSpeech (peer: pocketsphinx)"
    yield row(measure, "%", peer, rate, goal=16)


def rows(data: Path, quick: bool, rounds: int) -> Iterator[Row]:
    """Yield all rows; with `quick` those of the large model are null."""
    large = None if quick else random_model("large")
    base = random_model("base")
    with tempfile.TemporaryDirectory() as name, Bench(Path(name), 2 if quick else rounds) as bench:
        yield from speed(bench, "large", large, goal=3.5)
        yield from speed(bench, "base", base, goal=None)
        yield from embedded_memory(bench)
        yield from starts(bench, large)
        yield from long_clip(bench, large)
        yield from under_limits(bench, large)
    yield from accuracy(data, 6 if quick else None)


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Measure phone recognition.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no large model")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the English clips")
    options = parser.parse_args()
    found = list(rows(options.data, options.quick, options.rounds))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    names = ("peer", "ours", "ratio", "goal")
    print(f"{'':75}{'unit':10}" + "".join(f"{name:>10}" for name in names))
    for entry in found:
        cells = ("-" if entry[name] is None else f"{entry[name]:g}" for name in names)
        print(f"{entry['measure']:75}{entry['unit']:10}" + "".join(f"{c:>10}" for c in cells))


if __name__ == "__main__":
    main()
