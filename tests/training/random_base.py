"""A practice base with random weights, for tests of the engine: they must not wait for a training.

It is smaller than the trained one and does not speak. Like that, it goes the way from narrow
networks to the stock files of an XTTS.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from random_networks import AUDIO
from torch import Tensor
from TTS.encoder.models.resnet import ResNetSpeakerEncoder
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.layers.xtts.dvae import DiscreteVAE, dvae_wav_to_mel
from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models.xtts import Xtts

from amharic_tts.base_models import packed, practice
from amharic_tts.base_models.dvae import new_dvae
from amharic_tts.base_models.practice_parts import Parts
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.vocabulary import Vocabulary, token_ids
from training.practice.sound import speech_like
from training.practice.weights import settings

SPEAKER = "Practice"
NOTE = "A small XTTS with random weights. It does not speak: a voice trained from it makes noise"
_LEVEL = 0.1
"""Standard deviation of the noise that the base gives instead of speech."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a random base."""

    width: int = 128
    layers: int = 3
    heads: int = 4
    codes: int = 256
    codec: int = 96
    decoder: int = 32
    filters: tuple[int, ...] = (8, 16, 32, 64)
    sound: float = 120.0
    """Seconds that the codebook and the mel statistics are set from."""


def write_random_base(folder: Path) -> Path:
    """Write a random base that passes for the installed practice base."""
    folder.mkdir(parents=True)
    practice.write(folder, random_parts(), packed.describe()["sha256"])
    return folder


def random_parts(
    shape: Shape = Shape(), vocabulary: Vocabulary | None = None, seed: int = 0
) -> Parts:
    """Return the parts of a random base; its vocabulary is Latin unless one is given."""
    vocabulary = vocabulary or practice_vocabulary()
    config = settings(shape.width, shape.layers, shape.heads, shape.codes, vocabulary)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sound = torch.from_numpy(speech_like(shape.sound, seed))[None]
        stats = _log_mel(sound).abs().mean((0, 2)).contiguous()
        codec = _codec(shape, sound, stats)
        model = _model(config, vocabulary, shape, stats)
        clip = sound[:, : 6 * 22050]
        speaker = {
            "gpt_cond_latent": model.get_gpt_cond_latents(clip, 22050).clone(),
            "speaker_embedding": model.get_speaker_embedding(clip, 22050).clone(),
        }
    decoder = model.hifigan_decoder
    return Parts(
        config=config,
        vocabulary=vocabulary,
        gpt={f"gpt.{key}": value for key, value in model.gpt.state_dict().items()},
        decoder=decoder.waveform_decoder.state_dict(),
        listener=decoder.speaker_encoder.state_dict(),
        codec=codec.state_dict(),
        mel_stats=stats,
        speakers={SPEAKER: speaker},
        reference=speech_like(4, seed=3),
        language="am" if "[am]" in token_ids(vocabulary) else "en",
        text_mode="letters",
        note=NOTE,
        card=f"# A random base\n\n{NOTE}.\n",
    )


def _log_mel(sound: Tensor) -> Tensor:
    """Return the log-mel that coqui's DVAE is fed with, before the statistics: (1, 80, frames)."""
    mel: Tensor = dvae_wav_to_mel(sound, mel_norms=torch.ones(80))
    return mel


def _codec(shape: Shape, sound: Tensor, stats: Tensor) -> DiscreteVAE:
    """Return a random DVAE whose codebook lies where its encoder's outputs lie.

    With coqui's random codebook nearly every frame gets the same code, and a training loss on such
    codes says nothing.
    """
    dvae = new_dvae(shape.codes, shape.codec, shape.codec).eval()
    with torch.no_grad():
        outputs = dvae.encoder(_log_mel(sound) / stats[None, :, None])[0].T
        book = _centres(outputs, shape.codes).T.contiguous()
        dvae.codebook.embed.copy_(book)
        dvae.codebook.embed_avg.copy_(book)
        dvae.codebook.cluster_size.fill_(1.0)
    return dvae


def _centres(points: Tensor, count: int, rounds: int = 8) -> Tensor:
    """Return centres of points by k-means, shape (count, width)."""
    centres = points[torch.randperm(len(points))[:count]].clone()
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres


def _model(config: dict[str, object], vocabulary: Vocabulary, shape: Shape, stats: Tensor) -> Xtts:
    """Return the random model, its decoder and its speaker encoder narrow."""
    coqui = XttsConfig()
    coqui.from_dict(config)
    coqui.model_args.gpt_number_text_tokens = None  # or the GPT would be built twice
    model = Xtts(coqui)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.json"
        path.write_text(json.dumps(vocabulary), encoding="utf-8")
        model.tokenizer = VoiceBpeTokenizer(path)
    model.init_models()
    model.mel_stats.copy_(stats)
    model.gpt.eval()
    decoder = HifiDecoder(
        decoder_input_dim=shape.width, upsample_initial_channel_decoder=shape.decoder
    )
    decoder.speaker_encoder = ResNetSpeakerEncoder(
        input_dim=64,
        proj_dim=512,
        num_filters=list(shape.filters),
        log_input=True,
        use_torch_spec=True,
        audio_config=AUDIO,
    )
    model.hifigan_decoder = decoder.eval()
    _make_audible(model, shape.width)
    return model


def _make_audible(model: Xtts, width: int) -> None:
    """Scale the random decoder so that its noise is heard: no constant part, a usual level.

    As coqui starts it, it gives a constant and a hum forty decibels below a voice, which a
    listener takes for a broken player.
    """
    decoder = model.hifigan_decoder
    last = decoder.waveform_decoder.conv_post.weight
    with torch.no_grad():
        last -= last.mean(-1, keepdim=True)  # what is constant over time cancels out
        sound = decoder(torch.randn(1, 12, width), g=torch.zeros(1, 512, 1))
        last *= _LEVEL / sound.std()
