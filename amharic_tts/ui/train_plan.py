"""What a run will want of this machine, told before it starts. No Gradio and no torch here."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from amharic_tts import base_models, machine
from amharic_tts.dataset import states
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.jobs import plan as plans
from amharic_tts.jobs import training
from amharic_tts.jobs.memory import ADVISED_BATCH, Row, Sizes
from amharic_tts.jobs.plan import MemoryPlan
from amharic_tts.ui import train_form
from amharic_tts.ui.html import rich
from amharic_tts.ui.words import Words
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

PARTS = ("weights", "gradients", "optimizer", "average", "activations")


@dataclass(frozen=True)
class Plan:
    """What a run needs and what is there, with the settings that it is for."""

    config: FinetuneConfig
    memory: MemoryPlan
    precision: str
    """Of the matrix products: ``fp32``, ``bf16`` or ``fp16``."""

    @property
    def fits(self) -> bool:
        """Whether the batch asked for fits."""
        return min(self.memory.batch_size, self.memory.clips) <= self.memory.largest


def make_plan(workspace: Workspace, config: FinetuneConfig) -> Plan:
    """Return what a run of these settings will want; quick, since the clips are read once.

    Raises:
        UserError: The dataset or the base is not there, or the device can't be used.
    """
    folder = workspace.dataset(config.dataset)
    if not Dataset.exists(folder):
        raise UserError(f"There is no dataset `{folder.name}`")
    base = base_models.resolve(workspace, config.base) / "config.json"
    stamps = (*states.stamp(folder), base.stat().st_mtime_ns if base.is_file() else 0)
    read = (config.dataset, config.base, config.language, config.text_mode)
    sizes, rows = _read(workspace, *read, stamps)
    device = training.effective_device(config)
    gpus = len(machine.facts().gpus) if device == "cuda" else 0
    count = training.processes(config, device, gpus)
    free = machine.free_memory(device) // (count if device == "cpu" else 1)
    precision = plans.precision_of(config, device)
    load = plans.load_of(config, sizes, precision, plans.fused(config, device))
    place = (device, free - plans.LIBRARIES[device])
    return Plan(config, plans.for_rows(config, sizes, load, rows, place, count), precision)


@functools.lru_cache(maxsize=8)
def _read(
    workspace: Workspace,
    dataset: str,
    base: str,
    language: str,
    text_mode: str,
    _stamps: tuple[int, ...],
) -> tuple[Sizes, Sequence[Row]]:
    """Return the sizes of the model and the rows of all clips, read again when they change."""
    config = FinetuneConfig(dataset=dataset, base=base, language=language, text_mode=text_mode)
    sizes, encoder = plans.model_of(workspace, config)
    return sizes, plans.rows_of(workspace, config, encoder)


def picture(plan: Plan, words: Words) -> str:
    """Return the plan as HTML: a bar of what is needed, its numbers, and what is advised."""
    expected, room = plan.memory.expected, max(0, plan.memory.room)
    total = expected.total
    bars, keys = [], []
    for part in PARTS:
        value = getattr(expected, part)
        if not value:
            continue
        name = words(f"plan.part.{part}")
        width = 100 * value / total
        bars.append(f'<i class="part-{part}" style="width:{width:.2f}%"></i>')
        keys.append(
            f'<li><i class="part-{part}"></i>{escape(name)} <b>{size(value, words)}</b></li>'
        )
    if not plan.fits:  # a line where the memory of this machine ends
        bars.append(f'<b style="left:{min(99, 100 * room / total):.2f}%"></b>')
    where = "gpu" if plan.memory.device == "cuda" else "cpu"
    sizes = {"need": size(total, words), "free": size(room, words)}
    head = words(f"plan.need.{where}", **sizes)
    return (
        f'<div class="plan-head">{escape(head)}</div>'
        f'<div class="plan-bar" role="img" aria-label="{escape(head)}">{"".join(bars)}</div>'
        f'<ul class="plan-parts">{"".join(keys)}</ul>{"".join(_advice(plan, words))}'
    )


def _advice(plan: Plan, words: Words) -> list[str]:
    found, made = [], plan.memory
    if not plan.fits:
        key = "too_much" if made.largest else "nothing_fits"
        found.append(f'<p class="note">{rich(words(f"plan.{key}", n=made.largest))}</p>')
    else:
        found += [f'<p class="note">{rich(warning)}</p>' for warning in made.warnings]
        found.append(f'<p class="quiet">{rich(words("plan.largest", n=made.largest))}</p>')
    epochs = made.step * plan.config.steps / made.clips
    told = words("plan.step", n=made.step, clips=made.clips, times=f"{epochs:.3g}")
    return [*found, f'<p class="quiet">{rich(told)}</p>']


def size(number: float, words: Words) -> str:
    """Return a number of bytes in words."""
    if number < 1e9:
        return words("plan.mb", n=f"{number / 1e6:.0f}")
    return words("plan.gb", n=f"{number / 1e9:.1f}")


def expected(plan: Plan, words: Words) -> list[tuple[str, str, str, str]]:
    """Return (setting, asked, used, reason) of what this machine will make of the settings."""
    config, made = plan.config, plan.memory
    no_gpu = "" if made.device == "cuda" else train_form.gpu_obstacle()
    asked = f"{made.batch_size} x {made.accumulation}"
    asked += f" x {made.processes}" if made.processes > 1 else ""
    few = words("plan.why.few", n=ADVISED_BATCH) if made.step < ADVISED_BATCH else ""
    trained = f"{made.trained:,} / {made.parameters:,}"
    return [
        ("device", config.device, made.device, no_gpu),
        ("precision", config.mixed_precision, plan.precision, _why_precision(plan, words)),
        ("attention", config.attention, config.wanted_attention, words("plan.why.kernel")),
        ("batch", asked, str(made.step), few),
        ("parameters", "", trained, ""),
        ("processes", str(config.processes or "auto"), str(made.processes), ""),
    ]


def _why_precision(plan: Plan, words: Words) -> str:
    if plan.config.mixed_precision == "auto" and plan.memory.device == "cpu":
        return words("plan.why.auto_precision")
    bf16 = train_form.abilities().get("bf16")
    return bf16.reason if bf16 and plan.precision == "bf16" else ""
