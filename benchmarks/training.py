"""How fast a training step is and what it holds, beside stock coqui's ``GPTTrainer``.

    python -m benchmarks.training [--quick] [--json] [--layers N] [--rounds N] [--base BASE]

Both train on the same clips with the same model, in turn, in one process, with one thread unless
``OMP_NUM_THREADS`` says more. Rates are clips a second, ratios are ours / peer; of bytes and
losses too. Medians of the rounds. On a shared machine the rates for CPU seconds are to be
believed, not those for wall seconds. What can't be measured here is null, with the reason.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from amharic_tts.events import EventLog, Metric
from benchmarks.training_sides import Ours, Size, Stock, Work, eval_loss, kept_bytes, make_work

ROOT = Path(__file__).parents[1]
REAL = Size(layers=30, width=1024, heads=16, codes=1024, text_tokens=6681)
SMALL = Size(layers=2, width=64, heads=4, codes=64, text_tokens=150)
BATCH = 4
LONGEST, SHORT = 11.6, 3.0
"""Seconds of the longest clip: what stock takes at most; and in the small measurements."""
SAME = {"device": "cpu", "mixed_precision": "no"}
BEST = {"device": "cpu", "mixed_precision": "bf16", "attention_dropout": False}
"""Our settings that are fastest on a CPU; optimizer and bucketing are always as they are."""
GPU_BEST = {"device": "cuda", "mixed_precision": "bf16"}
SAVING = {"use_grad_checkpoint": True}
NO_GPU = "not measured: there is no GPU here"

Row = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is asked for."""

    quick: bool = False
    layers: int = 2
    """Of the timed CPU steps; the width is the real one."""
    rounds: int = 3
    batches: int = 4
    loss_steps: int = 100
    base: str = "practice"
    """Base whose first training step is waited for."""


def row(
    measure: str,
    unit: str,
    peer: float | None = None,
    ours: float | None = None,
    goal: float | None = None,
    note: str = "",
) -> Row:
    """Return one row of the result."""
    ratio = None if peer is None or ours is None else round(ours / peer, 3)
    shown = [None if v is None else float(f"{v:.4g}") for v in (peer, ours)]
    body = {"measure": measure, "unit": unit, "peer": shown[0], "ours": shown[1]}
    return {**body, "ratio": ratio, "goal": goal, **({"note": note} if note else {})}


def measure(options: Options, tell: Tell = lambda text: None) -> list[Row]:
    """Return all rows."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: list[Row] = []
        parts = (_activations, _losses, _cpu_steps, _gpu, _first_step)
        for part in parts:
            found = part(folder, options, tell)
            rows += found
            for one in found:
                tell(json.dumps(one))
    return rows


def _work(folder: Path, name: str, size: Size, batches: int, most: float) -> Work:
    (folder / name).mkdir()
    return make_work(folder / name, size, batches, BATCH, most)


def _cpu_steps(folder: Path, options: Options, tell: Tell) -> list[Row]:
    real = Size(options.layers, REAL.width, REAL.heads, REAL.codes, REAL.text_tokens)
    size, most = (SMALL, SHORT) if options.quick else (real, LONGEST)
    work = _work(folder, "steps", size, options.batches, most)
    stock = Stock(work, size, "cpu")
    work = stock.with_codes(work)
    same = Ours(work, copy.deepcopy(stock.gpt), **SAME)
    best = Ours(work, copy.deepcopy(stock.gpt), **BEST)
    sides: dict[str, Callable[[], Any]] = {
        "stock fp32": lambda: [stock.step(b, False) for b in work.shuffled],
        "ours fp32": lambda: [same.step(b) for b in work.batches],
        "stock bf16": lambda: [stock.step(b, True) for b in work.shuffled],
        "ours best": lambda: [best.step(b) for b in work.batches],
    }
    for side, batch in ((same, work.batches[0]), (best, work.batches[0])):
        side.step(batch)  # the optimizer's moments are made in the first step
    stock.step(work.shuffled[0], False)
    rates = _in_turn(sides, options.rounds, len(work.clips), tell)
    of_model = f"{size.layers} blocks of {size.width}"
    pairs = (
        (f"training step on the CPU, {of_model}, fp32", "stock fp32", "ours fp32", 1.1),
        ("the same, our best settings against stock's defaults", "stock fp32", "ours best", 1.8),
        ("the same, our best settings against stock's bf16", "stock bf16", "ours best", 1.15),
    )
    return [
        row(text, f"clips/s {kind}", rates[peer][at], rates[ours][at], goal if at == 0 else None)
        for text, peer, ours, goal in pairs
        for at, kind in enumerate(("CPU", "wall"))
    ]


def _in_turn(
    sides: dict[str, Callable[[], Any]], rounds: int, clips: int, tell: Tell
) -> dict[str, tuple[float, float]]:
    """Return the median clips a second of CPU and of wall time of each side."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, epoch in sides.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            epoch()
            took = (time.process_time() - cpu, time.perf_counter() - wall)
            seconds[name].append(took)
            tell(f"round {number + 1}, {name}: {took[0]:.1f} s CPU, {took[1]:.1f} s wall")
    return {
        name: (
            clips / statistics.median(cpu for cpu, _ in times),
            clips / statistics.median(wall for _, wall in times),
        )
        for name, times in seconds.items()
    }


