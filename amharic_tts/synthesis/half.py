"""A voice's weights in half precision: half the bytes, written without holding them in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from amharic_tts.base_models.checkpoint import stored_model_state
from amharic_tts.events import Clock, Progress
from amharic_tts.files import disk_errors

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST = 1024
"""Values below which a tensor stays as it is: it would save nothing."""
_AT_ONCE = 1 << 20
"""Values that are converted at once."""
_FILTERS = "torch_spec"
"""Filters of the speaker encoder's spectrogram: constants, not weights."""


@dataclass(frozen=True)
class Halved:
    """What was done to the weights."""

    halved: int
    """Tensors that are float16 now."""
    kept: int
    """Tensors that stayed as they were."""
    largest_difference: float
    """Of a weight before and after."""


def halve(source: Path, target: Path, aside: Path) -> Iterator[Progress | Halved]:
    """Write the weights of a `model.pth` in half precision; yield progress, last what was done.

    Both files are mapped, so that memory holds a tensor at a time. Biases, gains and other short
    tensors stay as they are, and so does one with a value that float16 can't hold (over 65504).

    Args:
        source: The file.
        target: The new one.
        aside: A folder for a file as large as the new one, which is gone afterwards.

    Raises:
        UserError: The file is missing, damaged or carries code; the disk is full.
    """
    import torch

    state = stored_model_state(source, mapped=True)
    chosen = {key: value for key, value in state.items() if _is_long(key, value)}
    values = sum(value.numel() for value in chosen.values())
    clock = Clock(round(values * 2 / 1e6, 1), "MB in half precision")
    mapped, at, largest, told = aside / "half.bin", 0, 0.0, 0
    buffer = torch.empty(_AT_ONCE)
    with disk_errors(target):
        room = np.memmap(mapped, dtype=np.float16, mode="w+", shape=(max(1, values),))
        for key, value in chosen.items():
            stop = at + value.numel()
            place = torch.from_numpy(room[at:stop])
            difference = _convert(value, place, buffer)
            if not math.isfinite(difference):
                continue
            largest, at = max(largest, difference), stop
            state[key] = place.view(value.shape)
            if stop - told > 4_000_000:
                told = stop
                yield clock.progress(round(stop * 2 / 1e6, 1))
        halved = sum(value.dtype == torch.float16 for value in state.values())
        kept = len(state) - halved
        with open(target, "wb") as file:
            torch.save({"model": _own(state)}, file)
        del room, state, chosen  # a mapped file can't be removed on every system
        place = value = None
        mapped.unlink()
    yield Halved(halved, kept, largest)


def precision_of(state: Mapping[str, Tensor]) -> str:
    """Return the precision of the long weights, such as ``float32``."""
    names = [str(v.dtype).removeprefix("torch.") for k, v in state.items() if v.ndim > 1]
    return max(set(names), key=names.count) if names else "float32"


def _is_long(key: str, value: Tensor) -> bool:
    import torch

    wide = value.dtype in (torch.float32, torch.float64, torch.bfloat16)
    return wide and value.ndim > 1 and value.numel() >= _SMALLEST and _FILTERS not in key


def _convert(value: Tensor, place: Tensor, buffer: Tensor) -> float:
    """Write a tensor to its place in half precision; return by how much a value differs at most.

    Piece by piece through one buffer: with new ones, the memory of those before was seen to stay
    with the process (1 GB for XTTS v2).

    Args:
        value: Of any shape.
        place: float16 of shape (values,).
        buffer: float32 of shape (`_AT_ONCE`,).

    Returns:
        The difference; not finite where float16 can't hold a value.
    """
    largest, flat = 0.0, value.reshape(-1)
    for start in range(0, len(flat), len(buffer)):
        piece = flat[start : start + len(buffer)]
        half, difference = place[start : start + len(buffer)], buffer[: len(piece)]
        half.copy_(piece)
        difference.copy_(half).sub_(piece).abs_()
        found = float(difference.max())
        if not math.isfinite(found):
            return found
        largest = max(largest, found)
    return largest


def _own(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights, short ones as copies: what is mapped may share one storage."""
    return {k: v.clone() if v.numel() < _SMALLEST else v for k, v in state.items()}
