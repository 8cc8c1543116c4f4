"""Networks of coqui's classes, narrow or wide, with random weights in every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import nn
from TTS.encoder.models.resnet import ResNetSpeakerEncoder
from TTS.tts.layers.xtts.dvae import DiscreteVAE
from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from amharic_tts.base_models.dvae import new_dvae

Network = TypeVar("Network", bound=nn.Module)
AUDIO = {
    "fft_size": 512,
    "win_length": 400,
    "hop_length": 160,
    "sample_rate": 16000,
    "preemphasis": 0.97,
    "num_mels": 64,
}


def _mixed(network: Network, seed: int) -> Network:
    """Move every weight and every statistic away from where it starts, such as a bias of zero."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.named_parameters():
            value += 0.05 * torch.randn(value.shape, generator=draw)
            if name.endswith("original0"):
                value.abs_().clamp_(min=0.01)
        for name, value in network.named_buffers():
            if name.endswith("running_mean"):
                value += 0.3 * torch.randn(value.shape, generator=draw)
            if name.endswith("running_var"):
                value += torch.rand(value.shape, generator=draw)
    return network.eval()


def generator(width: int, inputs: int = 32, seed: int = 0) -> HifiganGenerator:
    """Return the vocoder of a decoder with this width."""
    torch.manual_seed(seed)
    decoder = HifiDecoder(decoder_input_dim=inputs, upsample_initial_channel_decoder=width)
    return _mixed(decoder.waveform_decoder, seed)


def listener(filters: Sequence[int], seed: int = 0) -> ResNetSpeakerEncoder:
    """Return a speaker encoder with these widths of its four groups."""
    torch.manual_seed(seed)
    network = ResNetSpeakerEncoder(
        input_dim=64,
        proj_dim=512,
        num_filters=list(filters),
        log_input=True,
        use_torch_spec=True,
        audio_config=AUDIO,
    )
    return _mixed(network, seed)


def codec(hidden: int, code: int, codes: int = 64, seed: int = 0) -> DiscreteVAE:
    """Return a DVAE of these widths."""
    torch.manual_seed(seed)
    return _mixed(new_dvae(codes, code, hidden), seed)