def _losses(folder: Path, options: Options, tell: Tell) -> list[Row]:
    """Train the same batches in the same order with each side and compare the eval losses."""
    work = _work(folder, "losses", SMALL, 4, SHORT)
    torch.manual_seed(0)
    stock = Stock(work, SMALL, "cpu", rate=1e-3)
    work = stock.with_codes(work)
    sides = [
        Ours(work, copy.deepcopy(stock.gpt), learning_rate=1e-3, **settings)
        for settings in (SAME, BEST)
    ]
    for step in range(options.loss_steps):
        epoch, place = divmod(step, len(work.batches))
        stock.step(work.batches[place], False, epoch)
        for side in sides:
            side.step(work.batches[place], epoch)
    same, best = (eval_loss(side.model.gpt, work) for side in sides)
    name = f"eval loss after {options.loss_steps} steps, {SMALL.layers} blocks of {SMALL.width}"
    return [
        row(f"{name}: best settings against our fp32", "nats", same, best, 1.01),
        row(f"{name}: best settings against stock", "nats", eval_loss(stock.gpt, work), best, 1.01),
    ]


def _activations(folder: Path, options: Options, tell: Tell) -> list[Row]:
    """Count the bytes kept for the backward pass; forward passes only, at the real size."""
    size, most = (SMALL, SHORT) if options.quick else (REAL, LONGEST)
    work = _work(folder, "bytes", size, 1, most)
    stock = Stock(work, size, "cpu")
    work = stock.with_codes(work)
    batch = work.batches[0][:2]
    peer = kept_bytes(stock.model, lambda: stock.loss(batch, False))
    ours = Ours(work, stock.gpt, **BEST, **SAVING)
    again = [*ours.model.gpt.gpt.h, ours.model.gpt.conditioning_encoder]
    kept = kept_bytes(ours.model, lambda: ours.loss(batch), again)
    name = f"kept for the backward pass, checkpointing on, {size.layers} blocks of {size.width}"
    return [row(name, "bytes", peer, kept, 0.15)]


def _gpu(folder: Path, options: Options, tell: Tell) -> list[Row]:
    names = (
        ("training step on the GPU, real size, best settings against stock's", "clips/s", 3.0),
        ("peak memory on the GPU at equal batch, checkpointing on", "bytes", 0.35),
    )
    if options.quick or not torch.cuda.is_available():
        return [row(name, unit, goal=goal, note=NO_GPU) for name, unit, goal in names]
    work = _work(folder, "gpu", REAL, options.batches, LONGEST)
    rates, peaks = [], []
    step: Callable[[list[int]], float]
    for side in ("stock", "ours", "saving"):  # one after the other: the peak of each is its own
        stock = Stock(work, REAL, "cuda" if side == "stock" else "cpu")
        work = work if len(work.clips[0].codes) else stock.with_codes(work)
        if side == "stock":
            step, batches = partial(stock.step, half=False), work.shuffled
        else:
            extra = SAVING if side == "saving" else {}
            step = Ours(work, stock.gpt, **GPU_BEST, **extra).step
            batches = [list(batch) for batch in work.batches]
        tell(f"GPU, {side}")
        rate, peak = _on_gpu(step, batches, options.rounds)
        rates.append(rate * len(work.clips))
        peaks.append(peak)
        del stock, step
        gc.collect()
        torch.cuda.empty_cache()
    (speed, unit, goal), (memory, bytes_, least) = names
    return [
        row(speed, unit, rates[0], rates[1], goal, torch.cuda.get_device_name()),
        row(memory, bytes_, peaks[0], peaks[2], least, torch.cuda.get_device_name()),
    ]


def _on_gpu(
    step: Callable[[list[int]], float], batches: list[list[int]], rounds: int
) -> tuple[float, float]:
    """Return epochs a second and the peak of allocated bytes, after a first epoch."""
    times = []
    for number in range(rounds + 1):
        if number == 1:
            torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
        began = time.perf_counter()
        for batch in batches:
            step(batch)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 1 / statistics.median(times[1:]), float(torch.cuda.max_memory_allocated())


def _first_step(folder: Path, options: Options, tell: Tell) -> list[Row]:
    """Start a run by the command, its dataset cached, and wait for the loss of its first step."""
    name = f"from the start of a run to its first step done, dataset cached, base {options.base}"
    note = "the practice base is small" if options.base == "practice" else ""
    goal = None if note else 30.0
    if options.quick:
        return [row(name, "s wall", goal=goal, note="not measured with --quick")]
    space = folder / "workspace"
    _command(space, "sample")
    train = ("train", "--dataset", "sample", "--base", options.base, "--steps", "1", "--json")
    _command(space, *train)
    began = time.time()
    run = json.loads(_command(space, *train))["run"]
    events, _ = EventLog(space / "runs" / run / "events.jsonl").read()
    first = next(event.at for event in events if isinstance(event, Metric))
    return [row(name, "s wall", ours=first - began, goal=goal, note=note)]


def _command(workspace: Path, *words: str) -> str:
    argv = [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace), *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


QUICK = Options(quick=True, rounds=1, batches=1, loss_steps=2)


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Compare training with stock coqui.")
    parser.add_argument("--quick", action="store_true", help="small sizes: only that it runs")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--layers", type=int, default=2, help="blocks of the CPU steps")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base", default="practice", help="base of the first-step row")
    given = parser.parse_args()
    full = Options(layers=given.layers, rounds=given.rounds, base=given.base)
    rows = measure(QUICK if given.quick else full, lambda text: _note(text))
    if given.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for entry in rows:
        shown = ["-" if entry[k] is None else f"{entry[k]:.4g}" for k in ("peer", "ours", "ratio")]
        print(
            f"{entry['measure']:75} {entry['unit']:12} {' '.join(f'{s:>10}' for s in shown)}"
            f"  {entry.get('note', '')}"
        )


def _note(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    main()
