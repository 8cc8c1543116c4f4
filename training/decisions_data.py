"""What becomes of the settings that say how clips are drawn and read: lines like `decisions`."""

from __future__ import annotations

from training.config import FinetuneConfig
from training.decisions import Setting

GPU_WORKERS = 2
"""A batch of 4 takes one core 30 ms to read, nearly all of it the prompt's mel."""


def loader(config: FinetuneConfig, device: str) -> Setting:
    """Return how many processes read clips ahead; `used` is the number."""
    if config.loader_workers >= 0:
        return Setting("loader_workers", str(config.loader_workers), str(config.loader_workers))
    if device == "cuda":
        return Setting("loader_workers", "auto", str(GPU_WORKERS), "clips are read ahead")
    reason = "reading clips is under 1 % of a step on a CPU, and a worker would take its cores"
    return Setting("loader_workers", "auto", "0", reason)


def prompts(config: FinetuneConfig) -> Setting:
    """Return where the prompts come from."""
    used = {
        "same": "a slice of the same clip",
        "other": "a slice of another clip of the speaker",
        "both": "by halves the same clip and another one of the speaker",
    }[config.conditioning_from]
    reason = "evaluation takes the beginning of the same clip"
    return Setting("conditioning_from", config.conditioning_from, used, reason)


def languages(config: FinetuneConfig) -> Setting:
    """Return how the clips of an epoch are drawn."""
    kind, replay = config.language_sampling, config.replay_dataset
    if kind == "natural":
        used = "every clip once an epoch"
        if replay:
            used += f", and `{replay}` for {config.replay_share:.0%} of the draws"
    elif kind == "balanced":
        used = "as many draws an epoch as there are clips, each language as often"
    else:
        shares = ", ".join(f"{name} {w:g}" for name, w in sorted(config.language_weights.items()))
        used = f"as many draws an epoch as there are clips, by weight: {shares}"
    return Setting("language_sampling", kind, used)
