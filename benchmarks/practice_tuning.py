"""Learning a new voice from the practice base, and how long a newcomer waits for a first one.

Both go by the commands, as a person would. `benchmarks.practice` prints the rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from amharic_tts.dataset.sample import sentences as sample_sentences
from amharic_tts.synthesis.engine import RATE
from training.practice import pitch
from training.practice.cepstra import compared
from training.practice.evidence import Example, shown
from training.practice.judge import sentences
from training.practice.likeness import Embedder, centre, cosine, rises
from training.practice.report import write_examples
from training.practice.speakers import EspeakSpeaker, ModelSpeaker
from training.practice.voices import TeacherVoice, unheard

ROOT = Path(__file__).parents[1]
Row = dict[str, Any]
CLIPS = 40
"""Sentences that a new voice is learned from."""
STEPS = 120
"""Of that learning."""
FIRST_STEPS = 40
"""Of the newcomer's first run."""
_SHOWN = 2
"""Sentences that `--keep` writes."""


def row(
    measure: str,
    unit: str,
    peer: float | None,
    ours: float | None,
    goal: float | None = None,
    note: str = "",
) -> Row:
    """Return one row; values to three digits."""
    values = [None if v is None else float(f"{v:.3g}") for v in (peer, ours)]
    ratio = round(ours / peer, 3) if ours is not None and peer else None
    body = {"measure": measure, "unit": unit, "peer": values[0], "ours": values[1]}
    return {**body, "ratio": ratio, "goal": goal, **({"note": note} if note else {})}


def command(space: Path, *words: str) -> str:
    """Run one `amharic-tts` command and return its output.

    Raises:
        SystemExit: It failed.
    """
    argv = [sys.executable, "-m", "amharic_tts", "--workspace", str(space), *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


def clock(space: Path, quick: bool) -> Iterator[Row]:
    """Yield how long it takes from nothing to a sentence in a voice that was trained."""
    steps = 4 if quick else FIRST_STEPS
    sound = space.parent / "first.wav"
    wall, before = time.monotonic(), os.times()
    command(space, "sample")
    told = command(space, "train", "--dataset", "sample", "--steps", str(steps), "--json")
    run = json.loads(told)["run"]
    command(space, "speak", "--voice", run, "--text", sentences(1)["am"][0], "--out", str(sound))
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])  # of the commands
    name = f"newcomer's clock: sample project, {steps} steps, heard"
    note = f"{os.cpu_count()} processors"
    yield row(name, "s wall", None, time.monotonic() - wall, goal=300, note=note)
    yield row(name, "s CPU", None, cpu)


@dataclass(frozen=True)
class Take:
    """One sentence before or after the learning."""

    samples: np.ndarray
    likeness: float
    """Cosine to the centre of the new voice."""
    distortion: float
    """To the new voice saying the same, dB."""
    pitch: float
    """Median, Hz."""


@dataclass(frozen=True)
class Tuned:
    """A new voice, and sentences said in it before and after it was learned."""

    texts: tuple[str, ...]
    own: tuple[Take, ...]
    """The voice itself; its likeness is that to its other sentences."""
    before: tuple[Take, ...]
    after: tuple[Take, ...]
    seconds: float
    """Of the training command, wall."""


def tuning(space: Path, base: Path, quick: bool, keep: Path | None) -> Iterator[Row]:
    """Yield what becomes of a voice that the base never heard.

    Args:
        space: Folder of a workspace.
        base: Folder of the practice base.
        quick: Few sentences and steps.
        keep: Folder for sounds and pictures.
    """
    voice = unheard()[0]
    found = learned(space, base, voice, 4 if quick else STEPS, sentences(2 if quick else None))
    if keep is not None:
        write_examples(keep, examples(found))
    yield from tuned_rows(found)


