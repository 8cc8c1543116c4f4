"""`PhonemeExtractor`: sound in, phones with times and confidences out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from amharic_tts.errors import UserError
from amharic_tts.phonemes import inventory as inventories
from amharic_tts.phonemes.cache import FAILURES, Loaded, ModelCache
from amharic_tts.phonemes.choice import EMBEDDED, Attempt, attempts
from amharic_tts.phonemes.decode import Decoder
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, Array, LoadOptions, Posteriors, Recognizer
from amharic_tts.phonemes.pieces import pieces
from amharic_tts.phonemes.result import Phone, Recognition
from amharic_tts.phonemes.settings import PhonemeSettings, from_environment
from amharic_tts.phonemes.sound import Audio, Sound

log = logging.getLogger(__name__)

_LEAST = RATE // 10
"""Samples that models hear at least; shorter sounds are filled up with silence."""


Keep = Callable[[Array, NDArray[np.float64], float], None]
"""Takes the log-probabilities of a piece, shape (frames, symbols), the seconds at which its frames
begin, and the seconds of sound so far; no frames where the piece was silent."""


@dataclass
class Usage:
    """What one extractor has done so far."""

    calls: int = 0
    seconds_heard: float = 0.0
    seconds_taken: float = 0.0
    load_seconds: float = 0.0
    """Of its model, by whichever extractor loaded it."""
    cache_hits: int = 0
    fallbacks: list[str] = field(default_factory=list)


@dataclass
class _Heard:
    """What is known of a sound once it has been run through."""

    seconds: float = 0.0
    silent: bool = True
    keep: Keep | None = None


class PhonemeExtractor:
    """Recognise phones. Loaded models are shared by all extractors of a process.

    Code for the old extractor runs unchanged: `Recognition` reads like the string it returned.

    Example:
        >>> extractor = PhonemeExtractor.get_fast_instance()
        >>> str(extractor.extract_phoneme("clip.wav"))
        'p ɹ ɪ n t ɪ ŋ | ɪ n'
    """

    _models: ClassVar[ModelCache] = ModelCache()

    def __init__(
        self,
        use_quantization: bool | None = None,
        use_fast_model: bool | None = None,
        use_compilation: bool | None = None,
        model: str | None = None,
        settings: PhonemeSettings | None = None,
        options: LoadOptions | None = None,
        inventory: Sequence[str] | str | None = None,
    ) -> None:
        """Choose and load the model.

        Where something can't be had, the extractor does with less (see `choice.attempts`) and
        `notes` say why, unless `settings.fall_back` is off.

        Args:
            use_quantization: True takes int8 weights, False 32-bit floats; None asks `settings`.
                The embedded model has one format of its own.
            use_fast_model: True wants the `fast` model, False the `accurate` one, None asks
                `settings`, which mean the embedded one if they say nothing either.
            use_compilation: `torch.compile`, which runs the model in torch. Measured on CPUs it
                brought no speed for 50 s of start-up.
            model: A model by name instead (`models.catalog`); it is never replaced by another.
            settings: None reads the environment and `.env`.
            options: How to run it, instead of `use_quantization` and `use_compilation`; never
                replaced by other options.
            inventory: Phones that may be heard: a language (`am`, `en`), a text file, phones apart
                by spaces, or a list. Others are taken out before the decision, and confidences
                are probabilities within the inventory.

        Raises:
            UserError: The named model can't be loaded, no fallback is wanted, or the model can
                write none of the inventory.
            MissingPart: The embedded model has no build for this machine.
        """
        self.settings = from_environment() if settings is None else settings
        self.usage = Usage()
        self._counting = threading.Lock()
        switches = (use_quantization, use_fast_model, use_compilation)
        self.recognizer, self.options = self._load(
            attempts(self.settings, *switches, model, options)
        )
        self.use_quantization = self.options.dtype in ("int8", "dynamic_int8")
        self.use_compilation = self.options.compile
        self.inventory: frozenset[str] | None = None
        self._allowed: frozenset[int] | None = None
        self._missing = ""
        if inventory is not None:
            self._restrict(inventories.given(inventory))

    @classmethod
    def get_fast_instance(cls) -> PhonemeExtractor:
        """Return an extractor for small machines: the least memory and time that there is here.

        That is the embedded model, and `fast` in int8 where the embedded one has no build.
        """
        try:
            return cls(model=EMBEDDED)
        except UserError as error:
            try:
                return cls(use_quantization=True, model="fast")
            except UserError:
                raise error from None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was asked for and can't be had, with the reason."""
        return (*self.usage.fallbacks, *([self._missing] if self._missing else []))

    def extract_phoneme(self, audio: Audio, rate: float = RATE) -> Recognition:
        """Return the phones of a sound.

        Hours of sound take the memory of 15 seconds, and 30 MB for the phones of an hour of speech.

        Args:
            audio: Samples (mono, or samples by channels; float or integer), an iterator of blocks
                of them, the path of a media file in any format, or the bytes of one.
            rate: Samples a second of an array; a file knows its own.

        Raises:
            UserError: The file can't be read, or the samples are no sound.
        """
        return self._recognise(Sound(audio, rate), _Heard())

    def hear(self, audio: Audio, rate: float = RATE) -> tuple[Recognition, Posteriors]:
        """Return the phones, and what the model thought of each frame, without the inventory.

        The posteriors are kept whole: 4 bytes for each frame and symbol, with the embedded model
        38 kB for a second of sound. Arguments and errors: see `extract_phoneme`.
        """
        model = self.recognizer
        scores = [np.zeros((0, len(model.symbols.names)), dtype=np.float32)]
        starts = [np.zeros(0)]

        def keep(some: Array, begins: NDArray[np.float64], _: float) -> None:
            scores.append(some)
            starts.append(begins)

        found = self._recognise(Sound(audio, rate), _Heard(keep=keep))
        return found, Posteriors(
            np.concatenate(scores), np.concatenate(starts), model.frame_seconds, model.symbols
        )

    def extract_phonemes(self, sounds: Iterable[Audio], rate: float = RATE) -> list[Recognition]:
        """Return the phones of several sounds, in their order.

        Raises:
            UserError: One of them is no sound; the message says which.
        """
        found = []
        for number, audio in enumerate(sounds, 1):
            try:
                found.append(self.extract_phoneme(audio, rate))
            except UserError as error:
                raise UserError(f"Sound {number}: {error.message}", error.hint) from error
        return found

    def stream(self, blocks: Iterable[Array], keep: Keep | None = None) -> Iterator[Phone]:
        """Yield the phones of a sound that is still coming in, each as soon as it is known.

        Args:
            blocks: Mono float32 samples at `RATE`, full scale at 1, in any lengths.
            keep: Given the posteriors of every piece, for callers that keep them on disk.
        """
        return self._phones(blocks, _Heard(keep=keep))

    def count(self, seconds: float, taken: float) -> None:
        """Note in `usage` that a sound was listened to, such as by `stream`; both in seconds."""
        with self._counting:
            self.usage.calls += 1
            self.usage.seconds_heard += seconds
            self.usage.seconds_taken += taken

    def _recognise(self, sound: Sound, heard: _Heard) -> Recognition:
        began = time.perf_counter()
        phones = tuple(self._phones(sound, heard))
        notes = [*self.notes, *sound.notes]
        if not phones:
            notes.append(nothing_heard(heard.silent))
        taken = time.perf_counter() - began
        self.count(heard.seconds, taken)
        model = self.recognizer
        if self.settings.log_performance:
            log.info("%s: %.2f s of sound in %.3f s", model.id, heard.seconds, taken)
        return Recognition(
            phones, model.id, model.notation, model.languages, heard.seconds, tuple(notes)
        )

    def _phones(self, blocks: Iterable[Array], heard: _Heard) -> Iterator[Phone]:
        found = self._decoded(blocks, heard)
        if not (self.settings.word_forms and self.recognizer.backend == "hama"):
            return found
        from amharic_tts.phonemes import word_forms

        if self.inventory is not None and not word_forms.sounds() <= self.inventory:
            return found
        return word_forms.corrected(found)

    def _decoded(self, blocks: Iterable[Array], heard: _Heard) -> Iterator[Phone]:
        model = self.recognizer
        # Measured: silence at both ends lowers hama's error rate by 0.3.
        padded = model.backend == "hama"
        decoder = Decoder(model.symbols, self._allowed)
        step = model.frame_seconds
        nothing = np.zeros((0, len(model.symbols.names)), dtype=np.float32), np.zeros(0)
        for piece in pieces(blocks, round(step * RATE), padded):
            heard.seconds = piece.end
            if piece.silent:
                if heard.keep is not None:
                    heard.keep(*nothing, piece.end)
                yield from decoder.pause(piece.begin)
                continue
            heard.silent = False
            samples = piece.samples
            if len(samples) < _LEAST:
                samples = np.pad(samples, (0, _LEAST - len(samples)))
            scores = model.log_probabilities(samples)
            starts = piece.start + np.arange(len(scores), dtype=np.float64) * step
            core = (starts > piece.begin - step / 2) & (starts < piece.end - step / 2)
            scores, starts = scores[core], starts[core]
            if heard.keep is not None:
                heard.keep(scores, starts, piece.end)
            yield from decoder.feed(scores, starts)
        yield from decoder.pause(heard.seconds)

    def _restrict(self, phones: frozenset[str]) -> None:
        symbols = self.recognizer.symbols
        self.inventory = phones
        self._allowed = inventories.allowed(symbols, phones)
        lost = inventories.missing(symbols, phones)
        if lost:
            more = f" and {len(lost) - 20} more" if len(lost) > 20 else ""
            self._missing = f"the model has no {', '.join(lost[:20])}{more}"

    def _load(self, wanted: Sequence[Attempt]) -> tuple[Recognizer, LoadOptions]:
        """Return the first model that can be had; if none can, raise what the first one said."""
        refused: list[Exception] = []
        for attempt in wanted:
            try:
                model = self._cached(attempt)
            except FAILURES as error:
                refused.append(error)
                continue
            self.usage.fallbacks += _given_up(wanted[: len(refused) + 1], refused)
            return model, attempt.options
        raise refused[0]

    def _cached(self, attempt: Attempt) -> Recognizer:
        def load() -> Loaded:
            began = time.perf_counter()
            model = catalog.load(attempt.name, attempt.options)
            for _ in range(self.settings.warmup_runs):
                model.log_probabilities(np.zeros(_LEAST, dtype=np.float32))
            return Loaded(model, time.perf_counter() - began)

        key = catalog.key(attempt.name, attempt.options)
        loaded, hit = PhonemeExtractor._models.get(key, load, self.settings.cached_models)
        self.usage.cache_hits += hit
        self.usage.load_seconds = loaded.seconds
        return loaded.model


def nothing_heard(silent: bool) -> str:
    """Return the note on a sound without phones."""
    why = ": the sound is silent (nothing above -80 dB)" if silent else ""
    return f"no phone was heard{why}"


def _given_up(tried: Sequence[Attempt], refused: Sequence[Exception]) -> list[str]:
    """Return what the last attempt does without; another model says all that there is to say."""
    said = [
        f"without {attempt.given_up}: {_reason(error)}"
        for attempt, error in zip(tried[1:], refused, strict=True)
    ]
    return said if tried[-1].name == tried[0].name else said[-1:]


def _reason(error: Exception) -> str:
    if isinstance(error, UserError):
        return error.message + (f" ({error.hint})" if error.hint else "")
    return str(error) or type(error).__name__
