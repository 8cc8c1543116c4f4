"""The clip whose voice is imitated: read from any media, refused when it can't serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amharic_tts.errors import UserError

RATE = 22050
SHORTEST = 0.5
"""Seconds; below this XTTS' conditioning has nothing to hold on to."""
LONGEST = 60.0
"""Seconds of a recording that are looked at, its first ones."""
_SILENT = 1e-3
"""Peak below which a clip counts as silent (-60 dB)."""


def read_reference(path: Path) -> np.ndarray:
    """Return a reference clip, float32 mono at 22050 Hz, at most `LONGEST` of it.

    Raises:
        UserError: The file is missing or unreadable, shorter than `SHORTEST`, or silent.
    """
    from amharic_tts.audio.read import decode

    if not path.is_file():
        raise UserError(
            f"There is no reference clip `{path}`", "Choose a recording of some seconds"
        )
    # A whole audiobook given as a reference is not decoded to its end.
    return check_reference(decode(path, rate=RATE, limit=LONGEST).samples, path.name)


def check_reference(samples: np.ndarray, name: str) -> np.ndarray:
    """Return the clip if it can serve as a reference.

    Args:
        samples: Float mono at 22050 Hz.
        name: What to call it in a message.

    Raises:
        UserError: It is shorter than `SHORTEST`, silent, or not finite.
    """
    seconds = len(samples) / RATE
    if seconds < SHORTEST:
        raise UserError(
            f"The reference clip `{name}` has {seconds:.2f} s; it needs at least {SHORTEST} s",
            "Choose a recording of 3 to 12 seconds of one person speaking",
        )
    if not np.isfinite(samples).all():
        raise UserError(f"The reference clip `{name}` holds values that are not numbers")
    if np.abs(samples).max() < _SILENT:
        raise UserError(
            f"The reference clip `{name}` is silent",
            "Choose a recording of 3 to 12 seconds of one person speaking",
        )
    return samples.astype(np.float32, copy=False)
