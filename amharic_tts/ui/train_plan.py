"""What a run will want of this machine, told before it starts. No Gradio and no torch here."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

import psutil

from amharic_tts import base_models, machine
from amharic_tts.dataset.manifest import ROWS, Dataset
from amharic_tts.errors import UserError
from amharic_tts.jobs import memory, training
from amharic_tts.jobs.memory import Estimate, Load, Row, Sizes
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.vocabulary import extend, load_vocabulary
from amharic_tts.ui import train_form
from amharic_tts.ui.html import rich
from amharic_tts.ui.words import Words
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

ADVISED = 252
"""Clips of an optimizer step: the least that coqui's recipe and the community advise for XTTS."""
PRACTICE = Sizes(layers=3, width=128, heads=4, text_tokens=94, audio_tokens=258)
"""The practice base, before a run has built it."""
PARTS = ("weights", "gradients", "optimizer", "average", "activations")


@dataclass(frozen=True)
class Plan:
    """What a run needs and what is there."""

    config: FinetuneConfig
    device: str
    estimate: Estimate
    free: int
    """Bytes of this machine's memory, or of the GPU's, that a run may take."""
    largest: int
    """Clips of the largest batch that fits; 0 where none does."""
    clips: int
    """Clips that are trained on."""
    suggestion: tuple[int, int] | None
    """(batch_size, accumulation) for the effective batch wanted; None where none fits."""

    @property
    def fits(self) -> bool:
        """Whether the batch asked for fits."""
        return self.estimate.total <= self.free

    @property
    def clips_a_step(self) -> int:
        """Clips of an optimizer step, over all processes."""
        asked = self.config
        together = asked.batch_size * self.processes
        if asked.effective_batch:
            return together * math.ceil(asked.effective_batch / together)
        return together * asked.accumulation

    @property
    def processes(self) -> int:
        """How many processes train together."""
        gpus = len(machine.facts().gpus) if self.device == "cuda" else 0
        return training.processes(self.config, self.device, gpus)


def make_plan(workspace: Workspace, config: FinetuneConfig) -> Plan:
    """Return what a run of these settings will want.

    Raises:
        UserError: The dataset or the base is not there, or the device can't be used.
    """
    rows = _rows(workspace.dataset(config.dataset), config.text_mode)
    if not rows:
        raise UserError(f"dataset: no row of `{config.dataset}` is accepted for training")
    sizes, device = sizes_of(workspace, config), training.effective_device(config)
    load, free = load_of(config, sizes, device), free_memory(device)
    longest = rows[: max(1, config.batch_size)]
    largest = memory.largest_batch(sizes, load, rows, free)
    plan = Plan(
        config=config,
        device=device,
        estimate=memory.estimate(sizes, load, longest),
        free=free,
        largest=largest,
        clips=len(rows),
        suggestion=None,
    )
    if not largest:
        return plan
    split = memory.split_batch(config.effective_batch or ADVISED, largest, plan.processes)
    return Plan(**{**plan.__dict__, "suggestion": split})


