"""What int8 and bf16 change in the codes of the practice voice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

GREEDY_CODES = 120


def rows(quick: bool) -> list[dict[str, Any]]:
    """Return the share of steps with the same likeliest code after the same codes, and how much of
    a sentence is the same when each goes on by itself."""
    from amharic_tts.synthesis.engine import SpeechEngine
    from amharic_tts.synthesis.model.drawing import Drawing
    from amharic_tts.synthesis.model.writing import Line, write
    from amharic_tts.synthesis.practice_voice import make_ready
    from benchmarks.speaking import row
    from training.practice.texts import unseen

    greedy = Drawing(temperature=0.0, top_k=0, top_p=1.0, repetition_penalty=1.5)
    with tempfile.TemporaryDirectory() as folder:
        voice = make_ready(Path(folder) / "practice")
        full = SpeechEngine.load(voice, "cpu", "fp32")
        texts = [(lang, text) for lang in ("am", "en") for text in unseen(lang)]
        texts = texts[:: 8 if quick else 2]
        lines = []
        for language, text in texts:
            encoder = full.encoder(language)
            prepared = encoder.prepare(text)
            lines.append(Line(tuple(encoder.encode(prepared)), 0, GREEDY_CODES))
        written = {}
        for at, line in enumerate(lines):
            heard = full._conditioner.of([voice / "reference.wav"])
            for step in write(full._runner, heard.latents, [line], greedy):
                if step.written:
                    written[at] = step.written.codes
        found = []
        for name in ("int8", "bf16"):
            other = SpeechEngine.load(voice, "cpu", name)
            same, whole = _agreement(full, other, lines, written, voice / "reference.wav")
            goal = "95, then 99" if name == "int8" else ""
            what = f"practice voice, {len(lines)} sentences: {name} against fp32"
            found += [
                row(f"{what}, same likeliest code after the same codes", "%", 100, same, goal),
                row(f"{what}, sentences with the same codes from end to end", "%", 100, whole, ""),
            ]
    return found


def _agreement(
    full: Any, other: Any, lines: list[Any], written: dict[int, Any], clip: Path
) -> tuple[float, float]:
    import torch

    voices = [one._conditioner.of([clip]).latents for one in (full, other)]
    same = count = whole = 0
    for at, line in enumerate(lines):
        codes = written[at]
        chosen = []
        for engine, voice in zip((full, other), voices, strict=True):
            runner = engine._runner
            latents, cache = runner.begin([runner.prefix(voice, line.tokens)], len(codes) + 1)
            own = []
            for position, code in enumerate(codes):
                own.append(int(runner.logits(latents)[0].argmax()))
                latents = runner.step(torch.tensor([code]), position + 1, cache)
            chosen.append(own)
        equal = [a == b for a, b in zip(*chosen, strict=True)]
        same, count, whole = same + sum(equal), count + len(equal), whole + all(equal)
    return 100 * same / count, 100 * whole / len(lines)
