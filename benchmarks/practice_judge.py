"""Does the judge of the practice base tell good from bad? Known changes of the teacher's speech.

    python -m benchmarks.practice_judge [--quick] [--sentences N] [--json]

Each change is judged like a model: the teacher in another voice or at another pace, its sound by
way of the mel spectrum alone (phases by Griffin and Lim 1984), a sentence cut short, a stretch left
out or said twice, another sentence in its place, noise. `peer` is the teacher unchanged (for the
distortion: another sentence in its place, which is chance), `ours` the changed one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from amharic_tts.synthesis.engine import RATE
from training.practice.cepstra import trimmed
from training.practice.hearing import PhoneEar, WordEar
from training.practice.judge import Judge, Verdict, sentences
from training.practice.speakers import EspeakSpeaker, Speaker, Spoken
from training.practice.voices import JUDGED, TeacherVoice

Row = dict[str, Any]
CUT, STRETCH = 0.75, 0.4
"""Share that is left of a sentence that is cut; seconds that are left out or said twice."""
_PACES = (0.67, 0.8, 1.0, 1.25, 1.5)
_WINDOW, _HOP, _BANDS = 1024, 256, 80


class Changed:
    """The teacher, with something done to its voice or its sound."""

    def __init__(
        self,
        teacher: Speaker,
        sound: Callable[[np.ndarray], np.ndarray] = lambda samples: samples,
        voice: TeacherVoice = JUDGED,
        texts: dict[str, str] | None = None,
    ) -> None:
        """Set what is changed; `texts` says which sentence stands in the place of which."""
        self._teacher, self._sound, self._voice = teacher, sound, voice
        self._texts = texts or {}

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int) -> Spoken:
        """Return the changed sound; see `Speaker`."""
        said = self._texts.get(text, text)
        spoken = self._teacher.speak(said, language, self._voice, seed)
        changed = self._sound(trimmed(spoken.samples, RATE))
        return Spoken(changed.astype(np.float32), False)


def by_mel(samples: np.ndarray) -> np.ndarray:
    """Return a sound that has only its mel spectrum left: 80 bands up to 8 kHz, every 11 ms."""
    import torch
    from torchaudio import transforms

    mel = transforms.MelScale(_BANDS, RATE, f_max=8000, n_stft=_WINDOW // 2 + 1)
    spectrum = transforms.Spectrogram(_WINDOW, hop_length=_HOP)
    inverse = transforms.InverseMelScale(_WINDOW // 2 + 1, _BANDS, RATE, f_max=8000)
    phases = transforms.GriffinLim(_WINDOW, hop_length=_HOP, rand_init=False)
    with torch.inference_mode():
        bands = mel(spectrum(torch.from_numpy(samples.astype(np.float32))))
        return np.asarray(phases(inverse(bands)).numpy())


def left_out(samples: np.ndarray) -> np.ndarray:
    """Return a sound without `STRETCH` seconds in its middle."""
    middle, half = len(samples) // 2, round(STRETCH * RATE / 2)
    return np.concatenate([samples[: middle - half], samples[middle + half :]])


def twice(samples: np.ndarray) -> np.ndarray:
    """Return a sound with `STRETCH` seconds of its middle said twice."""
    middle, half = len(samples) // 2, round(STRETCH * RATE / 2)
    return np.concatenate([samples[: middle + half], samples[middle - half :]])


def jittered(samples: np.ndarray) -> np.ndarray:
    """Return a sound whose eighths of a second are drawn out or hurried by a third, at random."""
    draw = np.random.default_rng(len(samples))
    size = round(RATE / 8)
    pieces = []
    for start in range(0, len(samples), size):
        piece = samples[start : start + size]
        places = np.linspace(0, len(piece) - 1, max(2, round(len(piece) * draw.choice(_PACES))))
        pieces.append(np.interp(places, np.arange(len(piece)), piece))
    return np.concatenate(pieces)


def noise(samples: np.ndarray) -> np.ndarray:
    """Return noise of the same length and level."""
    drawn = np.random.default_rng(0).normal(size=len(samples))
    return np.asarray(drawn * samples.std())


def changes(teacher: Speaker, texts: dict[str, tuple[str, ...]]) -> dict[str, Speaker]:
    """Return the changed teachers by what is done to them."""
    others = {
        text: some[(at + 1) % len(some)] for some in texts.values() for at, text in enumerate(some)
    }
    return {
        "by its mel spectrum (Griffin-Lim)": Changed(teacher, by_mel),
        "words a minute 150 instead of 125": Changed(teacher, voice=replace(JUDGED, speed=150)),
        "an uneven pace": Changed(teacher, jittered),
        "other formants (m3)": Changed(teacher, voice=replace(JUDGED, variant="m3")),
        "a woman's voice (f2)": Changed(teacher, voice=replace(JUDGED, variant="f2")),
        "the last quarter missing": Changed(teacher, lambda s: s[: round(CUT * len(s))]),
        f"{STRETCH:g} s left out": Changed(teacher, left_out),
        f"{STRETCH:g} s said twice": Changed(teacher, twice),
        "another sentence": Changed(teacher, texts=others),
        "noise": Changed(teacher, noise),
    }


def verdicts(
    judge: Judge, teacher: Speaker, texts: dict[str, tuple[str, ...]]
) -> dict[str, Verdict]:
    """Return what the judge says of each change."""
    return {
        name: judge.verdict(list(judge.judge(speaker, texts)))
        for name, speaker in changes(teacher, texts).items()
    }


def rows(found: dict[str, Verdict]) -> Iterator[Row]:
    """Yield the rows of all changes."""
    chance = found["another sentence"]
    for name, verdict in found.items():
        for kind, pair in (("phone", verdict.phones), ("word", verdict.words)):
            if pair is not None:
                yield _row(f"English {kind} error, {name}", "%", pair.teacher, pair.ours)
        for language in ("am", "en"):
            pair_of = (chance.distortion(language), verdict.distortion(language))
            yield _row(f"distortion {language}, {name}", "dB", *pair_of)
            yield _row(f"whole sentences {language}, {name}", "%", 100.0, verdict.whole(language))


def _row(measure: str, unit: str, peer: float | None, ours: float | None) -> Row:
    ratio = round(ours / peer, 3) if ours is not None and peer else None
    values = [None if v is None else round(v, 2) for v in (peer, ours)]
    return {
        "measure": measure,
        "unit": unit,
        "peer": values[0],
        "ours": values[1],
        "ratio": ratio,
        "goal": None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Measure the judge of the practice base.")
    parser.add_argument("--quick", action="store_true", help="three sentences of each language")
    parser.add_argument("--sentences", type=int, help="of each language; all by default")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args(arguments)
    teacher = EspeakSpeaker()
    judge = Judge(teacher, JUDGED, PhoneEar(), WordEar())
    found = list(
        rows(verdicts(judge, teacher, sentences(3 if options.quick else options.sentences)))
    )
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for entry in found:
        shown = ("-" if entry[key] is None else f"{entry[key]:.2f}" for key in ("peer", "ours"))
        print(f"{entry['measure']:65} {entry['unit']:4}" + "".join(f"{v:>9}" for v in shown))


if __name__ == "__main__":
    main()