def _rows(folder: Path, text_mode: str) -> list[Row]:
    if not Dataset.exists(folder):
        raise UserError(f"There is no dataset `{folder.name}`")
    return _read_rows(folder, text_mode, (folder / ROWS).stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read_rows(folder: Path, text_mode: str, _stamp: int) -> list[Row]:
    """Return the rows that are trained on, the longest first.

    A letter is a token, and so is a letter of the IPA at most; the language's tag is one more.
    """
    rows = []
    for clip in Dataset.load(folder).accepted("train"):
        read = clip.phonemes if text_mode == "phonemes" and clip.phonemes else clip.normalized
        rows.append(Row(len(read or clip.text) + 1, memory.codes_of(clip.duration)))
    return sorted(rows, key=lambda row: -row.positions)


def sizes_of(workspace: Workspace, config: FinetuneConfig) -> Sizes:
    """Return the model's sizes with the vocabulary that the run will have."""
    folder = base_models.resolve(workspace, config.base)
    there = (folder / "config.json").is_file()
    stamp = (folder / "vocab.json").stat().st_mtime_ns if there else 0
    tokens = _tokens(folder, config.language, config.text_mode, stamp) + config.new_tokens
    return Sizes.read(folder, tokens) if there else _practice(tokens)


def _practice(tokens: int) -> Sizes:
    kept = PRACTICE
    return Sizes(kept.layers, kept.width, kept.heads, tokens, kept.audio_tokens)


@functools.lru_cache(maxsize=8)
def _tokens(folder: Path, language: str, text_mode: str, stamp: int) -> int:
    vocabulary = load_vocabulary(folder / "vocab.json") if stamp else practice_vocabulary()
    return extend(vocabulary, language, text_mode).new_size


def load_of(config: FinetuneConfig, sizes: Sizes, device: str) -> Load:
    """Return what of the settings weighs, as this machine will take them."""
    fused = config.wanted_attention != "eager" and (
        device == "cuda" or not (config.dropout and config.attention_dropout)
    )
    again = sizes.layers if config.checkpoint_blocks < 0 else config.checkpoint_blocks
    return Load(
        precision=precision_of(config, device),
        fused_attention=fused,
        checkpoint_blocks=again if config.use_grad_checkpoint else 0,
        checkpoint_conditioning=config.use_grad_checkpoint and config.checkpoint_conditioning,
        trainable=_trained(config, sizes),
        optimizer_bytes=2 if config.optimizer == "adamw_8bit" else 8,
        ema=config.ema_decay > 0,
    )


def precision_of(config: FinetuneConfig, device: str) -> str:
    """Return the type of the matrix products: ``fp32``, ``bf16`` or ``fp16``."""
    if config.mixed_precision != "auto":
        return {"no": "fp32"}.get(config.mixed_precision, config.mixed_precision)
    bf16 = train_form.abilities().get("bf16")
    return "bf16" if device == "cuda" and (bf16 is None or bf16.ok) else "fp32"


def _trained(config: FinetuneConfig, sizes: Sizes) -> int:
    """Return how many parameters are trained."""
    width, embeddings = sizes.width, sizes.embedding_parameters
    heads = (sizes.text_tokens + sizes.audio_tokens) * (width + 1)
    kept = heads if config.freeze_embeddings else embeddings
    if config.lora_rank:
        # Of c_attn (w -> 3w) and its c_proj (w -> w), of c_fc (w -> 4w) and its c_proj (4w -> w).
        of = {"attention": 6, "mlp": 10, "all": 16}.get(config.lora_targets, 16)
        text = sizes.text_tokens * (width + 1)
        text += 0 if config.freeze_embeddings else sizes.text_tokens * width
        layers = max(0, sizes.layers - config.freeze_blocks)
        return config.lora_rank * of * width * layers + text
    blocks = max(0, sizes.layers - config.freeze_blocks) * sizes.block_parameters
    conditioning = 0 if config.freeze_conditioning else sizes.conditioning_parameters
    return blocks + conditioning + kept + 4 * width


def free_memory(device: str) -> int:
    """Return the bytes of this machine's memory that are free, or those of its GPU."""
    if device == "cuda":
        return machine.facts().gpus[0].memory_mb * 1024**2
    return int(psutil.virtual_memory().available)


def picture(plan: Plan, words: Words) -> str:
    """Return the plan as HTML: a bar of what is needed, its numbers, and what is advised."""
    total = plan.estimate.total
    bars, keys = [], []
    for part in PARTS:
        value = getattr(plan.estimate, part)
        if not value:
            continue
        name = words(f"plan.part.{part}")
        width = 100 * value / total
        bars.append(f'<i class="part-{part}" style="width:{width:.2f}%"></i>')
        keys.append(
            f'<li><i class="part-{part}"></i>{escape(name)} <b>{size(value, words)}</b></li>'
        )
    if not plan.fits:  # a line where the memory of this machine ends
        bars.append(f'<b style="left:{100 * plan.free / total:.2f}%"></b>')
    where = "gpu" if plan.device == "cuda" else "cpu"
    sizes = {"need": size(total, words), "free": size(plan.free, words)}
    head = words(f"plan.need.{where}", **sizes)
    return (
        f'<div class="plan-head">{escape(head)}</div>'
        f'<div class="plan-bar" role="img" aria-label="{escape(head)}">{"".join(bars)}</div>'
        f'<ul class="plan-parts">{"".join(keys)}</ul>{"".join(_advice(plan, words))}'
    )


def _advice(plan: Plan, words: Words) -> list[str]:
    found = []
    if not plan.fits:
        key = "too_much" if plan.largest else "nothing_fits"
        found.append(f'<p class="note">{rich(words(f"plan.{key}", n=plan.largest))}</p>')
    elif plan.largest:
        told = words("plan.largest", n=plan.largest)
        found.append(f'<p class="quiet">{rich(told)}</p>')
    steps = plan.config.steps
    epochs = plan.clips_a_step * steps / plan.clips
    told = words("plan.step", n=plan.clips_a_step, clips=plan.clips, times=f"{epochs:.3g}")
    return [*found, f'<p class="quiet">{rich(told)}</p>']


def size(number: float, words: Words) -> str:
    """Return a number of bytes in words."""
    if number < 1e9:
        return words("plan.mb", n=f"{number / 1e6:.0f}")
    return words("plan.gb", n=f"{number / 1e9:.1f}")


def expected(plan: Plan, words: Words) -> list[tuple[str, str, str, str]]:
    """Return (setting, asked, used, reason) of what this machine will make of the settings."""
    config, device = plan.config, plan.device
    precision = precision_of(config, device)
    rows = [
        ("device", config.device, device, "" if device == "cuda" else train_form.gpu_obstacle()),
        ("precision", config.mixed_precision, precision, _why_precision(plan, words)),
        ("attention", config.attention, config.wanted_attention, words("plan.why.kernel")),
    ]
    count = plan.processes
    asked = f"{config.batch_size} x {config.accumulation}" + (f" x {count}" if count > 1 else "")
    few = plan.clips_a_step < ADVISED
    why = words("plan.why.few", n=ADVISED) if few else ""
    rows.append(("batch", asked, str(plan.clips_a_step), why))
    rows.append(("processes", str(config.processes or "auto"), str(count), ""))
    return rows


def _why_precision(plan: Plan, words: Words) -> str:
    if plan.config.mixed_precision == "auto" and plan.device == "cpu":
        return words("plan.why.auto_precision")
    bf16 = train_form.abilities().get("bf16")
    return bf16.reason if bf16 and plan.config.mixed_precision == "bf16" else ""
