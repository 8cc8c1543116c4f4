"""Make coqui's model ready to speak, and change the weights of its GPT. Imports coqui when used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from amharic_tts.errors import StudioError, UserError
from amharic_tts.tokenizer.ethiopic_bpe import make_tokenizer
from amharic_tts.tokenizer.settings import TextSettings

if TYPE_CHECKING:
    from torch import Tensor
    from TTS.tts.models.xtts import Xtts

_SHARED = ("gpt_inference.", "gpt.wte.")
"""What `init_gpt_for_inference` adds to the GPT: other names of the same weights."""


def load_model(
    config_json: Path, vocab: Path, settings: TextSettings, state: Mapping[str, Tensor]
) -> Xtts:
    """Return the model on the CPU, ready to speak.

    `Xtts.load_checkpoint` is not used: it may rewrite the file that it reads.

    Args:
        config_json: Of the base, or of a voice.
        vocab: Its size is that of the text embedding in `state`.
        settings: How text is read.
        state: All weights, as `load_model_state` returns them.

    Raises:
        UserError: The weights do not fit the configuration or the vocabulary.
    """
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(config_json)
    config.model_args.gpt_number_text_tokens = None  # or the GPT would be built twice
    model = Xtts(config)
    model.tokenizer = make_tokenizer(vocab, settings)
    model.init_models()
    try:
        model.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        raise UserError(
            f"The weights do not fit `{config_json}`: " + " ".join(str(error).split())[:300],
            "The files of a voice belong together; export it again",
        ) from error
    model.hifigan_decoder.eval()
    model.gpt.init_gpt_for_inference(kv_cache=True)
    model.gpt.eval()
    return model


def replace_gpt(model: Xtts, state: Mapping[str, Tensor]) -> None:
    """Copy other weights into the GPT of a model that `load_model` made.

    Args:
        model: Ready to speak; stays so.
        state: All weights of the GPT, named ``gpt.*`` as in a voice.

    Raises:
        StudioError: They are not of this model.
    """
    named = {key.removeprefix("gpt."): value for key, value in state.items()}
    missing, extra = model.gpt.load_state_dict(named, strict=False)
    missing = [key for key in missing if not key.startswith(_SHARED)]
    if missing or extra:
        raise StudioError(f"These are not the weights of this GPT: missing {missing}, too {extra}")
