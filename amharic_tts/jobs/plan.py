"""What a run will hold in memory, and which batch fits: from its settings, base and dataset.

Needs no torch, so the page and the command line can ask before anything is started; the training
process asks again with what it has found out (`for_rows`). What really fits is measured by
`amharic_tts.jobs.dry_step`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amharic_tts import machine
from amharic_tts.base_models import PRACTICE, is_ready, packed, resolve
from amharic_tts.dataset import validate
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.jobs import memory
from amharic_tts.jobs.memory import Estimate, Load, Row, Sizes
from amharic_tts.tokenizer import settings as text_settings
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.practice import practice_base_vocabulary
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig

LIBRARIES = {"cpu": 1_000_000_000, "cuda": 1_000_000_000}
"""Bytes of the process before it has a model: on a CPU measured; on a GPU the driver's part and
what the allocator can't use, a guess on the safe side."""
TIGHT = 0.9
"""Share of the room from which on a run is told to be tight."""


@dataclass(frozen=True)
class MemoryPlan:
    """What a run is expected to hold, against what there is."""

    device: str
    room: int
    """Bytes that are free for the model and its training, the libraries taken off."""
    parameters: int
    trained: int
    clips: int
    """That can be trained on."""
    longest: Row
    """The clip with the longest row."""
    batch_size: int
    accumulation: int
    """Clips of a pass and passes of a step, as the settings make them."""
    processes: int
    expected: Estimate
    """At this batch, of the longest clips."""
    largest: int
    """Clips of a pass that fit; 0: not even one."""
    suggested: tuple[int, int]
    """Batch and accumulation that fit and reach the clips a step that are asked for, or advised."""
    warnings: tuple[str, ...]

    @property
    def step(self) -> int:
        """Clips of an optimizer step, over all processes."""
        return self.batch_size * self.accumulation * self.processes

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, the totals with it."""
        body = dataclasses.asdict(self)
        body["expected"]["total"] = self.expected.total
        return {**body, "clips_a_step": self.step, "fits": self.batch_size <= self.largest}


def make(workspace: Workspace, config: FinetuneConfig) -> MemoryPlan:
    """Return the plan of a run that is not started.

    Raises:
        UserError: Base or dataset are not there, or nothing of the dataset can be trained on.
    """
    device = machine.training_device(config.device)
    sizes, encoder = model_of(workspace, config)
    count = config.processes or 1
    room = machine.free_memory(device) // (count if device == "cpu" else 1) - LIBRARIES[device]
    rows = rows_of(workspace, config, encoder)
    load = load_of(config, sizes, precision_of(config, device), fused(config, device))
    return for_rows(config, sizes, load, rows, (device, room), count)


def model_of(workspace: Workspace, config: FinetuneConfig) -> tuple[Sizes, TextEncoder]:
    """Return the sizes of the model that is trained, its vocabulary extended, and its encoder."""
    folder = resolve(workspace, config.base)
    there = config.base != PRACTICE or is_ready(workspace, config.base)
    old = vocabulary.load_vocabulary(folder / "vocab.json") if there else practice_base_vocabulary()
    settings = text_settings.current(config.language, config.text_mode)
    extension = vocabulary.extend(old, settings.language, settings.text_mode)
    encoder = TextEncoder(extension.vocab, settings)
    if not there:
        return Sizes.of(packed.describe()["model_args"], encoder.size), encoder
    return Sizes.read(folder, encoder.size), encoder


def rows_of(workspace: Workspace, config: FinetuneConfig, encoder: TextEncoder) -> list[Row]:
    """Return the rows that training would take, the longest first.

    Raises:
        UserError: There is no such dataset, or none of its rows can be trained on.
    """
    dataset = Dataset.load(workspace.dataset(config.dataset))
    found = [
        Row(row.tokens, memory.codes_of(row.duration))
        for row in validate.check(dataset, encoder).rows
        if row.decision == "accepted" and row.split == "train"
    ]
    if not found:
        raise UserError(
            f"Nothing in the dataset `{config.dataset}` can be trained on",
            f"See every row with: amharic-tts dataset check {config.dataset}",
        )
    return sorted(found, key=lambda row: -row.positions)


def for_rows(
    config: FinetuneConfig,
    sizes: Sizes,
    load: Load,
    rows: Sequence[Row],
    place: tuple[str, int],
    processes: int = 1,
) -> MemoryPlan:
    """Return the plan for what is known already.

    Args:
        config: Of the run.
        sizes: Of the model.
        load: Of the settings on this machine.
        rows: Of all clips.
        place: The device, and the bytes that are free there for the run.
        processes: That train together, each on a device of its own.
    """
    device, room = place
    rows = sorted(rows, key=lambda row: -row.positions)
    batch, passes = config.batch(processes)
    largest = memory.largest_batch(sizes, load, rows, room)
    wanted = config.effective_batch or memory.ADVISED_BATCH
    plan = MemoryPlan(
        device=device,
        room=room,
        parameters=sizes.parameters,
        trained=sizes.parameters if load.trainable is None else load.trainable,
        clips=len(rows),
        longest=rows[0],
        batch_size=batch,
        accumulation=passes,
        processes=processes,
        expected=memory.estimate(sizes, load, rows[:batch]),
        largest=largest,
        suggested=memory.split_batch(wanted, max(1, largest), processes),
        warnings=(),
    )
    return dataclasses.replace(plan, warnings=tuple(_warnings(plan, sizes, load, rows)))


def _warnings(plan: MemoryPlan, sizes: Sizes, load: Load, rows: Sequence[Row]) -> list[str]:
    wants = f"{plan.batch_size} of the longest clips at once want about {gb(plan.expected.total)}"
    there = f"{gb(max(0, plan.room))} are free for them"
    if min(plan.batch_size, len(rows)) > plan.largest:
        saving = memory.with_checkpointing(load, sizes)
        most = memory.largest_batch(sizes, saving, rows, plan.room)
        advice = []
        if plan.largest:
            batch, passes = memory.split_batch(
                plan.batch_size * plan.accumulation, plan.largest, plan.processes
            )
            advice.append(f"batch_size {batch} with accumulation {passes}")
        if most > plan.largest and load != saving:
            advice.append(f"use_grad_checkpoint, with which {most} fit")
        told = " or ".join(advice) or "LoRA (lora_rank), or a machine with more memory"
        return [f"{wants}, and {there}: take {told}"]
    if plan.expected.total > TIGHT * plan.room:
        return [f"{wants}, and {there}: that is tight"]
    return []


def load_of(config: FinetuneConfig, sizes: Sizes, precision: str, fused: bool) -> Load:
    """Return what of a run's settings weighs.

    Args:
        config: Of the run.
        sizes: Of the model.
        precision: ``fp32``, ``bf16`` or ``fp16``, as it runs here.
        fused: Whether an attention kernel runs here that keeps no scores.
    """
    again = config.use_grad_checkpoint
    blocks = sizes.layers if config.checkpoint_blocks < 0 else config.checkpoint_blocks
    return Load(
        precision=precision,
        fused_attention=fused,
        checkpoint_blocks=blocks if again else 0,
        checkpoint_conditioning=again and config.checkpoint_conditioning,
        trainable=trained_parameters(config, sizes),
        optimizer_bytes=memory.OPTIMIZER_BYTES[config.optimizer],
        ema=config.ema_decay > 0,
    )


def trained_parameters(config: FinetuneConfig, sizes: Sizes) -> int:
    """Return how many parameters are trained: the rules of `training.freezing`, as numbers."""
    text = sizes.text_tokens * sizes.width
    blocks = sizes.layers - min(sizes.layers, config.freeze_blocks)
    if config.lora_rank:
        head = text + sizes.text_tokens
        ends = {"attention": 6, "mlp": 10, "all": 16}[config.lora_targets]
        adapters = blocks * config.lora_rank * ends * sizes.width
        return adapters + head + (0 if config.freeze_embeddings else text)
    frozen = (sizes.layers - blocks) * sizes.block_parameters
    if config.freeze_conditioning:
        frozen += sizes.conditioning_parameters
    if config.freeze_embeddings:
        heads = (sizes.text_tokens + sizes.audio_tokens) * (sizes.width + 1)
        frozen += sizes.embedding_parameters - heads
    return sizes.parameters - frozen


def precision_of(config: FinetuneConfig, device: str) -> str:
    """Return the precision that the training process will take."""
    asked = config.mixed_precision
    if asked == "auto":
        has = {ability.name: ability.ok for ability in machine.attention()}
        return "bf16" if device == "cuda" and has["bf16"] else "fp32"
    return "fp32" if asked == "no" else asked


def fused(config: FinetuneConfig, device: str) -> bool:
    """Tell whether an attention kernel will run that keeps no scores."""
    if config.wanted_attention == "eager":
        return False
    return device == "cuda" or not (config.dropout and config.attention_dropout)


def gb(size: float) -> str:
    """Return a size in words: ``4.2 GB``, ``310 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
