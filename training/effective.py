"""What a run really does, as against what was asked: decided, applied, verified, told.

A flag that can't work here is an error or a line with its reason, never ignored. This answers for
the process that trains; `amharic_tts.machine` answers beforehand, without torch.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Finding
from amharic_tts.files import write_text
from training.config import FinetuneConfig
from training.model import PackedXtts
from training.ranks import Ranks


@dataclass(frozen=True)
class Setting:
    """One line of the effective configuration."""

    name: str
    asked: str
    """What the run's settings say."""
    used: str
    """What is done."""
    reason: str = ""
    """Why, where the two differ or it is worth knowing."""


@dataclass(frozen=True)
class Plan:
    """How this machine runs a configuration."""

    device: str
    attention: str
    """`eager`, `sdpa` or `flash_attention_2`, as transformers names them."""
    precision: str
    """`fp32`, `bf16` or `fp16`: the type of the matrix products; weights stay fp32."""
    checkpointing: bool
    optimizer: str
    threads: int
    settings: tuple[Setting, ...]

    def findings(self) -> Iterator[Finding]:
        """Tell every line as an info finding."""
        for line in self.settings:
            message = line.used + (f" ({line.reason})" if line.reason else "")
            yield Finding(f"effective.{line.name}", message, "info", line.name)

    def write(self, path: Path) -> None:
        """Write `effective.json`."""
        body = {"settings": [asdict(line) for line in self.settings]}
        write_text(path, json.dumps(body, ensure_ascii=False, indent=1))


def make_plan(config: FinetuneConfig, ranks: Ranks | None = None) -> Plan:
    """Decide how this machine runs a configuration, in one process or as one of several.

    Raises:
        UserError: A flag can't work here.
    """
    ranks = ranks or Ranks()
    device = _device(config)
    attention = _attention(config, device.used)
    precision = _precision(config, device.used)
    threads = _threads(device.used, ranks.on_this_machine)
    checkpointing = Setting(
        "checkpointing",
        _word(config.use_grad_checkpoint),
        _word(config.use_grad_checkpoint),
        "blocks and conditioning encoder are computed again in the backward pass"
        if config.use_grad_checkpoint
        else "",
    )
    dropout = Setting("dropout", _word(config.dropout), _word(config.dropout))
    batch = config.batch_size * config.accumulation * ranks.size
    lines = (
        device,
        attention,
        precision,
        checkpointing,
        dropout,
        Setting("optimizer", "adamw", "adamw_torch_fused", "betas 0.9 and 0.96, decay on weights"),
        Setting(
            "batch",
            f"{config.batch_size} x {config.accumulation}" + f" x {ranks.size}" * (ranks.size > 1),
            f"{batch} clips a step",
            "" if batch >= 252 else "the community's advice for XTTS is at least 252",
        ),
        Setting("threads", "auto", str(threads)),
        Setting("processes", str(config.processes or "auto"), str(ranks.size)),
    )
    return Plan(
        device.used,
        attention.used,
        precision.used,
        config.use_grad_checkpoint,
        "adamw_torch_fused",
        threads,
        lines,
    )


def _word(value: bool) -> str:
    return "on" if value else "off"


def _device(config: FinetuneConfig) -> Setting:
    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise UserError(
            "device: `cuda` was asked for, and PyTorch sees no GPU here",
            "Use --set device=auto, or see: amharic-tts doctor",
        )
    if config.device == "auto":
        reason = torch.cuda.get_device_name() if there else "PyTorch sees no GPU here"
        return Setting("device", "auto", "cuda" if there else "cpu", reason)
    return Setting("device", config.device, config.device)


def _attention(config: FinetuneConfig, device: str) -> Setting:
    if config.use_flash_attention:
        problem = _flash_problem(device)
        if problem:
            raise UserError(
                f"use_flash_attention: {problem}",
                "Use --set use_flash_attention=false; use_sdpa has fused kernels too",
            )
        return Setting("attention", "flash_attention_2", "flash_attention_2")
    if config.use_sdpa:
        reason = "PyTorch chooses the kernel; packed rows need no mask, so none is ruled out by it"
        return Setting("attention", "sdpa", "sdpa", reason)
    return Setting("attention", "eager", "eager", "use_sdpa is off: the plain formula")


