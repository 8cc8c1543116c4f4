"""What a run really does, as against what was asked: decided, applied, verified, told.

A flag that can't work here is an error or a line with its reason, never ignored. This answers for
the process that trains; `amharic_tts.machine` answers beforehand, without torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from amharic_tts.errors import StudioError
from amharic_tts.events import Finding
from amharic_tts.files import write_text
from training import adapters, decisions, decisions_data, freezing
from training.attention import Kernel
from training.config import FinetuneConfig
from training.decisions import Setting
from training.fused import fuse_conditioning
from training.model import PackedXtts, Recompute
from training.ranks import Ranks


@dataclass(frozen=True)
class Plan:
    """How this machine runs a configuration."""

    config: FinetuneConfig
    device: str
    attention: str
    """`eager`, `sdpa` or `flash_attention_2`, as transformers names them."""
    kernel: Kernel
    """What runs below it, measured."""
    precision: str
    """`fp32`, `bf16` or `fp16`: the type of the matrix products; weights stay fp32."""
    optimizer: str
    """The Trainer's name of it."""
    threads: int
    settings: tuple[Setting, ...]

    @property
    def checkpointing(self) -> bool:
        """Whether anything is computed again in the backward pass."""
        return self.config.use_grad_checkpoint

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
        UserError: A setting can't work here.
    """
    ranks = ranks or Ranks()
    device = decisions.device(config)
    attention = decisions.attention(config, device.used)
    precision = decisions.precision(config, device.used)
    kernel, measured = decisions.attention_kernel(
        config, attention.used, device.used, precision.used
    )
    optimizer = decisions.optimizer(config, device.used)
    threads = decisions.threads(device.used, ranks.on_this_machine)
    lines = (
        device,
        attention,
        measured,
        precision,
        decisions.tf32(config, device.used, precision.used),
        decisions.checkpointing(config),
        decisions.compiling(config, device.used),
        decisions.dropout(config),
        decisions.trained(config),
        decisions.average(config),
        decisions.label_smoothing(config),
        decisions.habits(config),
        optimizer,
        decisions.batch(config, ranks.size),
        decisions_data.languages(config),
        decisions_data.prompts(config),
        decisions_data.loader(config, device.used),
        Setting("threads", "auto", str(threads)),
        Setting("processes", str(config.processes or "auto"), str(ranks.size)),
    )
    used = (device.used, attention.used, kernel, precision.used, optimizer.used)
    return Plan(config, *used, threads, lines)


def apply_to_model(plan: Plan, model: PackedXtts) -> Setting:
    """Set up a model whose weights are loaded, or will be from a checkpoint, for a plan.

    Checkpointing and precision are switched on by the Trainer; `verify` looks at them afterwards.

    Returns:
        How many parameters are trained.

    Raises:
        StudioError: The model did not take a setting.
        UserError: The base has fewer blocks than the settings speak of.
    """
    config = plan.config
    torch.set_num_threads(plan.threads)
    torch.backends.cuda.matmul.allow_tf32 = config.tf32
    torch.backends.cudnn.allow_tf32 = config.tf32  # PyTorch's own default is True
    blocks = model.gpt.gpt
    blocks.set_attn_implementation(plan.attention)
    got = blocks.config._attn_implementation
    if got != plan.attention:
        raise StudioError(f"attention: `{plan.attention}` was set, and the model has `{got}`")
    if plan.attention != "eager":
        fuse_conditioning(model.gpt)
    _set_dropout(config, model)
    model.label_smoothing = config.label_smoothing
    model.recompute = Recompute(config.checkpoint_blocks, config.checkpoint_conditioning)
    freezing.check_blocks(config, len(blocks.h))
    if config.lora_rank:
        adapters.add(config, model)
    freezing.freeze(config, model)
    if config.compile:
        for block in blocks.h:
            # For one length first, then for all: with `dynamic=True` from the start the compiler
            # of PyTorch 2.11 fails on these blocks ("Node was invalid, but is output").
            block.compile()
    trained, total = freezing.counts(model)
    return Setting("parameters", "", f"{trained:,} of {total:,} are trained")


def _set_dropout(config: FinetuneConfig, model: PackedXtts) -> None:
    if not config.attention_dropout:
        for block in model.gpt.gpt.h:
            block.attn.attn_dropout.p = 0.0
    if not config.dropout:
        for part in model.modules():
            if isinstance(part, nn.modules.dropout._DropoutNd):
                part.p = 0.0
