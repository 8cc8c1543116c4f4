"""What the practice base is made of, and the stock files of an XTTS that are written from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amharic_tts.base_models.catalog import SPEAKERS_FILE
from amharic_tts.base_models.widths import CODEC, DECODER, LISTENER, Layout, widened
from amharic_tts.files import write_text
from amharic_tts.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

REFERENCE_RATE = 22050
REFERENCE_FILE = "reference.wav"
CARD_FILE = "MODEL_CARD.md"


@dataclass(frozen=True)
class Parts:
    """All of a small XTTS, its networks in the widths that they were trained in."""

    config: Mapping[str, Any]
    """Coqui's `config.json`; the sizes of the GPT stand in it."""
    vocabulary: Vocabulary
    gpt: Mapping[str, Tensor]
    """Named ``gpt.*`` as in `model.pth`."""
    decoder: Mapping[str, Tensor]
    """Of coqui's ``HifiganGenerator``, at most 512 wide."""
    listener: Mapping[str, Tensor]
    """Of coqui's ``ResNetSpeakerEncoder``, its buffers with it."""
    codec: Mapping[str, Tensor]
    """Of coqui's ``DiscreteVAE``."""
    mel_stats: Tensor
    """Divisors of the mel bands, (80,)."""
    speakers: Mapping[str, Mapping[str, Tensor]]
    """By name: ``gpt_cond_latent`` (1, 32, width of the GPT), ``speaker_embedding`` (1, 512, 1)."""
    reference: np.ndarray
    """What the built-in voice imitates unless told otherwise: float32 mono at `REFERENCE_RATE`."""
    language: str
    text_mode: str
    """How the built-in voice reads when it is not told: `am`, `phonemes`."""
    note: str
    """One sentence that a listener must know, without a full stop."""
    card: str
    """The model card, Markdown."""

    @property
    def networks(self) -> dict[str, Mapping[str, Tensor]]:
        """All tables of weights by name."""
        return {
            "gpt": self.gpt,
            "decoder": self.decoder,
            "listener": self.listener,
            "codec": self.codec,
        }

    def model_state(self) -> dict[str, Tensor]:
        """Return the state dict of coqui's ``Xtts``: float32, in coqui's widths.

        Raises:
            StudioError: A network is not of coqui's shape.
        """
        state = {key: value.float() for key, value in self.gpt.items()}
        for prefix, layout, network in (
            ("hifigan_decoder.waveform_decoder.", DECODER, self.decoder),
            ("hifigan_decoder.speaker_encoder.", LISTENER, self.listener),
        ):
            wide = _float(widened(layout, network))
            state |= {prefix + key: value for key, value in wide.items()}
        return {**state, "mel_stats": self.mel_stats.float()}

    def codec_state(self) -> dict[str, Tensor]:
        """Return the state dict of the DVAE in coqui's widths.

        In the precision that it is kept in: nearly all of it is zeros, and float32 would be 200 MB.
        """
        return widened(CODEC, self.codec)


def _float(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}


LAYOUTS: Mapping[str, Layout] = {"decoder": DECODER, "listener": LISTENER, "codec": CODEC}
"""Of those `Parts.networks` that coqui gives a width of its own."""


def write_files(parts: Parts, folder: Path) -> None:
    """Write the stock file set, a reference clip and the model card into an empty folder.

    The caller makes them durable. `practice.json` and `voice.json` are not among them.

    Raises:
        StudioError: A network is not of coqui's shape.
        UserError: The disk is full or can't be written.
    """
    import soundfile
    import torch

    write_text(folder / "config.json", json.dumps(dict(parts.config), indent=1))
    write_text(folder / "vocab.json", json.dumps(parts.vocabulary, ensure_ascii=False))
    torch.save(parts.mel_stats.float(), folder / "mel_stats.pth")
    torch.save(parts.codec_state(), folder / "dvae.pth")
    torch.save({"model": parts.model_state()}, folder / "model.pth")
    speakers = {name: _float(latents) for name, latents in parts.speakers.items()}
    torch.save(speakers, folder / SPEAKERS_FILE)
    clip = folder / REFERENCE_FILE
    soundfile.write(clip, parts.reference, REFERENCE_RATE, subtype="PCM_16")
    write_text(folder / CARD_FILE, parts.card)
