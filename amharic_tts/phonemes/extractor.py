"""`PhonemeExtractor`: sound in, phones with times and confidences out."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from amharic_tts.errors import UserError
from amharic_tts.phonemes.decode import decode
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, Array, Recognizer
from amharic_tts.phonemes.pieces import pieces
from amharic_tts.phonemes.result import Phone, Recognition
from amharic_tts.phonemes.settings import PhonemeSettings, from_environment
from amharic_tts.phonemes.sound import mono

log = logging.getLogger(__name__)

SILENCE = 1e-4
"""A piece whose loudest sample is below this (-80 dB) holds no phones."""
_CACHED_MODELS = 2


@dataclass
class Usage:
    """What one extractor has done so far."""

    calls: int = 0
    seconds_heard: float = 0.0
    seconds_taken: float = 0.0
    load_seconds: float = 0.0
    cache_hits: int = 0
    fallbacks: list[str] = field(default_factory=list)


class PhonemeExtractor:
    """Recognise phones. Loaded models are shared by all extractors of a process.

    Example:
        >>> extractor = PhonemeExtractor.get_fast_instance()
        >>> str(extractor.extract_phoneme("clip.wav"))
        'p ɹ ɪ n t ɪ ŋ | ɪ n'
    """

    _models: ClassVar[OrderedDict[str, Recognizer]] = OrderedDict()
    _loading: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        use_quantization: bool | None = None,
        use_fast_model: bool | None = None,
        use_compilation: bool | None = None,
        model: str | None = None,
        settings: PhonemeSettings | None = None,
    ) -> None:
        """Choose and load the model.

        Args:
            use_quantization: int8 weights, where a model is converted here; None asks `settings`.
            use_fast_model: True wants the `fast` model, False the `accurate` one, None asks
                `settings`. Where it can't be had, the embedded one is used and `notes` say so.
            use_compilation: `torch.compile`; only for models that run in torch.
            model: A model by name instead (`models.catalog`); it is never replaced by another.
            settings: None reads the environment and `.env`.

        Raises:
            UserError: The named model can't be loaded, or no fallback is wanted.
            MissingPart: The embedded model has no build for this machine.
        """
        self.settings = from_environment() if settings is None else settings
        chosen = self.settings
        self.use_quantization = _first(use_quantization, chosen.use_quantization)
        self.use_compilation = _first(use_compilation, chosen.use_compilation)
        fast = chosen.use_fast_model if use_fast_model is None else use_fast_model
        self.usage = Usage()
        self._counting = threading.Lock()
        wanted = model or (catalog.EMBEDDED if fast is None else ("accurate", "fast")[fast])
        self.recognizer = self._load(wanted, fixed=model is not None)
        if self.use_compilation:
            self.usage.fallbacks.append("compilation: the model does not run in torch")

    @classmethod
    def get_fast_instance(cls) -> PhonemeExtractor:
        """Return an extractor for small machines: the least memory and time that there is here."""
        return cls(use_quantization=True, model=catalog.EMBEDDED)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was asked for and can't be had, with the reason."""
        return tuple(self.usage.fallbacks)

    def extract_phoneme(self, audio: ArrayLike | str | Path, rate: float = RATE) -> Recognition:
        """Return the phones of a sound.

        Args:
            audio: Samples (mono, or samples by channels; float or integer), or a media file.
            rate: Samples a second of an array; a file knows its own.

        Raises:
            UserError: The file can't be read, or the samples are no sound.
        """
        began = time.perf_counter()
        notes = list(self.notes)
        if isinstance(audio, (str, Path)):
            from amharic_tts.audio.read import AudioStream

            stream = AudioStream(Path(audio), RATE)
            phones, seconds = self._recognise(stream)
            if stream.truncated:
                notes.append(f"the file is cut short: {stream.truncated}")
        else:
            samples, more = mono(audio, rate)
            notes += more
            phones, seconds = self._recognise([samples])
        if not phones:
            notes.append("no phone was heard")
        taken = time.perf_counter() - began
        with self._counting:
            self.usage.calls += 1
            self.usage.seconds_heard += seconds
            self.usage.seconds_taken += taken
        if self.settings.log_performance:
            log.info("%s: %.2f s of sound in %.3f s", self.recognizer.id, seconds, taken)
        model = self.recognizer
        return Recognition(
            tuple(phones), model.id, model.notation, model.languages, seconds, tuple(notes)
        )

    def _recognise(self, blocks: Iterable[Array]) -> tuple[list[Phone], float]:
        model = self.recognizer
        found: list[Phone] = []
        word = 0
        seconds = 0.0
        for offset, samples in pieces(blocks):
            seconds = offset + len(samples) / RATE
            if float(np.abs(samples).max(initial=0.0)) < SILENCE:
                continue
            scores = model.log_probabilities(samples)
            phones, word = decode(scores, model.symbols, model.frame_seconds, word)
            for phone in phones:
                times = (phone.start + offset, min(phone.end + offset, seconds))
                found.append(Phone(phone.phone, *times, phone.confidence, phone.word))
        return found, seconds

    def _load(self, wanted: str, fixed: bool) -> Recognizer:
        with self._loading:
            try:
                return self._cached(wanted)
            except UserError as error:
                if fixed or wanted == catalog.EMBEDDED or not self.settings.fall_back:
                    raise
                self.usage.fallbacks.append(f"{catalog.EMBEDDED} model: {error.message}")
                return self._cached(catalog.EMBEDDED)

    def _cached(self, name: str) -> Recognizer:
        models = PhonemeExtractor._models
        if name in models:
            models.move_to_end(name)
            self.usage.cache_hits += 1
            return models[name]
        began = time.perf_counter()
        model = catalog.load(name)
        for _ in range(self.settings.warmup_runs):
            model.log_probabilities(np.zeros(RATE, dtype=np.float32))
        self.usage.load_seconds = time.perf_counter() - began
        models[name] = model
        while len(models) > _CACHED_MODELS:
            models.popitem(last=False)
        return model


def _first(given: bool | None, otherwise: bool) -> bool:
    return otherwise if given is None else given
