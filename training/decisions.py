"""What this machine makes of each setting of a run, with the reason: one line each.

`effective.make_plan` puts them together.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass

import torch

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.install.cpu import processor
from amharic_tts.jobs.memory import ADVISED_BATCH
from training.attention import DROPOUT, Case, Kernel, kernel
from training.config import FinetuneConfig

OPTIMIZERS = {"adamw": "adamw_torch_fused", "adamw_8bit": "adamw_bnb_8bit"}
"""Names of the Trainer's."""


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


def word(value: bool) -> str:
    return "on" if value else "off"


def device(config: FinetuneConfig) -> Setting:
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


def attention(config: FinetuneConfig, device: str) -> Setting:
    """Return the way of attention, by transformers' names.

    Raises:
        UserError: FlashAttention 2 was asked for and can't run here.
    """
    wanted = config.wanted_attention
    if wanted == "flash_attention_2":
        problem = _flash_problem(device)
        if problem:
            name = "use_flash_attention" if config.attention == "auto" else "attention"
            raise UserError(
                f"{name}: {problem}",
                f"Use --set {name}={'false' if config.attention == 'auto' else 'sdpa'}; "
                "sdpa has fused kernels too",
            )
    if config.attention != "auto":
        return Setting("attention", wanted, wanted)
    reason = {
        "flash_attention_2": "use_flash_attention is on",
        "sdpa": "use_sdpa is on: PyTorch chooses the kernel, in the conditioning encoder too",
        "eager": "use_sdpa is off: the plain formula everywhere",
    }[wanted]
    return Setting("attention", "auto", wanted, reason)


def attention_kernel(
    config: FinetuneConfig, way: str, device: str, precision: str
) -> tuple[Kernel, Setting]:
    """Return the kernel that runs, measured on a small tensor, and its line."""
    dropout = DROPOUT if config.dropout and config.attention_dropout else 0.0
    case = Case(device, precision, dropout, config.hide_text_stop)
    found = kernel(way, case)
    return found, Setting("kernel", way, found.told, found.reason)


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


def precision(config: FinetuneConfig, device: str) -> Setting:
    asked = config.mixed_precision
    if asked == "no":
        return Setting("precision", "no", "fp32")
    if device == "cpu":
        if asked == "fp16":
            raise UserError(
                "mixed_precision: `fp16` needs a GPU", "Use --set mixed_precision=bf16, or no"
            )
        if asked == "auto":
            reason = "`auto` takes bf16 on a GPU only"
            if processor().fast_bf16:
                reason += "; this CPU multiplies bf16 too, about 1.6 times as fast when asked for"
            return Setting("precision", "auto", "fp32", reason)
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


