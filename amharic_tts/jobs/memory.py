"""How much memory a training run will want, told before it starts. Needs no torch.

Parameters are counted exactly, from the sizes in the base's `config.json`. What the backward pass
keeps is a formula whose constants were measured with ``saved_tensors_hooks`` on the packed model
with its fused parts (2026-11-22, widths 256 and 512, 1 to 3 blocks, 245 to 445 positions, PyTorch
2.11 on a CPU, where it is right within a few percent); a GPU's kernels keep less rather than more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError

ADVISED_BATCH = 252
"""Clips of an optimizer step: the least that coqui's recipe and the community advise for XTTS."""
OPTIMIZER_BYTES = {"adamw": 8, "adamw_8bit": 2}
"""Of each optimizer for a trained parameter: two moments of four bytes, or of one."""
LATENTS = 32
"""Positions of the prompt before each row."""
PROMPT_FRAMES = 517
"""Mel frames of a prompt: 6 s."""
_PERCEIVER_INNER = 512
_PERCEIVER_LAYERS = 2
_ENCODER_BLOCKS = 6
_MELS = 80

_BLOCK = {"fp32": 64.1, "bf16": 36.1, "fp16": 36.1}
"""Bytes that a block keeps for each position and each number of its width."""
_DROPOUT = {"fp32": 8.0, "bf16": 10.0, "fp16": 10.0}
"""More of them where attention has dropout and no fused kernel takes it (on a CPU)."""
_SCORES = 12.0
"""Bytes for each pair of positions and each head, in that same case: scores, weights, mask."""
_ENCODER = {"fp32": 98.5e3, "bf16": 66e3, "fp16": 66e3}
"""Bytes of the conditioning encoder for each row and each number of its width, all 517 frames."""
_ENCODER_FIXED = {"fp32": 6.8e6, "bf16": 3e6, "fp16": 3e6}
_LOGITS = 8.0
"""Bytes for each target and each token of its vocabulary."""
_INPUT = 4.0
"""Bytes that a block which is computed again keeps: its input."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of an XTTS GPT."""

    layers: int
    width: int
    heads: int
    text_tokens: int
    audio_tokens: int
    text_positions: int = 404
    audio_positions: int = 608

    @classmethod
    def read(cls, base: Path, text_tokens: int = 0) -> Sizes:
        """Return the sizes in the `config.json` of a base.

        Args:
            base: The folder.
            text_tokens: Size of the extended vocabulary; 0 takes the base's own.

        Raises:
            UserError: The file can't be read or names no such sizes.
        """
        path = base / "config.json"
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8"))["model_args"], text_tokens)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"`{path}` does not tell the model's size: {error!r}") from None

    @classmethod
    def of(cls, said: Mapping[str, Any], text_tokens: int = 0) -> Sizes:
        """Return the sizes in the ``model_args`` of a `config.json`; see `read`."""
        return cls(
            layers=int(said["gpt_layers"]),
            width=int(said["gpt_n_model_channels"]),
            heads=int(said["gpt_n_heads"]),
            text_tokens=text_tokens or int(said["gpt_number_text_tokens"]),
            audio_tokens=int(said["gpt_num_audio_tokens"]),
            text_positions=int(said["gpt_max_text_tokens"]) + 2,
            audio_positions=int(said["gpt_max_audio_tokens"]) + 3,
        )

    @property
    def block_parameters(self) -> int:
        """Parameters of one transformer block (GPT-2: two norms, attention, feed-forward)."""
        return 12 * self.width**2 + 13 * self.width

    @property
    def conditioning_parameters(self) -> int:
        """Parameters of the conditioning encoder and the perceiver."""
        w = self.width
        encoder = w * _MELS + w + _ENCODER_BLOCKS * (4 * w**2 + 6 * w)
        inner = w * 4 * 2 // 3
        attention = 4 * w * _PERCEIVER_INNER
        feed_forward = 2 * inner * w + 2 * inner + inner * w + w
        perceiver = LATENTS * w + _PERCEIVER_LAYERS * (attention + feed_forward) + w
        return encoder + perceiver

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the token and position embeddings and of the two heads."""
        tokens = self.text_tokens + self.audio_tokens
        positions = self.text_positions + self.audio_positions
        return self.width * (2 * tokens + positions) + tokens

    @property
    def parameters(self) -> int:
        """All of them: with the two final norms, which coqui keeps apart."""
        blocks = self.layers * self.block_parameters
        norms = 4 * self.width
        return blocks + self.conditioning_parameters + self.embedding_parameters + norms


@dataclass(frozen=True)
class Load:
    """What of a run's settings weighs."""

    precision: str = "fp32"
    """``fp32``, ``bf16`` or ``fp16``."""
    fused_attention: bool = True
    """A kernel that keeps no scores; on a CPU only without attention dropout."""
    checkpoint_blocks: int = 0
    """Blocks that are computed again in the backward pass."""
    checkpoint_conditioning: bool = False
    trainable: int | None = None
    """Parameters that are trained; None: all."""
    optimizer_bytes: int = 8
    """For each trained parameter: two moments of 4 bytes, or of 1."""
    ema: bool = False


@dataclass(frozen=True)
class Row:
    """The length of one clip in tokens."""

    text: int
    codes: int

    @property
    def positions(self) -> int:
        """Positions of its row: the prompt, both segments, their START and STOP."""
        return LATENTS + self.text + 2 + self.codes + 1


@dataclass(frozen=True)
class Estimate:
    """Bytes that a run is expected to hold at its peak, without the libraries themselves."""

    weights: int
    gradients: int
    optimizer: int
    average: int
    """The moving average of the weights (EMA)."""
    activations: int

    @property
    def total(self) -> int:
        """All of them."""
        kept = self.weights + self.gradients + self.optimizer + self.average
        return kept + self.activations


def codes_of(seconds: float) -> int:
    """Return the audio codes of a clip: one for 1024 samples at 22.05 kHz."""
    return math.ceil(seconds * 22050 / 1024)


def estimate(sizes: Sizes, load: Load, rows: Sequence[Row]) -> Estimate:
    """Return what one forward and backward pass over rows together wants.

    Args:
        sizes: Of the model.
        load: Of the settings.
        rows: The rows of one batch; to be safe, the longest that there are.
    """
    trainable = sizes.parameters if load.trainable is None else load.trainable
    return Estimate(
        weights=4 * sizes.parameters,
        gradients=4 * trainable,
        optimizer=load.optimizer_bytes * trainable,
        average=4 * trainable * load.ema,
        activations=_activations(sizes, load, rows),
    )


def _activations(sizes: Sizes, load: Load, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    longest = max(row.positions for row in rows)
    positions = len(rows) * longest
    width, dtype = sizes.width, load.precision
    block = _BLOCK[dtype] * positions * width
    if not load.fused_attention:
        block += _DROPOUT[dtype] * positions * width
        block += _SCORES * len(rows) * sizes.heads * longest**2
    again = min(sizes.layers, load.checkpoint_blocks)
    blocks = (sizes.layers - again) * block + again * _INPUT * positions * width
    encoder = len(rows) * (_ENCODER[dtype] * width + _ENCODER_FIXED[dtype])
    heads = _LOGITS * sum(
        (row.text + 2) * sizes.text_tokens + (row.codes + 1) * sizes.audio_tokens for row in rows
    )
    # In the reduced precision autocast holds a copy of the weights of the products.
    copies = 0 if dtype == "fp32" else 2 * (sizes.parameters - sizes.embedding_parameters // 2)
    # What is computed again is there once more while its gradients are made; the encoder's turn
    # comes when the blocks' activations are gone.
    passing = [block if again else 0.0]
    if load.checkpoint_conditioning:
        passing.append(encoder - blocks)
        encoder = 0.0
    return int(blocks + encoder + heads + copies + max(0.0, *passing))


def largest_batch(sizes: Sizes, load: Load, rows: Sequence[Row], room: int, most: int = 64) -> int:
    """Return how many of the longest rows fit together into `room` bytes; 0 where none does.

    Args:
        sizes: Of the model.
        load: Of the settings.
        rows: All clips of the dataset.
        room: Bytes that are free for the run.
        most: Where to stop looking.
    """
    longest = sorted(rows, key=lambda row: -row.positions)
    for count in range(1, min(most, len(longest)) + 1):
        if estimate(sizes, load, longest[:count]).total > room:
            return count - 1
    return min(most, len(longest))


def split_batch(wanted: int, largest: int, processes: int = 1) -> tuple[int, int]:
    """Return (batch_size, accumulation) for an effective batch: at least `wanted` clips a step.

    Of the batches that fit, the largest one that exceeds `wanted` least.

    Example:
        >>> split_batch(252, 8)
        (7, 36)
    """
    best = (1, math.ceil(wanted / processes))
    for batch in range(1, max(1, largest) + 1):
        steps = math.ceil(wanted / (batch * processes))
        if batch * steps <= best[0] * best[1]:
            best = (batch, steps)
    return best


def with_checkpointing(load: Load, sizes: Sizes) -> Load:
    """Return the load with everything computed again that can be."""
    return replace(load, checkpoint_blocks=sizes.layers, checkpoint_conditioning=True)
