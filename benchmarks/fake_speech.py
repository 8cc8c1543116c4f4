"""A speech process without a model: it takes and tells what `amharic_tts.synthesis.worker` does.

    python benchmarks/fake_speech.py [LOG]

It says every word as a tenth of a second of a 440 Hz tone, one `Chunk` a word, so that what is
built around speaking can be measured and tested. Some texts make it behave like a process in
trouble; each text that begins, ends or is broken off becomes a line of LOG. Standard library only:
it starts in a blink.

- ``gate FILE ...``: after the first word it waits until FILE is there
- ``die``: the process ends at once; ``words die``: after the first word
- ``wrong``, ``ours``: fails by the user's mistake, by its own
- ``break ...``: fails after the first word
- ``mute``: is done without a sound
"""

from __future__ import annotations

import array
import base64
import json
import math
import os
import sys
import threading
import time
import wave
from pathlib import Path
from queue import Queue
from typing import Any

RATE = 24000
WORD = 0.1
"""Seconds of a word."""
_TONE = array.array(
    "h", (round(8000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(round(RATE * WORD)))
).tobytes()


class Fake:
    """Answers the requests that come in on stdin, one after the other."""

    def __init__(self, log: Path | None) -> None:
        self._log = log
        self._asked: Queue[dict[str, Any] | None] = Queue()
        self._cancelled: set[int] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            ask = json.loads(line)
            if "cancel" in ask:
                self._cancelled.add(ask["id"])
            else:
                self._asked.put(ask)
        self._asked.put(None)

    def run(self) -> None:
        """Answer until stdin ends."""
        while (ask := self._asked.get()) is not None:
            self._note("begin", ask)
            self._note(self._speak(ask), ask)

    def _note(self, what: str, ask: dict[str, Any]) -> None:
        if self._log is not None:
            with open(self._log, "a", encoding="utf-8") as log:
                log.write(f"{what} {ask['text']}\n")

    def _speak(self, ask: dict[str, Any]) -> str:
        words = ask["text"].split()
        self._tell(ask, "progress", done=0, total=len(words), note="Speaking")
        if words[0] == "die":
            os._exit(9)
        if words[0] in ("wrong", "ours"):
            code = 2 if words[0] == "wrong" else 1
            self._tell(ask, "failed", message=f"{words[0]} text", hint="", exit_code=code)
            return "failed"
        sound = b""
        for number, word in enumerate(words, 1):
            if number == 2 and words[0] == "gate":
                while not Path(word).exists() and ask["id"] not in self._cancelled:
                    time.sleep(0.005)
            if number == 2 and word == "die":
                os._exit(9)
            if number == 2 and words[0] == "break":
                self._tell(ask, "failed", message="broke", hint="", exit_code=1)
                return "failed"
            if ask["id"] in self._cancelled:
                return "broken off"
            if words[0] != "mute":
                sound += _TONE
            if ask["stream"] and words[0] != "mute":
                self._tell(ask, "chunk", pcm=base64.b64encode(_TONE).decode(), rate=RATE)
            self._tell(ask, "progress", done=number, total=len(words), note="Speaking")
        self._write(Path(ask["out"]), sound)
        seconds = round(len(sound) / 2 / RATE, 3)
        result = {
            **{"audio": ask["out"], "seconds": seconds, "rate": RATE, "seed": ask["seed"]},
            **{"language": ask["language"] or "am", "voice": ask["voice"], "pieces": 1, "cut": 0},
            **{"note": "a tone", "took": 0.0, "asked": ask},
        }
        self._tell(ask, "done", result=result)
        return "end"

    @staticmethod
    def _write(path: Path, sound: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sound)

    @staticmethod
    def _tell(ask: dict[str, Any], kind: str, **body: Any) -> None:
        told = {"id": ask["id"], "event": kind, **body}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    Fake(Path(sys.argv[1]) if len(sys.argv) > 1 else None).run()
