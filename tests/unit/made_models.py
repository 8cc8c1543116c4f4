"""A converted model made in a moment, without torch: it hears which of its tones sounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from amharic_tts.phonemes.models import store
from amharic_tts.phonemes.models.base import RATE

HOP, RECEPTIVE = 320, 400
SYMBOLS = ("<pad>", "<unk>", "|", "a", "b", "d", "ə", "ɡ", "ʃ", "tʼ", "ː")


def tone(index: int, seconds: float = 0.1, loudness: float = 0.5) -> np.ndarray:
    """Return the sound of the symbol `index`."""
    times = np.arange(int(seconds * RATE)) / RATE
    return (loudness * np.sin(2 * np.pi * frequency(index) * times)).astype(np.float32)


def frequency(index: int) -> float:
    return 200.0 + 120.0 * index


def tiny_ctc(
    folder: Path,
    symbols: Sequence[str] = SYMBOLS,
    seed: int = 0,
    *,
    notation: str = "ipa",
    languages: Sequence[str] = ("en",),
    source: str = "tests/tiny",
    dtype: str = "fp32",
) -> Path:
    """Make a converted model; symbol 0 is the blank, and wins in silence.

    Args:
        folder: Where; made if it is not there.
        symbols: ``|`` stands between words, ``<...>`` are ignored, ``ː`` and the like modify.
        seed: Of a little noise in the weights.
        notation: What `model.json` says, as the three after it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = len(symbols)
    random = np.random.default_rng(seed)
    times = np.arange(RECEPTIVE) / RATE
    window = np.hanning(RECEPTIVE) * 2 / RECEPTIVE
    waves = [
        wave(2 * np.pi * frequency(i) * times) * window
        for wave in (np.sin, np.cos)
        for i in range(count)
    ]
    filters = np.stack(waves)[:, None] + random.normal(0, 1e-6, (2 * count, 1, RECEPTIVE))
    to_scores = np.vstack([np.eye(count)] * 2) * 200
    to_scores[:, 0] = 0  # the blank hears nothing
    offset = np.zeros(count)
    offset[0] = 4
    _graph(
        folder / store.FRONT,
        [
            helper.make_node("Unsqueeze", ["samples", "one"], ["wave"]),
            helper.make_node("Conv", ["wave", "filters"], ["heard"], strides=[HOP]),
            helper.make_node("Mul", ["heard", "heard"], ["features"]),
        ],
        ("samples", [1, "count"]),
        ("features", [1, 2 * count, "frames"]),
        {"filters": filters.astype(np.float32), "one": np.array([1])},
    )
    _graph(
        folder / store.MODEL,
        [
            helper.make_node("Transpose", ["features"], ["frames"], perm=[0, 2, 1]),
            helper.make_node("MatMul", ["frames", "to_scores"], ["sums"]),
            helper.make_node("Add", ["sums", "offset"], ["scores"]),
        ],
        ("features", [1, 2 * count, "frames"]),
        ("scores", [1, "frames", count]),
        {"to_scores": to_scores.astype(np.float32), "offset": offset.astype(np.float32)},
    )
    body = {
        "format": store.FORMAT,
        "kind": "ctc",
        "source": source,
        "revision": "",
        "notation": notation,
        "languages": list(languages),
        "dtype": dtype,
        "symbols": {
            "names": list(symbols),
            "blank": 0,
            "word": symbols.index("|") if "|" in symbols else None,
            "modifiers": [i for i, name in enumerate(symbols) if name in ("ː", "ʼ", "ʷ")],
            "ignored": [i for i, name in enumerate(symbols) if i and name.startswith("<")],
        },
        "hop": HOP,
        "receptive": RECEPTIVE,
        "normalise": False,
        "moments": None,
    }
    return sign(folder, body)


def sign(folder: Path, body: dict[str, Any]) -> Path:
    """Write `model.json` with the sizes and checksums of what is in the folder."""
    files = sorted(path for path in folder.iterdir() if path.name != store.NOTE)
    body["files"] = {
        path.name: {"bytes": path.stat().st_size, "sha256": store.checksum(path)} for path in files
    }
    (folder / store.NOTE).write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    return folder


def _graph(
    path: Path,
    nodes: list[Any],
    given: tuple[str, list[Any]],
    result: tuple[str, list[Any]],
    weights: dict[str, np.ndarray],
) -> None:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(result[0], TensorProto.FLOAT, result[1])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.with_name(f"{path.name}.data").unlink(missing_ok=True)
    onnx.save_model(
        model,
        str(path),
        save_as_external_data=True,
        location=f"{path.name}.data",
        size_threshold=256,
    )
