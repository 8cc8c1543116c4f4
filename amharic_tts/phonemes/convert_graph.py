"""Give an exported graph its weights: int8 products, all weights in one file to be mapped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Weights = Callable[[str], NDArray[np.float32]]
OPSET = 17
_PAGE = 4096  # weights begin on a page of memory, so that mapping them copies nothing
_INLINE = 1024  # bytes; smaller tensors stay in the graph
_SMALLEST = 64  # rows of a matrix that is worth quantising
_IR_VERSION = 9  # what onnxruntime 1.23, the last for Python 3.10, is sure to read


def pack(
    graph: Any, target: Path, names: set[str], weights: Weights, bits: int, keep: set[str]
) -> None:
    """Write a graph beside the file of its weights, ``NAME.data``.

    int8 is onnxruntime's `DynamicQuantizeMatMul`: signed int8 weights with one scale a column,
    inputs as uint8 with a scale that is found anew in every call.

    Args:
        graph: An ONNX graph (`onnx.GraphProto`) whose weights are inputs, by their names.
        target: The graph to write.
        names: Of all weights; those that the graph does not use are passed over.
        weights: Returns one by its name.
        bits: Of the quantised weights: 8, or 7 where products of 8 would overflow; 32 leaves all
            of them fp32.
        keep: Names of matrices that stay fp32.
    """
    import onnx
    from onnx import helper

    inputs = [value for value in graph.input if value.name not in names]
    with open(target.with_name(f"{target.name}.data"), "wb") as file:
        packer = _Packer(graph, names, weights, file, target.name)
        nodes = packer.nodes(bits, keep)
        made = helper.make_graph(nodes, "main", inputs, graph.output, packer.initializers)
    model = helper.make_model(
        made,
        producer_name="amharic-tts",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=_IR_VERSION,
    )
    onnx.save_model(model, str(target))


class _Packer:
    """Goes through the nodes of one graph once and writes the weights that they use."""

    def __init__(
        self, graph: Any, names: set[str], weights: Weights, file: BinaryIO, stem: str
    ) -> None:
        self.graph, self.names, self.weights, self.file = graph, names, weights, file
        self.location = f"{stem}.data"
        self.initializers: list[Any] = list(graph.initializer)
        self.written: set[str] = set()
        self.transposed: dict[str, tuple[str, list[int]]] = {}
        self.users: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)

    def nodes(self, bits: int, keep: set[str]) -> list[Any]:
        """Return the nodes of the new graph."""
        found: list[Any] = []
        merged: set[str] = set()  # sums that have become part of a product
        for node in self.graph.node:
            if node.op_type == "Transpose" and node.input[0] in self.names:
                order = next(list(a.ints) for a in node.attribute if a.name == "perm")
                self.transposed[node.output[0]] = (node.input[0], order)
                continue
            if node.op_type == "Identity" and node.input[0] in self.names:
                self.transposed[node.output[0]] = (node.input[0], [])
                continue
            if node.output[0] in merged:
                continue
            if bits < 32 and (quantised := self._product(node, bits, keep, merged)):
                found.append(quantised)
                continue
            for name in node.input:
                self._write(name)
            found.append(node)
        return found

    def _source(self, name: str) -> str:
        return self.transposed.get(name, (name, []))[0]

    def _value(self, name: str) -> NDArray[np.float32]:
        source, order = self.transposed.get(name, (name, []))
        value = self.weights(source)
        return value.transpose(order) if order else value

    def _is_weight(self, name: str) -> bool:
        return self._source(name) in self.names

    def _product(self, node: Any, bits: int, keep: set[str], merged: set[str]) -> Any:
        """Return the int8 form of a product with a constant matrix and of the sum after it."""
        if node.op_type not in ("MatMul", "Gemm") or not self._is_weight(node.input[1]):
            return None
        if self._source(node.input[1]) in keep:
            return None
        from onnx import helper

        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        matrix = self._value(node.input[1])
        if attributes.pop("transB", 0):
            matrix = matrix.T
        plain = all(attributes.get(name, 1) == 1 for name in ("alpha", "beta"))
        if matrix.ndim != 2 or matrix.shape[0] < _SMALLEST or not plain or attributes.get("transA"):
            return None
        name = f"{node.input[1]}.int8"
        if name not in self.written:
            values, scales = quantise(matrix, bits)
            self._add(name, values)
            self._add(f"{name}.scale", scales)
        output, bias = node.output[0], ""
        if len(node.input) > 2 and node.input[2]:
            bias = node.input[2]
        elif addition := self._bias_after(output):
            bias = next(n for n in addition.input if n != output)
            merged.add(addition.output[0])
            output = addition.output[0]
        if bias:
            self._write(bias)
        ends = [node.input[0], name, f"{name}.scale", "", *([bias] if bias else [])]
        return helper.make_node(
            "DynamicQuantizeMatMul", ends, [output], node.name, domain="com.microsoft"
        )

    def _bias_after(self, name: str) -> Any:
        users = self.users.get(name, [])
        if len(users) != 1 or users[0].op_type != "Add":
            return None
        other = [n for n in users[0].input if n != name]
        fits = len(other) == 1 and self._is_weight(other[0]) and self._value(other[0]).ndim == 1
        return users[0] if fits else None

    def _write(self, name: str) -> None:
        if self._is_weight(name) and name not in self.written:
            self._add(name, self._value(name))

    def _add(self, name: str, value: NDArray[Any]) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self.written.add(name)
        value = np.ascontiguousarray(value)
        if value.nbytes < _INLINE:
            self.initializers.append(numpy_helper.from_array(value, name))
            return
        self.file.write(b"\0" * (-self.file.tell() % _PAGE))
        tensor = TensorProto(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
            dims=value.shape,
            data_location=TensorProto.EXTERNAL,
        )
        places = {"location": self.location, "offset": self.file.tell(), "length": value.nbytes}
        for key, place in places.items():
            tensor.external_data.add(key=key, value=str(place))
        self.initializers.append(tensor)
        value.tofile(self.file)


def quantise(
    matrix: NDArray[np.float32], bits: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return signed int8 values and the scale of each column; symmetric, rounded to nearest."""
    largest = np.abs(matrix).max(axis=0)
    top = 2 ** (bits - 1) - 1
    scales = np.where(largest > 0, largest / top, 1.0).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales
