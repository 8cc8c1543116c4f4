"""Faults planted into clips: how many does the check find, and where does it cry wolf?

    python -m benchmarks.dataset_faults [--quick] [--json] [--data DIR] [--kind NAME]... \
        [--no-phones]

Human English: the clips of DIR (default: ../shared/data/ljspeech, which is no part of the project).
Amharic: the sentences of the sample project, said by espeak-ng, since no human Amharic was at hand.
For each kind of fault a quarter of the clips gets it, drawn by a seed, and the others stay clean.
Recall: faulty clips with a finding of that kind, over faulty clips. Precision: faulty clips among
those with such a finding. A fault that two findings can tell counts with either.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.audio.read import RATE, Samples, read
from amharic_tts.dataset.checks.clip import Item, measured
from amharic_tts.dataset.checks.judge import judge
from amharic_tts.dataset.checks.record import Record
from amharic_tts.dataset.clips import to_pcm, write_wav
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.espeak import client
from amharic_tts.text.normalize import normalize
from amharic_tts.text.tables import rows
from benchmarks.planted import KINDS, Clip, Kind, sha

DATA = Path(__file__).parents[2] / "shared" / "data" / "ljspeech"
SHARE = 4
"""One clip in so many gets the fault."""
MODEL = "embedded"


def english(data: Path) -> list[Clip]:
    """Return the clips of read English."""
    lines = (data / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = dict(line.split("|", 1) for line in lines)
    found = sorted(name for name in texts if (data / f"{name}.flac").exists())
    return [Clip(name, read(data / f"{name}.flac"), texts[name], "en") for name in found]


def amharic(count: int) -> list[Clip]:
    """Return sentences that espeak-ng says."""
    table = list(rows("amharic_tts.dataset", "sample_sentences.tsv", ("id", "text")))
    chosen = [(id, text) for id, text in table if len(text) > 15][:count]
    return [Clip(id, spoken(text, "am"), text, "am") for id, text in chosen]


def spoken(text: str, voice: str, pitch: int = 50, speed: int = 130) -> Samples:
    """Return a text as espeak-ng says it, with a little noise of a room."""
    import soxr

    request = {"do": "pronounce", "voice": voice, "speed": speed, "pitch": pitch, "texts": [text]}
    answer = client.shared().ask(request)
    sound = np.frombuffer(base64.b64decode(answer["sound"]), dtype="<i2") / np.float32(32768)
    sound = np.asarray(soxr.resample(sound, answer["rate"], RATE), dtype=np.float32)
    quiet = np.zeros(round(0.15 * RATE), dtype=np.float32)
    sound = np.concatenate([quiet, 0.5 * sound, quiet])
    noise = np.random.default_rng(len(text)).normal(0, 3e-4, len(sound))
    return np.asarray(sound + noise, dtype=np.float32)


class Bench:
    """Clean clips of one language, measured once."""

    def __init__(self, clips: Sequence[Clip], folder: Path, model: str) -> None:
        self.folder, self.language, self.model = folder, clips[0].language, model
        self.clips = {clip.id: clip for clip in clips}
        began = time.process_time()
        self.clean = {clip.id: self._measured(clip, "") for clip in clips}
        self.seconds = sum(len(clip.samples) for clip in clips) / RATE
        self.cpu = (time.process_time() - began) / self.seconds

    def _measured(self, clip: Clip, kind: str) -> tuple[Utterance, Record]:
        wav = self.folder / f"{kind}-{clip.id}.wav"
        pcm = to_pcm(np.clip(clip.samples, -1, 1))
        write_wav(wav, pcm)
        text = normalize(clip.text, clip.language).text
        row = Utterance(clip.id, f"wavs/{wav.name}", clip.text, text, speaker="s")
        row = dataclasses.replace(row, audio_hash=clip.hash or sha(pcm))
        model = self.model if not clip.silent else ""
        item = Item(row.id, str(wav), clip.text, text, clip.language, row.audio_hash, model)
        return row, measured(item)

    def found(self, kind: Kind, seed: int) -> dict[str, Any]:
        """Plant a kind of fault and return what was found of it."""
        pick = random.Random(f"{seed}{kind.name}")
        ids = pick.sample(sorted(self.clips), len(self.clips) // SHARE)
        table = dict(self.clean)
        for id in ids:
            others = [clip for clip in self.clips.values() if clip.id != id]
            faulty = kind.plant(self.clips[id], pick, others)
            if faulty is None:
                continue
            if faulty.id != id:  # a clip more, such as a twin
                table.pop(sorted(set(self.clips) - set(ids))[0], None)
            table[faulty.id] = self._measured(faulty, kind.name)
        planted = {id for id in table if id not in self.clips or table[id] is not self.clean[id]}
        dataset = Dataset(
            self.folder, self.language, utterances=tuple(r for r, _ in table.values())
        )
        notes = judge(dataset, {id: record for id, (_, record) in table.items()})
        told = {id for id, found in notes.items() if {n["code"] for n in found} & kind.codes}
        return {
            "kind": kind.name,
            "codes": sorted(kind.codes),
            "planted": len(planted),
            "found": len(told & planted),
            "false": len(told - planted),
            "missed": sorted(planted - told),
        }

    def quiet(self) -> dict[str, list[str]]:
        """Return what is found in the clean clips: all of it is a false alarm, or a real fault."""
        table = [row for row, _ in self.clean.values()]
        dataset = Dataset(self.folder, self.language, utterances=tuple(table))
        notes = judge(dataset, {id: record for id, (_, record) in self.clean.items()})
        return {id: [n["code"] for n in found] for id, found in notes.items() if found}


def measure(data: Path, quick: bool, names: Sequence[str], model: str) -> dict[str, Any]:
    """Return the figures of every kind, or of those that are named, in both languages."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for language in ("en", "am"):
            if language == "en" and not (data / "metadata.csv").is_file():
                continue
            folder = Path(name) / language
            folder.mkdir()
            clips = english(data) if language == "en" else amharic(24)
            bench = Bench(clips[:8] if quick else clips, folder, model)
            kinds = [kind for kind in KINDS if language in kind.languages]
            kinds = [kind for kind in kinds if not names or kind.name in names]
            result[language] = {
                "clips": len(bench.clips),
                "seconds": round(bench.seconds, 1),
                "cpu_per_second": round(bench.cpu, 4),
                "clean": bench.quiet(),
                "kinds": [bench.found(kind, 0) for kind in kinds],
            }
    return result


