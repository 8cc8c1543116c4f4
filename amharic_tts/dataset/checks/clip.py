"""One clip in numbers: its sound, its text, its voice, and how well the speech fits the text.

`measured` is a pure function of what it is given and of the WAV: it can run anywhere, in any order.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from amharic_tts.audio.fingerprint import Words, words
from amharic_tts.audio.quality import quality
from amharic_tts.audio.read import RATE, Samples
from amharic_tts.audio.voiceprint import voiceprint
from amharic_tts.dataset import rules
from amharic_tts.dataset.checks.record import Record
from amharic_tts.dataset.checks.resplit import split_up
from amharic_tts.dataset.checks.text import text_numbers
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError
from amharic_tts.phonemes.align import WordScore, compare
from amharic_tts.phonemes.expected import ExpectedWord, from_text
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE as HEARD_RATE
from amharic_tts.phonemes.scores import agreement


@dataclass(frozen=True)
class Item:
    """What is needed of a row to measure it; plain values, so that it can travel."""

    id: str
    wav: str
    """Path of the sound; empty where there is none."""
    text: str
    normalized: str
    language: str
    audio_hash: str
    model: str
    """Recogniser that hears the phones; empty for none."""

    @classmethod
    def of(cls, dataset: Dataset, row: Utterance, model: str) -> Item:
        """Return the item of a row of a dataset."""
        wav = str(dataset.wav(row)) if row.audio else ""
        texts = row.text, row.normalized
        return cls(row.id, wav, *texts, dataset.language, row.audio_hash, model)


def measured(item: Item) -> Record:
    """Return the numbers of a clip; what can't be measured says why, under ``unheard``."""
    found: Record = {
        "text": text_numbers(item.normalized, item.language).to_dict(),
        "model": item.model,
        "phones": "",
        "unheard": "",
    }
    try:
        wanted = from_text(item.normalized, item.language)
    except UserError as error:
        wanted, found["unheard"] = (), error.message
    found["phones"] = " ".join(phone for word in wanted for phone in word.phones)
    if not item.wav:
        return found
    try:
        samples = _read(Path(item.wav))
    except _OtherForm as error:
        return {**found, "unreadable": error.message, "other_form": True}
    except UserError as error:
        return {**found, "unreadable": error.message}
    found |= _sound(item, samples)
    if item.model and wanted:
        found |= _speech(item, samples, wanted)
    return found


class _OtherForm(UserError):
    """A WAV that is sound, but not in the form of a dataset."""


def _read(path: Path) -> Samples:
    """Return the samples of a WAV of the dataset.

    Raises:
        UserError: It is missing, damaged, or not as the dataset writes it.
    """
    try:
        with soundfile.SoundFile(path) as file:
            if (file.samplerate, file.channels, file.subtype) != (RATE, 1, "PCM_16"):
                raise _OtherForm(f"`{path.name}` is not {RATE} Hz, mono, 16 bits any more")
            samples: Samples = file.read(dtype="float32")
            return samples
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"`{path.name}` can't be read: {error}") from error


def _sound(item: Item, samples: Samples) -> Record:
    pcm = np.rint(samples * 32768).astype("<i2")
    voice = voiceprint(samples, RATE)
    return {
        "seconds": round(len(samples) / RATE, 6),
        "sound": quality(samples, RATE).to_dict(),
        "voice": None if voice is None else _rounded(voice),
        "print": packed(words(samples, RATE)),
        "changed": bool(item.audio_hash)
        and hashlib.sha256(pcm.tobytes()).hexdigest()[:32] != item.audio_hash,
    }


def _rounded(numbers: np.ndarray) -> list[float | None]:
    """Return numbers for JSON, which has no NaN."""
    return [round(float(n), 4) if np.isfinite(n) else None for n in numbers]


def packed(found: Words) -> str:
    """Return a fingerprint as text: frame and word in hexadecimal, joined by commas."""
    return ",".join(f"{frame:x}:{word:x}" for frame, word in found.tolist())


def unpacked(text: str) -> Words:
    """Return the fingerprint that `packed` wrote."""
    pairs = [pair.split(":") for pair in text.split(",") if pair]
    found = [(int(frame, 16), int(word, 16)) for frame, word in pairs]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


@functools.lru_cache(maxsize=2)
def extractor(model: str) -> PhonemeExtractor:
    """Return the recogniser of this process.

    Raises:
        UserError: It is not here, or has no build for this machine.
    """
    return PhonemeExtractor(model=model)


def _as_written(item: Item, words: Sequence[WordScore]) -> Sequence[WordScore]:
    """Return words with the letters of the text as it was written, where they are as many."""
    written = item.text.split()
    if len(written) != len(words):
        return words
    return [replace(word, text=own) for word, own in zip(words, written, strict=True)]


def _speech(item: Item, samples: Samples, wanted: Sequence[ExpectedWord]) -> Record:
    import soxr

    sound = np.asarray(soxr.resample(samples, RATE, HEARD_RATE), dtype=np.float32)
    heard, posteriors = extractor(item.model).hear(sound, HEARD_RATE)
    compared = compare(heard, wanted, posteriors)
    worst = min(compared.words, key=lambda word: word.score, default=None)
    found: Record = {
        "agreement": agreement(compared).to_dict(),
        "heard": " ".join(phone.phone for phone in heard.phones),
        "worst_word": worst.text if worst else "",
    }
    if len(samples) > rules.MAX_SAMPLES:
        parts = split_up(samples, RATE, _as_written(item, compared.words))
        found["parts"] = [part.to_list() for part in parts]
    return found
