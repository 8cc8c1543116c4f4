"""The practice base: a small XTTS with random weights and the stock file set, made in seconds.

It does not speak. It lets the whole way (dataset, training, stop, resume, export, speech) run on
an empty machine without a download. `python -m training.practice.base FOLDER` builds it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from amharic_tts.base_models.catalog import PRACTICE_NOTE, PRACTICE_VERSION, practice_is_whole
from amharic_tts.files import disk_errors, require_space, sync_folder, write_text
from amharic_tts.tokenizer.practice import practice_vocabulary

if TYPE_CHECKING:
    from torch import Tensor
    from TTS.tts.layers.xtts.dvae import DiscreteVAE
    from TTS.tts.models.xtts import Xtts

CODES = 256
WIDTH = 128
LAYERS = 3
HEADS = 4
DVAE_WIDTH = 96
"""Hidden and codebook width of the DVAE; our training reads it from the weights."""
SPEAKER = "Practice"
_SIZE = 150_000_000
_SOUND_SECONDS = 120.0
_LEVEL = 0.1
"""Standard deviation of the noise that the base gives instead of speech."""


def build(folder: Path, seed: int = 0) -> Path:
    """Build the practice base into `folder`, or return it at once when it is whole.

    A damaged or older one is renamed, not deleted. Two builds at the same time make one.

    Raises:
        UserError: The disk is full or can't be written.
    """
    folder = Path(folder)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if practice_is_whole(folder):
                return folder
            require_space(folder.parent, _SIZE, "The practice base")
            aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
            try:
                _write(aside, seed)
                if folder.exists():
                    stamp = time.strftime("%Y%m%d-%H%M%S")
                    folder.rename(folder.with_name(f"{folder.name}.old-{stamp}"))
                aside.chmod(0o755)
                aside.rename(folder)
                sync_folder(folder.parent)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    return folder


def _write(folder: Path, seed: int) -> None:
    """Write all files; `practice.json`, which says that they are whole, comes last."""
    import torch

    write_text(folder / "vocab.json", json.dumps(practice_vocabulary(), ensure_ascii=False))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sound = _sound(seed)
        stats = _mel_stats(sound)
        torch.save(stats, folder / "mel_stats.pth")
        torch.save(_dvae(sound, stats).state_dict(), folder / "dvae.pth")
        model = _model(folder, stats)
        torch.save({"model": model.state_dict()}, folder / "model.pth")
        model.config.save_json(folder / "config.json")
        torch.save({SPEAKER: _speaker(model, sound)}, folder / "speakers_xtts.pth")
    for path in folder.iterdir():
        path.chmod(0o644)
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    note = {
        "note": PRACTICE_NOTE,
        "version": PRACTICE_VERSION,
        "seed": seed,
        "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
    }
    write_text(folder / "practice.json", json.dumps(note, indent=1))


def _sound(seed: int) -> Tensor:
    """Return synthetic sound, shape (1, samples) at 22050 Hz."""
    import torch

    from training.practice.sound import speech_like

    return torch.from_numpy(speech_like(_SOUND_SECONDS, seed))[None]


def _log_mel(sound: Tensor) -> Tensor:
    """Return the log-mel that coqui's DVAE is fed with, before the statistics: (1, 80, frames)."""
    import torch
    from TTS.tts.layers.xtts.dvae import dvae_wav_to_mel

    mel: Tensor = dvae_wav_to_mel(sound, mel_norms=torch.ones(80))
    return mel


def _mel_stats(sound: Tensor) -> Tensor:
    """Return what XTTS divides each mel band by, so that the bands have like sizes: shape (80,)."""
    return _log_mel(sound).abs().mean((0, 2)).contiguous()


def _dvae(sound: Tensor, stats: Tensor) -> DiscreteVAE:
    """Return a random DVAE whose codebook lies where its encoder's outputs lie.

    With coqui's random codebook nearly every frame gets the same code, and a training loss on such
    codes says nothing.
    """
    import torch

    from amharic_tts.base_models.dvae import new_dvae

    dvae = new_dvae(CODES, DVAE_WIDTH, DVAE_WIDTH).eval()
    with torch.no_grad():
        outputs = dvae.encoder(_log_mel(sound) / stats[None, :, None])[0].T
        book = _centres(outputs).T.contiguous()
        dvae.codebook.embed.copy_(book)
        dvae.codebook.embed_avg.copy_(book)
        dvae.codebook.cluster_size.fill_(1.0)
    return dvae


def _centres(points: Tensor, rounds: int = 8) -> Tensor:
    """Return `CODES` centres of points by k-means, shape (CODES, width)."""
    import torch

    centres = points[torch.randperm(len(points))[:CODES]].clone()
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=CODES)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return centres


def _model(folder: Path, stats: Tensor) -> Xtts:
    """Return the random model with its configuration; reads `vocab.json` from `folder`."""
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models.xtts import Xtts

    args = XttsArgs(
        gpt_layers=LAYERS,
        gpt_n_model_channels=WIDTH,
        gpt_n_heads=HEADS,
        decoder_input_dim=WIDTH,  # must equal the GPT's width
        gpt_num_audio_tokens=CODES + 2,
        gpt_start_audio_token=CODES,
        gpt_stop_audio_token=CODES + 1,
        gpt_use_masking_gt_prompt_approach=True,
        gpt_use_perceiver_resampler=True,
    )
    # Sampling settings as in the configuration of the released model.
    config = XttsConfig(
        model_args=args,
        audio=XttsAudioConfig(),
        temperature=0.75,
        repetition_penalty=5.0,
        gpt_cond_len=30,
        gpt_cond_chunk_len=4,
        max_ref_len=30,
    )
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(folder / "vocab.json")
    model.init_models()
    model.mel_stats.copy_(stats)
    _make_audible(model)
    return model


def _make_audible(model: Xtts) -> None:
    """Scale the random decoder so that its noise is heard: no constant part, a usual level.

    As coqui starts it, it gives a constant and a hum forty decibels below a voice, which a
    listener takes for a broken player.
    """
    import torch

    decoder = model.hifigan_decoder.eval()
    last = decoder.waveform_decoder.conv_post.weight
    with torch.no_grad():
        last -= last.mean(-1, keepdim=True)  # what is constant over time cancels out
        sound = decoder(torch.randn(1, 12, WIDTH), g=torch.zeros(1, 512, 1))
        last *= _LEVEL / sound.std()


def _speaker(model: Xtts, sound: Tensor) -> dict[str, Tensor]:
    """Return the latents of one built-in speaker, as in the released `speakers_xtts.pth`."""
    model.hifigan_decoder.eval()
    model.gpt.eval()
    clip = sound[:, : 6 * 22050]
    return {
        "gpt_cond_latent": model.get_gpt_cond_latents(clip, 22050).clone(),
        "speaker_embedding": model.get_speaker_embedding(clip, 22050).clone(),
    }


def main() -> None:
    """Build the base into the folder given on the command line."""
    parser = argparse.ArgumentParser(description="Build the practice base (random weights).")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    build(options.folder, options.seed)


if __name__ == "__main__":
    main()
