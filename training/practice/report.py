"""The model card of the practice base: what it is made of, how it was judged, pictures and sounds.

    python -m training.practice.report BASE --out FOLDER

judges the base and writes `MODEL_CARD.md` with its pictures (PNG) and sounds (MP3) into FOLDER.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from amharic_tts.errors import StudioError, UserError
from amharic_tts.files import write_text, writing
from amharic_tts.phonemes import plots
from amharic_tts.phonemes.models.base import RATE as PICTURE_RATE
from amharic_tts.synthesis.engine import RATE
from training.practice.evidence import Evidence, Example, gather
from training.practice.hearing import PhoneEar, WordEar
from training.practice.judge import Judge, Verdict, sentences
from training.practice.likeness import Imitation, Separation
from training.practice.speakers import EspeakSpeaker, ModelSpeaker, silence_advice
from training.practice.voices import JUDGED

CARD = "MODEL_CARD.md"
_APART = ("", "voices", "clips", "equal error rate", "right voice", "same", "different")
_IMITATED = ("", "sentences", "right voice", "cosine", "pitch off by", "if it had one voice")
_GAP = 6
"""Rows of pixels between two spectrograms."""
_ZOOM = 2
"""Pixels of a picture for each 10 ms, and for each 62.5 Hz."""
_HEAD = """\
# The practice base: a small XTTS that speaks

**A synthetic practice voice, whose teacher is the program espeak-ng.** It has the classes and the
files of coqui's XTTS v2, so that what works with it works with the real base too, but it is small
enough to be trained, and heard, on two processor cores."""
_LIMITS = (
    "It sounds like a machine: its teacher is a formant synthesiser, and it has heard nothing "
    "else. It is for learning, for tests and for trying the studio, not for listeners.",
    "It knows English and Amharic only, and Amharic as rules read it: a consonant that is long "
    "without being written so may come out short.",
    "Human voices were in none of its training; how it imitates them was not measured.",
    "Numbers, abbreviations and foreign words are only as good as the text normaliser.",
    "No person has rated it; all figures are of machines.",
)
_LICENCE = """\
## Licence

The weights are this project's own (Apache-2.0), trained from nothing. The teacher, espeak-ng, is a
program under GPL-3.0-or-later that runs by itself; none of its code or data is in the weights'
files. Whether its licence says anything about weights that learned from its sound was not looked
into by a lawyer."""
_SEEN = """\
## Heard and seen

Spectrograms up to 8 kHz, on one scale of time in each picture: dark is loud, the bars in the
vowels are their formants."""


def picture(sounds: Sequence[np.ndarray]) -> bytes:
    """Return the spectrograms of sounds under each other, on one scale of time, as a PNG.

    Args:
        sounds: Float mono at 24 kHz, the top one first.
    """
    drawn = [plots.spectrogram(soxr.resample(sound, RATE, PICTURE_RATE))[::-1] for sound in sounds]
    width = max(one.shape[1] for one in drawn)
    strips = []
    for one in drawn:
        strength = (one + plots.RANGE_DB) / plots.RANGE_DB
        strips += [
            np.pad(strength, ((0, 0), (0, width - one.shape[1]))),
            np.zeros((_GAP, width), dtype=np.float32),
        ]
    levels = plots.shades(np.concatenate(strips[:-1])).repeat(_ZOOM, 0).repeat(_ZOOM, 1)
    return plots.png(levels, plots.palette(plots.SOUND_INK), veiled=False)


def mp3(samples: np.ndarray) -> bytes:
    """Return float mono samples at 24 kHz as an MP3 of about 10 kB a second, which all browsers
    play."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), RATE, format="MP3", subtype="MPEG_LAYER_III")
    return file.getvalue()


def write(folder: Path, evidence: Evidence) -> Path:
    """Write the card with its pictures and sounds, and return its path.

    Raises:
        UserError: The disk is full or can't be written.
    """
    write_examples(folder, evidence.examples)
    path = folder / CARD
    write_text(path, card(evidence))
    return path


def write_examples(folder: Path, examples: Sequence[Example]) -> None:
    """Write the pictures and the sounds of examples.

    Raises:
        UserError: The disk is full or can't be written.
    """
    for example in examples:
        _put(folder / f"{example.name}.png", picture(list(example.sounds.values())))
        for title, sound in example.sounds.items():
            _put(folder / _sound_name(example, title), mp3(sound))


def _put(path: Path, content: bytes) -> None:
    with writing(path) as file:
        file.write(content)


def _sound_name(example: Example, title: str) -> str:
    return f"{example.name}-{title.replace(' ', '-')}.mp3"


