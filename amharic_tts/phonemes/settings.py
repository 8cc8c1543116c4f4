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
    """``USE_OPTIMIZED_PHONEME_MODEL``: false is the original way, the accurate model in torch with
    32-bit floats, whatever the next three say."""
    use_quantization: bool | None = None
    """``USE_MODEL_QUANTIZATION``: int8 weights (true) or 32-bit floats (false), for models that are
    converted here; None takes what is there."""
    use_fast_model: bool | None = None
    """``USE_FAST_MODELS``: the `fast` model (true) or the `accurate` one (false), both downloaded;
    None takes the embedded one."""
    use_compilation: bool = False
    """``USE_MODEL_COMPILATION``: `torch.compile`. On CPUs it brought nothing for 50 s of start-up
    and needs torch in the process, so it is off."""
    log_performance: bool = False
    """``ENABLE_PERFORMANCE_LOGGING``: one log line for each sound."""
    warmup_runs: int = 1
    """``MODEL_WARMUP_RUNS``: runs on a tenth of a second of silence after loading."""
    fall_back: bool = True
    """``FALLBACK_ON_OPTIMIZATION_ERROR``: run with less, or with the embedded model, where what is
    wanted can't be had; false raises the error."""
    word_forms: bool = True
    """``PHONEME_WORD_FORMS``: put right what the embedded model writes wrongly in the five most
    frequent words of English (`word_forms`); false gives what it writes, to judge a speaker by."""
    cached_models: int = 2
    """``PHONEME_MODEL_CACHE``: how many loaded models a process keeps."""


def _switch(values: Mapping[str, str | None], name: str) -> bool | None:
    raw = values.get(name)
    if raw is None:
        return None
    word = raw.strip().lower()
    if word not in (*_YES, *_NO):
        raise UserError(f"{name}={raw} is neither true nor false", "Write `true` or `false`")
    return word in _YES


def _number(values: Mapping[str, str | None], name: str, otherwise: int, most: int) -> int:
    raw = (values.get(name) or str(otherwise)).strip()
    if not (raw.isascii() and raw.isdigit() and int(raw) <= most):
        raise UserError(f"{name}={raw} is not a number from 0 to {most}")
    return int(raw)


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
    path = Path(".env") if file is None else file
    values: dict[str, str | None] = {}
    if path.is_file():
        from dotenv import dotenv_values

        values |= dotenv_values(path)
    values |= environ
    return PhonemeSettings(
        use_optimized=_switch(values, "USE_OPTIMIZED_PHONEME_MODEL") is not False,
        use_quantization=_switch(values, "USE_MODEL_QUANTIZATION"),
        use_fast_model=_switch(values, "USE_FAST_MODELS"),
        use_compilation=_switch(values, "USE_MODEL_COMPILATION") is True,
        log_performance=_switch(values, "ENABLE_PERFORMANCE_LOGGING") is True,
        warmup_runs=_number(values, "MODEL_WARMUP_RUNS", otherwise=1, most=100),
        fall_back=_switch(values, "FALLBACK_ON_OPTIMIZATION_ERROR") is not False,
        word_forms=_switch(values, "PHONEME_WORD_FORMS") is not False,
        cached_models=_number(values, "PHONEME_MODEL_CACHE", otherwise=2, most=100),
    )
