"""All that the model card of the practice base tells, gathered by judging a base."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from amharic_tts.errors import StudioError
from amharic_tts.synthesis.engine import RATE
from training.practice.cepstra import trimmed
from training.practice.hearing import PhoneEar, WordEar
from training.practice.judge import Judge, Judged, Verdict, sentences
from training.practice.likeness import Embedder, Imitation, Separation, imitation, separation
from training.practice.speakers import EspeakSpeaker, ModelSpeaker, Speaker, Spoken
from training.practice.voices import JUDGED, TeacherVoice, heard, unheard

EXAMPLES = 3
"""Sentences of each language that the card shows."""
VOICES = 8
"""Of each kind, known and unknown to the training, that likeness is measured with."""
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
    base: Path,
    count: int | None = None,
    text_mode: str = "letters",
    device: str = "cpu",
    tell: Tell = lambda text: None,
) -> Evidence:
    """Judge a base in all ways; some minutes on two cores.

    Args:
        base: Folder with the stock file set.
        count: Sentences of each language; all that are kept for this by default.
        text_mode: How the model reads Amharic.
        device: `cpu` or `cuda`.
        tell: Told what is done.

    Raises:
        UserError: Files of the base are missing or damaged.
        MissingPart: A package of the judges is not installed.
        StudioError: The base gives values that are not numbers.
    """
    teacher = EspeakSpeaker()
    texts = sentences(count)
    known, unknown = heard(VOICES), unheard()[:VOICES]
    with tempfile.TemporaryDirectory() as folder:
        speaker = ModelSpeaker.of_base(base, teacher, Path(folder), text_mode, device)
        embed = speaker.engine.embedding
        judge = Judge(teacher, JUDGED, PhoneEar(), WordEar())
        kept: dict[tuple[str, str], Spoken] = {}

        def keep(judged: Judged, spoken: Spoken) -> None:
            kept[judged.language, judged.text] = spoken
            tell(f"{len(kept)} of {sum(map(len, texts.values()))} sentences judged")

        verdict = judge.verdict(list(judge.judge(speaker, texts, keep=keep)))
        tell("telling voices apart")
        words = texts["am"][:_CLIPS]
        return Evidence(
            verdict=verdict,
            separations={
                "voices of the training, new sentences": told_apart(teacher, known, words, embed),
                "voices that it never heard": told_apart(teacher, unknown, words, embed),
            },
            imitations={
                "voices of the training": imitation(speaker, teacher, known, words, "am", embed),
                "voices that it never heard": imitation(
                    speaker, teacher, unknown, words, "am", embed
                ),
            },
            examples=[
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
            ],
            made_from=made_from(base),
        )


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


def made_from(base: Path) -> dict[str, str]:
    """Return what the `practice.json` of a base says of how it was made; nothing where it is mute.

    Raises:
        StudioError: The file is no JSON.
    """
    path = base / "practice.json"
    if not path.is_file():
        return {}
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudioError(f"`{path}` can't be read: {error}") from None
    told = body.get("made_from", {}) if isinstance(body, dict) else {}
    return {str(key): str(value) for key, value in told.items()}
