"""From latents to sound, whole or as the latents come, with the same samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

CONTEXT = 16
"""Frames of 256 samples that a sample may depend on at either side: 13 for kernels of 7, then of up
to 11 at dilations of 1, 3 and 5 in each of the four stages."""


def prepare(decoder: Any) -> None:
    """Fold the weight normalisation in, which else is computed anew for every sound.

    Coqui's own `remove_weight_norm` raises an error with the settings of XTTS.
    """
    from torch.nn.utils import parametrize

    for part in decoder.waveform_decoder.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight")


class Vocoder:
    """Coqui's ``HifiDecoder`` for one voice.

    Args:
        decoder: Ready to run.
        speaker: (1, 512, 1), what its speaker encoder says.
        speed: Above 1 the latents are drawn together in time, as coqui does.
    """

    def __init__(self, decoder: Any, speaker: Tensor, speed: float = 1.0) -> None:
        self._decoder, self._speaker = decoder, speaker
        self._scales = [1.0 / speed] if speed != 1 else []
        self._scales.append(decoder.ar_mel_length_compression / decoder.output_hop_length)
        if decoder.output_sample_rate != decoder.input_sample_rate:
            self._scales.append(decoder.output_sample_rate / decoder.input_sample_rate)
        self.hop = int(decoder.output_hop_length)

    def whole(self, latents: Tensor) -> np.ndarray:
        """Return the sound of (n, width) latents, float32."""
        return self.sound(self.frames(latents))

    @torch.inference_mode()
    def frames(self, latents: Tensor) -> Tensor:
        """(n, width) -> (width, frames), by the steps of ``HifiDecoder.forward``."""
        found = latents.float().t()[None]
        for scale in self._scales:
            found = F.interpolate(found, scale_factor=scale, mode="linear")
        return found[0]

    def certain(self, latents: int) -> int:
        """Return how many frames stay as they are when latents are added to so many.

        Each interpolation looks one step to the right.
        """
        count = latents
        for scale in self._scales:
            # Frame j looks at floor((j + 0.5) / scale - 0.5) + 1, which must be there.
            count = max(0, math.floor((count - 0.5) * scale - 0.5))
        return count

    @torch.inference_mode()
    def sound(self, frames: Tensor) -> np.ndarray:
        """(width, frames) -> samples, float32."""
        found: Tensor = self._decoder.waveform_decoder(frames[None], g=self._speaker)
        return found.float().cpu().numpy().reshape(-1)


class SoundStream:
    """Turns latents into sound while they come: the samples are those of `Vocoder.whole`."""

    def __init__(self, vocoder: Vocoder) -> None:
        self._vocoder = vocoder
        self._latents: list[Tensor] = []
        self._given = 0

    def feed(self, latent: Tensor) -> None:
        """Take the next latent, (width,)."""
        self._latents.append(latent)

    @property
    def ready(self) -> int:
        """How many frames can be made and have not been given."""
        return max(0, self._vocoder.certain(len(self._latents)) - CONTEXT - self._given)

    def take(self, last: bool = False) -> np.ndarray:
        """Return the sound that can be made and has not been given; all of it with `last`."""
        empty = np.zeros(0, dtype=np.float32)
        if not self._latents:
            return empty
        frames = self._vocoder.frames(torch.stack(self._latents))
        stop = frames.shape[1] if last else self._given + self.ready
        if stop <= self._given:
            return empty
        first = max(0, self._given - CONTEXT)
        made = self._vocoder.sound(frames[:, first : stop + CONTEXT])
        hop = self._vocoder.hop
        found = made[(self._given - first) * hop : (stop - first) * hop]
        self._given = stop
        return found
