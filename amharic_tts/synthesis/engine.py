"""Load a voice and speak with it. Importing this is light; loading a voice imports coqui (15 s)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.errors import StudioError, UserError
from amharic_tts.synthesis import sentences, text_split
from amharic_tts.synthesis.loading import load_model, replace_gpt
from amharic_tts.synthesis.pace import Pace, timed
from amharic_tts.synthesis.pauses import silence_after
from amharic_tts.synthesis.request import Precision
from amharic_tts.synthesis.sentences import Planned
from amharic_tts.synthesis.speech import RATE, Asked, Piece, Speech
from amharic_tts.synthesis.voices import Voice, check_voice
from amharic_tts.text import languages
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import TextSettings, current

if TYPE_CHECKING:
    from torch import Tensor
    from TTS.tts.models.xtts import Xtts

    from amharic_tts.synthesis.model.vocoder import Vocoder
    from amharic_tts.synthesis.model.writing import Step, Written

TOGETHER = {"cpu": 4, "cuda": 16}
"""Sentences of a text that are written at once: the matrices are read from memory once for all."""


class SpeechEngine:
    """One loaded voice. Not safe for use by several threads at once."""

    def __init__(
        self, voice: Voice, model: Xtts, device: str, precision: Precision = "fp32"
    ) -> None:
        """Take a model that `load_model` made.

        Raises:
            UserError: The precision can't run on this device.
        """
        from amharic_tts.synthesis.model import precision as precisions
        from amharic_tts.synthesis.model.conditioning import Conditioner
        from amharic_tts.synthesis.model.gpt_runner import GptRunner

        self.voice, self.device = voice, device
        self.precision = precisions.choose(precision, model.gpt, device)
        precisions.apply(model.gpt, self.precision)
        self._model = model
        self._runner = GptRunner(model.gpt)
        self._conditioner = Conditioner(model)
        self.pace = Pace()
        self.most_codes: int | None = None
        """Codes of a sentence that are not passed, beside `text_split.max_codes`."""
        self.watch: Callable[[], None] | None = None
        """Called for every audio code; what it raises breaks the speech off."""

    @classmethod
    def load(
        cls, voice_dir: Path, device: str = "auto", precision: Precision = "auto"
    ) -> SpeechEngine:
        """Load a voice folder.

        Args:
            voice_dir: A folder written by `voice_files.write_voice`.
            device: `auto`, `cpu` or `cuda`.
            precision: Of the GPT's blocks.

        Raises:
            UserError: Files are missing or damaged, the vocabulary is another one, this
                installation reads text in another way than the voice was trained with, or the
                precision can't run here.
        """
        voice = check_voice(Path(voice_dir))
        _check_settings(voice.settings)
        import torch

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        model = load_model(
            voice.folder / "config.json",
            voice.folder / "vocab.json",
            voice.settings,
            load_model_state(voice.folder / "model.pth", mapped=True),
            taken=True,
        )
        return cls(voice, model.to(device), device, precision)

    @property
    def languages(self) -> list[str]:
        """Codes of the languages that the voice knows."""
        return list(self._model.config.languages)

    def to(self, device: str) -> None:
        """Move the voice to another device, `cpu` or `cuda`."""
        if device != self.device:
            self._model.to(device)
            self.device = device
            self._conditioner.forget()

    def take_gpt(self, state: Mapping[str, Tensor]) -> None:
        """Take other weights of the GPT, named ``gpt.*`` as in a voice; they are copied.

        Raises:
            StudioError: They are not of this model, or it runs in another precision than fp32.
        """
        if self.precision.name != "fp32":
            raise StudioError("Only a voice that runs in fp32 can take other weights")
        replace_gpt(self._model, state)
        self._conditioner.forget()

    def likeness(self, samples: np.ndarray, reference: Path) -> float:
        """Return how alike two voices are to the model's own speaker encoder: a cosine, -1 to 1.

        Args:
            samples: Float mono at `RATE`.
            reference: A recording.
        """
        speaker = self._conditioner.of([reference]).speaker
        wanted = speaker.reshape(-1).double().cpu().numpy()
        got = self.embedding(samples)
        return float(got @ wanted / (np.linalg.norm(got) * np.linalg.norm(wanted)))

    def embedding(self, samples: np.ndarray) -> np.ndarray:
        """Return what the model's speaker encoder says of a voice, float64 of shape ``(512,)``.

        Args:
            samples: Float mono at `RATE`.
        """
        import torch

        audio = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))[None]
        with torch.inference_mode():
            found = self._model.get_speaker_embedding(audio.to(self.device), RATE)
        return np.asarray(found.double().cpu().numpy().reshape(-1))

    def speak(
        self,
        text: str,
        reference: Path | None = None,
        language: str | None = None,
        seed: int | None = None,
    ) -> Speech:
        """Return the whole speech of a text; see `say`."""
        seed = secrets.randbelow(2**31) if seed is None else seed
        pieces = list(self.say(text, reference, language, seed))
        samples = np.concatenate(list(_joined(pieces)))
        return Speech(
            samples=samples,
            rate=RATE,
            seconds=len(samples) / RATE,
            language=self.encoder(language).settings.language,
            seed=seed,
            pieces=len(pieces),
            cut=sum(piece.cut for piece in pieces),
        )

    def say(
        self,
        text: str,
        reference: Path | None = None,
        language: str | None = None,
        seed: int = 0,
    ) -> Iterator[Piece]:
        """Yield the speech of a text, sentence by sentence; see `perform`."""
        references = () if reference is None else (reference,)
        for made in self.perform(Asked(text, references, language, seed)):
            assert isinstance(made, Piece)
            yield made

    def perform(self, asked: Asked, stream: bool = False) -> Iterator[Piece | np.ndarray]:
        """Yield the speech of a text, sentence by sentence.

        Args:
            asked: The text and how. The same seed gives the same speech on the same machine.
            stream: Also yield the samples of the first sentence while it is written, before its
                `Piece`; those of the others come with their `Piece`.

        Raises:
            UserError: The text is empty, too long, or has characters that the voice can't read;
                the language is not known; a reference can't serve.
            StudioError: The model gave values that are not numbers.
        """
        planned = sentences.plan(asked.text, self.encoder(asked.language), asked.phonemes)
        together = TOGETHER["cpu" if self.device == "cpu" else "cuda"]
        first = 0
        if stream:
            yield from self._streamed(planned, asked)
            first = 1
        for start in range(first, len(planned), together):
            numbers = range(start, min(start + together, len(planned)))
            yield from self._batch(planned, numbers, asked)

    def again(self, asked: Asked, number: int, seed: int) -> Piece:
        """Return one sentence of a text, drawn with another seed.

        Args:
            asked: The whole text.
            number: Of the sentence, from 1.
            seed: What it is drawn with.

        Raises:
            UserError: The text has no such sentence; see also `perform`.
        """
        planned = sentences.plan(asked.text, self.encoder(asked.language), asked.phonemes)
        if not 1 <= number <= len(planned):
            raise UserError(f"The text has {len(planned)} sentences, and no number {number}")
        asked = replace(asked, seed=seed - number + 1)
        (piece,) = self._batch(planned, range(number - 1, number), asked)
        return piece

    def _begun(
        self, planned: Sequence[Planned], numbers: range, asked: Asked
    ) -> tuple[Vocoder, Iterator[Step]]:
        from amharic_tts.synthesis.model.drawing import Drawing
        from amharic_tts.synthesis.model.vocoder import Vocoder
        from amharic_tts.synthesis.model.writing import Line, write

        drawing = Drawing.of(asked.sampling, self._model.config)
        conditioning = self._conditioner.of(asked.references or (self.voice.reference,))
        vocoder = Vocoder(self._model.hifigan_decoder, conditioning.speaker, drawing.speed)
        lines = [
            Line(planned[n].tokens, asked.seed + n, self._most(planned[n].prepared))
            for n in numbers
        ]
        writing = write(self._runner, conditioning.latents, lines, drawing, self._looked)
        return vocoder, timed(writing, self.pace)

    def _batch(self, planned: Sequence[Planned], numbers: range, asked: Asked) -> Iterator[Piece]:
        """Yield sentences that are written together, in their order, each when it is there."""
        vocoder, writing = self._begun(planned, numbers, asked)
        waiting: dict[int, Piece] = {}
        wanted = iter(numbers)
        next_one = next(wanted)
        for step in writing:
            if step.written is None:
                continue
            samples = self._heard(partial(vocoder.whole, step.written.latents))
            at = numbers[step.row]
            waiting[at] = _piece(at, planned, samples, step.written, asked.seed + at)
            while next_one in waiting:
                yield waiting.pop(next_one)
                next_one = next(wanted, -1)

    def _streamed(self, planned: Sequence[Planned], asked: Asked) -> Iterator[Piece | np.ndarray]:
        """Yield the samples of the first sentence while it is written, then its piece."""
        from amharic_tts.synthesis.model.vocoder import SoundStream
        from amharic_tts.synthesis.model.writing import GROWTH

        vocoder, writing = self._begun(planned, range(1), asked)
        sounding, stretches = SoundStream(vocoder), iter(GROWTH)
        stretch, given = next(stretches), list[np.ndarray]()
        for step in writing:
            sounding.feed(step.latent)
            if step.written is None and sounding.ready < stretch:
                continue
            given.append(self._heard(partial(sounding.take, last=step.written is not None)))
            stretch = next(stretches, stretch)
            yield given[-1]
            if step.written is not None:
                yield _piece(0, planned, np.concatenate(given), step.written, asked.seed)

    def _heard(self, make: Callable[[], np.ndarray]) -> np.ndarray:
        began = time.perf_counter()
        samples = make()
        self.pace.sounding += time.perf_counter() - began
        self.pace.spoken += len(samples) / RATE
        if not np.isfinite(samples).all():
            raise StudioError(
                "The voice gave sound that is not made of numbers",
                "Its training may have gone wrong: look at its loss, or use an earlier checkpoint",
            )
        return samples

    def _most(self, prepared: str) -> int:
        limit = int(self._model.gpt.max_gen_mel_tokens)
        if self.most_codes is not None:
            limit = min(limit, self.most_codes)
        return text_split.max_codes(prepared, limit)

    def _looked(self) -> None:
        if self.watch is not None:
            self.watch()

    def encoder(self, language: str | None = None) -> TextEncoder:
        """Return how a language is read, the voice's own by default.

        Raises:
            UserError: The voice does not know it.
        """
        own = self.voice.settings
        code = own.language if language is None else languages.canonical(language)
        if code == own.language:
            settings = own
        elif code in self.languages:
            settings = TextSettings(language=code, normalizer=own.normalizer)
        else:
            raise UserError(
                f"The voice does not know the language `{code}`",
                f"It knows: {', '.join(self.languages)}",
            )
        return TextEncoder(self.voice.folder / "vocab.json", settings)


def _piece(
    at: int, planned: Sequence[Planned], samples: np.ndarray, written: Written, seed: int
) -> Piece:
    own = planned[at]
    return Piece(
        number=at + 1,
        total=len(planned),
        text=own.text,
        prepared=own.prepared,
        samples=samples,
        codes=len(written.codes),
        cut=written.cut,
        pause=own.pause,
        seed=seed,
        part=own.part,
    )


def _joined(pieces: Sequence[Piece]) -> Iterator[np.ndarray]:
    """Yield the sound of pieces and the pauses between them."""
    for piece in pieces:
        yield piece.samples
        if piece.number < len(pieces):
            yield np.zeros(silence_after(piece.samples, piece.pause, RATE), dtype=np.float32)


def _check_settings(settings: TextSettings) -> None:
    """Refuse a voice that was trained with another text function than ours.

    Raises:
        UserError: Names what differs.
    """
    here = current(settings.language, settings.text_mode, settings.g2p)
    differences = replace(here, language=settings.language).differences(settings)
    if differences:
        raise UserError(
            "This installation reads text in another way than the voice was trained with:\n"
            + "\n".join(f"- {difference} (here, and in the voice)" for difference in differences),
            "Train the voice again, or use it with the version of the studio that made it",
        )