def _flash_problem(device: str) -> str:
    """Return why FlashAttention 2 can't run here, or an empty string."""
    if device != "cuda":
        return "FlashAttention 2 needs a CUDA GPU"
    major, minor = torch.cuda.get_device_capability()
    if major < 8:
        return f"FlashAttention 2 needs a GPU of sm_80 or newer, and this one is sm_{major}{minor}"
    if importlib.util.find_spec("flash_attn") is None:
        return "the package `flash-attn` is not installed (smart_install.py --with flash-attn)"
    return ""


def _precision(config: FinetuneConfig, device: str) -> Setting:
    asked = config.mixed_precision
    if asked == "no":
        return Setting("precision", "no", "fp32")
    if device == "cpu":
        if asked == "fp16":
            raise UserError(
                "mixed_precision: `fp16` needs a GPU", "Use --set mixed_precision=bf16, or no"
            )
        if asked == "auto":
            return Setting("precision", "auto", "fp32", "`auto` takes bf16 on a GPU only")
        return Setting("precision", "bf16", "bf16", "autocast on the CPU")
    native = torch.cuda.get_device_capability()[0] >= 8
    if asked == "bf16" and not native:
        raise UserError(
            "mixed_precision: this GPU is older than sm_80 and has no bf16",
            "Use --set mixed_precision=fp16, or no",
        )
    if asked == "auto":
        reason = "" if native else "this GPU is older than sm_80 and has no bf16"
        return Setting("precision", "auto", "bf16" if native else "fp32", reason)
    return Setting("precision", asked, asked)


def _threads(device: str, processes: int) -> int:
    """Return how many threads PyTorch computes with: its share of the cores it may use.

    ``OMP_NUM_THREADS`` is obeyed. Losses are repeated to the last bit only with the same number.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # Beside a GPU the CPU only reads clips; more than that fights the loader's workers.
    return min(max(1, (usable or 1) // processes), 16 if device == "cpu" else 4)


def apply_to_model(plan: Plan, model: PackedXtts, dropout: bool) -> None:
    """Set attention and dropout on a model, and verify that they stand.

    Checkpointing and precision are the Trainer's to apply; `verify` looks at them afterwards.

    Raises:
        StudioError: The model did not take the setting.
    """
    torch.set_num_threads(plan.threads)
    model.gpt.gpt.set_attn_implementation(plan.attention)
    got = model.gpt.gpt.config._attn_implementation
    if got != plan.attention:
        raise StudioError(f"attention: `{plan.attention}` was set, and the model has `{got}`")
    if not dropout:
        for part in model.modules():
            if isinstance(part, nn.modules.dropout._DropoutNd):
                part.p = 0.0


def verify(plan: Plan, model: PackedXtts, trainer: Any) -> None:
    """Check, after the Trainer is built and has begun, that what was planned is what runs.

    Raises:
        StudioError: It is not; the message says what.
    """
    precision = {"no": "fp32"}.get(trainer.accelerator.mixed_precision)
    blocks = [bool(block.gradient_checkpointing) for block in model.gpt.gpt.h]
    parameters = next(model.parameters())
    found = {
        "device": parameters.device.type,
        "attention": model.gpt.gpt.config._attn_implementation,
        "precision": precision or trainer.accelerator.mixed_precision,
        "checkpointing": model.checkpointing and all(blocks),
        "optimizer": trainer.args.optim,
    }
    for name, value in found.items():
        wanted = getattr(plan, name)
        if str(value) != str(wanted) and value != wanted:
            raise StudioError(f"{name}: `{wanted}` was planned, and `{value}` is what runs")


class VerifyPlan(TrainerCallback):
    """Runs `verify` once the Trainer has prepared everything."""

    def __init__(self, plan: Plan, trainer: Any) -> None:
        self._plan, self._trainer = plan, trainer

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        verify(
            self._plan, self._trainer.accelerator.unwrap_model(self._trainer.model), self._trainer
        )
