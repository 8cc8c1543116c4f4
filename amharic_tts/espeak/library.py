"""The espeak-ng library by ctypes, out of the package `espeakng-loader`.

Only `amharic_tts.espeak.process` makes an `Espeak`: the library is never loaded into the studio.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

# Values of espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE, _PITCH = 1, 3
_UTF8 = 1
_PHONEMES = 0x100
_AS_IPA = 2
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """The library, ready to speak and to read.

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
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = [
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
        ]
        # espeak-ng keeps its data path in 160 bytes and knows no Unicode on Windows: go there.
        os.chdir(data.parent)
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DONT_EXIT)
        if self.rate <= 0:
            raise OSError(f"espeak-ng does not find its data in {data}")
        self._voice = ("", 0, 0)
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
        if (name, speed, pitch) == self._voice:
            return
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise OSError(f"espeak-ng has no voice `{name}`")
        self._library.espeak_SetParameter(_RATE, speed, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._voice = (name, speed, pitch)

    def speak(self, text: str, mnemonics: bool = False) -> bytes:
        """Return a text as 16-bit mono samples.

        Args:
            text: In the language of the voice.
            mnemonics: ``[[...]]`` in the text holds espeak-ng's own phoneme mnemonics. `read`
                takes them as such too, from then on (measured with 1.52.0).
        """
        self._heard.clear()
        data = text.encode("utf-8") + b"\x00"
        flags = _UTF8 | (_PHONEMES if mnemonics else 0)
        failed = self._library.espeak_Synth(data, len(data), 0, 0, 0, flags, None, None)
        if failed or self._library.espeak_Synchronize() or not self._heard:
            raise OSError(f"espeak-ng could not speak `{text}`")
        return bytes(self._heard)

    def read(self, text: str) -> str:
        """Return the phonemes of a text in espeak-ng's IPA, clauses joined by a space."""
        rest = ctypes.c_char_p(text.encode("utf-8"))
        clauses = []
        while rest.value is not None:  # the library moves the pointer on, clause by clause
            found = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _AS_IPA)
            clauses.append(found.decode("utf-8"))
        return " ".join(clause for clause in clauses if clause)
