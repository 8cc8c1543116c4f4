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
    return spoken_state(state, config.lora_scale)


def spoken_state(state: dict[str, Tensor], lora_scale: float) -> dict[str, Tensor]:
    """Return the weights of a trained model with stock names, adapters merged.

    Args:
        state: Weights of the model, its average in their place where there is one.
        lora_scale: alpha / rank; 0 without adapters.
    """
    return adapters.merged(state, lora_scale) if lora_scale else state
