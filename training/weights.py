"""From a checkpoint to the weights of a voice."""

from __future__ import annotations

from safetensors.torch import load_file
from torch import Tensor

from amharic_tts.errors import StudioError
from training import adapters, ema
from training.checkpoints import Checkpoint
from training.config import FinetuneConfig


def voice_state(checkpoint: Checkpoint, config: FinetuneConfig) -> dict[str, Tensor]:
    """Return the weights of the GPT with stock names, `gpt.*`, as they are spoken with.

    With `ema_decay` they are the average, which is what was evaluated; LoRA adapters are merged.

    Raises:
        StudioError: The average is missing.
    """
    state: dict[str, Tensor] = load_file(checkpoint.model)
    if config.ema_decay:
        average = checkpoint.folder / ema.FILE
        if not average.is_file():
            raise StudioError(f"`{checkpoint.folder}` has no `{ema.FILE}`")
        state.update(load_file(average))
    return adapters.merged(state, config.lora_scale) if config.lora_rank else state
