"""How well the check of spoken sentences tells right speech from planted faults.

    python -m benchmarks.speech_check [--quick] [--sentences N] [--json] [--data DIR]

espeak-ng says sentences and has voices that the limits were not set on, Amharic as our G2P reads
it; each sentence is checked as it is, and with one fault. Human English: the clips of DIR (default:
../shared/data/ljspeech, which is no part of the project); their faults are cut out of the sound.
There was no human Amharic at hand.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from amharic_tts.audio.read import read
from amharic_tts.espeak import client
from amharic_tts.g2p.say import for_espeak
from amharic_tts.synthesis.check import SentenceJudge
from amharic_tts.text.tables import rows

RATE = 24_000
DATA = Path(__file__).parents[2] / "shared" / "data" / "ljspeech"
VOICES = (("", 125, 50), ("f1", 150, 45), ("m7", 115, 60), ("Andrea", 165, 35))
"""Variant, words a minute, pitch."""
RIGHT = "right"
Sound = np.ndarray


def said(text: str, language: str, voice: tuple[str, int, int]) -> Sound:
    """Return a text as espeak-ng says it: float32 mono at `RATE`."""
    variant, speed, pitch = voice
    name = {"en": "en-us", "am": "am"}[language] + (f"+{variant}" if variant else "")
    texts = [for_espeak(text) if language == "am" else text]
    request = {"do": "pronounce", "voice": name, "speed": speed, "pitch": pitch, "texts": texts}
    answer = client.shared().ask(request)
    sound = np.frombuffer(base64.b64decode(answer["sound"]), dtype="<i2") / np.float32(32768)
    return np.asarray(soxr.resample(sound, answer["rate"], RATE), dtype=np.float32)


def sentences(language: str, count: int) -> list[str]:
    """Return sentences of the reading list with at least four words."""
    table = rows("amharic_tts.dataset", "coverage_sentences.tsv", ("text", "language"))
    found = [text for text, code in table if code == language and len(text.split()) >= 4]
    return found[:count]


def spoken(language: str, count: int) -> Iterator[tuple[str, str, Sound]]:
    """Yield kind, text and sound: right speech and every fault of each sentence."""
    texts = sentences(language, count)
    for number, text in enumerate(texts):
        pick = random.Random(number)
        voice = VOICES[number % len(VOICES)]
        words = text.split()
        # Not a word of one or two letters: "a" said or not is nobody's fault.
        shortest = 4 if language == "en" else 2
        inside = range(1, len(words) - 1)
        at = pick.choice([i for i in inside if len(words[i]) >= shortest] or list(inside))
        other = said(texts[(number + 5) % len(texts)], language, voice)
        sound = said(text, language, voice)

        def changed(*parts: Sequence[str], by: tuple[str, int, int] = voice) -> Sound:
            return said(" ".join(word for part in parts for word in part), language, by)

        yield RIGHT, text, sound
        yield RIGHT, text, said(text, language, VOICES[(number + 1) % len(VOICES)])
        yield "a word missing", text, changed(words[:at], words[at + 1 :])
        yield "two words missing", text, changed(words[: at - 1], words[at + 1 :])
        yield "last word missing", text, changed(words[:-1])
        yield "a word said twice", text, changed(words[: at + 1], words[at:])
        yield "two words said twice", text, changed(words[: at + 1], words[at - 1 :])
        yield "a second of another sentence after it", text, np.concatenate([sound, other[:RATE]])
        yield from _cuts(text, sound)
        yield "another sentence", text, other
        noise = np.random.default_rng(number).normal(0, 0.1, len(sound))
        yield "noise", text, noise.astype(np.float32)
        yield "silence", text, np.zeros(len(sound), dtype=np.float32)


def _cuts(text: str, sound: Sound) -> Iterator[tuple[str, str, Sound]]:
    for share in (15, 30, 50):
        left = sound[: len(sound) * (100 - share) // 100]
        yield f"the last {share} % cut off", text, left


def human(data: Path, count: int) -> Iterator[tuple[str, str, Sound]]:
    """Yield kind, text and sound of read English."""
    lines = (data / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = dict(line.split("|", 1) for line in lines)
    names = sorted(name for name in texts if (data / f"{name}.flac").exists())[:count]
    sounds = {name: read(data / f"{name}.flac", RATE) for name in names}
    for number, name in enumerate(names):
        sound, text = sounds[name], texts[name]
        middle = len(sound) // 2
        yield RIGHT, text, sound
        yield from _cuts(text, sound)
        gone = np.concatenate([sound[: middle - RATE // 4], sound[middle + RATE // 4 :]])
        yield "half a second missing", text, gone
        yield "a second said twice", text, np.concatenate([sound[:middle], sound[middle - RATE :]])
        yield "another sentence", text, sounds[names[(number + 5) % len(names)]]


def measure(made: Iterator[tuple[str, str, Sound]], language: str) -> dict[str, Any]:
    """Return how many of each kind have which verdict, and what checking costs."""
    judge = SentenceJudge()
    verdicts: dict[str, Counter[str]] = {}
    seconds = taken = 0.0
    for kind, text, sound in made:
        began = time.process_time()
        found = judge.judge(sound, RATE, text, language, cut=False)
        taken += time.process_time() - began
        seconds += len(sound) / RATE
        verdicts.setdefault(kind, Counter())[found.verdict] += 1
    return {"kinds": verdicts, "seconds": seconds, "cpu": taken / max(seconds, 1e-9)}


def table_rows(name: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the figures as rows of a benchmark."""
    kinds: dict[str, Counter[str]] = found["kinds"]
    right, faulty = kinds[RIGHT], {k: v for k, v in kinds.items() if k != RIGHT}
    planted = sum(sum(each.values()) for each in faulty.values())
    failed = sum(each["failed"] for each in faulty.values())
    noticed = failed + sum(each["doubtful"] for each in faulty.values())
    made = [
        ("right speech passed", right["ok"] / sum(right.values())),
        ("right speech told as failed", right["failed"] / sum(right.values())),
        ("faults told as failed (recall)", failed / planted),
        ("faults told as failed or doubtful", noticed / planted),
        ("told as failed and faulty (precision)", failed / max(1, failed + right["failed"])),
        *((f"{kind}: told as failed", n["failed"] / sum(n.values())) for kind, n in faulty.items()),
    ]
    shares = [(f"{name}: {measure}", "share", round(value, 3)) for measure, value in made]
    cost = (f"{name}: checking", "CPU s / s of sound", round(found["cpu"], 4))
    return [
        {"measure": what, "unit": unit, "peer": None, "ours": ours, "ratio": None, "goal": None}
        for what, unit, ours in [*shares, cost]
    ]


def benchmark_rows(quick: bool = False, count: int = 40, data: Path = DATA) -> list[dict[str, Any]]:
    """Measure and return the rows of the benchmark."""
    count = 5 if quick else count
    found = []
    for language, name in (("en", "English, espeak-ng"), ("am", "Amharic, espeak-ng")):
        found += table_rows(name, measure(spoken(language, count), language))
    if (data / "metadata.csv").is_file():
        found += table_rows("English, human", measure(human(data, count), "en"))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Planted faults in spoken sentences.")
    parser.add_argument("--quick", action="store_true", help="five sentences of each kind")
    parser.add_argument("--sentences", type=int, default=40, help="how many of each kind")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    found = benchmark_rows(options.quick, options.sentences, options.data)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for row in found:
        print(f"{row['ours']:8} {row['unit']:8} {row['measure']}")


if __name__ == "__main__":
    main()
