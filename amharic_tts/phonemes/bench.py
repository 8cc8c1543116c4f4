"""The performance test: every way to run every model, taking turns, on this machine.

Each variant is a process of its own, so that its peak memory is its own; all of them are up at the
same time and hear the same sound round after round, so that a busy moment of the machine hits all.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.g2p.alignment import distance
from amharic_tts.phonemes import bench_limits, bench_random
from amharic_tts.phonemes.bench_process import Variant, VariantFailed, VariantProcess
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, Array, Backend, DType, LoadOptions

_ONNX: tuple[DType, ...] = ("int8", "fp32")
_TORCH: tuple[DType, ...] = ("fp32", "bf16", "dynamic_int8")
RANDOM = "random"
"""Begins what the table calls a model of random weights."""
REFERENCES = ("torch fp32", "onnxruntime fp32")
"""What the others are compared with: the first of these that runs."""
_LOW_MEMORY = 1_000_000_000


@dataclass(frozen=True)
class BenchRequest:
    """What is measured, and under which limits."""

    models: tuple[str, ...] = ()
    """Names, hub ids or folders; empty takes all that are ready here."""
    shown: dict[str, str] = field(default_factory=dict)
    """What the table calls a model, where not by its name."""
    audio: Path | None = None
    """A sound to hear; None makes one."""
    seconds: float = 5.0
    rounds: int = 5
    threads: int = 1
    memory_limit: int = 0
    """MB of address space for each variant; 0 for none."""
    cpus: float = 0.0
    """CPUs to emulate by making the process stand still now and then; 0 for none."""
    torch: bool = True
    """Whether to measure the torch variants, where torch is installed."""
    compile: bool = True
    """Whether to measure `torch.compile` among them; its start takes minutes on a busy machine."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        limits = (
            ("seconds", self.seconds, 0.1, 3600.0),
            ("rounds", self.rounds, 1, 1000),
            ("threads", self.threads, 1, 256),
            ("cpus", self.cpus, 0.0, 256.0),
        )
        found = [
            f"{name}: {value:g} is not between {low:g} and {high:g}"
            for name, value, low, high in limits
            if not low <= value <= high
        ]
        if self.memory_limit and self.memory_limit < 50:
            found.append(f"memory limit: {self.memory_limit} MB hold no Python process")
        return found


def run(request: BenchRequest) -> Iterator[Event]:
    """Measure.

    Yields:
        A finding for each variant that does not run, with its reason; progress; `Done` with
        ``rows`` (see `_row`), ``conditions`` and ``failed``.

    Raises:
        UserError: A wrong request, or a sound that can't be read.
    """
    problems = request.problems()
    if problems:
        raise UserError("The test can't begin:\n" + "\n".join(f"- {p}" for p in problems))
    wanted = variants(request)
    with tempfile.TemporaryDirectory(prefix="phonemes-bench-") as name:
        samples = Path(name) / "samples.npy"
        sound = _sound(request)
        np.save(samples, sound)
        running: list[VariantProcess] = []
        try:
            yield from _measure(request, wanted, samples, len(sound) / RATE, running)
        finally:
            for process in running:
                process.close()


def with_random(request: BenchRequest, sizes: Sequence[str]) -> Iterator[Event]:
    """Make models of random weights first, and measure them with the others that are asked for.

    Args:
        request: What else to measure.
        sizes: Keys of `bench_random.SIZES`.

    Raises:
        UserError: See `run` and `bench_random.build`.
    """
    shown = dict(request.shown)
    for size in sizes:
        for event in bench_random.build(size):
            if isinstance(event, Done):
                shown[event.result["model"]] = f"{RANDOM} {size}"
            else:
                yield event
    yield from run(replace(request, models=(*request.models, *shown), shown=shown))


def variants(request: BenchRequest) -> list[Variant]:
    """Return what the request asks for; what of it runs, only trying tells.

    Raises:
        UserError: No model is ready, and none was named.
    """
    models = request.models or tuple(state.entry.name for state in catalog.states() if state.ready)
    if not models:
        raise UserError(
            "No phoneme model is ready on this machine",
            "Name one, or measure random weights: amharic-tts phonemes-bench --random base",
        )
    torch = request.torch and importlib.util.find_spec("torch") is not None
    found = []
    for model in models:
        shown = request.shown.get(model, model)
        if model == catalog.EMBEDDED:
            found.append(Variant(model, shown, "hama", LoadOptions(threads=request.threads)))
            continue
        ways: list[tuple[Backend, DType, bool]] = [("onnxruntime", t, False) for t in _ONNX]
        if torch:
            ways += [("torch", t, False) for t in _TORCH]
            ways += [("torch", "fp32", True)] if request.compile else []
        for backend, dtype, compiled in ways:
            options = LoadOptions(backend, dtype, request.threads, compile=compiled)
            name = f"{backend} {dtype}" + (" compiled" if compiled else "")
            found.append(Variant(model, shown, name.replace("_", " "), options))
    return found


