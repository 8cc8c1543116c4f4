"""The practice base's speaker encoder: coqui's ResNet, a quarter as wide, for the teacher's voices.

Trained to tell the training voices apart with an additive margin (Wang et al. 2018, "Additive
Margin Softmax for Face Verification"); what it says of voices that it never heard is measured, see
`judge`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from TTS.tts.layers.xtts.hifigan_decoder import ResNetSpeakerEncoder

from training.base import RATE
from training.practice.clock import Sitting, Tell
from training.practice.teacher import Library, Spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

FILTERS = (8, 16, 32, 64)
DIMENSION = 512
HEARS = 16_000
_MARGIN, _SCALE = 0.2, 20.0
_ROWS = 32


def new_listener() -> ResNetSpeakerEncoder:
    """Return the narrow encoder, with the spectrogram settings that coqui's decoder gives it."""
    audio = {
        "fft_size": 512,
        "win_length": 400,
        "hop_length": 160,
        "sample_rate": HEARS,
        "preemphasis": 0.97,
        "num_mels": 64,
    }
    return ResNetSpeakerEncoder(
        input_dim=64,
        proj_dim=DIMENSION,
        num_filters=list(FILTERS),
        log_input=True,
        use_torch_spec=True,
        audio_config=audio,
    )


class _Classifier(nn.Module):
    def __init__(self, voices: int) -> None:
        super().__init__()
        self.listener = new_listener()
        self.voices = nn.Parameter(torch.randn(voices, DIMENSION))

    def forward(self, sound: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and how many were told rightly."""
        cosine = self.listener(sound, l2_norm=True) @ F.normalize(self.voices, dim=1).T
        right = (cosine.argmax(1) == wanted).float().mean()
        margin = _MARGIN * F.one_hot(wanted, len(self.voices))
        return F.cross_entropy(_SCALE * (cosine - margin), wanted), right


def train(
    library: Library, folder: Path, seconds: float, tell: Tell, seed: int = 0, device: str = "cpu"
) -> None:
    """Train the encoder and keep it in `folder`."""
    names = sorted({clip.voice for clip in library.clips})
    torch.manual_seed(seed)
    model = _Classifier(len(names))
    sitting = Sitting(folder / "listener.pth", model, seconds, 3e-3, (0.9, 0.98), device=device)
    rng = np.random.default_rng([seed, sitting.step])
    by_voice = {name: [c for c in library.clips if c.voice == name] for name in names}
    right, every = 0.0, 50
    while not sitting.over:
        samples = int(rng.uniform(1.0, 1.8) * RATE)
        chosen = rng.choice(len(names), _ROWS)
        sound = [_stretch(library, by_voice[names[i]], samples, rng) for i in chosen]
        heard = [soxr.resample(one, RATE, HEARS, "LQ") for one in sound]
        loss, told = model(
            torch.from_numpy(np.stack(heard)).to(device), torch.from_numpy(chosen).to(device)
        )
        sitting.update(loss, clip=5.0)
        right += float(told)
        if sitting.step % every == 0:
            tell(
                {
                    "stage": "listener",
                    "step": sitting.step,
                    "share": sitting.clock.share,
                    "loss": float(loss.detach()),
                    "right": right / every,
                }
            )
            right = 0.0
            sitting.save()
    sitting.save()


def _stretch(
    library: Library,
    clips: Sequence[Spoken],
    samples: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return so many samples of one voice, clips joined, at a drawn level."""
    joined = library.joined(clips, samples, rng)
    start = rng.integers(0, len(joined) - samples + 1)
    level = 10 ** rng.uniform(-0.5, 0.1)
    return np.asarray(joined[start : start + samples] * level, dtype=np.float32)


def embed(listener: ResNetSpeakerEncoder, sound: np.ndarray, rate: int = RATE) -> Tensor:
    """Return the voice of a sound, (512,) of length 1."""
    heard = torch.from_numpy(soxr.resample(sound, rate, HEARS).astype(np.float32))[None]
    with torch.inference_mode():
        found: Tensor = listener(heard, l2_norm=True)[0]
    return found
