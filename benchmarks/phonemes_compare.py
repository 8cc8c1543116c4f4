"""How well comparing tells right texts from wrong ones, on read English speech.

    python -m benchmarks.phonemes_compare [--json] [--data DIR]

The clips of DIR (default: ../shared/data/ljspeech, which is no part of the project) are heard once
with the embedded model, then compared with their own text, with the text of another clip, and with
their own text where one word or some phones are changed; cut short, with a stretch said twice, and
with the beginning of another clip after them. The Amharic sentences of the sample project, said by
espeak-ng, are heard by the same model, which knows English alone.
AUC is the share of pairs (one right, one wrong) that a figure puts in the right order.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.audio.read import read
from amharic_tts.espeak import client
from amharic_tts.phonemes.align import compare
from amharic_tts.phonemes.expected import ExpectedWord, from_text
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE, Array
from amharic_tts.phonemes.notation import english
from amharic_tts.phonemes.scores import Agreement, agreement, said
from amharic_tts.text.tables import rows

DATA = Path(__file__).parents[2] / "shared" / "data" / "ljspeech"
CUT, STRETCH = 0.7, 1.0
"""Share of a clip that is left of it where its end is cut; seconds that are said twice."""


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Return the share of pairs whose right one is higher; a tie counts half."""
    better = np.subtract.outer(np.array(right), np.array(wrong))
    return float(((better > 0) + 0.5 * (better == 0)).mean())


def changed_phones(
    words: Sequence[ExpectedWord], share: float, pick: random.Random
) -> tuple[list[ExpectedWord], list[bool]]:
    """Return the words with some phones replaced by others, and which ones were."""
    phones = sorted(english())
    made, which = [], []
    for word in words:
        new = []
        for phone in word.phones:
            wrong = pick.random() < share
            new.append(pick.choice([p for p in phones if p != phone]) if wrong else phone)
            which.append(wrong)
        made.append(replace(word, phones=tuple(new)))
    return made, which


