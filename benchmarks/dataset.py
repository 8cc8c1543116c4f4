"""From recordings to measured clips: speed against librosa, and memory for a very long recording.

    python -m benchmarks.dataset [--quick] [--json] [--hours H]

Both sides do the same to the same file, one core, in turns, each round in a process of its own:
decode, mix to mono, resample to 22,050 Hz, cut, and measure every clip (length, peak, level,
clipped share, silence at both ends). The rows on known times give both sides the same times; in
those on pauses each side finds them its own way: librosa by level (`librosa.effects.split`), ours
by silero-vad's network. CPU seconds of the process count, without
its start; a shared machine makes wall times noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
RATE = 22050
SOURCE_RATE = 44_100
CLIP_SECONDS = 6.0
FORMATS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III")}
MEASURES = ("duration", "peak", "rms", "clipped", "start", "end")

Samples = NDArray[np.float32]


def speech(folder: Path) -> Samples:
    """Return a minute of the sample project's sentences, by espeak-ng, shape ``(n,)``."""
    import soxr

    from amharic_tts.dataset.sample import run_espeak, sentences

    path = folder / "voice.wav"
    one = {"out": str(path), "voice": "am", "speed": 140, "pitch": 42, "texts": sentences()[:30]}
    run_espeak({"gap": 0.5, "recordings": [one]})
    samples, rate = soundfile.read(path, dtype="float32")
    long = soxr.resample(samples, rate, SOURCE_RATE)
    noise = np.random.default_rng(0).normal(0, 0.0005, 60 * SOURCE_RATE)
    return (np.resize(long, 60 * SOURCE_RATE) + noise).astype(np.float32)


def write(path: Path, minute: Samples, minutes: float) -> None:
    """Write a stereo file of so many minutes, block by block."""
    kind, subtype = FORMATS[path.suffix[1:]]
    stereo = np.stack([minute, minute * 0.9], axis=1)
    with soundfile.SoundFile(path, "w", SOURCE_RATE, 2, subtype, format=kind) as file:
        whole = int(minutes)
        for _ in range(whole):
            file.write(stereo)
        file.write(stereo[: round((minutes - whole) * len(stereo))])


def known(seconds: float) -> Iterator[tuple[float, float]]:
    """Yield the times of clips that subtitles would give."""
    at = 0.0
    while at + CLIP_SECONDS <= seconds:
        yield at, at + CLIP_SECONDS
        at += CLIP_SECONDS + 0.5


def ours(path: Path, pauses: bool, cache: Path) -> int:
    """Decode, resample, cut and measure the way a build does; return the number of clips."""
    from amharic_tts.audio.measure import measure
    from amharic_tts.audio.read import AudioStream, probe
    from amharic_tts.dataset.cut_settings import CutSettings
    from amharic_tts.dataset.cutting import Cut, cut
    from amharic_tts.dataset.planning import planned
    from amharic_tts.dataset.sources import Recording
    from amharic_tts.dataset.subtitles import Cue

    if pauses:
        recording = Recording(path, path.name, [], CutSettings())
        for step in planned(recording, cache):
            if isinstance(step, Recording):
                recording = step
        cues = recording.cues
    else:
        seconds = probe(path).duration or 0.0
        cues = [Cue(n, start, end, "x") for n, (start, end) in enumerate(known(seconds))]
    made = 0
    for item in cut(AudioStream(path), list(enumerate(cues))):
        if isinstance(item, Cut) and item.samples is not None:
            measure(item.samples, RATE)
            made += 1
    return made


def theirs(path: Path, pauses: bool, cache: Path) -> int:
    """Do the same by librosa, the way its documentation does; return the number of clips."""
    import librosa

    samples, _ = librosa.load(path, sr=RATE, mono=True)
    if pauses:
        spans = librosa.effects.split(samples, top_db=40).tolist()
    else:
        spans = [(round(a * RATE), round(b * RATE)) for a, b in known(len(samples) / RATE)]
    for start, end in spans:
        clip = samples[start:end]
        _, kept = librosa.effects.trim(clip, top_db=40)
        level = librosa.feature.rms(y=clip)
        values = (
            librosa.get_duration(y=clip, sr=RATE),
            np.abs(clip).max(),
            float(np.sqrt(np.mean(level**2))),
            np.mean(np.abs(clip) >= 0.999),
            kept[0] / RATE,
            (len(clip) - kept[1]) / RATE,
        )
        assert len(values) == len(MEASURES)
    return len(spans)


SIDES: dict[str, Callable[[Path, bool, Path], int]] = {"ours": ours, "librosa": theirs}


