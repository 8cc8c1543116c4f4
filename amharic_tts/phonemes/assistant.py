"""`PhonemeAssistant`: an extractor with an account of what it costs."""

from __future__ import annotations

from typing import Any

from amharic_tts.phonemes.bench_limits import memory
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE
from amharic_tts.phonemes.result import Recognition
from amharic_tts.phonemes.sound import Audio


class PhonemeAssistant:
    """Extract phonemes and report the performance."""

    def __init__(self, extractor: PhonemeExtractor | None = None) -> None:
        """Use an extractor, or make one from the environment."""
        self.extractor = PhonemeExtractor() if extractor is None else extractor

    def extract_phoneme(self, audio: Audio, rate: float = RATE) -> Recognition:
        """See `PhonemeExtractor.extract_phoneme`."""
        return self.extractor.extract_phoneme(audio, rate)

    def get_performance_info(self) -> dict[str, Any]:
        """Return the model, how it runs, and what was measured so far.

        Times in seconds, memory in MB: `peak_memory_mb` is the most that the whole process has
        held. `load_seconds` is the cold load of this model, warm-up included, also where the cache
        had it. `real_time_factor` is seconds of work for a second of sound, None before the first
        sound. `fell_back` lists what was asked for and not given, each with its reason.
        """
        extractor = self.extractor
        model, usage = extractor.recognizer, extractor.usage
        heard, taken = usage.seconds_heard, usage.seconds_taken
        return {
            "model": model.id,
            "revision": model.revision,
            "backend": model.backend,
            "dtype": model.dtype,
            "threads": model.threads,
            "notation": model.notation,
            "languages": list(model.languages),
            "load_seconds": round(usage.load_seconds, 3),
            "calls": usage.calls,
            "seconds_heard": round(heard, 3),
            "seconds_taken": round(taken, 3),
            "real_time_factor": round(taken / heard, 4) if heard else None,
            "peak_memory_mb": round(memory()["peak_mb"] or 0.0, 1),
            "cache_hits": usage.cache_hits,
            "cached_models": PhonemeExtractor._models.keys(),
            "quantization": extractor.use_quantization,
            "compilation": extractor.use_compilation,
            "inventory": None if extractor.inventory is None else len(extractor.inventory),
            "fell_back": list(usage.fallbacks),
        }
