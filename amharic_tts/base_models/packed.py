"""Read the compact file of the practice base: one xz stream around one safetensors file.

Half precision is enough for weights of this size, and halves of the same tensor have their signs
and exponents in common: the low and the high bytes are stored apart, which xz packs better. Beside
the file, a JSON of the same name says its SHA-256, and what is asked before it is opened.
`training.practice.weights` writes both.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amharic_tts.base_models.practice_parts import Parts
from amharic_tts.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

FORMAT = 1
WEIGHTS = Path(__file__).parent / "weights" / "practice.safetensors.xz"
"""The trained practice base that comes with the studio."""
HEADER = "practice"
"""Key of the JSON in the metadata of the safetensors file."""
_REINSTALL = "Install the studio again: the file is a part of it"


def describe(path: Path = WEIGHTS) -> dict[str, Any]:
    """Return what stands beside a packed base: ``sha256``, ``bytes``, ``note``, ``model_args``.

    Raises:
        UserError: It is missing, can't be read, or is of a newer version.
    """
    told = beside(path)
    try:
        body = json.loads(told.read_text(encoding="utf-8"))
        known = body["format"] == FORMAT and isinstance(body["sha256"], str)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The practice base is not whole: `{told}` can't be read: {error!r}", _REINSTALL
        ) from error
    if not known:
        raise UserError(
            f"`{told}` has the format {body['format']}, this version reads {FORMAT}", _REINSTALL
        )
    return dict(body)


def beside(path: Path) -> Path:
    """Return the JSON that belongs to a packed base."""
    return path.with_name(path.name.split(".")[0] + ".json")


def read(path: Path = WEIGHTS) -> Parts:
    """Return the parts of a packed base; weights are float16, small tensors float32.

    Raises:
        UserError: The file is missing, or not the one whose hash stands beside it.
    """
    import safetensors.numpy
    import soundfile

    told = describe(path)
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The practice base `{path}` can't be read: {error.strerror}", _REINSTALL
        ) from error
    digest = hashlib.sha256(packed).hexdigest()
    if digest != told["sha256"]:
        raise UserError(
            f"The practice base `{path}` is damaged: it has {len(packed)} bytes and the SHA-256 "
            f"{digest}, instead of {told['bytes']} and {told['sha256']}",
            _REINSTALL,
        )
    plain = lzma.decompress(packed)
    said = _metadata(plain)
    values = sorted(safetensors.numpy.load(plain).items())  # it gives them in any order
    tensors = {key: _joined(value, said["halves"].get(key)) for key, value in values}
    clip = tensors.pop("reference").numpy().tobytes()
    return Parts(
        config=said["config"],
        vocabulary=said["vocabulary"],
        mel_stats=tensors["mel_stats"],
        speakers={name: _under(tensors, f"speakers/{name}") for name in said["speakers"]},
        reference=soundfile.read(io.BytesIO(clip), dtype="float32")[0],
        gpt=_under(tensors, "gpt"),
        decoder=_under(tensors, "decoder"),
        listener=_under(tensors, "listener"),
        codec=_under(tensors, "codec"),
        language=said["language"],
        text_mode=said["text_mode"],
        note=said["note"],
        card=said["card"],
    )


def _metadata(plain: bytes) -> dict[str, Any]:
    """Return our part of a safetensors file's header, a JSON after its length in 8 bytes."""
    length = int.from_bytes(plain[:8], "little")
    return dict(json.loads(json.loads(plain[8 : 8 + length])["__metadata__"][HEADER]))


def _under(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    start = f"{name}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _joined(value: np.ndarray, shape: list[int] | None) -> Tensor:
    """Return a tensor; one with a `shape` was split by `_split`."""
    import numpy as np
    import torch

    if shape is not None:
        value = np.ascontiguousarray(value.T).reshape(-1).view("<f2").reshape(shape)
    return torch.from_numpy(np.array(value))  # a copy: what safetensors gives is read-only