def warm(side: str, folder: Path) -> None:
    """Do everything once on a second of sound: imports, and what is compiled on first use."""
    path = folder / f"warm-{side}.wav"
    random = np.random.default_rng(0)
    soundfile.write(path, random.normal(0, 0.1, (4 * SOURCE_RATE, 2)), SOURCE_RATE)
    for pauses in (True, False):
        SIDES[side](path, pauses, folder / "warm")


def child(side: str, path: Path, pauses: bool) -> None:
    """Measure one side in this process and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        warm(side, Path(name))
        before, began = time.process_time(), time.monotonic()
        clips = SIDES[side](path, pauses, Path(name) / "cache")
        took = {"cpu": time.process_time() - before, "wall": time.monotonic() - began}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**took, "clips": clips, "peak_mb": peak}))


def measured(side: str, path: Path, pauses: bool) -> dict[str, float]:
    """Run `child` on one core and return what it printed."""
    argv = [sys.executable, "-m", "benchmarks.dataset", "--child", side, "--file", str(path)]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    argv += ["--pauses"] if pauses else []
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed_rows(folder: Path, minutes: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield hours of sound an hour and core, for both ways to cut and every format."""
    minute = speech(folder)
    for kind in FORMATS:
        path = folder / f"talk.{kind}"
        write(path, minute, minutes)
        seconds = soundfile.info(path).duration
        for pauses in (False, True):
            took: dict[str, list[float]] = {side: [] for side in SIDES}
            for _ in range(rounds):
                for side in SIDES:
                    took[side].append(measured(side, path, pauses)["cpu"])
            ratios = [b / a for a, b in zip(took["ours"], took["librosa"], strict=True)]
            how = "at pauses" if pauses else "at known times"
            yield row(
                f"decode, resample, cut {how}, measure: {kind}, 44.1 kHz stereo",
                "hours of sound an hour and core",
                seconds / statistics.median(took["librosa"]),
                seconds / statistics.median(took["ours"]),
                statistics.median(ratios),
                "3x librosa, 200 / 10x, 600",
            )


def memory_row(folder: Path, hours: float) -> dict[str, Any]:
    """Return the peak memory of building a dataset of one long recording, cut at its pauses."""
    path = folder / "long.flac"
    write(path, speech(folder), hours * 60)
    code = (
        "import json, resource, sys\nfrom pathlib import Path\n"
        "from amharic_tts.dataset.cut_settings import Cutting\n"
        "from amharic_tts.dataset.prepare import BuildRequest, build\n"
        "from amharic_tts.workspace import Workspace\n"
        f"space = Workspace.open(Path({str(folder / 'space')!r}))\n"
        f"request = BuildRequest((Path({str(path)!r}),), 'long', cutting=Cutting())\n"
        "last = [event for event in build(space, request)][-1]\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "print(json.dumps({'peak': peak, 'rows': last.result['rows']}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the long build failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    name = f"peak memory of a build, {hours:g} h recording cut at pauses, {found['rows']} clips"
    return row(name, "MB", None, found["peak"], None, "1000 / 500")


def row(
    measure: str, unit: str, peer: float | None, ours: float, ratio: float | None, goal: str
) -> dict[str, Any]:
    """Return one row of the result."""

    def short(value: float | None) -> float | None:
        return None if value is None else round(value, 2 if value < 10 else 0)

    return {
        "measure": measure,
        "unit": unit,
        "peer": short(peer),
        "ours": short(ours),
        "ratio": short(ratio),
        "goal": goal,
    }


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Speed and memory of preparing a dataset.")
    parser.add_argument("--quick", action="store_true", help="shorter recordings, one round")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--hours", type=float, default=10.0, help="length of the long recording")
    parser.add_argument("--speed-only", action="store_true", help="leave the long recording out")
    parser.add_argument("--memory-only", action="store_true", help="only the long recording")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pauses", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.file, options.pauses)
        return
    minutes, rounds, hours = (2.0, 1, 0.2) if options.quick else (20.0, 3, options.hours)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        if not options.memory_only:
            rows += speed_rows(Path(name), minutes, rounds)
        if not options.speed_only:
            rows.append(memory_row(Path(name), hours))
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for entry in rows:
        peer = "–" if entry["peer"] is None else f"{entry['peer']:g}"
        ratio = "–" if entry["ratio"] is None else f"{entry['ratio']:g}x"
        print(f"{entry['measure']:70} {peer:>8} {entry['ours']:>8g} {ratio:>7}  {entry['unit']}")


if __name__ == "__main__":
    main()