def tuned_rows(found: Tuned) -> Iterator[Row]:
    """Yield the rows; `peer` is before, `ours` after the learning."""
    before, after = ([one.likeness for one in takes] for takes in (found.before, found.after))
    name = f"{CLIPS} sentences of a voice never heard"
    rising = rises(before, after)
    yield row(f"{name}: sentences that come nearer to it", "%", None, rising, goal=90)
    note = f"the voice itself {np.mean([one.likeness for one in found.own]):.3f}"
    means = float(np.mean(before)), float(np.mean(after))
    yield row(f"{name}: likeness (peer: before)", "cosine", *means, note=note)
    peer, ours = (float(np.mean([o.distortion for o in t])) for t in (found.before, found.after))
    yield row(f"{name}: distortion to it (peer: before)", "dB", peer, ours)
    high = _off(found.before, found.own), _off(found.after, found.own)
    yield row(f"{name}: pitch off by (peer: before)", "semitones", *high)
    yield row(f"{name}: training", "s wall", None, found.seconds)


def _off(takes: Sequence[Take], own: Sequence[Take]) -> float | None:
    """Return the median distance in semitones, None where nothing was voiced."""
    pairs = [(a.pitch, b.pitch) for a, b in zip(takes, own, strict=True)]
    steps = [abs(12 * np.log2(a / b)) for a, b in pairs if np.isfinite(a) and np.isfinite(b)]
    return float(np.median(steps)) if steps else None


def examples(found: Tuned) -> list[Example]:
    """Return the first sentences in the new voice, before and after."""
    takes = zip(found.texts, found.own, found.before, found.after, strict=True)
    return [
        Example(
            f"tuned-{number}",
            text,
            {
                "the new voice": shown(own.samples),
                "before training": shown(before.samples),
                "after training": shown(after.samples),
            },
        )
        for number, (text, own, before, after) in enumerate(list(takes)[:_SHOWN], 1)
    ]


def learned(
    space: Path, base: Path, voice: TeacherVoice, steps: int, texts: dict[str, tuple[str, ...]]
) -> Tuned:
    """Return sentences before and after a voice was learned.

    Args:
        space: Folder of a workspace.
        base: Folder of the practice base.
        voice: That the teacher lends.
        steps: Of the training.
        texts: Amharic sentences that the voice is judged by, under `am`.
    """
    teacher = EspeakSpeaker()
    recordings = space.parent / "recordings"
    record(recordings, teacher, voice, sample_sentences()[:CLIPS])
    command(space, "dataset", "build", str(recordings), "--name", "new-voice")
    began = time.monotonic()
    told = command(space, "train", "--dataset", "new-voice", "--steps", str(steps), "--json")
    seconds = time.monotonic() - began
    ready = space / "runs" / json.loads(told)["run"] / "ready"
    references = space.parent / "references"
    speakers = (
        ModelSpeaker.of_base(base, teacher, references, "letters"),
        ModelSpeaker.of_voice(ready, teacher, references),
    )
    embed = speakers[0].engine.embedding
    said = [teacher.speak(text, "am", voice, 0).samples for text in texts["am"]]
    embedded = [embed(samples) for samples in said]
    middle = centre(embedded)
    own = [
        _take(samples, samples, centre([e for at, e in enumerate(embedded) if at != number]), embed)
        for number, samples in enumerate(said)
    ]
    before, after = (
        tuple(
            _take(speaker.speak(text, "am", voice, 0).samples, samples, middle, embed)
            for text, samples in zip(texts["am"], said, strict=True)
        )
        for speaker in speakers
    )
    return Tuned(tuple(texts["am"]), tuple(own), before, after, seconds)


def _take(samples: np.ndarray, wanted: np.ndarray, middle: np.ndarray, embed: Embedder) -> Take:
    return Take(
        samples=samples,
        likeness=cosine(embed(samples), middle),
        distortion=compared(wanted, samples, RATE).distortion,
        pitch=pitch.median(samples, RATE),
    )


def record(folder: Path, teacher: EspeakSpeaker, voice: TeacherVoice, texts: Sequence[str]) -> None:
    """Write a recording of each sentence, and the table of what is said."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, text in enumerate(texts, 1):
        samples = teacher.speak(text, "am", voice, 0).samples
        soundfile.write(folder / f"clip{number:02}.wav", samples, RATE, subtype="PCM_16")
        lines.append(f"clip{number:02}|{text}\n")
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
