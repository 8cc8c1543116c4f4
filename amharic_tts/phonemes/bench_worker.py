"""The process of one variant of the benchmark: JSON lines in, JSON lines out.

The first line in says what to load; the answer comes after the first sound. Then each line
``{"do": "round"}`` is one sound, and ``{"do": "outputs"}`` what the model heard, for comparison.
A process of its own, since the peak memory of a process can't be taken back.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TextIO

from amharic_tts.errors import StudioError
from amharic_tts.phonemes import bench_limits


def main() -> None:
    """Answer until the other side closes."""
    # Libraries write to stdout as they like; the answers go where only they go.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    config = json.loads(sys.stdin.readline())
    if config["memory_limit"]:
        bench_limits.limit_address_space(config["memory_limit"])
    try:
        _serve(config, answers)
    except StudioError as error:
        _answer(answers, {"failed": error.message, "hint": error.hint})


def _serve(config: dict[str, Any], answers: TextIO) -> None:
    import numpy as np

    from amharic_tts.phonemes.extractor import PhonemeExtractor
    from amharic_tts.phonemes.models.base import LoadOptions
    from amharic_tts.phonemes.settings import PhonemeSettings

    began = time.perf_counter()
    samples = np.load(config["samples"], allow_pickle=False)
    extractor = PhonemeExtractor(
        model=config["model"],
        settings=PhonemeSettings(warmup_runs=0),
        options=LoadOptions(**config["options"]),
    )
    model = extractor.recognizer

    def hear() -> tuple[list[int], list[str]]:
        if config["whole"]:  # as one piece: what happens where nobody cuts
            return model.log_probabilities(samples).argmax(axis=1).tolist(), []
        found, scores = extractor.hear(samples)
        best = scores.log_probabilities.argmax(axis=1).tolist()
        return best, [phone.phone for phone in found.phones]

    load = time.perf_counter() - began
    hear()
    start_cpu = time.process_time()
    about: dict[str, Any] = {"id": model.id, "backend": model.backend, "dtype": model.dtype}
    about |= {"notation": model.notation, "threads": model.threads}
    about |= {"load_seconds": load, "start_cpu_seconds": start_cpu}
    _answer(answers, {**about, **bench_limits.memory()})
    for line in sys.stdin:
        if json.loads(line)["do"] == "outputs":
            frames, phones = hear()
            _answer(answers, {"frames": frames, "phones": phones})
            continue
        wall, cpu = time.perf_counter(), time.process_time()
        hear()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        _answer(answers, {"wall": wall, "cpu": cpu, **bench_limits.memory()})


def _answer(answers: TextIO, body: dict[str, Any]) -> None:
    answers.write(json.dumps(body) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
