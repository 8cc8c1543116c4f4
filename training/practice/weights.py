"""Write the compact file of a trained practice base; `amharic_tts.base_models.packed` reads it."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import soundfile
from torch import Tensor

from amharic_tts.base_models.packed import FORMAT, HEADER, beside
from amharic_tts.base_models.practice_parts import LAYOUTS, REFERENCE_RATE, Parts
from amharic_tts.errors import StudioError
from amharic_tts.files import write_text, writing
from amharic_tts.tokenizer.vocabulary import Vocabulary, language_tag, token_ids, vocabulary_size

_HALVED = 1024
"""Tensors of fewer values are kept as they are: norms, biases, statistics."""
_EXACT = "/torch_spec."
"""Filters of the speaker encoder's spectrogram: they are computed, not learned."""


def pack(parts: Parts, path: Path) -> dict[str, Any]:
    """Write a packed base and what stands beside it; return the latter.

    Raises:
        StudioError: The parts do not fit together, or a value is none or too large for a half.
        UserError: The disk is full or can't be written.
    """
    check(parts)
    values: dict[str, np.ndarray] = {}
    halves: dict[str, list[int]] = {}
    for name, tensor in sorted(_tensors(parts).items()):
        values[name], shape = _stored(name, tensor)
        if shape is not None:
            halves[name] = shape
    values["reference"] = _flac(parts.reference)
    said = {
        "config": dict(parts.config),
        "vocabulary": parts.vocabulary,
        "speakers": list(parts.speakers),
        "halves": halves,
        "language": parts.language,
        "text_mode": parts.text_mode,
        "note": parts.note,
        "card": parts.card,
    }
    # One text, since the library writes several in an order that differs from run to run.
    plain = safetensors.numpy.save(values, {HEADER: json.dumps(said, ensure_ascii=False)})
    packed = lzma.compress(plain, preset=9 | lzma.PRESET_EXTREME)
    body = {
        "format": FORMAT,
        "bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "language": parts.language,
        "text_mode": parts.text_mode,
        "note": parts.note,
        "parameters": {
            name: sum(v.numel() for v in network.values() if v.is_floating_point())
            for name, network in parts.networks.items()
        },
        "model_args": dict(parts.config["model_args"]),
    }
    with writing(path) as file:
        file.write(packed)
    write_text(beside(path), json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    return body


def _tensors(parts: Parts) -> dict[str, Tensor]:
    found = {"mel_stats": parts.mel_stats}
    for name, network in parts.networks.items():
        found |= {f"{name}/{key}": value for key, value in network.items()}
    for speaker, latents in parts.speakers.items():
        found |= {f"speakers/{speaker}/{key}": value for key, value in latents.items()}
    return found


def _stored(name: str, tensor: Tensor) -> tuple[np.ndarray, list[int] | None]:
    """Return what is stored of a tensor and, where that is halves, its shape."""
    value = np.array(tensor.detach().cpu().numpy(), order="C")
    if value.dtype.kind != "f":
        return value, None
    if not np.isfinite(value).all():
        raise StudioError(f"`{name}` holds values that are not numbers", "Its training went wrong")
    if value.size < _HALVED or value.ndim < 2 or _EXACT in name:
        return value.astype(np.float32), None
    if np.abs(value).max() > float(np.finfo(np.float16).max):
        raise StudioError(
            f"`{name}` holds {np.abs(value).max():.3g}, which half precision can't",
            "Its training went wrong, or it needs a scale",
        )
    return _split(value.astype(np.float16)), list(value.shape)


def _split(value: np.ndarray) -> np.ndarray:
    """Return the low bytes of halves, then the high ones: uint8, (2, values)."""
    pairs = np.ascontiguousarray(value, dtype="<f2").reshape(-1).view(np.uint8).reshape(-1, 2)
    return np.ascontiguousarray(pairs.T)


def _flac(samples: np.ndarray) -> np.ndarray:
    sound = io.BytesIO()
    soundfile.write(sound, samples, REFERENCE_RATE, format="FLAC", subtype="PCM_16")
    return np.frombuffer(sound.getvalue(), dtype=np.uint8)


def gpt_settings(width: int, layers: int, heads: int, codes: int) -> dict[str, Any]:
    """Return the values of coqui's ``XttsArgs`` that the GPT's size decides; see `settings`."""
    return {
        "gpt_layers": layers,
        "gpt_n_model_channels": width,
        "gpt_n_heads": heads,
        "decoder_input_dim": width,
        "gpt_num_audio_tokens": codes + 2,
        "gpt_start_audio_token": codes,
        "gpt_stop_audio_token": codes + 1,
        "gpt_use_masking_gt_prompt_approach": True,
        "gpt_use_perceiver_resampler": True,
    }


def settings(
    width: int, layers: int, heads: int, codes: int, vocabulary: Vocabulary
) -> dict[str, Any]:
    """Return coqui's `config.json` for a small XTTS; the rest is as in the released one.

    Args:
        width: Of the GPT, and so of what the decoder reads.
        layers: Blocks of the GPT.
        heads: Of each block.
        codes: Of the DVAE.
        vocabulary: What the GPT reads with.
    """
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig

    ids = token_ids(vocabulary)
    arguments = XttsArgs(
        gpt_number_text_tokens=vocabulary_size(vocabulary),
        gpt_start_text_token=ids["[START]"],
        gpt_stop_text_token=ids["[STOP]"],
        **gpt_settings(width, layers, heads, codes),
    )
    config = XttsConfig(
        model_args=arguments,
        audio=XttsAudioConfig(),
        temperature=0.75,
        repetition_penalty=5.0,
        gpt_cond_len=30,
        gpt_cond_chunk_len=4,
        max_ref_len=30,
    )
    config.languages = [*config.languages, "am"]
    return dict(config.to_dict())


def check(parts: Parts) -> None:
    """Check that the parts fit together.

    Raises:
        StudioError: Says all that does not.
    """
    said, found = parts.config["model_args"], []
    width = said["gpt_n_model_channels"]
    shapes = {
        "gpt.text_embedding.weight": (vocabulary_size(parts.vocabulary), width),
        "gpt.mel_embedding.weight": (said["gpt_num_audio_tokens"], width),
    }
    for key, shape in shapes.items():
        there = tuple(parts.gpt[key].shape) if key in parts.gpt else None
        if there != shape:
            found.append(f"`{key}` has the shape {there} instead of {shape}")
    for name, layout in LAYOUTS.items():
        wide = {k: v for k, v in layout.widths(parts.networks[name]).items() if v > layout.stock[k]}
        if wide:
            found.append(f"the {layout.name} is wider than coqui's: {wide}")
    if said["decoder_input_dim"] != parts.decoder["conv_pre.weight"].shape[1]:
        found.append("the decoder does not read what the GPT gives (decoder_input_dim)")
    codes = parts.codec["codebook.embed"].shape[1]
    if codes != said["gpt_num_audio_tokens"] - 2:
        found.append(f"the DVAE has {codes} codes, the GPT {said['gpt_num_audio_tokens'] - 2}")
    if tuple(parts.mel_stats.shape) != (80,):
        found.append(f"mel_stats has the shape {tuple(parts.mel_stats.shape)} instead of (80,)")
    if language_tag(parts.language) not in token_ids(parts.vocabulary):
        found.append(f"the vocabulary has no token `{language_tag(parts.language)}`")
    if not parts.note or not parts.card:
        found.append("note and card say nothing")
    if found:
        raise StudioError("The parts do not fit together:\n" + "\n".join(f"- {f}" for f in found))
