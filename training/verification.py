"""Checks, once the Trainer has prepared everything, that what was planned is what runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback

from amharic_tts.errors import StudioError
from training import freezing
from training.attention import Case, kernel
from training.effective import Plan
from training.fused import ConditioningAttention
from training.model import PackedXtts


def verify(plan: Plan, model: PackedXtts, trainer: Any) -> None:
    """Compare a plan with the model and the Trainer, which has begun.

    Raises:
        StudioError: Something else runs; the message says what.
    """
    for part in (_machine, _model, _parameters, _trainer):
        for name, wanted, found in part(plan, model, trainer):
            if wanted != found:
                raise StudioError(f"{name}: `{wanted}` was planned, and `{found}` is what runs")


Compared = Iterator[tuple[str, Any, Any]]


def _machine(plan: Plan, model: PackedXtts, trainer: Any) -> Compared:
    config = plan.config
    device = next(model.parameters()).device.type
    yield "device", plan.device, device
    way = model.gpt.gpt.config._attn_implementation
    yield "attention", plan.attention, way
    encoder = {type(part.attention) is ConditioningAttention for part in _conditioning(model)}
    yield "conditioning attention", {plan.attention != "eager"}, encoder
    mode = trainer.accelerator.mixed_precision
    precision = {"no": "fp32"}.get(mode, mode)
    yield "precision", plan.precision, precision
    yield "tf32", config.tf32, torch.backends.cuda.matmul.allow_tf32
    yield "tf32", config.tf32, torch.backends.cudnn.allow_tf32
    blocks = model.gpt.gpt
    heads = blocks.config.n_head
    dropout = blocks.h[0].attn.attn_dropout.p
    masked = trainer.data_collator.mask_text_stop
    width = blocks.config.n_embd // heads
    case = Case(device, precision, dropout, masked, heads, width)
    yield "kernel", plan.kernel.name, kernel(way, case).name


def _conditioning(model: PackedXtts) -> Any:
    return model.gpt.conditioning_encoder.attn


def _model(plan: Plan, model: PackedXtts, trainer: Any) -> Compared:
    config, blocks = plan.config, model.gpt.gpt.h
    again = len(blocks) if config.checkpoint_blocks < 0 else config.checkpoint_blocks
    if not config.use_grad_checkpoint:
        again = 0
    found = [bool(block.gradient_checkpointing) for block in blocks]
    yield "checkpoint_blocks", [number < again for number in range(len(blocks))], found
    wanted = config.use_grad_checkpoint and config.checkpoint_conditioning
    yield "checkpoint_conditioning", wanted, model.checkpointing and model.recompute.conditioning
    compiled = [block._compiled_call_impl is not None for block in blocks]
    yield "compile", [config.compile] * len(blocks), compiled
    yield "label_smoothing", config.label_smoothing, model.label_smoothing
    if not config.dropout:
        parts = [p for n, p in model.named_modules() if "lora_dropout" not in n]
        kept = [p.p for p in parts if isinstance(p, nn.modules.dropout._DropoutNd)]
        yield "dropout", 0, max(kept, default=0)
    if not config.attention_dropout:
        yield "attention_dropout", 0, max(block.attn.attn_dropout.p for block in blocks)


def _parameters(plan: Plan, model: PackedXtts, trainer: Any) -> Compared:
    named = list(model.named_parameters())
    wanted = {name for name, _ in named if freezing.is_trained(plan.config, name)}
    yield "trained", sorted(wanted), sorted(name for name, p in named if p.requires_grad)
    held = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    yield "optimizer", sorted(wanted), sorted(name for name, p in named if id(p) in held)
    adapters = any(".lora_" in name for name, _ in named)
    yield "lora_rank", plan.config.lora_rank > 0, adapters
    averaged = sorted(trainer.average.values) if trainer.average else []
    yield "ema_decay", sorted(wanted) if plan.config.ema_decay else [], averaged


def _trainer(plan: Plan, model: PackedXtts, trainer: Any) -> Compared:
    config, args = plan.config, trainer.args
    yield "optimizer", plan.optimizer, str(getattr(args.optim, "value", args.optim))
    if plan.optimizer == "adamw_torch_fused":
        inner = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
        yield "optimizer", ("AdamW", True), (type(inner).__name__, inner.defaults.get("fused"))
    collator = trainer.data_collator
    yield "extra_stops", config.extra_stops, collator.extra_stops
    yield "hide_text_stop", config.hide_text_stop, collator.mask_text_stop
    yield "seed", config.seed, args.seed
    yield "max_grad_norm", config.max_grad_norm, args.max_grad_norm
    yield "learning_rate", config.learning_rate, args.learning_rate


class VerifyPlan(TrainerCallback):
    """Runs `verify` once the Trainer has prepared everything."""

    def __init__(self, plan: Plan, trainer: Any) -> None:
        self._plan, self._trainer = plan, trainer

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        model = self._trainer.accelerator.unwrap_model(self._trainer.model)
        verify(self._plan, model, self._trainer)
