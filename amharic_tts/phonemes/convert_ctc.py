"""From a CTC model of transformers to the two graphs that are served; needs torch and `onnx`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.phonemes import convert_front
from amharic_tts.phonemes.convert_front import Layer
from amharic_tts.phonemes.convert_graph import OPSET, pack
from amharic_tts.phonemes.models.store import FRONT, MODEL

_FRAMES = 49  # of the example that the exporter follows


def front_layers(model: Any) -> list[Layer]:
    """Return the convolutions of a CTC model.

    Raises:
        UserError: Its architecture has none of the known form.
    """
    from torch import nn

    base = getattr(model, model.base_model_prefix, None)
    found = getattr(getattr(base, "feature_extractor", None), "conv_layers", None)
    if found is None or getattr(model, "lm_head", None) is None:
        raise _unknown(model)
    layers = []
    for number, layer in enumerate(found):
        norm: Any = getattr(layer, "layer_norm", None)
        is_group = isinstance(norm, nn.GroupNorm)
        if is_group and (number or norm.num_groups != layer.conv.out_channels):
            raise _unknown(model)
        if model.config.feat_extract_activation != "gelu" or layer.conv.padding != (0,):
            raise _unknown(model)
        layers.append(
            Layer(
                stride=int(layer.conv.stride[0]),
                weight=_array(layer.conv.weight),
                bias=None if layer.conv.bias is None else _array(layer.conv.bias),
                norm="none" if norm is None else "group" if is_group else "layer",
                norm_weight=None if norm is None else _array(norm.weight),
                norm_bias=None if norm is None else _array(norm.bias),
                epsilon=1e-5 if norm is None else float(norm.eps),
            )
        )
    return layers


def _array(parameter: Any) -> Any:
    return parameter.detach().float().numpy()


def _unknown(model: Any) -> UserError:
    return UserError(
        f"Models of the kind `{model.config.model_type}` in this form can't be converted",
        "wav2vec 2.0, HuBERT, WavLM, data2vec-audio and UniSpeech can",
    )


def export(model: Any, folder: Path, bits: int) -> Iterator[tuple[float, str]]:
    """Write `front.onnx` and `model.onnx` with their weights; yields the share done and a note.

    The model is used up: its convolutions are taken out.

    Raises:
        UserError: Its architecture can't be converted.
    """
    import onnx

    layers = front_layers(model)
    graph, weights = convert_front.build(layers)
    pack(graph, folder / FRONT, set(weights), weights.__getitem__, bits, keep=set())
    yield 0.1, "Following the model through a second of sound"
    _take_out_front(model)
    with tempfile.TemporaryDirectory(dir=folder, prefix="graph-") as aside:
        path = Path(aside) / "graph.onnx"
        _trace(model, layers[-1].weight.shape[0], path)
        graph = onnx.load(str(path)).graph
    yield 0.6, "Writing the weights"
    state = model.state_dict()
    pack(
        graph,
        folder / MODEL,
        set(state),
        lambda name: state[name].float().numpy(),
        bits,
        # The last product costs nothing and decides between the symbols.
        keep={"lm_head.weight"},
    )
    yield 1.0, "Written"


def _take_out_front(model: Any) -> None:
    from torch import nn
    from torch.nn.utils import parametrize

    getattr(model, model.base_model_prefix).feature_extractor = nn.Identity()
    for module in model.modules():
        # The weight norm of the positions is computed once, here.
        for name in list(getattr(module, "parametrizations", {})):
            parametrize.remove_parametrizations(module, name)


def _trace(model: Any, channels: int, path: Path) -> None:
    """Write the graph of what follows the convolutions, without weights, named as in its state."""
    import torch

    with warnings.catch_warnings(), torch.no_grad():
        # The exporter that needs no onnxscript says that it is the older one; the tracer, that it
        # takes the number of channels as fixed.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            model,
            (torch.zeros(1, channels, _FRAMES),),
            str(path),
            dynamo=False,
            export_params=False,
            do_constant_folding=False,  # it would make new, nameless weights
            opset_version=OPSET,
            input_names=["features"],
            output_names=["scores"],
            dynamic_axes={"features": {2: "frames"}, "scores": {1: "frames"}},
        )