def threads(device: str, processes: int = 1) -> int:
    """Return how many threads PyTorch computes with: its share of the cores it may use.

    ``OMP_NUM_THREADS`` is obeyed. Losses are repeated to the last bit only with the same number.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # Beside a GPU the CPU only reads clips; more than that fights the loader's workers.
    return min(max(1, (usable or 1) // processes), 16 if device == "cpu" else 4)


def tf32(config: FinetuneConfig, device: str, precision: str) -> Setting:
    """Return whether products in fp32 are rounded to TF32.

    Raises:
        UserError: There is no TF32 here, or nothing is left in fp32.
    """
    if not config.tf32:
        return Setting("tf32", "off", "off")
    if device != "cuda" or torch.cuda.get_device_capability()[0] < 8:
        raise UserError("tf32: needs a GPU of sm_80 or newer", "Use --set tf32=false")
    if precision != "fp32":
        raise UserError(
            f"tf32: is for products in fp32, and mixed_precision is {precision} here",
            "Use --set mixed_precision=no, or tf32=false",
        )
    return Setting("tf32", "on", "on", "products are rounded to 10 bits of mantissa")


def optimizer(config: FinetuneConfig, device: str) -> Setting:
    """Return the optimizer.

    Raises:
        UserError: 8 bits were asked for without a GPU.
        MissingPart: Or without bitsandbytes.
    """
    told = "betas 0.9 and 0.96, decay on weights of matrices only"
    if config.optimizer == "adamw":
        return Setting("optimizer", "adamw", OPTIMIZERS["adamw"], told)
    if device != "cuda":
        raise UserError("optimizer: `adamw_8bit` needs a GPU", "Use --set optimizer=adamw")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingPart(
            "optimizer: `adamw_8bit` needs the package bitsandbytes",
            "pip install bitsandbytes, or --set optimizer=adamw",
        )
    return Setting("optimizer", "adamw_8bit", OPTIMIZERS["adamw_8bit"], told)


def checkpointing(config: FinetuneConfig) -> Setting:
    """Return what is computed again in the backward pass."""
    asked = word(config.use_grad_checkpoint)
    if not config.use_grad_checkpoint:
        return Setting("checkpointing", asked, "off")
    blocks, parts = config.checkpoint_blocks, []
    if blocks:
        parts.append("all blocks" if blocks < 0 else f"the first {blocks} blocks")
    if config.checkpoint_conditioning:
        parts.append("the conditioning encoder")
    reason = "they are computed again in the backward pass"
    if config.checkpoint_conditioning and (config.freeze_conditioning or config.lora_rank):
        reason += "; the conditioning encoder is frozen and has no backward pass"
    return Setting("checkpointing", asked, " and ".join(parts), reason)


def compiling(config: FinetuneConfig, device: str) -> Setting:
    """Return whether the blocks are compiled.

    Raises:
        UserError: The compiler's own compiler is not there.
    """
    if not config.compile:
        return Setting("compile", "off", "off")
    if device == "cpu":
        found = any(shutil.which(os.environ.get("CXX") or name) for name in ("g++", "clang++"))
        missing = "" if found else "a C++ compiler"
    else:
        missing = "" if importlib.util.find_spec("triton") else "the package triton"
    if missing:
        raise UserError(f"compile: torch.compile needs {missing}", "Use --set compile=false")
    return Setting("compile", "on", "each block", "the first steps take a minute or more")


def dropout(config: FinetuneConfig) -> Setting:
    """Return what is dropped out."""
    if not config.dropout:
        return Setting("dropout", "off", "off")
    if config.attention_dropout:
        return Setting("dropout", "on", "on")
    return Setting("dropout", "on", "on, but not on attention weights", "attention_dropout is off")


def trained(config: FinetuneConfig) -> Setting:
    """Return what is trained and what stays as it is."""
    frozen = [f"the first {config.freeze_blocks} blocks"] if config.freeze_blocks else []
    frozen += ["the embeddings"] if config.freeze_embeddings else []
    if config.lora_rank:
        used = (
            f"LoRA adapters of rank {config.lora_rank}, scale {config.lora_scale:g}, "
            f"on {config.lora_targets} matrices, and the text head"
        )
        used += "" if config.freeze_embeddings else " and embedding"
        reason = "all else is frozen; the adapters are merged into the blocks for the voice"
        return Setting("trained", f"lora_rank {config.lora_rank}", used, reason)
    frozen += ["the conditioning encoder"] if config.freeze_conditioning else []
    if not frozen:
        return Setting("trained", "everything", "everything")
    return Setting("trained", "frozen parts", f"everything but {', '.join(frozen)}")


def average(config: FinetuneConfig) -> Setting:
    """Return whether an average of the weights is kept."""
    if not config.ema_decay:
        return Setting("average", "off", "off")
    used = f"decay {config.ema_decay:g}, at most (1 + step) / (10 + step)"
    return Setting("average", str(config.ema_decay), used, "it is what is evaluated and exported")


def label_smoothing(config: FinetuneConfig) -> Setting:
    """Return how the targets are smoothed."""
    share = config.label_smoothing
    if not share:
        return Setting("label_smoothing", "0", "off")
    reason = "in training only, so that eval losses stay comparable; text targets are as they are"
    return Setting("label_smoothing", str(share), f"{share:g} of each audio target", reason)


def habits(config: FinetuneConfig) -> Setting:
    """Return which habits of stock coqui are kept."""
    kept = [f"{1 + config.extra_stops} STOP targets"] if config.extra_stops else []
    kept += ["the text's STOP hidden from the audio"] if config.hide_text_stop else []
    asked = f"extra_stops {config.extra_stops}, hide_text_stop {word(config.hide_text_stop)}"
    if not kept:
        return Setting("stock_habits", asked, "none", "as at inference")
    return Setting("stock_habits", asked, " and ".join(kept), "unlike inference; for comparisons")


def batch(config: FinetuneConfig, processes: int = 1) -> Setting:
    """Return the clips of an optimizer step, over all processes."""
    size, passes = config.batch(processes)
    clips = size * passes * processes
    reason = "" if clips >= ADVISED_BATCH else "the community's advice for XTTS is at least 252"
    if not config.effective_batch:
        asked = f"{size} x {passes}" + f" x {processes}" * (processes > 1)
        return Setting("batch", asked, f"{clips} clips a step", reason)
    parts = f"{size} a pass x {passes} passes" + f" x {processes} processes" * (processes > 1)
    asked = f"effective_batch {config.effective_batch}, at most {config.batch_size} a pass"
    return Setting("batch", asked, f"{clips} clips a step: {parts}", reason)
