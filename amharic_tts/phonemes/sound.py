"""What callers hand in as sound, made into mono float32 at the recognisers' rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import RATE, Array


def mono(audio: ArrayLike, rate: float) -> tuple[Array, list[str]]:
    """Return samples at `RATE` in -1 to 1, and notes on what was done to them.

    Args:
        audio: Samples of any number type; two dimensions are channels, the shorter one.
        rate: Their samples a second.

    Raises:
        UserError: Not numbers, NaN or infinite values, more than two dimensions, no usable rate.
    """
    samples = np.asarray(audio)
    if samples.dtype.kind not in "iufb":
        raise UserError(
            f"The sound is no array of numbers (its type is `{samples.dtype}`)",
            "Give samples as a list or array of numbers, or the path of a file",
        )
    if not (np.isfinite(rate) and 1000 <= rate <= 768_000):
        raise UserError(f"{rate} is no sample rate (1000 to 768000)")
    if samples.ndim == 2:
        channels = 1 if samples.shape[1] <= samples.shape[0] else 0
        samples = samples if samples.dtype.kind == "f" else _scaled(samples)
        samples = samples.mean(axis=channels) if samples.size else samples.reshape(-1)
    if samples.ndim != 1:
        raise UserError(
            f"The sound has {samples.ndim} dimensions", "Give samples, or samples by channels"
        )
    found = _scaled(samples)
    if not np.isfinite(found).all():
        at = int(np.argmin(np.isfinite(found)))
        raise UserError(
            f"The sound holds NaN or infinite values, first at {at / rate:.2f} s",
            "Export it again, or leave it out",
        )
    notes = []
    peak = float(np.abs(found).max(initial=0.0))
    if peak > 1.0:
        found = found / np.float32(peak)
        notes.append(f"scaled down from a peak of {peak:.4g} (full scale is 1)")
    if rate != RATE and found.size:
        import soxr

        found = soxr.resample(found, rate, RATE)
    return np.ascontiguousarray(found, dtype=np.float32), notes


def _scaled(samples: np.ndarray) -> Array:
    """Return float32; integers are divided by their full scale, unsigned ones centred first."""
    kind = samples.dtype.kind
    if kind in "iu":
        info = np.iinfo(samples.dtype)
        half = (float(info.max) - float(info.min) + 1) / 2
        return ((samples - (float(info.min) + half)) / half).astype(np.float32)
    # A float64 above the largest float32 becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        return samples.astype(np.float32)
