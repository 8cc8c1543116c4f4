"""Switches of phoneme extraction, also from the environment and a `.env` file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class PhonemeSettings:
    """What the environment says; the names are those that users of the old extractor know."""

    use_optimized: bool = True
    """``USE_OPTIMIZED_PHONEME_MODEL``: false turns the three below off."""
    use_quantization: bool = True
    """``USE_MODEL_QUANTIZATION``: int8 weights, for models that are converted here."""
    use_fast_model: bool | None = None
    """``USE_FAST_MODELS``: the small downloaded model; None leaves the embedded one."""
    use_compilation: bool = False
    """``USE_MODEL_COMPILATION``: `torch.compile`; measured without gain on a CPU, so off."""
    log_performance: bool = False
    """``ENABLE_PERFORMANCE_LOGGING``: one log line for each sound."""
    warmup_runs: int = 1
    """``MODEL_WARMUP_RUNS``: runs on a second of silence after loading."""
    fall_back: bool = True
    """``FALLBACK_ON_OPTIMIZATION_ERROR``: use the embedded model where the wanted one can't be."""


def _switch(values: Mapping[str, str | None], name: str) -> bool | None:
    raw = values.get(name)
    if raw is None:
        return None
    word = raw.strip().lower()
    if word not in (*_YES, *_NO):
        raise UserError(f"{name}={raw} is neither true nor false", "Write `true` or `false`")
    return word in _YES


def from_environment(
    environ: Mapping[str, str] = os.environ, file: Path | None = None
) -> PhonemeSettings:
    """Return the settings of the environment; what it leaves open comes from a `.env` file.

    Args:
        environ: The environment.
        file: The file; None takes `.env` in the current folder, where it is there.

    Raises:
        UserError: A value is not a switch or not a number.
    """
    from dotenv import dotenv_values

    path = Path(".env") if file is None else file
    values: dict[str, str | None] = dict(dotenv_values(path)) if path.is_file() else {}
    values |= environ
    optimized = _switch(values, "USE_OPTIMIZED_PHONEME_MODEL") is not False
    runs = values.get("MODEL_WARMUP_RUNS") or "1"
    if not runs.strip().isdigit() or int(runs) > 100:
        raise UserError(f"MODEL_WARMUP_RUNS={runs} is not a number from 0 to 100")
    return PhonemeSettings(
        use_optimized=optimized,
        use_quantization=optimized and _switch(values, "USE_MODEL_QUANTIZATION") is not False,
        use_fast_model=_switch(values, "USE_FAST_MODELS") if optimized else None,
        use_compilation=optimized and _switch(values, "USE_MODEL_COMPILATION") is True,
        log_performance=_switch(values, "ENABLE_PERFORMANCE_LOGGING") is True,
        warmup_runs=int(runs),
        fall_back=_switch(values, "FALLBACK_ON_OPTIMIZATION_ERROR") is not False,
    )
