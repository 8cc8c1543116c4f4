"""Is it speech? Sentences of the practice base, judged beside the teacher's own.

    python -m training.practice.judge BASE --out FOLDER [--sentences N] [--text-mode MODE]

BASE is a folder with the stock file set, trained as far as it is. English is heard by machines that
know human speech alone (`hearing`); Amharic, which no such machine here knows, is compared with the
teacher's sound of the same sentence (`cepstra`). All figures are over sentences that no training
had, and mean something only beside the teacher's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from amharic_tts.errors import StudioError
from amharic_tts.files import write_text, writing
from amharic_tts.synthesis.engine import RATE
from training.practice.cepstra import compared, trimmed
from training.practice.hearing import LANGUAGE as HEARD
from training.practice.hearing import Ear, Errors, PhoneEar, WordEar
from training.practice.speakers import EspeakSpeaker, ModelSpeaker, Speaker, Spoken, silence_advice
from training.practice.voices import JUDGED, LANGUAGES, TeacherVoice

TOO_MUCH = 0.3
"""Seconds of speech in one piece that only one of two sounds has: more than a syllable. Measured on
20 sentences of the teacher: at most 0.1 between its voices and paces, above this in none where each
eighth of a second is drawn out or hurried by a fifth, and in 39 of 40 where 0.4 s are missing or
said twice (`docs/results/practice.md`)."""
SHORTEST = 0.03
"""Seconds of sound below which nothing was said."""
_DRAWS = 2000
"""Samples of the bootstrap."""


@dataclass(frozen=True)
class Judged:
    """One sentence of one speaker, beside the teacher's."""

    language: str
    text: str
    seed: int
    seconds: float
    """Without the silence at its ends."""
    teacher_seconds: float
    cut: bool
    """It did not end by itself."""
    distortion: float | None
    """Mel-cepstral distortion to the teacher's sound, dB; None where nothing was said."""
    left_out: float
    """Seconds of the longest piece of the teacher's sentence that is missing."""
    added: float
    """Seconds of the longest piece that the teacher's sentence does not have."""
    rhythm: float
    """See `cepstra.Warping.rhythm`."""
    phones: Errors | None = None
    """English only."""
    words: Errors | None = None
    """English only."""

    @property
    def stops_early(self) -> bool:
        """Whether a part is missing."""
        return self.distortion is None or self.left_out > TOO_MUCH

    @property
    def runs_on(self) -> bool:
        """Whether it did not end, or says more than the sentence."""
        return self.cut or self.added > TOO_MUCH

    @property
    def whole(self) -> bool:
        """Whether it neither stops early nor runs on."""
        return not self.stops_early and not self.runs_on

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Difference:
    """A figure of a speaker, of the teacher, and how sure their difference is."""

    ours: float
    teacher: float
    error: float
    """Standard error of ours minus the teacher's over the choice of sentences: bootstrap of pairs
    (Efron 1979)."""

    @property
    def points(self) -> float:
        """Ours minus the teacher's."""
        return self.ours - self.teacher


