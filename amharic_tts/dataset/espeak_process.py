"""Speak sentences with espeak-ng, in a process of its own: JSON on stdin, WAV files and JSON out.

espeak-ng is GPL-3.0-or-later. Only this process loads it (by ctypes, out of the package
`espeakng-loader`); the studio starts it as a program and reads the files that it writes.

In: ``{"recordings": [{"out", "voice", "speed", "pitch", "texts"}], "gap": seconds}``.
Out: ``{"version", "rate", "recordings": [{"out", "spans": [[start, end], ...]}]}`` with seconds,
or ``{"error": reason}`` and exit code 3.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import wave
from pathlib import Path
from typing import Any

# Values of espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE, _PITCH = 1, 3
_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """The library, ready to speak.

    Raises:
        OSError: The library or its data can't be loaded here.
        ImportError: The package `espeakng-loader` is not installed.
    """

    def __init__(self) -> None:
        import espeakng_loader

        library = Path(espeakng_loader.get_library_path())
        data = library.parent / "espeak-ng-data"
        self._library = ctypes.CDLL(str(library))
        self._library.espeak_Info.restype = ctypes.c_char_p
        # espeak-ng keeps its data path in 160 bytes and knows no Unicode on Windows: go there.
        os.chdir(data.parent)
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DONT_EXIT)
        if self.rate <= 0:
            raise OSError(f"espeak-ng does not find its data in {data}")
        self._heard = bytearray()
        self._keep = _CALLBACK(self._take)  # the library holds only a pointer to it
        self._library.espeak_SetSynthCallback(self._keep)

    @property
    def version(self) -> str:
        return str(self._library.espeak_Info(None).decode())

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._heard += ctypes.string_at(samples, 2 * count)
        return 0

    def voice(self, name: str, speed: int, pitch: int) -> None:
        """Choose a voice such as ``am+f2``, its words a minute, and its pitch (0 to 99)."""
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise OSError(f"espeak-ng has no voice `{name}`")
        self._library.espeak_SetParameter(_RATE, speed, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)

    def speak(self, text: str) -> bytes:
        """Return a text as 16-bit mono samples."""
        self._heard.clear()
        data = text.encode("utf-8") + b"\x00"
        failed = self._library.espeak_Synth(data, len(data), 0, 0, 0, _UTF8, None, None)
        if failed or self._library.espeak_Synchronize() or not self._heard:
            raise OSError(f"espeak-ng could not speak `{text}`")
        return bytes(self._heard)


def _record(espeak: Espeak, wanted: dict[str, Any], gap: float) -> dict[str, Any]:
    espeak.voice(wanted["voice"], wanted["speed"], wanted["pitch"])
    pause = b"\x00\x00" * round(gap * espeak.rate)
    sound, spans = bytearray(pause), []
    for text in wanted["texts"]:
        start = len(sound)
        sound += espeak.speak(text)
        spans.append([start / 2 / espeak.rate, len(sound) / 2 / espeak.rate])
        sound += pause
    with wave.open(wanted["out"], "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(espeak.rate)
        file.writeframes(bytes(sound))
    return {"out": wanted["out"], "spans": spans}


def main() -> int:
    """Read the request, write the WAVs, answer."""
    request = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    try:
        espeak = Espeak()
        made = [_record(espeak, item, request["gap"]) for item in request["recordings"]]
        answer = {"version": espeak.version, "rate": espeak.rate, "recordings": made}
    except (OSError, ImportError, AttributeError) as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 3 if "error" in answer else 0


if __name__ == "__main__":
    raise SystemExit(main())
