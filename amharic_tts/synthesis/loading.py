"""Make coqui's model ready to speak, and change the weights of its GPT. Imports coqui when used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from amharic_tts.base_models.gpt import new_gpt
from amharic_tts.base_models.widths import DECODER, LISTENER, Layout, narrowed
from amharic_tts.errors import StudioError, UserError
from amharic_tts.tokenizer.ethiopic_bpe import make_tokenizer
from amharic_tts.tokenizer.settings import TextSettings

if TYPE_CHECKING:
    from torch import Tensor
    from TTS.tts.models.xtts import Xtts
    from TTS.vocoder.models.hifigan_generator import HifiganGenerator

_DECODER, _LISTENER = "hifigan_decoder.waveform_decoder.", "hifigan_decoder.speaker_encoder."


def load_model(
    config_json: Path,
    vocab: Path,
    settings: TextSettings,
    state: Mapping[str, Tensor],
    taken: bool = False,
) -> Xtts:
    """Return the model on the CPU, ready to speak.

    Where channels of the decoder or of the speaker encoder are zero, or all of a residual block, as
    in every voice from the practice base, these run without them; what they compute stays the same.

    `Xtts.load_checkpoint` is not used: it may rewrite the file that it reads.

    Args:
        config_json: Of the base, or of a voice.
        vocab: Its size is that of the text embedding in `state`.
        settings: How text is read.
        state: All weights, as `load_model_state` returns them.
        taken: The model takes the tensors themselves, without a copy: where they are mapped from a
            file, no memory is used for what is never read.

    Raises:
        UserError: The weights do not fit the configuration or the vocabulary.
    """
    import torch
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    from amharic_tts.synthesis.model.vocoder import prepare

    config = XttsConfig()
    config.load_json(config_json)
    config.model_args.gpt_number_text_tokens = None  # the GPT is built below
    model = Xtts(config)
    model.tokenizer = make_tokenizer(vocab, settings)
    tokens = model.tokenizer.tokenizer
    start, stop = tokens.token_to_id("[START]"), tokens.token_to_id("[STOP]")
    with torch.device("meta" if taken else "cpu"):
        model.gpt = new_gpt(model.args, start, stop, model.tokenizer.get_number_tokens())
    try:
        model.load_state_dict(_narrow(model, state), strict=True, assign=taken)
    except (RuntimeError, StudioError) as error:
        raise UserError(
            f"The weights do not fit `{config_json}`: " + " ".join(str(error).split())[:300],
            "The files of a voice belong together; export it again",
        ) from error
    _leave_out_idle_blocks(model.hifigan_decoder.waveform_decoder)
    prepare(model.hifigan_decoder)
    model.gpt.eval()  # not `Xtts.eval`, which adds other names of the same weights to the GPT
    model.hifigan_decoder.eval()
    return model


def _narrow(model: Xtts, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the model a decoder and a speaker encoder without zero channels; return its weights.

    Raises:
        StudioError: The weights are not of these networks.
    """
    from TTS.encoder.models.resnet import ResNetSpeakerEncoder
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder

    found, arguments, old = dict(state), model.args, model.hifigan_decoder
    width = _take_zeros_off(found, _DECODER, DECODER)
    filters = _take_zeros_off(found, _LISTENER, LISTENER)
    if width != DECODER.stock:
        # The arguments that `Xtts.init_models` gives, and the width that it leaves at 512.
        model.hifigan_decoder = HifiDecoder(
            input_sample_rate=arguments.input_sample_rate,
            output_sample_rate=arguments.output_sample_rate,
            output_hop_length=arguments.output_hop_length,
            ar_mel_length_compression=arguments.gpt_code_stride_len,
            decoder_input_dim=arguments.decoder_input_dim,
            upsample_initial_channel_decoder=width["width"],
            d_vector_dim=arguments.d_vector_dim,
            cond_d_vector_in_each_upsampling_layer=arguments.cond_d_vector_in_each_upsampling_layer,
        )
    if filters != LISTENER.stock:
        model.hifigan_decoder.speaker_encoder = ResNetSpeakerEncoder(
            input_dim=old.speaker_encoder.input_dim,
            proj_dim=old.speaker_encoder.proj_dim,
            num_filters=[filters[f"filters{group}"] for group in range(4)],
            log_input=True,
            use_torch_spec=True,
            audio_config=old.speaker_encoder_audio_config,
        )
    return found


def _take_zeros_off(state: dict[str, Tensor], prefix: str, layout: Layout) -> dict[str, int]:
    """Replace the weights under a prefix by those without zero channels; return the widths."""
    own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    widths, narrow = narrowed(layout, own)
    state.update({prefix + key: value for key, value in narrow.items()})
    return widths


def _leave_out_idle_blocks(generator: HifiganGenerator) -> None:
    """Put nothing in the place of residual blocks that add nothing.

    Not in that of the first block of a stage: coqui adds the others into its output, which then
    would be the input of all.
    """
    import torch

    for number, block in enumerate(generator.resblocks):
        adds = any(bool(conv.weight.any() or conv.bias.any()) for conv in block.convs2)
        if number % generator.num_kernels and not adds:
            generator.resblocks[number] = torch.nn.Identity()


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
    if missing or extra:
        raise StudioError(f"These are not the weights of this GPT: missing {missing}, too {extra}")