@dataclass(frozen=True)
class Verdict:
    """What is said of a speaker; None where no sentence could be judged so."""

    sentences: tuple[Judged, ...]
    teacher: tuple[Judged, ...]

    def of(self, language: str) -> tuple[Judged, ...]:
        """Return the sentences of a language."""
        return tuple(one for one in self.sentences if one.language == language)

    @property
    def phones(self) -> Difference | None:
        """English phone error, percent."""
        return self._difference(lambda one: one.phones)

    @property
    def words(self) -> Difference | None:
        """English word error, percent."""
        return self._difference(lambda one: one.words)

    def _difference(self, errors: Callable[[Judged], Errors | None]) -> Difference | None:
        own = {(o.text, o.seed): found for o in self.sentences if (found := errors(o))}
        theirs = {o.text: found for o in self.teacher if (found := errors(o))}
        pairs = [(found, theirs[text]) for (text, _), found in own.items() if text in theirs]
        if not pairs:
            return None
        counts = np.array([[a.wrong, b.wrong, a.wanted] for a, b in pairs], dtype=np.float64)
        drawn = np.random.default_rng(0).integers(len(counts), size=(_DRAWS, len(counts)))
        sums = counts[drawn].sum(1)
        points = 100 * (sums[:, 0] - sums[:, 1]) / sums[:, 2]
        ours, teacher = 100 * counts.sum(0)[:2] / counts[:, 2].sum()
        return Difference(float(ours), float(teacher), float(points.std()))

    def distortion(self, language: str = "am") -> float | None:
        """Return the mean mel-cepstral distortion of the sentences in which anything was said."""
        return _mean([o.distortion for o in self.of(language) if o.distortion is not None])

    def whole(self, language: str = "am") -> float | None:
        """Return the percent of sentences that neither stop early nor run on."""
        return _mean([100.0 * one.whole for one in self.of(language)])

    def pace(self, language: str = "am") -> float | None:
        """Return the median of how many times as long as the teacher's a sentence is."""
        ratios = [one.seconds / one.teacher_seconds for one in self.of(language)]
        return float(np.median(ratios)) if ratios else None

    def rhythm(self, language: str = "am") -> float | None:
        """Return the mean of `Judged.rhythm`."""
        said = [one.rhythm for one in self.of(language) if one.distortion is not None]
        return _mean(said)

    def summary(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        pairs = {"english_phone_error": self.phones, "english_word_error": self.words}
        found: dict[str, Any] = {
            name: {**_rounded(asdict(pair)), "points": round(pair.points, 2)} if pair else None
            for name, pair in pairs.items()
        }
        for language in dict.fromkeys(one.language for one in self.sentences):
            found[language] = _rounded(
                {
                    "sentences": len(self.of(language)),
                    "distortion_db": self.distortion(language),
                    "whole_percent": self.whole(language),
                    "stops_early": sum(one.stops_early for one in self.of(language)),
                    "runs_on": sum(one.runs_on for one in self.of(language)),
                    "pace": self.pace(language),
                    "rhythm": self.rhythm(language),
                }
            )
        return found


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}


class Judge:
    """Judges speakers by what the teacher says."""

    def __init__(
        self,
        teacher: Speaker,
        voice: TeacherVoice = JUDGED,
        phone_ear: Ear | None = None,
        word_ear: Ear | None = None,
    ) -> None:
        """Set the yardstick; nothing heavy is loaded yet.

        Args:
            teacher: Says every sentence too, once.
            voice: In which all sentences are said.
            phone_ear: Hears English phones; None leaves them unmeasured.
            word_ear: Hears English words; None leaves them unmeasured.
        """
        self.teacher, self._voice = teacher, voice
        self._phone_ear, self._word_ear = phone_ear, word_ear
        self._taught: dict[tuple[str, str], tuple[Spoken, Judged]] = {}

    def judge(
        self,
        speaker: Speaker,
        texts: Mapping[str, Sequence[str]],
        seeds: Sequence[int] = (0,),
        keep: Callable[[Judged, Spoken], None] = lambda judged, spoken: None,
    ) -> Iterator[Judged]:
        """Yield each sentence as it was judged.

        Args:
            speaker: Who is judged.
            texts: Sentences of each language.
            seeds: Each sentence is said once for each.
            keep: Given each sentence with its sound.

        Raises:
            StudioError: A sentence can't be said or heard.
        """
        for language, sentences in texts.items():
            for text in sentences:
                for seed in seeds:
                    spoken = speaker.speak(text, language, self._voice, seed)
                    judged = self.judged(spoken, text, language, seed)
                    keep(judged, spoken)
                    yield judged

    def verdict(self, sentences: Sequence[Judged]) -> Verdict:
        """Return what judged sentences say of their speaker."""
        texts = dict.fromkeys((one.text, one.language) for one in sentences)
        return Verdict(tuple(sentences), tuple(self.taught(*text)[1] for text in texts))

    def taught(self, text: str, language: str) -> tuple[Spoken, Judged]:
        """Return a sentence as the teacher says it, and what is said of that; kept."""
        key = text, language
        if key not in self._taught:
            spoken = self.teacher.speak(text, language, self._voice, 0)
            self._taught[key] = spoken, self._compared(spoken, spoken, text, language, 0)
        return self._taught[key]

    def judged(self, spoken: Spoken, text: str, language: str, seed: int = 0) -> Judged:
        """Return what is said of one sentence."""
        return self._compared(self.taught(text, language)[0], spoken, text, language, seed)

    def _compared(
        self, wanted: Spoken, spoken: Spoken, text: str, language: str, seed: int
    ) -> Judged:
        phones = words = distortion = None
        left_out, added, rhythm = 0.0, 0.0, 0.0
        sounds = [trimmed(one.samples, RATE) for one in (wanted, spoken)]
        seconds = [len(sound) / RATE for sound in sounds]
        if seconds[1] > SHORTEST:  # else there is nothing that could be laid beside anything
            found = compared(sounds[0], sounds[1], RATE)
            distortion, rhythm = found.distortion, found.rhythm()
            left_out, added = found.left_out, found.added
        if language == HEARD and self._phone_ear is not None:
            phones = self._phone_ear.errors(spoken.samples, RATE, text)
        if language == HEARD and self._word_ear is not None:
            words = self._word_ear.errors(spoken.samples, RATE, text)
        return Judged(
            language=language,
            text=text,
            seed=seed,
            seconds=seconds[1],
            teacher_seconds=seconds[0],
            cut=spoken.cut,
            distortion=distortion,
            left_out=left_out,
            added=added,
            rhythm=rhythm,
            phones=phones,
            words=words,
        )