def table_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the figures as rows of a benchmark."""
    made = []
    for language, figures in result.items():
        planted = sum(kind["planted"] for kind in figures["kinds"])
        found = sum(kind["found"] for kind in figures["kinds"])
        false = sum(kind["false"] for kind in figures["kinds"])
        for what, value in (("recall", found / planted), ("precision", found / (found + false))):
            measure = f"planted faults, {len(figures['kinds'])} kinds, {language}: {what}"
            made.append({"measure": measure, "unit": "", "ours": round(value, 3), "goal": None})
        cost = {"measure": f"deep check with phones, {language}", "unit": "CPU s / s of sound"}
        made.append({**cost, "ours": figures["cpu_per_second"], "goal": None})
    return [{**row, "peer": None, "ratio": None} for row in made]


def benchmark_rows(quick: bool = False, data: Path = DATA) -> list[dict[str, Any]]:
    """Measure every kind and return the rows of the benchmark."""
    return table_rows(measure(data, quick, (), MODEL))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Planted faults, found and missed.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="a third of the clips")
    parser.add_argument("--kind", action="append", default=[], help="only this kind; repeat it")
    parser.add_argument("--no-phones", action="store_true", help="hear no phones")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    model = "" if options.no_phones else MODEL
    result = measure(options.data, options.quick, options.kind, model)
    if options.json:
        print(json.dumps(table_rows(result), ensure_ascii=False, indent=1))
        return
    for language, figures in result.items():
        head = f"{figures['clips']} clips, {figures['seconds']} s, {figures['cpu_per_second']} CPU"
        print(f"{language}: {head}; in clean clips: {figures['clean']}")
        for kind in figures["kinds"]:
            counts = f"{kind['found']:3} of {kind['planted']:3} found, {kind['false']} false"
            print(f"  {kind['kind']:22} {counts}  {' '.join(kind['missed'])}")


if __name__ == "__main__":
    main()
