"""Who can be judged: the teacher, and any XTTS that says the same sentences in the same voices."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import soundfile
import soxr

from amharic_tts.errors import UserError
from amharic_tts.espeak import client
from amharic_tts.files import writing
from amharic_tts.g2p.say import for_espeak
from amharic_tts.synthesis.engine import RATE, SpeechEngine
from amharic_tts.synthesis.voices import Voice
from amharic_tts.tokenizer.settings import current
from training.practice.voices import LANGUAGES, TeacherVoice

PROMPTS = {
    "en": "My grandmother keeps seven old clocks in the yellow kitchen, and none of them is right.",
    "am": "አያቴ በቢጫው ወጥ ቤት ውስጥ ሰባት አሮጌ ሰዓቶች አሏት",
}
"""What the teacher says in the reference clip of a voice, about five seconds."""


class Spoken(NamedTuple):
    """One sentence as sound."""

    samples: np.ndarray
    """Float32 mono at 24 kHz."""
    cut: bool
    """The speaker did not stop by itself."""


class Speaker(Protocol):
    """Says sentences."""

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int) -> Spoken:
        """Return a sentence as sound.

        Args:
            text: One sentence.
            language: One of `LANGUAGES`.
            voice: Whose voice is to be heard.
            seed: Draws what is drawn; the teacher draws nothing.
        """
        ...


class EspeakSpeaker:
    """The teacher: espeak-ng reads English; Amharic it says by the phonemes of our G2P."""

    def __init__(self, asked: client.EspeakClient | None = None) -> None:
        self._client = client.shared() if asked is None else asked

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int = 0) -> Spoken:
        """Return a sentence as sound; see `Speaker`.

        Raises:
            UserError: The teacher does not speak the language, or there is no word in the text.
            StudioError: The text has a phone that espeak-ng does not have.
            MissingPart: espeak-ng can't be used here.
        """
        if language not in LANGUAGES:
            raise UserError(
                f"The teacher of the practice base does not speak `{language}`",
                f"It speaks: {', '.join(LANGUAGES)}",
            )
        said = for_espeak(text) if language == "am" else text
        if not any(character.isalpha() for character in said):
            raise UserError(f"There is no word in `{text}`", "Choose another sentence")
        answer = self._client.ask(
            {
                "do": "pronounce",
                "voice": voice.espeak(language),
                "speed": voice.speed,
                "pitch": voice.pitch,
                "texts": [said],
            }
        )
        samples = np.frombuffer(base64.b64decode(answer["sound"]), dtype="<i2")
        sound = soxr.resample(samples.astype(np.float32) / 32_768, answer["rate"], RATE)
        return Spoken(np.asarray(sound, dtype=np.float32), False)


class ModelSpeaker:
    """An XTTS, which imitates a clip of the teacher's voice."""

    def __init__(
        self, engines: dict[str, SpeechEngine], teacher: Speaker, references: Path
    ) -> None:
        """Set who speaks.

        Args:
            engines: The model, ready to speak, for each language that it is judged in.
            teacher: Says the reference clips.
            references: Folder where they are kept.
        """
        self._engines, self._teacher, self._references = engines, teacher, references

    @classmethod
    def of_base(
        cls,
        base: Path,
        teacher: Speaker,
        references: Path,
        text_mode: str = "phonemes",
        device: str = "cpu",
    ) -> ModelSpeaker:
        """Return a speaker of a folder with the stock file set, trained as far as it is.

        Args:
            base: The folder.
            teacher: Says the reference clips.
            references: Folder where they are kept.
            text_mode: How the model reads Amharic, `letters` or `phonemes`; English is always read
                in letters.
            device: `cpu` or `cuda`.

        Raises:
            UserError: Files are missing or damaged, or do not belong together.
        """
        from amharic_tts.base_models.checkpoint import load_model_state
        from amharic_tts.synthesis.loading import load_model

        settings = {"en": current("en"), "am": current("am", text_mode)}
        state = load_model_state(base / "model.pth")
        model = load_model(base / "config.json", base / "vocab.json", settings["am"], state)
        model.to(device)
        engines = {
            language: SpeechEngine(Voice(base.name, base, its), model, device)
            for language, its in settings.items()
        }
        return cls(engines, teacher, references)

    @classmethod
    def of_voice(
        cls, voice: Path, teacher: Speaker, references: Path, device: str = "cpu"
    ) -> ModelSpeaker:
        """Return a speaker of an exported voice; other languages are read in letters.

        Raises:
            UserError: See `SpeechEngine.load`.
        """
        engine = SpeechEngine.load(voice, device)
        return cls(dict.fromkeys(LANGUAGES, engine), teacher, references)

    @property
    def engine(self) -> SpeechEngine:
        """The engine that speaks Amharic."""
        return self._engines["am"]

    def reference(self, language: str, voice: TeacherVoice) -> Path:
        """Return the clip that is imitated: the teacher says another sentence in that voice."""
        path = self._references / f"{voice.name}-{language}.wav"
        if not path.is_file():
            spoken = self._teacher.speak(PROMPTS[language], language, voice, 0)
            with writing(path) as file:
                soundfile.write(file, spoken.samples, RATE, format="WAV", subtype="PCM_16")
        return path

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int) -> Spoken:
        """Return a sentence as sound; see `Speaker`.

        Raises:
            UserError: The model can't read the text; see `SpeechEngine.say`.
            StudioError: The model gave values that are not numbers.
        """
        engine = self._engines[language]
        clip = self.reference(language, voice)
        pieces = list(engine.say(text, clip, language, seed))
        return Spoken(
            np.concatenate([piece.samples for piece in pieces]), any(p.cut for p in pieces)
        )


def silence_advice() -> None:
    """Keep transformers from advising those who write with it: for a command's border."""
    import transformers

    transformers.logging.set_verbosity_error()
