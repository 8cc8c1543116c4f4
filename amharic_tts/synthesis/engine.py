"""Load a voice and speak with it. Importing this is light; loading a voice imports coqui (15 s)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.errors import StudioError, UserError
from amharic_tts.synthesis import text_split
from amharic_tts.synthesis.loading import load_model, replace_gpt
from amharic_tts.synthesis.reference import RATE as REFERENCE_RATE
from amharic_tts.synthesis.reference import read_reference
from amharic_tts.synthesis.voices import Voice, check_voice
from amharic_tts.text import languages
from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, TextEncoder
from amharic_tts.tokenizer.settings import TextSettings, current

if TYPE_CHECKING:
    from torch import Tensor
    from TTS.tts.models.xtts import Xtts

RATE = 24000
MAX_CHARACTERS = 10_000
"""Longest text of one request."""
PAUSE = 0.25
"""Seconds of silence between two pieces of a long text."""


@dataclass(frozen=True)
class Piece:
    """What was made of one piece of the text."""

    number: int
    total: int
    prepared: str
    samples: np.ndarray
    """Float32 mono at 24 kHz."""
    codes: int
    cut: bool
    """The model did not stop by itself and was ended at `text_split.max_codes`."""


@dataclass(frozen=True)
class Speech:
    """A spoken text."""

    samples: np.ndarray
    """Float32 mono, finite, within [-1, 1]."""
    rate: int
    seconds: float
    language: str
    seed: int
    pieces: int
    cut: int
    """How many pieces did not end by themselves."""


@dataclass(frozen=True)
class _Conditioning:
    """What the model takes from a reference clip."""

    source: tuple[str, int]
    latents: Tensor
    speaker: Tensor


class SpeechEngine:
    """One loaded voice. Not safe for use by several threads at once."""

    def __init__(self, voice: Voice, model: Xtts, device: str) -> None:
        self.voice, self.device = voice, device
        self._model = model
        self._conditioning: _Conditioning | None = None
        self.watch: Callable[[], None] | None = None
        """Called for every audio code; what it raises breaks the speech off."""

    @classmethod
    def load(cls, voice_dir: Path, device: str = "auto") -> SpeechEngine:
        """Load a voice folder.

        Args:
            voice_dir: A folder written by `voice_files.write_voice`.
            device: `auto`, `cpu` or `cuda`.

        Raises:
            UserError: Files are missing or damaged, the vocabulary is another one, or this
                installation reads text in another way than the voice was trained with.
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
            load_model_state(voice.folder / "model.pth"),
        )
        return cls(voice, model.to(device), device)

    @property
    def languages(self) -> list[str]:
        """Codes of the languages that the voice knows."""
        return list(self._model.config.languages)

    def to(self, device: str) -> None:
        """Move the voice to another device, `cpu` or `cuda`."""
        if device != self.device:
            self._model.to(device)
            self.device, self._conditioning = device, None

    def take_gpt(self, state: Mapping[str, Tensor]) -> None:
        """Take other weights of the GPT, named ``gpt.*`` as in a voice; they are copied.

        Raises:
            StudioError: They are not of this model.
        """
        replace_gpt(self._model, state)
        self._conditioning = None

    def likeness(self, samples: np.ndarray, reference: Path) -> float:
        """Return how alike two voices are to the model's own speaker encoder: a cosine, -1 to 1.

        Args:
            samples: Float mono at `RATE`.
            reference: A recording.
        """
        wanted = self._condition(reference).speaker.reshape(-1).double().cpu().numpy()
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
        gap = np.zeros(int(PAUSE * RATE), dtype=np.float32)
        parts = [part for piece in pieces for part in (gap, piece.samples)][1:]
        samples = np.concatenate(parts)
        return Speech(
            samples=samples,
            rate=RATE,
            seconds=len(samples) / RATE,
            language=self._encoder(language).settings.language,
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
        """Yield the speech of a text, piece by piece.

        Args:
            text: As people write it.
            reference: A recording whose voice is imitated; the voice's own clip by default.
            language: The voice's own by default.
            seed: The same seed gives the same speech on the same machine.

        Raises:
            UserError: The text is empty, too long, or has characters that the voice can't read;
                the language is not known; the reference can't serve.
            StudioError: The model gave values that are not numbers.
        """
        import torch

        encoder = self._encoder(language)
        pieces = pieces_of(text, encoder)
        conditioning = self._condition(reference or self.voice.reference)
        for number, prepared in enumerate(pieces):
            # The seed holds for a piece, not for what was said before it; the global generator,
            # which is all that `generate` reads, is given back as it was.
            with torch.random.fork_rng(devices=[0] if self.device == "cuda" else []):
                torch.manual_seed(seed + number)
                samples, codes, cut = self._synthesise(prepared, encoder, conditioning)
            yield Piece(number + 1, len(pieces), prepared, samples, codes, cut)

    def _encoder(self, language: str | None) -> TextEncoder:
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

    def _condition(self, reference: Path) -> _Conditioning:
        """Return what the model takes from a clip; the last one is kept."""
        import torch

        samples = read_reference(reference)
        source = (str(reference.absolute()), reference.stat().st_mtime_ns)
        if self._conditioning is None or self._conditioning.source != source:
            config = self._model.config
            audio = torch.from_numpy(samples)[None, : REFERENCE_RATE * config.max_ref_len]
            if config.sound_norm_refs:
                audio = audio / audio.abs().max() * 0.75
            latents = self._model.get_gpt_cond_latents(
                audio.to(self.device),
                REFERENCE_RATE,
                length=config.gpt_cond_len,
                chunk_length=config.gpt_cond_chunk_len,
            )
            speaker = self._model.get_speaker_embedding(audio.to(self.device), REFERENCE_RATE)
            self._conditioning = _Conditioning(source, latents, speaker)
        return self._conditioning

    def _looked_at(self, codes: Tensor, scores: Tensor, **_: Any) -> Tensor:
        """Let `watch` break the speech off; ends nothing by itself."""
        import torch

        if self.watch is not None:
            self.watch()
        return torch.zeros(codes.shape[0], dtype=torch.bool, device=codes.device)

    def _synthesise(
        self, prepared: str, encoder: TextEncoder, conditioning: _Conditioning
    ) -> tuple[np.ndarray, int, bool]:
        """Return samples, number of audio codes, and whether they were cut.

        The steps of coqui's `Xtts.inference`, on our tokens, with a bound on the codes and a look
        at how they ended.
        """
        import torch
        from transformers import StoppingCriteriaList

        gpt, config = self._model.gpt, self._model.config
        bound = text_split.max_codes(prepared, gpt.max_gen_mel_tokens)
        with torch.inference_mode():
            tokens = torch.tensor([encoder.encode(prepared)], device=self.device)
            codes = gpt.generate(
                cond_latents=conditioning.latents,
                text_inputs=tokens,
                do_sample=True,
                top_p=config.top_p,
                top_k=config.top_k,
                temperature=config.temperature,
                length_penalty=config.length_penalty,
                repetition_penalty=config.repetition_penalty,
                num_return_sequences=1,
                num_beams=1,
                output_attentions=False,
                max_new_tokens=bound,
                stopping_criteria=StoppingCriteriaList([self._looked_at]),
            )
            count = codes.shape[-1]
            latents = gpt(
                tokens,
                torch.tensor([tokens.shape[-1]], device=self.device),
                codes,
                torch.tensor([count * gpt.code_stride_len], device=self.device),
                cond_latents=conditioning.latents,
                return_attentions=False,
                return_latent=True,
            )
            wav = self._model.hifigan_decoder(latents, g=conditioning.speaker)
        samples = wav.float().cpu().numpy().reshape(-1)
        if not np.isfinite(samples).all():
            raise StudioError(
                "The voice gave sound that is not made of numbers",
                "Its training may have gone wrong: look at its loss, or use an earlier checkpoint",
            )
        return samples, count, int(codes[0, -1]) != gpt.stop_audio_token


def pieces_of(text: str, encoder: TextEncoder) -> list[str]:
    """Return the prepared text in pieces that the model can say.

    Raises:
        UserError: The text is too long, has nothing to say or what the voice can't read.
    """
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"The text has {len(text)} characters; a request takes {MAX_CHARACTERS} at most",
            "Speak it in parts",
        )
    prepared = encoder.prepare(text)
    if not any(character.isalnum() for character in prepared):
        raise UserError("There is nothing to say in this text", "Type some words")
    unknown = encoder.unknown_prepared(prepared)
    if unknown:
        kind = "sounds" if encoder.settings.text_mode == "phonemes" else "characters"
        named = " ".join(f"`{what}`" for what in unknown[:20])
        raise UserError(
            f"The voice can't read these {kind}: {named}",
            f"Write them in another way, or take them out; the language is "
            f"`{encoder.settings.language}`",
        )
    return text_split.split(prepared, lambda piece: len(encoder.encode(piece)), MAX_TEXT_TOKENS)


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
