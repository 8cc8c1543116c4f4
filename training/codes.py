"""Audio codes of the clips, made once by the base's DVAE and kept on disk."""

from __future__ import annotations

import hashlib
import logging
import math
from pathlib import Path

import numpy as np
import soundfile
import torch
from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram
from TTS.tts.layers.xtts.dvae import DiscreteVAE

from amharic_tts.base_models.dvae import load_dvae
from amharic_tts.errors import UserError
from amharic_tts.files import writing
from training.base import RATE, STRIDE

logger = logging.getLogger(__name__)


def file_hash(*paths: Path) -> str:
    """Return a SHA-256 of the contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


METHOD = ""
"""How codes are made; given a new value whenever that changes (rate, mel, cutting), so that codes
of the old way are never read again. A part of the cache folder's name."""


class AudioCodes:
    """Codes of clips, from ``cache/codes/<DVAE>/<clip>.npy`` or made and put there.

    Each clip is encoded alone: padded beside others, its last codes come out differently, and the
    loss would depend on the order of the clips. The names are hashes of the contents (the clip's
    file; the base's DVAE and mel statistics), so another base or a changed clip never meets an old
    file. Nothing in a run's settings changes codes.
    """

    def __init__(self, base: Path, cache: Path, device: str = "cpu") -> None:
        self._base, self._device = base, device
        self.codec = file_hash(base / "dvae.pth", base / "mel_stats.pth")[:16]
        self.folder = cache / "codes" / f"{self.codec}{METHOD}"
        self._models: tuple[TorchMelSpectrogram, DiscreteVAE] | None = None

    def get(self, wav: Path, samples: np.ndarray | None = None) -> tuple[np.ndarray, str]:
        """Return the codes of a clip, int64 (ceil(samples / 1024),), and the clip's hash.

        Args:
            wav: The clip, 22.05 kHz mono.
            samples: Its float32 samples where they are read already.
        """
        clip = file_hash(wav)
        path = self.folder / f"{clip}.npy"
        codes = _read(path)
        if codes is None:
            codes = self._encode(read_clip(wav) if samples is None else samples)
            with writing(path) as file:
                np.save(file, codes.astype(np.uint16), allow_pickle=False)
        return codes, clip

    def _encode(self, samples: np.ndarray) -> np.ndarray:
        if self._models is None:
            mel = TorchMelSpectrogram(
                mel_norm_file=str(self._base / "mel_stats.pth"), sampling_rate=RATE
            )
            self._models = mel, load_dvae(self._base / "dvae.pth").to(self._device)
        mel, dvae = self._models
        with torch.no_grad():
            audio = torch.from_numpy(samples)[None].to(self._device)
            codes = dvae.get_codebook_indices(mel(audio))[0]
        return codes[: math.ceil(len(samples) / STRIDE)].cpu().numpy().astype(np.int64)


def _read(path: Path) -> np.ndarray | None:
    """Return cached codes, or None where there are none; a damaged file is made again."""
    try:
        return np.load(path, allow_pickle=False).astype(np.int64)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        logger.warning("%s is damaged and is made again", path)
        return None


def read_clip(wav: Path, start: int = 0, count: int = -1) -> np.ndarray:
    """Return `count` float32 samples (-1: all) of a clip of a dataset from `start` on.

    Raises:
        UserError: The file is missing or unreadable, or no 22.05 kHz mono.
    """
    try:
        with soundfile.SoundFile(wav) as file:
            if file.samplerate != RATE or file.channels != 1:
                raise UserError(
                    f"`{wav}` has {file.samplerate} Hz and {file.channels} channels",
                    f"The clips of a dataset are {RATE} Hz mono: build the dataset again",
                )
            file.seek(start)
            samples: np.ndarray = file.read(count, dtype="float32")
            return samples
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"`{wav}` can't be read: {error}", "Build the dataset again") from error
