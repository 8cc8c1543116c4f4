"""From the old switches to a model and how it runs, and what to do where that can't be had."""

from __future__ import annotations

from dataclasses import dataclass, replace

from amharic_tts.phonemes.models.base import LoadOptions
from amharic_tts.phonemes.settings import PhonemeSettings

EMBEDDED, FAST, ACCURATE = "embedded", "fast", "accurate"


@dataclass(frozen=True)
class Attempt:
    """A model, and how it shall run."""

    name: str
    options: LoadOptions
    given_up: str = ""
    """What it does without, compared with the attempt before; empty for the first."""


def attempts(
    settings: PhonemeSettings,
    use_quantization: bool | None = None,
    use_fast_model: bool | None = None,
    use_compilation: bool | None = None,
    model: str | None = None,
    options: LoadOptions | None = None,
) -> list[Attempt]:
    """Return what to try to load, the wanted first; arguments as `PhonemeExtractor` has them.

    Where something can't be had, first compilation is given up, then the number format, and only
    then the model; a model that was given by name is never replaced by another.
    """
    chosen = _chosen(settings, use_quantization, use_compilation) if options is None else options
    name = model or _name(settings, use_fast_model)
    found = [Attempt(name, chosen)]
    if not settings.fall_back:
        return found
    if options is None and chosen.backend == "torch":
        chosen = replace(chosen, backend="auto", compile=False)
        what = "compilation" if found[0].options.compile else "torch"
        found.append(Attempt(name, chosen, what))
    if options is None and chosen.dtype != "auto":
        what = {"int8": "quantization", "fp32": "32-bit floats"}[chosen.dtype]
        found.append(Attempt(name, replace(chosen, dtype="auto"), what))
    if model is None:
        # The embedded model has no build for Windows; a converted one may be there.
        other = FAST if name == EMBEDDED else EMBEDDED
        found.append(Attempt(other, LoadOptions(), f"the model `{name}`"))
    return found


def _name(settings: PhonemeSettings, use_fast_model: bool | None) -> str:
    if use_fast_model is None:
        use_fast_model = settings.use_fast_model if settings.use_optimized else False
    return EMBEDDED if use_fast_model is None else (FAST if use_fast_model else ACCURATE)


def _chosen(
    settings: PhonemeSettings, use_quantization: bool | None, use_compilation: bool | None
) -> LoadOptions:
    original = not settings.use_optimized
    if use_quantization is None:
        use_quantization = False if original else settings.use_quantization
    if use_compilation is None:
        use_compilation = settings.use_compilation and not original
    return LoadOptions(
        backend="torch" if use_compilation or original else "auto",
        dtype="auto" if use_quantization is None else ("int8" if use_quantization else "fp32"),
        compile=use_compilation,
    )
