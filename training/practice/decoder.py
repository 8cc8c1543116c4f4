"""The practice base's decoder: GPT latents and a voice in, sound at 24 kHz out.

Coqui's HiFi-GAN generator (Kong et al. 2020), 128 channels wide instead of 512, and in its later
stages without the residual blocks with long kernels: an empty block passes its input on, which a
block of zeros in coqui's full shape does too. It learns by spectra alone (Yamamoto et al. 2020,
"Parallel WaveGAN", the multi-resolution STFT loss, and a mel loss): no discriminator, which on two
cores would take longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from training.base import RATE, STRIDE
from training.practice.clock import Sitting, Tell
from training.practice.listener import DIMENSION

WIDTH = 128
OUT = 24_000
HOP = 256
_LEFT_OUT = (5, 7, 8, 10, 11)
"""Residual blocks, three a stage, that are empty: kernels 3, 7, 11 | 3, 7 | 3 | 3 stay."""
_CODES = 12
"""Codes of a training crop, 0.56 s."""
_ROWS = 6
_PEAK = 2e-3
_STFT = ((2048, 480), (1024, 240), (512, 120), (256, 60))
_MELS = {2048: 120, 1024: 80, 512: 40}


@dataclass(frozen=True)
class Example:
    """One clip for the decoder."""

    inputs: np.ndarray
    """(n, width) float16: latents, one for 1,024 samples at 22,050 Hz."""
    sound: np.ndarray
    """float32 at 24 kHz, as long as the inputs; silence at its end."""
    voice: str


class Empty(nn.Module):
    """A residual block that adds nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


def new_decoder(inputs: int) -> HifiganGenerator:
    """Return the narrow generator with the flags that XTTS gives it."""
    generator = full_decoder(inputs)
    for number in _LEFT_OUT:
        generator.resblocks[number] = Empty()
    return generator


def full_decoder(inputs: int) -> HifiganGenerator:
    """Return the narrow generator with all residual blocks."""
    return HifiganGenerator(
        inputs,
        1,
        "1",
        [[1, 3, 5]] * 3,
        [3, 7, 11],
        [16, 16, 4, 4],
        WIDTH,
        [8, 8, 2, 2],
        inference_padding=0,
        cond_channels=DIMENSION,
        conv_pre_weight_norm=False,
        conv_post_weight_norm=False,
        conv_post_bias=False,
        cond_in_each_up_layer=True,
    )


def full_state(decoder: HifiganGenerator, inputs: int) -> dict[str, Tensor]:
    """Return the weights, with zeros in the blocks that are left out, for coqui's class."""
    state = decoder.state_dict()
    whole = full_decoder(inputs).state_dict()
    for key, value in whole.items():
        if key in state:
            continue
        if key.endswith("original1"):  # a direction; its length, original0, is zero
            state[key] = torch.ones_like(value)
        else:
            state[key] = torch.zeros_like(value)
    return {key: state[key] for key in whole}


def frames(inputs: Tensor) -> Tensor:
    """(B, n, width) -> (B, width, frames of 256 samples at 24 kHz), as ``HifiDecoder`` does."""
    found = F.interpolate(inputs.transpose(1, 2), scale_factor=[STRIDE / HOP], mode="linear")
    return F.interpolate(found, scale_factor=[OUT / RATE], mode="linear")


def target(sound: np.ndarray, codes: int) -> np.ndarray:
    """Return a clip at 24 kHz, padded with silence to the length of so many codes."""
    high = soxr.resample(sound, RATE, OUT).astype(np.float32)
    wanted = int(codes * STRIDE * OUT / RATE) + HOP
    return np.pad(high, (0, max(0, wanted - len(high))))[:wanted]


