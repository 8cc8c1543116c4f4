"""The waveform of a stretch of sound, as HTML; it takes the width that it is given."""

from __future__ import annotations

import numpy as np

from amharic_tts.phonemes import plots
from amharic_tts.phonemes.models.base import Array


def waveform(samples: Array, columns: int) -> str:
    """Return the outline of a sound, as high as its loudest sample, in at most so many columns."""
    columns = min(columns, max(1, len(samples)))
    low, high = plots.envelope(samples, columns)
    scale = 48 / max(float(np.abs(samples).max(initial=0.0)), 1e-4)
    upper = [f"{x} {50 - y * scale:.1f}" for x, y in enumerate(high.tolist())]
    lower = [f"{x} {50 - y * scale:.1f}" for x, y in enumerate(low.tolist())]
    path = "M" + "L".join([*upper, *reversed(lower)]) + "Z"
    return (
        f'<svg viewBox="0 0 {columns} 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{path}"/></svg>'
    )
