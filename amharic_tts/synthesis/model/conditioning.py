"""What a model takes from reference clips, kept for the clips that are asked for again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from amharic_tts.errors import UserError
from amharic_tts.synthesis.reference import RATE, read_reference

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 8
"""Sets of clips whose conditioning stays in memory; each takes some 130 kB."""
MOST_CLIPS = 16

Source = tuple[tuple[str, int, int], ...]
"""Path, time of change in ns, and bytes of each clip."""


@dataclass(frozen=True)
class Conditioning:
    """Of one or several clips."""

    latents: Tensor
    """(1, latents, width), for the GPT."""
    speaker: Tensor
    """(1, 512, 1), for the decoder."""


class Conditioner:
    """Computes conditioning as coqui's ``get_conditioning_latents`` does.

    The GPT hears the clips one after the other; the decoder is given the mean of their speaker
    embeddings.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._kept: OrderedDict[Source, Conditioning] = OrderedDict()

    def forget(self) -> None:
        """Drop what was kept, because the weights changed."""
        self._kept.clear()

    def of(self, clips: Sequence[Path]) -> Conditioning:
        """Return the conditioning of clips.

        Raises:
            UserError: A clip can't serve, or there are more than `MOST_CLIPS`.
        """
        if len(clips) > MOST_CLIPS:
            raise UserError(
                f"{len(clips)} reference clips are too many", f"Give {MOST_CLIPS} at most"
            )
        for clip in clips:
            if not clip.is_file():
                read_reference(clip)  # says what is wrong
        told = [clip.stat() for clip in clips]
        source = tuple(
            (str(clip.absolute()), one.st_mtime_ns, one.st_size)
            for clip, one in zip(clips, told, strict=True)
        )
        if source in self._kept:
            self._kept.move_to_end(source)
            return self._kept[source]
        found = self._compute(clips)
        self._kept[source] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    @torch.inference_mode()
    def _compute(self, clips: Sequence[Path]) -> Conditioning:
        model, config = self._model, self._model.config
        sounds, speakers = [], []
        for clip in clips:
            sound = torch.from_numpy(read_reference(clip))[None, : RATE * config.max_ref_len]
            if config.sound_norm_refs:
                sound = sound / sound.abs().max() * 0.75
            sounds.append(sound.to(model.device))
            speakers.append(model.get_speaker_embedding(sounds[-1], RATE))
        latents = model.get_gpt_cond_latents(
            torch.cat(sounds, dim=-1),
            RATE,
            length=config.gpt_cond_len,
            chunk_length=config.gpt_cond_chunk_len,
        )
        return Conditioning(latents, torch.stack(speakers).mean(dim=0))