def sentences(count: int | None = None) -> dict[str, tuple[str, ...]]:
    """Return the first `count` sentences of each language that no training has, or all."""
    from training.practice.texts import unseen

    return {language: unseen(language)[:count] for language in LANGUAGES}


def save(folder: Path, verdict: Verdict) -> None:
    """Write what was found into `scores.json` of a folder."""
    body = {
        "summary": verdict.summary(),
        "sentences": [one.to_dict() for one in verdict.sentences],
        "teacher": [one.to_dict() for one in verdict.teacher],
    }
    write_text(folder / "scores.json", json.dumps(body, ensure_ascii=False, indent=1))


def _keeper(folder: Path) -> Callable[[Judged, Spoken], None]:
    counts: dict[str, int] = {}

    def keep(judged: Judged, spoken: Spoken) -> None:
        counts[judged.language] = number = counts.get(judged.language, 0) + 1
        with writing(folder / f"{judged.language}-{number:02}.wav") as file:
            soundfile.write(file, spoken.samples, RATE, format="WAV", subtype="PCM_16")
        told = json.dumps(judged.to_dict(), ensure_ascii=False)
        sys.stderr.write(told + "\n")

    return keep


def main() -> int:
    """Judge a base and print what was found; return the exit code."""
    parser = argparse.ArgumentParser(description="Judge how well a small XTTS speaks.")
    parser.add_argument("base", type=Path, help="folder with the stock file set, or `teacher`")
    parser.add_argument("--out", type=Path, required=True, help="folder for sounds and scores")
    parser.add_argument("--sentences", type=int, help="of each language; all by default")
    parser.add_argument("--text-mode", default="phonemes", help="how the model reads Amharic")
    parser.add_argument("--no-words", action="store_true", help="do without the small Whisper")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    teacher = EspeakSpeaker()
    try:
        speaker: Speaker = teacher
        if str(options.base) != "teacher":
            silence_advice()
            speaker = ModelSpeaker.of_base(
                options.base, teacher, options.out, options.text_mode, options.device
            )
        judge = Judge(teacher, JUDGED, PhoneEar(), None if options.no_words else WordEar())
        texts = sentences(options.sentences)
        found = list(judge.judge(speaker, texts, keep=_keeper(options.out)))
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    verdict = judge.verdict(found)
    save(options.out, verdict)
    sys.stdout.write(json.dumps(verdict.summary(), ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
