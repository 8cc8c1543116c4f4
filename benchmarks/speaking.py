"""How fast a voice speaks beside stock coqui, and what int8 changes.

    python -m benchmarks.speaking [--quick] [--json]

A voice of the released size (30 blocks of 1024) with random weights that never stops by itself:
both sides write the same number of codes for the same ten words. Peer and ours alternate in one
process; memory is measured in a process of its own for each. `--quick` takes 4 blocks. Ratios:
higher is better, but for memory and the first sound, which are ours over the peer's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

TEXT = "the quick brown fox jumps over the lazy dog again"
CODES = 70
"""Of ten words, 3.3 s of speech."""

Row = dict[str, Any]


def row(
    measure: str, unit: str, peer: float | None, ours: float | None, goal: str, down: bool = False
) -> Row:
    """Return one row; `down`: less is better, and the ratio is ours over the peer's."""
    ratio = None
    if peer and ours:
        ratio = round(ours / peer, 3)
    shown = [None if value is None else round(value, 3) for value in (peer, ours)]
    name = measure + (" (ours / peer: less is better)" if down else "")
    return {
        "measure": name,
        "unit": unit,
        "peer": shown[0],
        "ours": shown[1],
        "ratio": ratio,
        "goal": goal,
    }


class Sides:
    """Stock coqui and our engine on one voice."""

    def __init__(self, voice: Path, device: str) -> None:
        from TTS.tts.configs.xtts_config import XttsConfig
        from TTS.tts.models.xtts import Xtts

        from amharic_tts.synthesis.engine import SpeechEngine

        config = XttsConfig()
        config.load_json(voice / "config.json")
        self.stock = Xtts(config)
        self.stock.load_checkpoint(config, checkpoint_dir=voice, eval=True, strict=True)
        self.stock.to(device)
        self.device, self.config = device, config
        self.engine = SpeechEngine.load(voice, device)
        self.engine.most_codes = CODES
        self.latents, self.speaker = heard(self.stock, voice / "reference.wav")

    def stock_codes(self) -> float:
        """Return codes a second of stock's loop, its conditioning not counted."""
        import torch

        text = torch.tensor([self.engine.encoder().encode(TEXT)], device=self.device)
        began = time.perf_counter()
        with torch.inference_mode():
            self.stock.gpt.generate(
                cond_latents=self.latents,
                text_inputs=text,
                do_sample=True,
                top_p=self.config.top_p,
                top_k=self.config.top_k,
                temperature=self.config.temperature,
                repetition_penalty=self.config.repetition_penalty,
                max_new_tokens=CODES,
            )
        _wait(self.device)
        return CODES / (time.perf_counter() - began)

    def our_codes(self, together: int) -> float:
        """Return codes a second of our loop for so many sentences at once."""
        from amharic_tts.synthesis.model.drawing import Drawing
        from amharic_tts.synthesis.model.writing import Line, write
        from amharic_tts.synthesis.request import Sampling

        tokens = tuple(self.engine.encoder().encode(TEXT))
        lines = [Line(tokens, seed, CODES) for seed in range(together)]
        drawing = Drawing.of(Sampling(), self.config)
        began = time.perf_counter()
        steps = sum(1 for _ in write(self.engine._runner, self.latents, lines, drawing))
        _wait(self.device)
        assert steps == together * CODES
        return steps / (time.perf_counter() - began)

    def stock_whole(self) -> float:
        """Return seconds from the text to all of its sound."""
        began = time.perf_counter()
        self.stock.inference(
            TEXT,
            "en",
            self.latents,
            self.speaker,
            temperature=self.config.temperature,
            top_p=self.config.top_p,
            top_k=self.config.top_k,
            repetition_penalty=self.config.repetition_penalty,
            max_new_tokens=CODES,
        )
        return time.perf_counter() - began

    def our_whole(self) -> float:
        """Return seconds from the text to all of its sound."""
        from amharic_tts.synthesis.speech import Asked

        began = time.perf_counter()
        list(self.engine.perform(Asked(TEXT, seed=1)))
        return time.perf_counter() - began

    def our_stream(self) -> tuple[float, float]:
        """Return seconds to the first sound and to the last, where it is heard while made."""
        from amharic_tts.synthesis.speech import Asked

        began, first = time.perf_counter(), 0.0
        for _ in self.engine.perform(Asked(TEXT, seed=1), stream=True):
            first = first or time.perf_counter() - began
        return first, time.perf_counter() - began


