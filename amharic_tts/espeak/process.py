"""espeak-ng's process: ``python -m amharic_tts.espeak.process``, JSON lines in, JSON lines out.

One request a line, one answer a line, until stdin ends or nothing was asked for ``--idle`` seconds:

- ``{"do": "read", "voice", "texts"}`` -> ``{"ipa": [...]}``
- ``{"do": "pronounce", "voice", "speed", "pitch", "texts"}``, texts with ``[[mnemonics]]`` ->
  ``{"rate", "sound", "ipa": [...]}``: 16-bit mono samples of all texts in base64, and what was
  really said, text by text
- ``{"do": "record", "recordings": [{"out", "voice", "speed", "pitch", "texts"}], "gap"}`` ->
  ``{"version", "rate", "recordings": [{"out", "spans": [[start, end], ...]}]}`` in seconds, and
  WAV files; with ``"mnemonics": true`` a recording's texts hold ``[[mnemonics]]``

or ``{"error": reason}``.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import threading
import time
import wave
from typing import Any

from amharic_tts.espeak.library import Espeak

_READING = (175, 50)
"""Words a minute and pitch while nothing is heard: espeak-ng's own."""


def _read(espeak: Espeak, request: dict[str, Any]) -> dict[str, Any]:
    espeak.voice(request["voice"], *_READING)
    return {"ipa": [espeak.read(text) for text in request["texts"]]}


def _pronounce(espeak: Espeak, request: dict[str, Any]) -> dict[str, Any]:
    espeak.voice(request["voice"], request["speed"], request["pitch"])
    sound, ipa = b"", []
    for text in request["texts"]:
        sound += espeak.speak(text, mnemonics=True)
        ipa.append(espeak.read(text))
    return {"rate": espeak.rate, "sound": base64.b64encode(sound).decode(), "ipa": ipa}


def _record(espeak: Espeak, request: dict[str, Any]) -> dict[str, Any]:
    made = [_recording(espeak, wanted, request["gap"]) for wanted in request["recordings"]]
    return {"version": espeak.version, "rate": espeak.rate, "recordings": made}


def _recording(espeak: Espeak, wanted: dict[str, Any], gap: float) -> dict[str, Any]:
    espeak.voice(wanted["voice"], wanted["speed"], wanted["pitch"])
    pause = b"\x00\x00" * round(gap * espeak.rate)
    sound, spans = bytearray(pause), []
    for text in wanted["texts"]:
        start = len(sound)
        sound += espeak.speak(text, mnemonics=wanted.get("mnemonics", False))
        spans.append([start / 2 / espeak.rate, len(sound) / 2 / espeak.rate])
        sound += pause
    with wave.open(wanted["out"], "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(espeak.rate)
        file.writeframes(bytes(sound))
    return {"out": wanted["out"], "spans": spans}


_ACTIONS = {"read": _read, "pronounce": _pronounce, "record": _record}


class _Idle:
    """Ends the process when nothing was asked for some time; never in the middle of a request."""

    def __init__(self, seconds: float) -> None:
        self.busy = threading.Lock()
        self._seconds = seconds
        self._since = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def done(self) -> None:
        self._since = time.monotonic()

    def _watch(self) -> None:
        while True:
            left = self._since + self._seconds - time.monotonic()
            if left > 0:
                time.sleep(left)
            elif self.busy.acquire(timeout=1):
                if self._since + self._seconds <= time.monotonic():
                    os._exit(0)  # the main thread sits in a read that nothing can interrupt
                self.busy.release()


def main() -> int:
    """Answer requests until there are no more."""
    parser = argparse.ArgumentParser(prog="python -m amharic_tts.espeak.process")
    parser.add_argument("--idle", type=float, default=float(10**6))
    idle = _Idle(parser.parse_args().idle)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the C library may print goes to stderr, not between the answers
    try:
        espeak = Espeak()
    except (OSError, ImportError, AttributeError) as error:
        sys.stdin.readline()
        answers.write(json.dumps({"error": str(error)}) + "\n")
        answers.flush()
        return 3
    for line in sys.stdin:
        with idle.busy:
            request = json.loads(line)
            try:
                answer = _ACTIONS[request["do"]](espeak, request)
            except (OSError, ValueError) as error:
                answer = {"error": str(error)}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
            idle.done()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
