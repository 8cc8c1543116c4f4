"""All that the model card of the practice base tells, gathered by judging a base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from amharic_tts.synthesis.engine import RATE
from training.practice.cepstra import trimmed
from training.practice.judge import Judge, Judged, Verdict
from training.practice.likeness import Embedder, Imitation, Separation, imitation, separation
from training.practice.speakers import Speaker, Spoken
from training.practice.voices import TeacherVoice, heard, unheard

EXAMPLES = 3
"""Sentences of each language that the card shows."""
VOICES = 8
"""Of each kind, known and unknown to the training, that are imitated."""
APART = 40
"""At most so many of each kind are told apart."""
_CLIPS = 4
"""Sentences in each voice."""
_MARGIN = 0.1
"""Seconds of silence that a sound of the card keeps at its ends."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Example:
    """One sentence as several speakers say it."""

    name: str
    """Beginning of the names of its files."""
    text: str
    sounds: Mapping[str, np.ndarray]
    """Float32 mono at 24 kHz, by what the reader shall call each; drawn from top to bottom."""


@dataclass(frozen=True)
class Evidence:
    """All that the card tells; what is empty was not measured, and the card says so."""

    verdict: Verdict | None = None
    separations: Mapping[str, Separation] = field(default_factory=dict)
    """How well the speaker encoder tells voices apart, by which clips."""
    imitations: Mapping[str, Imitation] = field(default_factory=dict)
    """How well voices are imitated, by which voices."""
    examples: Sequence[Example] = ()
    made_from: Mapping[str, str] = field(default_factory=dict)
    """What went into it: hours, voices, steps, parameters, seed, commit."""


def gather(
    speaker: Speaker,
    judge: Judge,
    texts: Mapping[str, Sequence[str]],
    embed: Embedder,
    tell: Tell = lambda text: None,
) -> Evidence:
    """Judge a speaker in all ways.

    Args:
        speaker: Who is judged.
        judge: With the ears that hear it.
        texts: Sentences of each language, Amharic among them.
        embed: Tells whose voice a sound is.
        tell: Told what is done.

    Raises:
        StudioError: A sentence can't be said or heard.
    """
    kept: dict[tuple[str, str], Spoken] = {}
    count = sum(map(len, texts.values()))

    def keep(judged: Judged, spoken: Spoken) -> None:
        kept[judged.language, judged.text] = spoken
        tell(f"{len(kept)} of {count} sentences judged")

    verdict = judge.verdict(list(judge.judge(speaker, texts, keep=keep)))
    words = texts["am"][:_CLIPS]
    separations, imitations = {}, {}
    for title, voices in (
        ("voices of its training, other sentences", heard(APART)),
        ("voices that it never heard", unheard()[:APART]),
    ):
        tell(f"telling apart and imitating {title}")
        separations[title] = told_apart(judge.teacher, voices, words, embed)
        imitations[title] = imitation(speaker, judge.teacher, voices[:VOICES], words, "am", embed)
    return Evidence(verdict, separations, imitations, _examples(judge, texts, kept))


def _examples(
    judge: Judge, texts: Mapping[str, Sequence[str]], kept: Mapping[tuple[str, str], Spoken]
) -> list[Example]:
    return [
        Example(
            f"{language}-{number}",
            text,
            {
                "teacher": shown(judge.taught(text, language)[0].samples),
                "practice base": shown(kept[language, text].samples),
            },
        )
        for language, some in texts.items()
        for number, text in enumerate(some[:EXAMPLES], 1)
    ]


def told_apart(
    teacher: Speaker, voices: Sequence[TeacherVoice], texts: Sequence[str], embed: Embedder
) -> Separation:
    """Return how well an encoder tells voices of the teacher apart, by Amharic sentences."""
    return separation(
        {
            voice.name: [embed(teacher.speak(text, "am", voice, 0).samples) for text in texts]
            for voice in voices
        }
    )


def shown(samples: np.ndarray) -> np.ndarray:
    """Return a sound with as little silence at its ends as the others of its picture."""
    return np.pad(trimmed(samples, RATE), round(_MARGIN * RATE))
