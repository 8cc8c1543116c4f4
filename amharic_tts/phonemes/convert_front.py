"""The convolutions of wav2vec 2.0 and its relatives as a graph of their own, without torch.

All at once they hold 130 MB of activations for 5 seconds of sound and a gigabyte for 30; in a
graph of their own they run a third of a second at a time. They are written as matrix products,
positions of the kernel side by side, which onnxruntime multiplies in int8.

A group norm over the whole time, as the first layer of many models has it, would bind all frames
together. Its mean and variance follow from the moments of the samples alone, since a convolution
is linear: the mean of ``w·x`` is ``w·mean(x)``, its variance ``w·cov(x)·w``. So the caller gives
the moments of the whole sound, and the graph folds norm and weights into one product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layer:
    """One convolution, the norm after it, and GELU."""

    stride: int
    weight: NDArray[np.float32]
    """Shape (out, in, kernel)."""
    bias: NDArray[np.float32] | None
    norm: str
    """``none``, ``layer`` (over the channels) or ``group`` (of each channel over the time)."""
    norm_weight: NDArray[np.float32] | None = None
    norm_bias: NDArray[np.float32] | None = None
    epsilon: float = 1e-5

    @property
    def kernel(self) -> int:
        """Positions that it takes together."""
        return int(self.weight.shape[2])


def hop(layers: list[Layer]) -> int:
    """Return the samples from one frame to the next."""
    return int(np.prod([layer.stride for layer in layers]))


def receptive(layers: list[Layer]) -> int:
    """Return the samples that one frame hears."""
    size = 1
    for layer in reversed(layers):
        size = (size - 1) * layer.stride + layer.kernel
    return size


def build(layers: list[Layer]) -> tuple[Any, dict[str, NDArray[np.float32]]]:
    """Return the graph and its weights.

    It goes from ``samples`` (1, count) to ``features`` (1, channels, frames). With a group norm
    it also takes ``mean`` (kernel,) and ``covariance`` (kernel, kernel) of the positions of the
    first kernel, as `onnx_ctc.moments` returns them.
    """
    from onnx import TensorProto, helper

    builder = _Builder()
    given = [("samples", [1, "count"])]
    if layers[0].norm == "group":
        given += [("mean", [layers[0].kernel]), ("covariance", [layers[0].kernel] * 2)]
    # (1, count) -> (count, 1): time first, one channel.
    x = builder.add("Transpose", ["samples"], perm=[1, 0])
    for number, layer in enumerate(layers):
        x = builder.layer(x, number, layer)
    x = builder.add("Transpose", [x], perm=[1, 0])
    builder.add("Unsqueeze", [x, builder.integers([0])], output="features")
    names = [*given, *((name, list(value.shape)) for name, value in builder.weights.items())]
    graph = helper.make_graph(
        builder.nodes,
        "front",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in names],
        [
            helper.make_tensor_value_info(
                "features", TensorProto.FLOAT, [1, layers[-1].weight.shape[0], "frames"]
            )
        ],
        builder.constants,
    )
    return graph, builder.weights


class _Builder:
    """Collects nodes, small constants and weights."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.weights: dict[str, NDArray[np.float32]] = {}

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Add a node and return the name of what it makes."""
        from onnx import helper

        name = output or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def integers(self, values: list[int]) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def weight(self, name: str, value: NDArray[np.float32]) -> str:
        """Add a weight and return its name."""
        self.weights[name] = np.ascontiguousarray(value, dtype=np.float32)
        return name

    def layer(self, x: str, number: int, layer: Layer) -> str:
        """Add a layer over ``x``, shape (time, channels), and return its output's name."""
        out, channels, kernel = layer.weight.shape
        matrix = layer.weight.transpose(2, 1, 0).reshape(kernel * channels, out)
        weight = self.weight(f"weight{number}", matrix)
        bias = np.zeros(out, dtype=np.float32) if layer.bias is None else layer.bias
        x = self._side_by_side(x, kernel, layer.stride)
        if layer.norm == "group":
            weight, offset = self._group_norm(weight, layer)
        else:
            offset = self.weight(f"bias{number}", bias)
        x = self.add("Add", [self.add("MatMul", [x, weight]), offset])
        if layer.norm == "layer":
            assert layer.norm_weight is not None and layer.norm_bias is not None
            scale = self.weight(f"norm{number}", layer.norm_weight)
            shift = self.weight(f"shift{number}", layer.norm_bias)
            x = self.add("LayerNormalization", [x, scale, shift], epsilon=layer.epsilon)
        return self._gelu(x)

    def _side_by_side(self, x: str, kernel: int, stride: int) -> str:
        """Return (time, channels) as (frames, kernel * channels)."""
        time = self.add("Gather", [self.add("Shape", [x]), self.integers([0])])
        # One past the last start of a kernel, so that every slice has as many rows.
        room = self.add("Sub", [time, self.integers([kernel - 1])])
        axis, step = self.integers([0]), self.integers([stride])
        parts = []
        for at in range(kernel):
            first = self.integers([at])
            last = self.add("Add", [room, first])
            parts.append(self.add("Slice", [x, first, last, axis, step]))
        return self.add("Concat", parts, axis=1)

    def _group_norm(self, weight: str, layer: Layer) -> tuple[str, str]:
        """Return weight and bias with the norm folded in; a bias of the convolution cancels out."""
        assert layer.norm_weight is not None and layer.norm_bias is not None
        scale = self.weight("norm0", layer.norm_weight)
        shift = self.weight("shift0", layer.norm_bias)
        epsilon = self.weight("epsilon0", np.array([layer.epsilon], dtype=np.float32))
        squares = self.add("Mul", [weight, self.add("MatMul", ["covariance", weight])])
        variance = self.add("ReduceSum", [squares, self.integers([0])], keepdims=0)
        deviation = self.add("Sqrt", [self.add("Add", [variance, epsilon])])
        factor = self.add("Div", [scale, deviation])
        middle = self.add("Mul", [self.add("MatMul", ["mean", weight]), factor])
        return self.add("Mul", [weight, factor]), self.add("Sub", [shift, middle])

    def _gelu(self, x: str) -> str:
        from onnx import helper

        name = f"gelu{len(self.nodes)}"
        self.nodes.append(helper.make_node("Gelu", [x], [name], domain="com.microsoft"))
        return name