def heard(stock: Any, clip: Path) -> tuple[Any, Any]:
    """Return stock's conditioning of a clip, read by soundfile: its own reader wants FFmpeg."""
    import soundfile
    import torch

    samples, rate = soundfile.read(clip, dtype="float32")
    audio, config = torch.from_numpy(samples)[None], stock.config
    latents = stock.get_gpt_cond_latents(
        audio, rate, length=config.gpt_cond_len, chunk_length=config.gpt_cond_chunk_len
    )
    return latents, stock.get_speaker_embedding(audio, rate)


def _wait(device: str) -> None:
    if device != "cpu":
        import torch

        torch.cuda.synchronize()


def medians(rounds: int, *works: Callable[[], Any]) -> list[Any]:
    """Run the works in turns and return the median of each; of tuples, of each part."""
    found: list[list[Any]] = [[] for _ in works]
    for _ in range(rounds):
        for got, work in zip(found, works, strict=True):
            got.append(work())
    return [
        tuple(statistics.median(part) for part in zip(*got, strict=True))
        if isinstance(got[0], tuple)
        else statistics.median(got)
        for got in found
    ]


def speed_rows(voice: Path, rounds: int) -> list[Row]:
    """Return the rows of speed on the CPU."""
    sides = Sides(voice, "cpu")
    stock, one, four = medians(
        rounds, sides.stock_codes, lambda: sides.our_codes(1), lambda: sides.our_codes(4)
    )
    whole, ours, (first, last) = medians(
        rounds, sides.stock_whole, sides.our_whole, sides.our_stream
    )
    seconds = CODES * 1024 / 22050
    what = f"CPU, {sides.engine.precision.name}"
    return [
        row(f"{what}: codes a second, one sentence", "codes/s", stock, one, "4.5, then 6"),
        row(f"{what}: codes a second, four sentences together", "codes/s", stock, four, ""),
        row(
            f"{what}: seconds of work for a second of sound, ten words, all of it",
            "real-time factor",
            whole / seconds,
            ours / seconds,
            "0.9, then 0.6 (ours itself)",
            down=True,
        ),
        row(
            f"{what}: the same, heard while it is made",
            "real-time factor",
            whole / seconds,
            last / seconds,
            "",
            down=True,
        ),
        row(
            f"{what}: first sound of ten words; stock has it when the whole is done",
            "s",
            whole,
            first,
            "0.2, then 0.1",
            down=True,
        ),
    ]


def gpu_rows(voice: Path, rounds: int) -> list[Row]:
    """Return the rows of speed on a GPU, empty ones where there is none."""
    import torch

    names = [("one sentence", 1, "2, then 4"), ("a batch of 16", 16, "12, then 20")]
    if not torch.cuda.is_available():
        return [row(f"GPU: codes a second, {n}", "codes/s", None, None, g) for n, _, g in names]
    sides = Sides(voice, "cuda")
    found = []
    for name, together, goal in names:
        ours_together = partial(sides.our_codes, together)
        stock, ours = medians(rounds + 1, sides.stock_codes, ours_together)
        found.append(row(f"GPU: codes a second, {name}", "codes/s", stock, ours, goal))
    return found


def memory(voice: Path, side: str) -> dict[str, float]:
    """Return MB of a process of its own that loads the voice and says ten words."""
    command = [sys.executable, "-m", "benchmarks.speaking_memory", str(voice), side]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def memory_rows(voice: Path) -> list[Row]:
    """Return the rows of memory."""
    stock, full, small = (memory(voice, side) for side in ("stock", "fp32", "int8"))
    goal = "0.45, then 0.3"
    name = "memory of int8 against {} while speaking, {}"
    return [
        row(name.format("our fp32", "own"), "MB", full["own"], small["own"], goal, True),
        row(name.format("stock fp32", "own"), "MB", stock["own"], small["own"], goal, True),
        row(name.format("our fp32", "all"), "MB", full["all"], small["all"], goal, True),
        row(name.format("stock fp32", "peak"), "MB", stock["peak"], small["peak"], goal, True),
    ]


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 blocks, one round")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder of the voice, made where it is missing")
    arguments = parser.parse_args()
    from benchmarks.speaking_int8 import rows as int8_rows
    from benchmarks.speaking_voice import write_large_voice

    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        voice = folder / "voice"
        if not voice.exists():
            write_large_voice(folder, 4 if arguments.quick else 30)
        rows = memory_rows(voice)
        rows += speed_rows(voice, 1 if arguments.quick else 3)
        rows += gpu_rows(voice, 1 if arguments.quick else 3)
    rows += int8_rows(arguments.quick)
    for one in rows:
        if not arguments.json:
            print(one)
    if arguments.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
