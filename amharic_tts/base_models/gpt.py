"""Coqui's GPT in the size that a configuration says. Imports coqui when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from TTS.tts.layers.xtts.gpt import GPT


def new_gpt(args: Any, text_start: int, text_stop: int, text_tokens: int) -> GPT:
    """Return the GPT of an XTTS v2, its weights not loaded yet.

    Args:
        args: Coqui's ``XttsArgs``.
        text_start: Id of the vocabulary's ``[START]``.
        text_stop: Of its ``[STOP]``.
        text_tokens: Rows of the text embedding.
    """
    from TTS.tts.layers.xtts.gpt import GPT

    return GPT(
        layers=args.gpt_layers,
        model_dim=args.gpt_n_model_channels,
        heads=args.gpt_n_heads,
        start_text_token=text_start,
        stop_text_token=text_stop,
        max_text_tokens=args.gpt_max_text_tokens,
        max_mel_tokens=args.gpt_max_audio_tokens,
        max_prompt_tokens=args.gpt_max_prompt_tokens,
        number_text_tokens=text_tokens,
        num_audio_tokens=args.gpt_num_audio_tokens,
        start_audio_token=args.gpt_start_audio_token,
        stop_audio_token=args.gpt_stop_audio_token,
        use_perceiver_resampler=args.gpt_use_perceiver_resampler,
        code_stride_len=args.gpt_code_stride_len,
    )
