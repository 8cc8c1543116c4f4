"""The speech process: `python -m amharic_tts.synthesis.worker`, JSON lines in and out.

It exists because importing coqui takes 15 s and some hundred MB, which the page must not pay. One
request a line on stdin, ``{"id", "voice", "text", "reference", "language", "seed", "out"}``, with
``"built_in": true`` where the voice is the practice base, which is unpacked on first use. For each,
events on stdout as in `events.to_json` with the request's ``"id"``, the last one `Done` or
`Failed`. It ends when stdin ends.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from amharic_tts.errors import StudioError
from amharic_tts.events import Clock, Done, Event, Failed, Finding, Progress
from amharic_tts.files import disk_errors, writing
from amharic_tts.synthesis.voices import VOICE_JSON, check_voice

if TYPE_CHECKING:
    from amharic_tts.synthesis.engine import SpeechEngine

logger = logging.getLogger(__name__)


class Worker:
    """Answers requests, with one voice loaded at a time."""

    def __init__(self) -> None:
        self._engine: SpeechEngine | None = None
        self._loaded: tuple[str, int] | None = None

    def answer(self, request: dict[str, Any]) -> Iterator[Event]:
        """Yield the events of one request, the last one `Done` with the result.

        Raises:
            StudioError: What the engine raises.
        """
        began = time.monotonic()
        folder = Path(request["voice"])
        if request.get("built_in"):
            yield from _unpack(folder)
        voice = check_voice(folder)  # a wrong folder is told at once, before the library is loaded
        yield from self._load(folder)
        engine = self._engine
        assert engine is not None
        from amharic_tts.synthesis.engine import PAUSE, RATE

        reference = Path(request["references"][0]) if request["references"] else None
        parts: list[np.ndarray] = []
        cut = total = 0
        clock: Clock | None = None
        for piece in engine.say(request["text"], reference, request["language"], request["seed"]):
            if parts:
                parts.append(np.zeros(int(PAUSE * RATE), dtype=np.float32))
            parts.append(piece.samples)
            cut, total = cut + piece.cut, piece.total
            clock = clock or Clock(piece.total, "Speaking", done=0)
            yield clock.progress(piece.number)
        samples = np.concatenate(parts)
        write_wav(Path(request["out"]), samples, RATE)
        if cut:
            yield Finding(
                code="cut",
                message=f"{cut} of {total} pieces did not end by themselves and were cut",
            )
        yield Done(
            {
                "audio": request["out"],
                "seconds": round(len(samples) / RATE, 3),
                "rate": RATE,
                "language": request["language"] or voice.language,
                "voice": str(folder),
                "seed": request["seed"],
                "pieces": total,
                "cut": cut,
                "note": voice.note,
                "took": round(time.monotonic() - began, 3),
            }
        )

    def _load(self, folder: Path) -> Iterator[Event]:
        source = (str(folder), (folder / VOICE_JSON).stat().st_mtime_ns)
        if self._loaded == source:
            return
        if self._engine is None and "TTS" not in sys.modules:
            yield Progress(0, 0, "Loading the speech library, about 15 s")
        yield Progress(0, 0, "Loading the voice")
        from amharic_tts.synthesis.engine import SpeechEngine

        self._engine = self._loaded = None  # free the old voice before the new one takes memory
        self._engine = SpeechEngine.load(folder)
        self._loaded = source


def _unpack(folder: Path) -> Iterator[Event]:
    """Make the built-in voice ready."""
    from amharic_tts.base_models.practice import is_whole
    from amharic_tts.synthesis.practice_voice import make_ready

    if not is_whole(folder):
        yield Progress(0, 0, "Unpacking the practice voice, some seconds")
    make_ready(folder)


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write 16-bit mono sound in one step: the file is there whole or not at all.

    Raises:
        UserError: The disk is full or can't be written.
    """
    import soundfile

    sound = io.BytesIO()
    soundfile.write(sound, samples, rate, format="WAV", subtype="PCM_16")
    with disk_errors(path), writing(path) as file:
        file.write(sound.getvalue())


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more; the outermost border of this process."""
    worker = Worker()
    for line in requests:
        request = json.loads(line)
        if "cancel" in request:
            continue
        try:
            for event in worker.answer(request):
                _tell(answers, request["id"], event)
        except StudioError as error:
            _tell(answers, request["id"], Failed(error.message, error.hint, error.exit_code))
        except BrokenPipeError:
            return
        except Exception as error:
            logger.exception("the request failed")
            failed = Failed(f"{type(error).__name__}: {error}", "This is our mistake; see the log")
            _tell(answers, request["id"], failed)


def _tell(answers: TextIO, number: int, event: Event) -> None:
    body = {"id": number, "event": type(event).__name__.lower(), **asdict(event)}
    answers.write(json.dumps(body, ensure_ascii=False) + "\n")
    answers.flush()


def main() -> None:
    """Keep the real stdout for answers; whatever libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    requests = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
    serve(requests, answers)


if __name__ == "__main__":
    main()