def measure(data: Path) -> dict[str, Any]:
    """Return the figures."""
    lines = (data / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = dict(line.split("|", 1) for line in lines)
    names = sorted(name for name in texts if (data / f"{name}.flac").exists())
    extractor = PhonemeExtractor(model="embedded")
    sounds = {name: read(data / f"{name}.flac", RATE) for name in names}
    wanted = {name: from_text(texts[name], "en") for name in names}
    seconds = sum(len(sound) / RATE for sound in sounds.values())
    began = time.process_time()
    heard = {name: extractor.hear(sounds[name], RATE) for name in names}
    hearing = time.process_time() - began
    began = time.process_time()
    right = [compare(heard[n][0], wanted[n], heard[n][1]) for n in names]
    comparing = time.process_time() - began
    others = names[7:] + names[:7]
    wrong = [
        compare(heard[n][0], wanted[o], heard[n][1]) for n, o in zip(names, others, strict=True)
    ]
    plain = [compare(heard[n][0], wanted[n]) for n in names]
    return {
        "clips": len(names),
        "seconds": round(seconds, 1),
        "cpu_per_second_hearing": round(hearing / seconds, 4),
        "cpu_per_second_comparing": round(comparing / seconds, 5),
        **{f"{k}_right": _spread([getattr(c, k) for c in right]) for k in ("per", "pfer", "score")},
        **{f"{k}_wrong": _spread([getattr(c, k) for c in wrong]) for k in ("per", "pfer", "score")},
        "auc_per": auc([-c.per for c in right], [-c.per for c in wrong]),
        "auc_pfer": auc([-c.pfer for c in right], [-c.pfer for c in wrong]),
        "auc_score": auc([c.score for c in right], [c.score for c in wrong]),
        "score_without_posteriors": _spread([c.score for c in plain]),
        **_phones(names, heard, wanted),
        **_words(names, heard, wanted),
        **_amharic(extractor),
        **_whole(names, sounds, texts, [agreement(c) for c in right], extractor),
    }


def _spread(values: Sequence[float]) -> list[float]:
    """Return the smallest, the median and the largest."""
    return [round(float(v), 3) for v in np.quantile(values, [0, 0.5, 1])]


def _phones(names: Sequence[str], heard: Any, wanted: Any) -> dict[str, Any]:
    pick = random.Random(0)
    good: list[float] = []
    bad: list[float] = []
    for name in names:
        words, which = changed_phones(wanted[name], 0.05, pick)
        found = [r for r in compare(heard[name][0], words, heard[name][1]).rows if r.wanted]
        for row, is_wrong in zip(found, which, strict=True):
            (bad if is_wrong else good).append(row.score)
    return {"changed_phones": len(bad), "auc_changed_phones": round(auc(good, bad), 4)}


def _words(names: Sequence[str], heard: Any, wanted: Any) -> dict[str, Any]:
    """Replace one word of at least four phones by another one; is its score the lowest?"""
    pick = random.Random(0)
    every = [w for name in names for w in wanted[name] if len(w.phones) >= 4]
    lowest, tried = 0, 0
    for name in names:
        words = list(wanted[name])
        for at in [i for i, w in enumerate(words) if len(w.phones) >= 4][:5]:
            other = pick.choice([w for w in every if w.phones[0] != words[at].phones[0]])
            scores = compare(
                heard[name][0], [*words[:at], other, *words[at + 1 :]], heard[name][1]
            ).words
            longer = [i for i, w in enumerate(words) if len(w.phones) >= 3 or i == at]
            lowest += min(longer, key=lambda i: scores[i].score) == at
            tried += 1
    return {"changed_words": tried, "changed_word_has_lowest_score": lowest}


def _whole(
    names: Sequence[str],
    sounds: dict[str, Array],
    texts: dict[str, str],
    right: Sequence[Agreement],
    extractor: PhonemeExtractor,
) -> dict[str, Any]:
    def agreements(change: Any) -> list[Agreement]:
        return [said(change(sounds[n]), RATE, texts[n], "en", extractor) for n in names]

    cut = agreements(lambda x: x[: int(len(x) * CUT)])
    size = int(STRETCH * RATE)
    twice = agreements(lambda x: np.concatenate([x[: len(x) // 2], x[len(x) // 2 - size :]]))
    strange = dict(
        zip(names, [sounds[n][: 2 * size] for n in (*names[9:], *names[:9])], strict=True)
    )
    more = [
        said(np.concatenate([sounds[n], strange[n]]), RATE, texts[n], "en", extractor)
        for n in names
    ]
    return {
        "missing_end": [sum(a.missing_end for a in group) for group in (right, cut)],
        "extra_phones": [sum(a.extra_phones > 0 for a in group) for group in (right, twice, more)],
        "repeats": [sum(a.repeats > 0 for a in group) for group in (right, twice, more)],
    }


def _amharic(extractor: PhonemeExtractor) -> dict[str, Any]:
    table = rows("amharic_tts.dataset", "sample_sentences.tsv", ("id", "text"))
    texts = [text for _, text in table if len(text) > 15][:24]
    right, wrong = [], []
    for text, other in zip(texts, texts[5:] + texts[:5], strict=True):
        request = {"do": "pronounce", "voice": "am", "speed": 120, "pitch": 50, "texts": [text]}
        answer = client.shared().ask(request)
        sound = np.frombuffer(base64.b64decode(answer["sound"]), dtype="<i2")
        right.append(said(sound, answer["rate"], text, "am", extractor))
        wrong.append(said(sound, answer["rate"], other, "am", extractor))
    return {
        "amharic_sentences": len(texts),
        "amharic_per": [_spread([a.per for a in group]) for group in (right, wrong)],
        "amharic_score": [_spread([a.score for a in group]) for group in (right, wrong)],
        "amharic_auc_per": auc([-a.per for a in right], [-a.per for a in wrong]),
        "amharic_auc_score": auc([a.score for a in right], [a.score for a in wrong]),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Right texts against wrong ones.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.data / "metadata.csv").is_file():
        raise SystemExit(f"There are no clips in {options.data}")
    figures = measure(options.data)
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
