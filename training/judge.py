"""What the recogniser of the phonemes part hears in a spoken sample."""

from __future__ import annotations

import numpy as np

from amharic_tts.errors import StudioError
from amharic_tts.jobs.sample_texts import Line
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.scores import Agreement, said


class Judge:
    """Compares sound with what G2P expects; the recogniser is loaded when it is first needed."""

    def __init__(self) -> None:
        self._extractor: PhonemeExtractor | None = None

    def agreement(self, samples: np.ndarray, rate: int, line: Line) -> tuple[Agreement | None, str]:
        """Return how well sound and text agree, or None and why it can't be told.

        Args:
            samples: Float mono.
            rate: Samples a second.
            line: What should be said.
        """
        try:
            if self._extractor is None:
                self._extractor = PhonemeExtractor()
            return said(samples, rate, line.text, line.language, self._extractor), ""
        except StudioError as error:  # no recogniser, no espeak-ng, a language that neither knows
            return None, error.message
