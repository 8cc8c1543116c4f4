"""The base model on disk, as training needs it: sizes, an empty GPT, the release's weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from TTS.tts.configs.xtts_config import XttsArgs
from TTS.tts.layers.xtts.gpt import GPT

from amharic_tts.base_models.gpt import new_gpt
from amharic_tts.errors import UserError
from training.model import SpecialTokens

RATE = 22050
"""Samples a second that the GPT and the DVAE of every XTTS release read."""
STRIDE = 1024
"""Samples of one audio code."""


@dataclass(frozen=True)
class Base:
    """A folder with the files of an XTTS release and what its `config.json` says."""

    folder: Path
    args: XttsArgs

    @property
    def max_text(self) -> int:
        """Most text tokens of a row, without START and STOP."""
        return int(self.args.gpt_max_text_tokens)

    @property
    def max_codes(self) -> int:
        """Most audio codes of a row."""
        return int(self.args.gpt_max_audio_tokens)

    @property
    def codes(self) -> int:
        """Size of the audio codebook."""
        return int(self.args.gpt_num_audio_tokens) - 2


def read_base(folder: Path) -> Base:
    """Return what `config.json` of a base says.

    Raises:
        UserError: It can't be read, or is no XTTS v2.
    """
    path = folder / "config.json"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        said = dict(body["model_args"])
        audio = dict(body.get("audio") or {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"`{path}` can't be read as the settings of an XTTS model: {error}"
        ) from None
    known = {field.name for field in dataclasses.fields(XttsArgs)}
    args = XttsArgs(**{key: value for key, value in said.items() if key in known})
    if not args.gpt_use_perceiver_resampler:
        raise UserError(f"`{folder}` is an XTTS v1 model", "Only XTTS v2 can be trained here")
    rate = audio.get("sample_rate", RATE)
    if rate != RATE or args.gpt_code_stride_len != STRIDE:
        raise UserError(
            f"`{folder}` reads audio at {rate} Hz in steps of {args.gpt_code_stride_len} samples",
            f"Only {RATE} Hz in steps of {STRIDE} samples can be trained here",
        )
    return Base(folder, args)


def special_tokens(base: Base, ids: Mapping[str, int]) -> SpecialTokens:
    """Return the ids that begin and end the segments of a row; `ids` are the vocabulary's."""
    return SpecialTokens(
        ids["[START]"],
        ids["[STOP]"],
        int(base.args.gpt_start_audio_token),
        int(base.args.gpt_stop_audio_token),
    )


def build_gpt(base: Base, special: SpecialTokens, text_tokens: int) -> GPT:
    """Return coqui's GPT of the base's size with `text_tokens` rows, its weights not loaded yet."""
    return new_gpt(base.args, special.text_start, special.text_stop, text_tokens)


def gpt_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the part of an ``Xtts`` that is trained, with its names kept (`gpt.*`)."""
    return {key: value for key, value in state.items() if key.startswith("gpt.")}