def _measure(
    request: BenchRequest,
    wanted: Sequence[Variant],
    samples: Path,
    seconds: float,
    running: list[VariantProcess],
) -> Iterator[Event]:
    part = bench_limits.share(request.cpus, request.threads) if request.cpus else 1.0
    steps = len(wanted) + request.rounds
    failed: list[dict[str, str]] = []

    def fail(variant: Variant, error: VariantFailed) -> Finding:
        reason = f"{error.message} ({error.hint})" if error.hint else error.message
        failed.append({"model": variant.shown, "variant": variant.name, "reason": reason})
        return Finding("variant_failed", reason, subject=f"{variant.shown}, {variant.name}")

    for number, variant in enumerate(wanted):
        yield Progress(number, steps, f"loading {variant.shown}, {variant.name}")
        try:
            running.append(VariantProcess(variant, samples, request.memory_limit, part))
        except VariantFailed as error:
            yield fail(variant, error)
    yield from _short_of_memory()
    taken: dict[VariantProcess, list[dict[str, Any]]] = {process: [] for process in running}
    for number in range(request.rounds):
        yield Progress(len(wanted) + number, steps, f"round {number + 1} of {request.rounds}")
        for process in [p for p in running if p in taken]:
            try:
                taken[process].append(process.round())
            except VariantFailed as error:
                del taken[process]
                yield fail(process.variant, error)
    yield Progress(steps, steps, "comparing")
    outputs = {process: process.outputs() for process in taken}
    rows = [_row(process, taken, outputs, seconds) for process in taken]
    yield Done({"rows": rows, "failed": failed, "conditions": _conditions(request, seconds, part)})


def _row(
    process: VariantProcess,
    taken: dict[VariantProcess, list[dict[str, Any]]],
    outputs: dict[VariantProcess, dict[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    """Return what was measured of one variant.

    ``seconds`` and ``cpu_seconds`` are medians of the rounds, ``times_reference`` the median of
    the rounds' ratios of CPU seconds, reference over this one; ``frames_agree`` the share of
    frames with the same best symbol, ``phones_differ`` edits over the reference's phones.
    """
    rounds, about = taken[process], process.about
    wall, cpu = (statistics.median(r[key] for r in rounds) for key in ("wall", "cpu"))
    row: dict[str, Any] = {
        **{"model": process.variant.shown, "variant": process.variant.name, "id": about["id"]},
        **{key: about[key] for key in ("backend", "dtype", "threads", "notation")},
        "load_seconds": about["load_seconds"],
        "start_seconds": process.start_seconds,
        "start_cpu_seconds": about["start_cpu_seconds"],
        "seconds": wall,
        "cpu_seconds": cpu,
        "real_time_factor": wall / seconds,
        **{key: rounds[-1][key] for key in ("peak_mb", "anonymous_mb", "reserved_mb")},
        **{"reference": None, "times_reference": None, "frames_agree": None, "phones_differ": None},
    }
    reference = _reference(process, taken)
    if reference is not None:
        ratios = (
            a["cpu"] / max(b["cpu"], 1e-9) for a, b in zip(taken[reference], rounds, strict=True)
        )
        theirs, ours = outputs[reference], outputs[process]
        row["reference"] = reference.variant.name
        row["times_reference"] = statistics.median(ratios)
        row["frames_agree"] = agreement(theirs["frames"], ours["frames"])
        phones = max(1, len(theirs["phones"]))
        row["phones_differ"] = distance(theirs["phones"], ours["phones"]) / phones
    return {key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()}


def _reference(
    process: VariantProcess, taken: dict[VariantProcess, list[dict[str, Any]]]
) -> VariantProcess | None:
    same = {p.variant.name: p for p in taken if p.variant.model == process.variant.model}
    return next((same[name] for name in REFERENCES if name in same), None)


def agreement(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the share of frames with the same symbol; frames that one lacks differ."""
    longest = max(len(one), len(other))
    same = sum(a == b for a, b in zip(one, other, strict=False))
    return same / longest if longest else 1.0


def _short_of_memory() -> Iterator[Finding]:
    import psutil

    free = psutil.virtual_memory().available
    if free < _LOW_MEMORY:
        message = (
            f"only {free / 1e6:.0f} MB of memory are left with all variants loaded; the times may "
            "be those of the disk: measure fewer models at once"
        )
        yield Finding("short_of_memory", message)


def _conditions(request: BenchRequest, seconds: float, part: float) -> dict[str, Any]:
    """Return under what the rows were measured."""
    asked = {key: value for key, value in asdict(request).items() if key not in ("shown", "models")}
    asked["audio"] = str(request.audio) if request.audio else "made"
    enforced = request.memory_limit and bench_limits.can_limit()
    return {
        **asked,
        "seconds": round(seconds, 3),
        "memory_limit_enforced": bool(enforced),
        "cpus_emulated": part < 1.0,
        "running_share": round(part, 4),
        "machine_cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _sound(request: BenchRequest) -> Array:
    """Return the sound that all variants hear, repeated or cut to the wanted length."""
    count = max(1, round(request.seconds * RATE))
    if request.audio is None:
        return made_sound(count)
    from amharic_tts.audio.read import decode

    samples = decode(request.audio, RATE, limit=request.seconds).samples
    return np.resize(samples, count).astype(np.float32)


def made_sound(count: int, seed: int = 0) -> Array:
    """Return a sound with the rhythm of speech: voiced syllables of moving pitch, and noise.

    Args:
        count: Samples at `RATE`.
        seed: Of the noise.
    """
    time = np.arange(count) / RATE
    pitch = 120.0 + 30.0 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 2.0 * time), 0.0, 1.0)
    noise = np.random.default_rng(seed).normal(0.0, 0.3, count) * (1.0 - syllables)
    return np.asarray(0.2 * (voice * syllables + 0.3 * noise), dtype=np.float32)
