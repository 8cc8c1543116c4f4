"""The peer of the embedded recogniser: pocketsphinx with its phone loop, where it is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ARPABET = """
AA ɑ; AE æ; AH ʌ; AO ɔ; AW aʊ; AY aɪ; EH ɛ; ER ɝ; EY eɪ; IH ɪ; IY i; OW oʊ; OY ɔɪ; UH ʊ; UW u
B b; CH tʃ; D d; DH ð; F f; G ɡ; HH h; JH dʒ; K k; L l; M m; N n; NG ŋ; P p; R ɹ; S s; SH ʃ
T t; TH θ; V v; W w; Y j; Z z; ZH ʒ
"""
_IPA = dict(entry.split() for entry in _ARPABET.replace("\n", ";").split(";") if entry.strip())


def present() -> bool:
    """Return whether pocketsphinx is installed."""
    return importlib.util.find_spec("pocketsphinx") is not None


class Sphinx:
    """`pocketsphinx` 5 as its documentation sets up phoneme recognition, with wider beams."""

    def __init__(self) -> None:
        """Load its English model."""
        from pocketsphinx import Decoder, get_model_path

        self._decoder: Any = Decoder(
            **{"lm": None, "dict": None, "lw": 2.0, "pip": 0.3, "beam": 1e-20, "pbeam": 1e-20},
            hmm=get_model_path("en-us/en-us"),
            allphone=get_model_path("en-us/en-us-phone.lm.bin"),
            loglevel="FATAL",
        )

    def ipa(self, samples: NDArray[np.float32]) -> str:
        """Return the phones of mono samples at 16 kHz as one IPA string."""
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        return " ".join(_IPA[s.word] for s in self._decoder.seg() if s.word in _IPA)
