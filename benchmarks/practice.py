"""Does the practice base speak, imitate and learn, how large is it, how soon is it heard?

    python -m benchmarks.practice [--quick] [--json] [--base FOLDER] [--keep FOLDER]

Sentences that no training had are said by the practice base and by its teacher, espeak-ng, in the
plainest voice. `peer` is the teacher, and where the teacher is the yardstick itself, chance:
another sentence in the place of the right one. Then a voice that the base never heard is learned
from 40 sentences, and the newcomer's clock is taken (`benchmarks.practice_tuning`). `--keep` writes
sounds and spectrograms before and after into a folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from amharic_tts.base_models import packed, practice
from benchmarks.practice_tuning import Row, clock, row, tuning
from training.practice.evidence import APART, VOICES, told_apart
from training.practice.hearing import PhoneEar, WordEar
from training.practice.judge import Difference, Judge, Judged, Verdict, save, sentences
from training.practice.likeness import imitation
from training.practice.speakers import EspeakSpeaker, ModelSpeaker, Spoken, silence_advice
from training.practice.voices import JUDGED, TeacherVoice, heard, unheard

QUICK = 3
"""Sentences of each language with `--quick`."""
_CLIPS = 4
"""Sentences in each voice that is imitated."""
_GOALS = {"phone": 15.0, "word": 25.0}

Texts = Mapping[str, Sequence[str]]


class Swapped:
    """The teacher, saying the next sentence in the place of each: what chance gives."""

    def __init__(self, teacher: EspeakSpeaker, texts: Sequence[str]) -> None:
        self._teacher = teacher
        self._next = {text: texts[(at + 1) % len(texts)] for at, text in enumerate(texts)}

    def speak(self, text: str, language: str, voice: TeacherVoice, seed: int) -> Spoken:
        """Return another sentence as sound."""
        return self._teacher.speak(self._next[text], language, voice, seed)


def speech(verdict: Verdict, chance: Verdict, name: str) -> Iterator[Row]:
    """Yield the rows of what the machines heard; `name` says how Amharic was read."""
    for kind, pair in (("phone", verdict.phones), ("word", verdict.words)):
        yield from _heard(kind, pair)
    mode = f"Amharic read as {name}"
    distortion = chance.distortion(), verdict.distortion()
    yield row(
        f"{mode}: mel-cepstral distortion (peer: another sentence)", "dB", *distortion, goal=7
    )
    whole = verdict.whole()
    yield row(f"{mode}: sentences that neither stop early nor run on", "%", 100.0, whole, goal=90)
    yield row(f"{mode}: length of a sentence", "times the teacher's", 1.0, verdict.pace())
    yield row(f"{mode}: unevenness of pace", "octaves", chance.rhythm(), verdict.rhythm())


def _heard(kind: str, pair: Difference | None) -> Iterator[Row]:
    if pair is None:
        return
    yield row(f"English {kind} error", "%", pair.teacher, pair.ours)
    note = f"standard error {pair.error:.1f}"
    measure = f"English {kind} error, practice minus teacher"
    yield row(measure, "points", None, pair.points, goal=_GOALS[kind], note=note)


def likeness(speaker: ModelSpeaker, teacher: EspeakSpeaker, texts: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of telling voices apart and of imitating them, in Amharic."""
    embed = speaker.engine.embedding
    for title, voices in (("of its training", heard(APART)), ("never heard", unheard()[:APART])):
        apart = told_apart(teacher, voices, texts, embed)
        name = f"{len(voices)} voices {title}"
        yield row(f"speaker encoder, {name}: equal error rate", "%", 50.0, apart.equal_error)
        yield row(f"speaker encoder, {name}: right voice", "%", 100 / apart.voices, apart.accuracy)
        some = voices[:VOICES]
        found = imitation(speaker, teacher, some, texts, "am", embed)
        name = f"{len(some)} voices {title}"
        yield row(f"imitating {name}: right voice", "%", 100 / len(some), found.recognised)
        pitch = found.to_dict()["pitch_error"]
        peer = found.pitch_spread
        yield row(f"imitating {name}: pitch off by (peer: one for all)", "semitones", peer, pitch)


def size() -> Row:
    """Return the row of the weights in the repository."""
    folder = packed.WEIGHTS.parent
    total = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return row("size of the weights", "MB", None, total / 1e6, goal=40)


def judged(base: Path, quick: bool, mode: str, keep: Path | None) -> Iterator[Row]:
    """Yield the rows of what a base says.

    Args:
        base: Folder with the stock file set.
        quick: `QUICK` sentences of each language, and no imitation.
        mode: How it reads Amharic: `phonemes`, or `letters`, where English is not judged again.
        keep: Folder for `scores.json`.
    """
    teacher = EspeakSpeaker()
    texts: Texts = sentences(QUICK if quick else None)
    first = mode == "phonemes"
    if not first:
        texts = {"am": texts["am"]}
    judge = Judge(teacher, JUDGED, PhoneEar(), WordEar())
    with tempfile.TemporaryDirectory() as folder:
        speaker = ModelSpeaker.of_base(base, teacher, Path(folder), mode)
        verdict = judge.verdict(list(_told(judge.judge(speaker, texts))))
        amharic = {"am": texts["am"]}
        chance = judge.verdict(list(judge.judge(Swapped(teacher, texts["am"]), amharic)))
        if keep is not None:
            save(keep / mode, verdict)
        yield from speech(verdict, chance, mode)
        if first and not quick:
            yield from likeness(speaker, teacher, texts["am"][:_CLIPS])


def _told(judgements: Iterator[Judged]) -> Iterator[Judged]:
    for one in judgements:
        sys.stderr.write(json.dumps(one.to_dict(), ensure_ascii=False) + "\n")
        yield one


def rows(base: Path | None, quick: bool, keep: Path | None) -> Iterator[Row]:
    """Yield all rows; the clock and the learning are of the studio's own base alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = practice.build(Path(name) / "practice") if base is None else base
        for mode in ("phonemes", "letters"):
            yield from judged(folder, quick, mode, keep)
        yield size()
        if base is None:
            yield from clock(Path(name) / "clock", quick)
            yield from tuning(Path(name) / "tuning", folder, quick, keep)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Measure the practice base.")
    parser.add_argument("--quick", action="store_true", help="few sentences, few steps")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--base", type=Path, help="a folder to judge; no clock, no learning")
    parser.add_argument("--keep", type=Path, help="folder for sounds, pictures and scores")
    options = parser.parse_args(arguments)
    silence_advice()
    found: list[dict[str, Any]] = list(rows(options.base, options.quick, options.keep))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for entry in found:
        cells = (
            "-" if entry[key] is None else f"{entry[key]:g}" for key in ("peer", "ours", "goal")
        )
        print(f"{entry['measure']:75} {entry['unit']:20}" + "".join(f"{c:>10}" for c in cells))


if __name__ == "__main__":
    main()
