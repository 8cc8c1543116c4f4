"""What can be wrong with the settings of a run, told all at once. Importing this needs no torch.

What only the machine, the dataset or the base can tell is found where those are known:
`amharic_tts.jobs.training.problems` and `training.effective`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from amharic_tts.tokenizer.vocabulary import ETHIOPIC_LANGUAGES

if TYPE_CHECKING:
    from training.config import FinetuneConfig

MOST_NEW_TOKENS = 20_000
"""Three times the released vocabulary."""

CHOICES: dict[str, tuple[str, ...]] = {
    "text_mode": ("letters", "phonemes"),
    "vocabulary": ("characters", "bpe"),
    "conditioning_from": ("same", "other", "both"),
    "language_sampling": ("natural", "balanced", "weights"),
    "attention": ("auto", "eager", "sdpa", "flash_attention_2"),
    "mixed_precision": ("auto", "no", "bf16", "fp16"),
    "optimizer": ("adamw", "adamw_8bit"),
    "schedule": ("cosine", "linear", "constant"),
    "lora_targets": ("attention", "mlp", "all"),
    "device": ("auto", "cpu", "cuda"),
}
_POSITIVE = ("steps", "batch_size", "accumulation", "eval_every", "save_every", "keep_checkpoints")
_NOT_NEGATIVE = (
    *(
        "warmup_steps",
        "weight_decay",
        "lora_rank",
        "lora_alpha",
        "freeze_blocks",
        "new_tokens",
        "processes",
    ),
    *("effective_batch", "early_stop_patience", "sample_every"),
)
_SHARES = ("lora_dropout", "ema_decay", "label_smoothing", "replay_share")
_LORA = ("lora_alpha", "lora_dropout", "lora_targets")
_CHECKPOINTING = ("checkpoint_blocks", "checkpoint_conditioning")


def problems(config: FinetuneConfig) -> list[str]:
    """Return everything that is wrong with the values of a configuration."""
    found = [] if config.dataset else ["dataset: choose a dataset to train on"]
    for part in (_choices, _numbers, _attention, _without_effect, _data):
        found += part(config)
    return found


def is_default(config: FinetuneConfig, key: str) -> bool:
    """Tell whether a setting has its default value."""
    return bool(getattr(config, key) == getattr(type(config)(), key))


def _choices(config: FinetuneConfig) -> Iterator[str]:
    for key, choices in CHOICES.items():
        if getattr(config, key) not in choices:
            yield f"{key}: `{getattr(config, key)}` is not one of {', '.join(choices)}"


def _numbers(config: FinetuneConfig) -> Iterator[str]:
    for key in _POSITIVE:
        if getattr(config, key) < 1:
            yield f"{key}: {getattr(config, key)} must be at least 1"
    if not 0 < config.learning_rate < 1:
        yield f"learning_rate: {config.learning_rate} must be between 0 and 1"
    for key in _NOT_NEGATIVE:
        if getattr(config, key) < 0:
            yield f"{key}: {getattr(config, key)} can't be negative"
    for key in _SHARES:
        if not 0 <= getattr(config, key) < 1:
            yield f"{key}: {getattr(config, key)} must be at least 0 and below 1"
    if config.max_grad_norm <= 0:
        yield f"max_grad_norm: {config.max_grad_norm} must be above 0"
    if config.checkpoint_blocks < -1:
        yield f"checkpoint_blocks: {config.checkpoint_blocks} must be -1 (all), 0 or more"
    if config.loader_workers < -1:
        yield f"loader_workers: {config.loader_workers} must be -1 (auto), 0 or more"
    if not 0 <= config.seed < 2**32:
        yield f"seed: {config.seed} must be at least 0 and below 2^32"
    if config.extra_stops not in (0, 3):
        yield f"extra_stops: {config.extra_stops} must be 0, or 3 as in stock coqui"


def _attention(config: FinetuneConfig) -> Iterator[str]:
    kind = config.attention
    if kind in ("eager", "sdpa") and config.use_flash_attention:
        yield f"attention: `{kind}` and use_flash_attention ask for two things; leave one out"
    if kind == "sdpa" and not config.use_sdpa:
        yield "attention: `sdpa` and use_sdpa off ask for two things; leave one out"
    if config.wanted_attention == "flash_attention_2":
        name = "use_flash_attention" if kind == "auto" else "attention"
        if config.mixed_precision == "no":
            yield f"{name}: needs mixed_precision bf16 or fp16, not `no`"
        if config.hide_text_stop:
            yield f"{name}: hide_text_stop needs a mask; take attention sdpa or eager"


def _without_effect(config: FinetuneConfig) -> Iterator[str]:
    """Yield the settings that would do nothing as the others stand."""
    if config.lora_rank == 0:
        for key in _LORA:
            if not is_default(config, key):
                yield f"{key}: does nothing without lora_rank"
    if not config.use_grad_checkpoint:
        for key in _CHECKPOINTING:
            if not is_default(config, key):
                yield f"{key}: does nothing without use_grad_checkpoint"
    elif config.checkpoint_blocks == 0 and not config.checkpoint_conditioning:
        yield "use_grad_checkpoint: checkpoint_blocks and checkpoint_conditioning leave it nothing"
    if not config.dropout and not config.attention_dropout:
        yield "attention_dropout: does nothing with dropout off"
    if config.tf32 and config.mixed_precision in ("bf16", "fp16"):
        yield (
            f"tf32: is for products in fp32, and mixed_precision `{config.mixed_precision}` "
            "has none; take one of them"
        )


def _data(config: FinetuneConfig) -> Iterator[str]:
    if config.vocabulary != "bpe" and config.new_tokens:
        yield "new_tokens: does nothing without vocabulary bpe"
    elif config.new_tokens > MOST_NEW_TOKENS:
        yield f"new_tokens: {config.new_tokens} must be at most {MOST_NEW_TOKENS}"
    if config.vocabulary == "bpe" and config.text_mode == "phonemes":
        yield "vocabulary: bpe is for letters; with text_mode phonemes each phone is a token"
    elif config.vocabulary == "bpe" and config.language not in ETHIOPIC_LANGUAGES:
        known = ", ".join(ETHIOPIC_LANGUAGES)
        yield f"vocabulary: bpe is for languages in Ethiopic script: {known}"
    if config.language_sampling == "weights" and not config.language_weights:
        yield "language_sampling: `weights` needs language_weights, such as am=2,en=1"
    if config.language_sampling != "weights" and config.language_weights:
        yield "language_weights: does nothing without language_sampling weights"
    for language, weight in config.language_weights.items():
        if not (math.isfinite(weight) and weight > 0):
            yield f"language_weights: the weight of `{language}`, {weight}, must be above 0"
    if config.language_sampling != "natural":
        if not config.replay_dataset:
            yield "language_sampling: needs replay_dataset, since a dataset has one language"
        elif not is_default(config, "replay_share"):
            yield (
                f"replay_share: does nothing with language_sampling {config.language_sampling}, "
                "by which the languages have their shares"
            )
    if not config.replay_dataset and not is_default(config, "replay_share"):
        yield "replay_share: does nothing without replay_dataset"
    if config.replay_dataset and config.replay_share == 0:
        yield "replay_dataset: does nothing with a replay_share of 0"
    if config.replay_dataset and config.replay_dataset == config.dataset:
        yield "replay_dataset: must be another dataset than the one trained on"
    if config.effective_batch and config.accumulation != 1:
        yield "accumulation: follows from effective_batch; leave it out"
    if 0 < config.effective_batch < config.batch_size:
        yield (
            f"effective_batch: {config.effective_batch} must be at least batch_size, "
            f"{config.batch_size}"
        )
    if config.sample_texts and not config.sample_every:
        yield "sample_texts: does nothing without sample_every"
