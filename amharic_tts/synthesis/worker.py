"""The speech process: `python -m amharic_tts.synthesis.worker`, JSON lines in and out.

It exists because importing coqui takes 15 s and some hundred MB, which the page must not pay. One
request a line on stdin: a `SpeechRequest` with an ``"id"``, the voice's folder as ``"voice"``, and
``"built_in": true`` where that is the practice base, which is unpacked on first use. For each,
events on stdout as in `events.to_json` with the request's ``"id"``, the last one `Done` or
`Failed`. ``{"id", "cancel": true}`` breaks a request off. It ends when stdin ends.
"""

from __future__ import annotations

import io
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from amharic_tts.errors import StudioError
from amharic_tts.events import Event, Failed, Progress
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.synthesis.voices import VOICE_JSON, check_voice

if TYPE_CHECKING:
    from amharic_tts.synthesis.check import SentenceJudge
    from amharic_tts.synthesis.engine import SpeechEngine

logger = logging.getLogger(__name__)


class Cancelled(Exception):
    """Nobody waits for this request any more."""


class Worker:
    """Answers requests, with one voice loaded at a time."""

    def __init__(self) -> None:
        self._engine: SpeechEngine | None = None
        self._loaded: tuple[str, int, str] | None = None
        self._judge: SentenceJudge | None = None

    def answer(self, body: dict[str, Any], cancelled: threading.Event) -> Iterator[Event]:
        """Yield the events of one request, the last one `Done` with the result.

        Raises:
            StudioError: What the engine raises.
            Cancelled: `cancelled` was set.
        """
        request = SpeechRequest.from_json(body)
        folder = Path(request.voice)
        if body.get("built_in"):
            yield from _unpack(folder)
        voice = check_voice(folder)  # a wrong folder is told at once, before the library is loaded
        yield from self._load(folder, request.precision)
        engine = self._engine
        assert engine is not None
        from amharic_tts.synthesis.check import SentenceJudge
        from amharic_tts.synthesis.performance import perform

        # Kept, because it keeps its recogniser loaded.
        judge = self._judge = self._judge or SentenceJudge()

        def look() -> None:
            if cancelled.is_set():
                raise Cancelled

        engine.watch = look
        for event in perform(engine, voice, request, judge):
            look()
            yield event

    def _load(self, folder: Path, precision: Any) -> Iterator[Event]:
        source = (str(folder), (folder / VOICE_JSON).stat().st_mtime_ns, precision)
        if self._loaded == source:
            return
        if self._engine is None and "TTS" not in sys.modules:
            yield Progress(0, 0, "Loading the speech library, about 15 s")
        yield Progress(0, 0, "Loading the voice")
        from amharic_tts.synthesis.engine import SpeechEngine

        self._engine = self._loaded = None  # free the old voice before the new one takes memory
        self._engine = SpeechEngine.load(folder, precision=precision)
        self._loaded = source


def _unpack(folder: Path) -> Iterator[Event]:
    """Make the built-in voice ready."""
    from amharic_tts.base_models.practice import is_whole
    from amharic_tts.synthesis.practice_voice import make_ready

    if not is_whole(folder):
        yield Progress(0, 0, "Unpacking the practice voice, some seconds")
    make_ready(folder)


class Inbox:
    """Reads requests in a thread, so that one can be broken off while it is answered."""

    def __init__(self, requests: TextIO) -> None:
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: dict[int, threading.Event] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def _read(self, requests: TextIO) -> None:
        for line in requests:
            body = json.loads(line)
            if body.get("cancel"):
                with self._lock:
                    event = self._cancelled.get(body["id"])
                if event is not None:
                    event.set()
                continue
            with self._lock:
                self._cancelled[body["id"]] = threading.Event()
            self._waiting.put(body)
        self._waiting.put(None)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], threading.Event]]:
        while (body := self._waiting.get()) is not None:
            with self._lock:
                event = self._cancelled[body["id"]]
            yield body, event
            with self._lock:
                del self._cancelled[body["id"]]


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more; the outermost border of this process."""
    worker = Worker()
    for body, cancelled in Inbox(requests):
        number = body["id"]
        try:
            for event in worker.answer(body, cancelled):
                _tell(answers, number, event)
        except Cancelled:
            _tell(answers, number, Failed("Broken off"))
        except StudioError as error:
            _tell(answers, number, Failed(error.message, error.hint, error.exit_code))
        except BrokenPipeError:
            return
        except Exception as error:
            logger.exception("the request failed")
            failed = Failed(f"{type(error).__name__}: {error}", "This is our mistake; see the log")
            _tell(answers, number, failed)


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