class SpectralLoss:
    """How far two sounds are apart: STFT at four sizes, and mel bands at three."""

    def __init__(self, device: str = "cpu") -> None:
        self._windows = {size: torch.hann_window(size, device=device) for size, _ in _STFT}
        self._banks = {
            size: melscale_fbanks(size // 2 + 1, 0, OUT / 2, bands, OUT, "slaney", "slaney").to(
                device
            )
            for size, bands in _MELS.items()
        }

    def __call__(self, made: Tensor, wanted: Tensor) -> tuple[Tensor, float]:
        """Return the loss of (B, samples), and the mean mel distance in nepers alone."""
        spectra = made.new_zeros(())
        mels = made.new_zeros(())
        for size, hop in _STFT:
            ours, theirs = self._spectrum(made, size, hop), self._spectrum(wanted, size, hop)
            apart = (ours - theirs).pow(2).sum((1, 2)).sqrt()
            # The floor keeps silent crops from counting without end.
            converged = (apart / (theirs.pow(2).sum((1, 2)).sqrt() + 1.0)).mean()
            logs = (torch.log(ours + 1e-3) - torch.log(theirs + 1e-3)).abs().mean()
            spectra = spectra + 0.5 * converged + logs
            if size in self._banks:
                bank = self._banks[size]
                ours, theirs = ours.transpose(1, 2) @ bank, theirs.transpose(1, 2) @ bank
                mels = mels + (torch.log(ours + 1e-4) - torch.log(theirs + 1e-4)).abs().mean()
        mels = mels / len(self._banks)
        return spectra / len(_STFT) + 2 * mels, float(mels.detach())

    def _spectrum(self, sound: Tensor, size: int, hop: int) -> Tensor:
        found = torch.stft(sound, size, hop, size, self._windows[size], return_complex=True)
        return torch.sqrt(found.real**2 + found.imag**2 + 1e-7)


class Crops:
    """Draws crops of the examples, with a voice for each."""

    def __init__(self, examples: Sequence[Example], voices: Mapping[str, Tensor]) -> None:
        self._examples = [e for e in examples if len(e.inputs) >= _CODES]
        self._voices = voices

    def draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, slice]:
        """Return inputs, voices (B, 512, 1), sounds, and the samples that count.

        What lies at the edge of a crop is not heard as in the whole clip, and counts only where
        the crop begins or ends with the clip; all rows of a batch do so or none.
        """
        kind = rng.choice(["start", "middle", "end"], p=[0.15, 0.7, 0.15])
        inputs, voices, sounds = [], [], []
        samples = frames(torch.zeros(1, _CODES, 1)).shape[-1] * HOP
        for number in rng.choice(len(self._examples), _ROWS):
            one = self._examples[int(number)]
            last = len(one.inputs) - _CODES
            start = {"start": 0, "end": last}.get(kind, int(rng.integers(0, last + 1)))
            at = round(start * STRIDE * OUT / RATE)
            sound = one.sound[at : at + samples]
            inputs.append(one.inputs[start : start + _CODES].astype(np.float32))
            sounds.append(np.pad(sound, (0, samples - len(sound))))
            known = self._voices[one.voice]
            voices.append(known[int(rng.integers(len(known)))])
        edge = round(STRIDE * OUT / RATE)
        counts = slice(0 if kind == "start" else edge, None if kind == "end" else -edge)
        return (
            torch.from_numpy(np.stack(inputs)),
            torch.stack(voices)[:, :, None],
            torch.from_numpy(np.stack(sounds)),
            counts,
        )


def train(
    crops: Crops,
    inputs: int,
    path: Path,
    seconds: float,
    tell: Tell,
    seed: int = 0,
    device: str = "cpu",
) -> None:
    """Train the generator and keep it at `path`.

    Args:
        crops: What it learns from.
        inputs: Width of their inputs.
        path: Of the checkpoint.
        seconds: How long.
        tell: Takes a row of figures every hundred steps.
        seed: Of weights and draws.
        device: `cpu` or `cuda`.
    """
    torch.manual_seed(seed)
    generator = new_decoder(inputs)
    sitting = Sitting(path, generator, seconds, _PEAK, (0.8, 0.99), 1e-3, device)
    rng, judge = np.random.default_rng([seed, sitting.step]), SpectralLoss(device)
    total, mels, count = 0.0, 0.0, 0
    while not sitting.over:
        *drawn, counts = crops.draw(rng)
        latents, voices, sounds = (one.to(device) for one in drawn)
        made = generator(frames(latents), voices)[:, 0]
        loss, mel = judge(made[:, counts], sounds[:, counts])
        sitting.update(loss, clip=5.0)
        total, mels, count = total + float(loss.detach()), mels + mel, count + 1
        if sitting.step % 100 == 0:
            tell(
                {
                    "stage": path.stem,
                    "step": sitting.step,
                    "share": sitting.clock.share,
                    "seconds": sitting.clock.gone,
                    "loss": total / count,
                    "mel": mels / count,
                }
            )
            total, mels, count = 0.0, 0.0, 0
            if sitting.step % 200 == 0:
                sitting.save()
    sitting.save()
