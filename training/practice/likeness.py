"""Whose voice is it? What a speaker encoder can tell, and how near a sentence is to a voice.

An encoder that can't tell the teacher's voices apart says nothing about likeness, so `separation`
comes first. The encoder of the base is part of what is judged: it hands the decoder the voice that
it is then asked about. So the pitch stands beside it, which no encoder hears.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amharic_tts.errors import StudioError
from amharic_tts.synthesis.engine import RATE
from training.practice import pitch
from training.practice.speakers import Speaker
from training.practice.voices import TeacherVoice

Embedding = NDArray[np.float64]
Embedder = Callable[[np.ndarray], Embedding]
"""Takes float mono at 24 kHz, returns a vector of any length: `SpeechEngine.embedding`."""


def cosine(first: Embedding, second: Embedding) -> float:
    """Return the cosine of the angle between two vectors, -1 to 1."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def centre(embeddings: Sequence[Embedding]) -> Embedding:
    """Return the mean of embeddings of length 1: what stands for a voice."""
    return np.asarray(np.mean([one / np.linalg.norm(one) for one in embeddings], axis=0))


@dataclass(frozen=True)
class Separation:
    """How well an encoder tells voices apart."""

    voices: int
    clips: int
    equal_error: float
    """Percent of pairs that are told wrongly at the threshold where as many pairs of one voice are
    taken for two as the reverse; 50 is chance."""
    accuracy: float
    """Percent of clips that are nearest to the centre of their own voice's other clips."""
    same: float
    """Mean cosine of two clips of one voice."""
    different: float
    """Mean cosine of two clips of two voices."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}


def separation(clips: Mapping[str, Sequence[Embedding]]) -> Separation:
    """Return how well an encoder tells voices apart.

    Args:
        clips: Embeddings of the clips of each voice, of other words each.

    Raises:
        StudioError: Fewer than two voices, or a voice with fewer than two clips.
    """
    if len(clips) < 2 or min(map(len, clips.values())) < 2:
        raise StudioError("To tell voices apart takes at least two voices with two clips each")
    labelled = [(voice, one) for voice, some in clips.items() for one in some]
    same: list[float] = []
    different: list[float] = []
    for (left, a), (right, b) in itertools.combinations(labelled, 2):
        (same if left == right else different).append(cosine(a, b))
    hits = [
        _nearest(one, _centres(clips, voice, number)) == voice
        for voice, some in clips.items()
        for number, one in enumerate(some)
    ]
    return Separation(
        voices=len(clips),
        clips=len(labelled),
        equal_error=100 * equal_error(same, different),
        accuracy=100 * float(np.mean(hits)),
        same=float(np.mean(same)),
        different=float(np.mean(different)),
    )


def equal_error(same: Sequence[float], different: Sequence[float]) -> float:
    """Return the equal error rate of scores, 0 to 1.

    At each score as a threshold: the share of `same` below it and of `different` at or above it;
    where the two cross, their mean.
    """
    thresholds = np.unique([*same, *different, np.inf])
    missed = np.searchsorted(np.sort(same), thresholds) / len(same)
    taken = 1 - np.searchsorted(np.sort(different), thresholds) / len(different)
    at = int(np.argmin(np.abs(missed - taken)))
    return float((missed[at] + taken[at]) / 2)


def _centres(
    clips: Mapping[str, Sequence[Embedding]], own: str, number: int
) -> dict[str, Embedding]:
    """Return the centre of each voice, that of `own` without one clip."""
    return {
        voice: centre([one for at, one in enumerate(some) if voice != own or at != number])
        for voice, some in clips.items()
    }


def _nearest(one: Embedding, centres: Mapping[str, Embedding]) -> str:
    return max(centres, key=lambda voice: cosine(one, centres[voice]))


@dataclass(frozen=True)
class Imitated:
    """A sentence that was said in a voice, beside the teacher's voices."""

    voice: str
    text: str
    nearest: str
    """The teacher's voice that the encoder takes it for."""
    likeness: float
    """Cosine to the centre of the voice that was asked for."""
    pitch: float
    """Median pitch, Hz; NaN where nothing is voiced."""
    teacher_pitch: float
    """Of the teacher saying the same, Hz."""

    @property
    def semitones(self) -> float:
        """How much higher than the teacher it is."""
        return float(12 * np.log2(self.pitch / self.teacher_pitch))


@dataclass(frozen=True)
class Imitation:
    """How well voices were imitated."""

    sentences: tuple[Imitated, ...]

    @property
    def recognised(self) -> float:
        """Percent of sentences that the encoder takes for the voice that was asked for."""
        return 100 * float(np.mean([one.nearest == one.voice for one in self.sentences]))

    @property
    def likeness(self) -> float:
        """Mean cosine to the voice that was asked for."""
        return float(np.mean([one.likeness for one in self.sentences]))

    @property
    def pitch_error(self) -> float:
        """Median distance from the teacher's pitch in semitones, NaN where nothing was voiced."""
        found = [abs(one.semitones) for one in self.sentences if np.isfinite(one.semitones)]
        return float(np.median(found)) if found else float("nan")

    @property
    def pitch_spread(self) -> float:
        """What `pitch_error` would be if all voices had the teacher's median pitch: semitones."""
        heights = 12 * np.log2([one.teacher_pitch for one in self.sentences])
        return float(np.median(np.abs(heights - np.median(heights))))

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        names = ("recognised", "likeness", "pitch_error", "pitch_spread")
        found = {name: round(getattr(self, name), 3) for name in names}
        return {k: v if np.isfinite(v) else None for k, v in found.items()}


def imitation(
    speaker: Speaker,
    teacher: Speaker,
    voices: Sequence[TeacherVoice],
    texts: Sequence[str],
    language: str,
    embed: Embedder,
) -> Imitation:
    """Return how near sentences come to the voices in which they were asked for.

    Args:
        speaker: Who is judged.
        teacher: Says the same in each voice.
        voices: Of the teacher, at least two.
        texts: Sentences, said in every voice.
        language: Of the sentences.
        embed: The speaker encoder.
    """
    taught = {
        (voice.name, text): teacher.speak(text, language, voice, 0).samples
        for voice in voices
        for text in texts
    }
    centres = {v.name: centre([embed(taught[v.name, text]) for text in texts]) for v in voices}
    found = []
    for voice, text in itertools.product(voices, texts):
        samples = speaker.speak(text, language, voice, 0).samples
        embedding = embed(samples)
        found.append(
            Imitated(
                voice=voice.name,
                text=text,
                nearest=_nearest(embedding, centres),
                likeness=cosine(embedding, centres[voice.name]),
                pitch=pitch.median(samples, RATE),
                teacher_pitch=pitch.median(taught[voice.name, text], RATE),
            )
        )
    return Imitation(tuple(found))


def rises(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the percent of sentences whose likeness rose, sentence by sentence."""
    return 100 * float(np.mean([b > a for a, b in zip(before, after, strict=True)]))
