"""A voice of the released size with random weights, for measuring how fast it speaks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models.xtts import Xtts

from amharic_tts.synthesis.voice_files import write_voice
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import current
from training.practice.sound import speech_like

NEVER = -1e4
"""What the head is given for STOP: random weights would end at any moment."""


def write_large_voice(folder: Path, layers: int = 30, width: int = 1024) -> Path:
    """Write a voice with coqui's default sizes; it never stops by itself and makes noise.

    Args:
        folder: Is made; the voice is `folder / "voice"`.
        layers: Of the GPT; 30 in the release.
        width: Of the GPT; 1024 in the release.
    """
    base = folder / "base"
    base.mkdir(parents=True)
    vocab = practice_vocabulary()
    (base / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    config = XttsConfig()
    config.languages = ["en"]
    config.model_args.gpt_layers = layers
    config.model_args.gpt_n_model_channels = config.model_args.decoder_input_dim = width
    config.model_args.gpt_num_audio_tokens = 1026
    config.model_args.gpt_start_audio_token = 1024
    config.model_args.gpt_stop_audio_token = 1025
    config.model_args.gpt_number_text_tokens = None
    config.model_args.gpt_use_perceiver_resampler = True
    config.save_json(base / "config.json")
    torch.manual_seed(0)
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(base / "vocab.json"))
    model.init_models()
    with torch.no_grad():
        model.gpt.mel_head.bias[1025] = NEVER
    torch.save({"model": model.state_dict()}, base / "model.pth")
    torch.save({}, base / "speakers_xtts.pth")
    gpt = {key: value for key, value in model.state_dict().items() if key.startswith("gpt.")}
    clip = speech_like(6.0, 0).astype(np.float32)
    settings = current("en")
    return write_voice(folder / "voice", base, vocab, gpt, settings, clip, {"base": "random"})