def card(evidence: Evidence) -> str:
    """Return the card as Markdown."""
    parts = [
        _HEAD,
        _section("Made from", [f"{key}: {value}" for key, value in evidence.made_from.items()]),
        "## Measured\n\n" + "\n\n".join(_measured(evidence)),
        _pictures(evidence.examples),
        _section("What it can't do", _LIMITS),
        _LICENCE,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


def _measured(evidence: Evidence) -> Iterator[str]:
    verdict = evidence.verdict
    if verdict is None:
        yield "How well it speaks: not measured."
    else:
        yield (
            "Sentences that no training had, in the plainest of the teacher's voices, each said "
            "once. The machines that listen know human speech alone and hear the teacher badly "
            "too: only the difference counts."
        )
        yield _table(("", "teacher", "practice base", "difference"), _speech(verdict))
    if evidence.separations:
        yield "Does its speaker encoder tell the teacher's voices apart?"
        yield _table(_APART, [_apart(name, s) for name, s in evidence.separations.items()])
    if evidence.imitations:
        yield (
            "Does it imitate the voice of a reference clip? *Right voice*: how often its encoder "
            "takes the sentence for the voice that was asked for."
        )
        yield _table(_IMITATED, [_imitated(name, i) for name, i in evidence.imitations.items()])


def _speech(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    for title, pair in (
        ("English phones heard wrong", verdict.phones),
        ("English words heard wrong (small Whisper)", verdict.words),
    ):
        if pair is None:
            yield title, "not measured", "not measured", ""
        else:
            difference = f"{pair.points:+.1f} points (±{pair.error:.1f})"
            yield title, f"{pair.teacher:.1f} %", f"{pair.ours:.1f} %", difference
    for code, name in (("am", "Amharic"), ("en", "English")):
        if not verdict.of(code):
            continue
        yield f"{name}, mel-cepstral distortion", "0", _figure(verdict.distortion(code), "dB"), ""
        yield f"{name}, sentences that are whole", "100 %", _figure(verdict.whole(code), "%"), ""
        yield f"{name}, length of a sentence", "1", _figure(verdict.pace(code), "times"), ""


def _figure(value: float | None, unit: str) -> str:
    return "not measured" if value is None else f"{value:.2f} {unit}"


def _apart(name: str, found: Separation) -> tuple[str, ...]:
    shares = f"{found.equal_error:.1f} %", f"{found.accuracy:.1f} %"
    cosines = f"{found.same:.2f}", f"{found.different:.2f}"
    return (name, str(found.voices), str(found.clips), *shares, *cosines)


def _imitated(name: str, found: Imitation) -> tuple[str, ...]:
    off = f"{found.pitch_error:.1f}" if np.isfinite(found.pitch_error) else "no pitch"
    return (
        name,
        str(len(found.sentences)),
        f"{found.recognised:.0f} %",
        f"{found.likeness:.2f}",
        f"{off} semitones",
        f"{found.pitch_spread:.1f} semitones",
    )


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _pictures(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    parts = [_SEEN]
    for example in examples:
        order = ", ".join(example.sounds)
        links = " · ".join(f"[{title}]({_sound_name(example, title)})" for title in example.sounds)
        parts.append(
            f"{example.text}\n\n![From top to bottom: {order}]({example.name}.png)\n\n"
            f"From top to bottom: {order}. Listen: {links}"
        )
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a base and write its card; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the model card of a practice base.")
    parser.add_argument("base", type=Path, help="folder with the stock file set")
    parser.add_argument("--out", type=Path, required=True, help="folder of the card")
    parser.add_argument("--made-from", type=Path, help="JSON: what it was made from, by name")
    parser.add_argument("--sentences", type=int, help="of each language; all by default")
    parser.add_argument("--text-mode", default="phonemes", help="how the model reads Amharic")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    teacher = EspeakSpeaker()
    judge = Judge(teacher, JUDGED, PhoneEar(), WordEar())
    try:
        told = _told(options.made_from)
        silence_advice()
        with tempfile.TemporaryDirectory() as folder:
            speaker = ModelSpeaker.of_base(
                options.base, teacher, Path(folder), options.text_mode, options.device
            )
            texts = sentences(options.sentences)
            found = gather(speaker, judge, texts, speaker.engine.embedding, _tell)
        path = write(options.out, replace(found, made_from=told))
    except StudioError as error:
        _tell(str(error))
        return error.exit_code
    sys.stdout.write(f"{path}\n")
    return 0


def _told(path: Path | None) -> dict[str, str]:
    """Return what a JSON file says of how the base was made.

    Raises:
        UserError: It can't be read, or is no table.
    """
    if path is None:
        return {}
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"`{path}` can't be read: {error}") from None
    if not isinstance(body, dict):
        raise UserError(f"`{path}` is no JSON object", "Give one with a line for each fact")
    return {str(key): str(value) for key, value in body.items()}


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
