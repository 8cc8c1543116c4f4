"""The practice base's DVAE: mel in, a code every 46 ms, mel out.

Trained as coqui's ``DiscreteVAE`` with what a small codebook needs to be used at all: a start
without quantising, the codebook set by k-means (`centres`), and codes that nothing chooses moved to
where encoder outputs are (Dhariwal et al. 2020, "Jukebox", section 3.2, random restarts).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram

from amharic_tts.base_models.dvae import new_dvae
from amharic_tts.files import writing
from training.base import RATE
from training.practice.clock import Sitting, Tell
from training.practice.teacher import Library

if TYPE_CHECKING:
    from TTS.tts.layers.xtts.dvae import DiscreteVAE

CODES, WIDTH = 256, 96
FRAMES = 128
"""Mel frames of a training crop: 1.5 s."""
_HOP = 256
_WARM = 0.12
"""Share of the time without quantising."""
_RESTARTS_UNTIL = 0.8
_EVERY = 100


def mel_stats(library: Library, seed: int = 0) -> Tensor:
    """Return what XTTS divides each mel band by, so that the bands have like sizes: shape (80,)."""
    sound = _crops(library, np.random.default_rng(seed), 200)
    return log_mel(sound).abs().mean((0, 2)).contiguous()


@cache
def _spectrogram() -> TorchMelSpectrogram:
    return TorchMelSpectrogram(sampling_rate=RATE, mel_norm_file=None)


def log_mel(sound: Tensor) -> Tensor:
    """(B, samples) at 22,050 Hz -> (B, 80, frames): coqui's mel, before the statistics."""
    mel: Tensor = _spectrogram()(sound)
    return mel


def _crops(library: Library, rng: np.random.Generator, count: int) -> Tensor:
    """Return pieces of the teacher's sound from anywhere, (count, FRAMES * 256 - 1)."""
    length, found = FRAMES * _HOP - 1, []
    for number in rng.choice(library.numbers, count):
        chunk = library.chunk(int(number))
        start = int(rng.integers(0, len(chunk) - length))
        found.append(np.asarray(chunk[start : start + length], dtype=np.float32) / 32768)
    return torch.from_numpy(np.stack(found))


def train(
    library: Library, folder: Path, seconds: float, tell: Tell, seed: int = 0, device: str = "cpu"
) -> None:
    """Train the DVAE and keep it and the mel statistics in `folder`."""
    stats = _kept_stats(library, folder / "mel_stats.pth", seed)
    torch.manual_seed(seed)
    dvae = new_dvae(CODES, WIDTH, WIDTH)
    sitting = Sitting(folder / "codec.pth", dvae, seconds, 2e-3, (0.9, 0.99), 1e-4, device)
    rng = np.random.default_rng([seed, sitting.step])
    used, error = torch.zeros(CODES), 0.0
    quantising = sitting.clock.share >= _WARM
    while not sitting.over:
        mel = (log_mel(_crops(library, rng, 16)) / stats[:, None]).to(device)
        if not quantising and sitting.clock.share >= _WARM:
            _start_codebook(dvae, library, stats, rng)
            quantising = True
        out, indices, commit = _through(dvae, mel, quantising)
        squared = F.mse_loss(out, mel)
        spread = float(dvae.codebook.embed.var()) + 1e-6 if quantising else 1.0
        sitting.update(squared + 0.5 * (out - mel).abs().mean() + 0.25 * commit / spread)
        error += float(squared.detach())
        if indices is not None:
            used += torch.bincount(indices.flatten(), minlength=CODES).cpu()
        if sitting.step % _EVERY == 0:
            tell(
                {
                    "stage": "codec",
                    "step": sitting.step,
                    "share": sitting.clock.share,
                    "error": error / _EVERY,
                    "codes": int((used > 0).sum()),
                }
            )
            if quantising and sitting.clock.share < _RESTARTS_UNTIL:
                _restart(dvae, used, mel)
            used, error = torch.zeros(CODES), 0.0
            if sitting.step % (5 * _EVERY) == 0:
                sitting.save()
    sitting.save()


def _kept_stats(library: Library, path: Path, seed: int) -> Tensor:
    if not path.exists():
        with writing(path) as file:
            torch.save(mel_stats(library, seed), file)
    stats: Tensor = torch.load(path, weights_only=True)
    return stats


def _through(
    dvae: DiscreteVAE, mel: Tensor, quantising: bool
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return the mel that comes out, the codes and the commitment loss."""
    points = dvae.encoder(mel).transpose(1, 2)
    indices, commit = None, points.new_zeros(())
    if quantising:
        points, indices, commit = dvae.codebook(points)
    out = points.transpose(1, 2)
    for layer in dvae.decoder:
        out = layer(out)
    return out, indices, commit


def _start_codebook(
    dvae: DiscreteVAE, library: Library, stats: Tensor, rng: np.random.Generator
) -> None:
    with torch.no_grad():
        mel = (log_mel(_crops(library, rng, 300)) / stats[:, None]).to(dvae.codebook.embed.device)
        points = dvae.encoder(mel).transpose(1, 2).reshape(-1, WIDTH)
        book = centres(points, CODES).T.contiguous()
        dvae.codebook.embed.copy_(book)
        dvae.codebook.embed_avg.copy_(book * 2)
        dvae.codebook.cluster_size.fill_(2.0)


def _restart(dvae: DiscreteVAE, used: Tensor, mel: Tensor) -> None:
    """Move codes that were hardly chosen to outputs of the encoder."""
    dead = (used < 3).nonzero().flatten().to(mel.device)
    with torch.no_grad():
        points = dvae.encoder(mel).transpose(1, 2).reshape(-1, WIDTH)
        chosen = points[torch.randperm(len(points))[: len(dead)]]
        dead = dead[: len(chosen)]
        dvae.codebook.embed[:, dead] = chosen.T
        dvae.codebook.embed_avg[:, dead] = chosen.T
        dvae.codebook.cluster_size[dead] = 1.0


def centres(points: Tensor, count: int, rounds: int = 10) -> Tensor:
    """Return `count` centres of (N, width) points by k-means (Lloyd 1982)."""
    found = points[torch.randperm(len(points))[:count]].clone()
    for _ in range(rounds):
        nearest = torch.cdist(points, found).argmin(1)
        sums = torch.zeros_like(found).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=count)[:, None]
        spare = points[torch.randint(len(points), (count,), device=points.device)]
        found = torch.where(counts > 0, sums / counts.clamp(min=1), spare)
    return found


def encode(dvae: DiscreteVAE, stats: Tensor, sounds: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the codes of each clip, uint8, one for 1,024 samples begun."""
    mel, found = TorchMelSpectrogram(sampling_rate=RATE, mel_norm_file=None), []
    with torch.inference_mode():
        for sound in sounds:
            codes = dvae.get_codebook_indices(mel(torch.from_numpy(sound)[None]) / stats[:, None])
            found.append(codes[0, : -(-len(sound) // 1024)].numpy().astype(np.uint8))
    return found
