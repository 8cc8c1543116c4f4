"""The form of the Speak page as one value, and the request that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.synthesis.request import PRECISIONS, SpeechRequest, sampling


@dataclass(frozen=True)
class SpeakForm:
    """What the form holds; an emptied number is None."""

    voice: str | None
    text: str
    references: Sequence[str] = ()
    recorded: str | None = None
    preset: str = "own"
    temperature: float | None = None
    top_k: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    speed: float = 1.0
    seed: int | None = None
    check: bool = False
    takes: float = 1
    precision: str = "auto"
    phonemes: bool = False

    def request(self, known: Sequence[str]) -> SpeechRequest:
        """Return what is asked of the voice.

        Args:
            known: Ids of the voices: a page takes ids, never folders.

        Raises:
            UserError: A text is missing, the voice is not one of the workspace, or a value is
                outside of its range.
        """
        if not self.voice or self.voice not in known:
            raise UserError("There is no such voice", "Train one to its end first")
        if not self.text.strip():
            raise UserError("There is no text to speak", "Type a sentence")
        if self.precision not in PRECISIONS:
            raise UserError(f"precision: there is no `{self.precision}`")
        clips = [*self.references, *([self.recorded] if self.recorded else [])]
        drawn = sampling(
            self.preset,
            temperature=self.temperature,
            top_k=None if self.top_k is None else int(self.top_k),
            top_p=self.top_p,
            repetition_penalty=self.repetition_penalty,
            speed=self.speed,
        )
        return SpeechRequest(
            self.voice,
            self.text,
            references=tuple(Path(clip) for clip in clips),
            seed=None if self.seed is None else int(self.seed),
            sampling=drawn,
            phonemes=self.phonemes,
            check=self.check,
            takes=int(self.takes),
            precision=self.precision,  # type: ignore[arg-type]
            stream=True,
        ).checked()
