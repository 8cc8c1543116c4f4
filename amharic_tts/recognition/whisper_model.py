"""Whisper by faster-whisper (CTranslate2): no torch, integers of 8 bits on a CPU."""

from __future__ import annotations

from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.recognition.base import RATE, Heard, Samples, Word
from amharic_tts.recognition.store import Files


class WhisperModel:
    """A loaded Whisper. What it writes for a sound depends on nothing but the sound."""

    longest = 28.0
    """Its window is 30 s; the rest is for the silence that its voice detector adds."""

    def __init__(self, files: Files, language: str, device: str, threads: int) -> None:
        """Load it.

        Args:
            files: Of the model.
            language: The studio's code of what is spoken.
            device: `cpu` or `cuda`.
            threads: On the CPU; 0 takes four, or as many cores as there are.

        Raises:
            UserError: The files are damaged, the device is not there, or it does not know the
                language.
        """
        import faster_whisper

        self._language = language.split("-")[0]
        try:
            self._model = faster_whisper.WhisperModel(
                str(files.folder),
                device=device,
                compute_type="int8" if device == "cpu" else "float16",
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError, KeyError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            raise UserError(
                f"The recogniser in `{files.folder}` can't be loaded: {reason}",
                "Fetch it again, or choose another",
            ) from error
        known = self._model.supported_languages
        if self._language not in known:
            listed = "only English" if known == ["en"] else f"{len(known)} languages, not this one"
            raise UserError(
                f"The recogniser `{files.name}` does not know `{language}`: it knows {listed}",
                "Choose another recogniser for this language",
            )

    def hear(self, samples: Samples) -> Heard:
        """Return what is said; times come from the model's attention, good to about 0.1 s."""
        # One temperature: the usual ladder of them draws at random where the model is unsure, and
        # the same sound would be written in another way each time.
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
        )
        seconds = len(samples) / RATE
        words = [_word(word, seconds) for segment in segments for word in segment.words or ()]
        words = [word for word in words if word.text]
        if not words:
            return Heard()
        mean = sum(word.confidence for word in words) / len(words)
        return Heard(" ".join(w.text for w in words), tuple(words), round(mean, 4))


def _word(word: Any, seconds: float) -> Word:
    start = min(max(0.0, float(word.start)), seconds)
    end = min(max(start, float(word.end)), seconds)
    sure = min(1.0, max(0.0, float(word.probability)))
    return Word(word.word.strip(), round(start, 3), round(end, 3), round(sure, 4))
