"""Train steps on the longest clips at growing batch: `amharic_tts.jobs.dry_step` starts this.

Weights are random and so are tokens, codes and prompts: only lengths count. The events go to
stdout, a line each.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers
import yaml
from torch.utils.data import Dataset
from transformers.trainer_utils import SaveStrategy

from amharic_tts import events
from amharic_tts.base_models import PRACTICE, resolve
from amharic_tts.base_models.practice import build
from amharic_tts.errors import StudioError
from amharic_tts.events import Done, Event, Failed, Metric, Progress
from amharic_tts.jobs import memory as sizing
from amharic_tts.jobs import plan as planning
from amharic_tts.jobs.dry_step import BEFORE, PEAK, SECONDS
from amharic_tts.workspace import Workspace
from training import config as configs
from training import effective, memory
from training.base import build_gpt, read_base, special_tokens
from training.checkpoints import Checkpoints
from training.config import FinetuneConfig
from training.engine import build_trainer
from training.model import PackedXtts, Row
from training.stopping import StopSwitch, out_of_memory

MOST = 64
"""Clips at once beyond which nothing is gained."""
STEPS = 2
"""The optimizer's moments are there from the second step on."""


class RandomRows(Dataset[Row]):
    """Rows of given lengths, in place of clips."""

    def __init__(self, rows: Sequence[sizing.Row], codes: int) -> None:
        self.rows, self._codes = rows, codes
        self.lengths = [row.text + row.codes for row in rows]
        self.pools = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int) -> Row:
        row = self.rows[max(key, -1 - key) % len(self.rows)]
        return Row(
            clip=0,
            text=torch.randint(1, 20, (row.text,)),
            codes=torch.randint(0, self._codes, (row.codes,)),
            cond_mel=torch.randn(80, sizing.PROMPT_FRAMES),
        )


def measure(workspace: Workspace, config: FinetuneConfig, room: int) -> Iterator[Event]:
    """Yield what each batch takes, until one takes more than `room` bytes; end in `Done`.

    Batches are doubled until one is too much; then the largest one that fits is looked for
    between the last two.
    """
    plan = effective.make_plan(config)
    folder = resolve(workspace, config.base)
    base = read_base(build(folder) if config.base == PRACTICE else folder)
    sizes, encoder = planning.model_of(workspace, config)
    rows = planning.rows_of(workspace, config, encoder)
    model = PackedXtts(build_gpt(base, special_tokens(base, encoder.ids), encoder.size))
    before = _held(plan.device) - sum(p.numel() * 4 for p in model.parameters())
    yield Metric(0, BEFORE, max(0, before) if plan.device == "cpu" else 1)
    effective.apply_to_model(plan, model)
    load = planning.load_of(config, sizes, plan.precision, plan.kernel.fused)
    most = min(MOST, len(rows))
    batch, largest, failed, taken = 1, 0, most + 1, 0
    while largest < batch < failed:
        more = _expected(sizes, load, rows, batch) - _expected(sizes, load, rows, largest)
        fits = False
        # The system would kill the process, or another one: what surely is too much is not tried.
        if plan.device == "cuda" or not largest or taken + more <= room:
            yield Progress(batch, most, f"{batch} clips at once")
            seconds = _try(plan, model, RandomRows(rows[:batch], base.codes), config)
            peak = _peak(plan.device)
            if seconds is not None:
                yield Metric(batch, PEAK, peak)
                yield Metric(batch, SECONDS, seconds)
            fits = seconds is not None and peak <= room
        if fits:
            largest, taken = batch, peak
        else:
            failed = batch
        batch = min(2 * batch, most) if failed > most else (largest + failed) // 2
    yield Done()


def _expected(
    sizes: sizing.Sizes, load: sizing.Load, rows: Sequence[sizing.Row], batch: int
) -> int:
    return sizing.estimate(sizes, load, rows[:batch]).activations


def _try(
    plan: effective.Plan, model: PackedXtts, rows: RandomRows, config: FinetuneConfig
) -> float | None:
    """Return the seconds of a step, or None where the memory is not enough."""
    _reset_peak(plan.device)
    try:
        return _train(plan, model, rows, config)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return None
    finally:
        model.zero_grad(set_to_none=True)
        memory.free()


def _train(
    plan: effective.Plan, model: PackedXtts, rows: RandomRows, config: FinetuneConfig
) -> float:
    settings: dict[str, Any] = {"batch_size": len(rows), "accumulation": 1, "effective_batch": 0}
    config = dataclasses.replace(config, steps=STEPS, **settings)
    with tempfile.TemporaryDirectory() as name:
        run = Path(name)
        data: Any = (rows, None)
        trainer, _ = build_trainer(
            config, plan, model, data, Checkpoints(run), _silent, StopSwitch(run)
        )
        trainer.args.save_strategy = SaveStrategy.NO
        began = time.perf_counter()
        trainer.train()
        return (time.perf_counter() - began) / STEPS


def _silent(_event: Event) -> None:
    pass


def _held(device: str) -> int:
    """Return the bytes that this process holds now."""
    return 0 if device == "cuda" else int(psutil.Process().memory_info().rss)


def _reset_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see man 5 proc


def _peak(device: str) -> int:
    """Return the most bytes that this process has held since `_reset_peak`.

    Where the system keeps no such count, the most it has ever held; batches grow, so that is
    nearly the same.
    """
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    info = psutil.Process().memory_info()
    return int(getattr(info, "peak_wset", info.rss))


def _be_the_first_to_go() -> None:
    """Let a Linux that is out of memory end this process and no other."""
    score = Path("/proc/self/oom_score_adj")
    if os.access(score, os.W_OK):
        score.write_text("1000", encoding="ascii")


def main(write: Callable[[str], object] = sys.stdout.write) -> int:
    """Measure for the workspace and room of the command line and the settings on stdin."""
    workspace, room = Workspace.open(Path(sys.argv[1])), int(sys.argv[2])
    config = configs.from_mapping(yaml.safe_load(sys.stdin.read()))
    transformers.logging.set_verbosity_error()
    _be_the_first_to_go()
    try:
        for event in measure(workspace, config, room):
            write(events.to_json(event) + "\n")
            sys.stdout.flush()
    except StudioError as error:
        write(events.to_json(Failed(error.message, error.hint, error.exit_code)) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
