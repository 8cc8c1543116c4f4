"""The embedded recogniser: hama's English phone model, inside its package, numpy and C only."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import threading
import unicodedata

import numpy as np

from amharic_tts.errors import MissingPart
from amharic_tts.phonemes.models.base import RATE, Array, Symbols

HINT = (
    "hama is part of the set-up on Linux and macOS (`python smart_install.py`); "
    "it has no build for Windows: take `fast` there (`amharic-tts phonemes-convert fast`)"
)
_FRAME_SAMPLES = 320  # hama.asr.ASR_OUTPUT_FRAME_SAMPLES: a hop of 160 samples, subsampled by 2


def present() -> bool:
    """Return whether the package is installed, without importing it."""
    return importlib.util.find_spec("hama") is not None


def installed_version() -> str:
    """Return the version of the package, empty where it is not installed."""
    try:
        return importlib.metadata.version("hama")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _not_a_sound(name: str) -> bool:
    """Return whether a symbol of hama's table, made for several scripts, is no phone."""
    return name != "<wb>" and (
        name.startswith("<")
        or not name.strip()
        or all(unicodedata.category(c)[0] in "PNS" and c not in "~˞" for c in name)
        or any("CJK" in unicodedata.name(c, "") for c in name)
    )


class HamaModel:
    """hama's `ASRModel` (Apache-2.0), 15.6 % phone error rate on LJSpeech as measured here."""

    notation = "ipa"
    languages = ("en",)
    dtype = "hama"  # a packed format of its own
    backend = "hama"
    threads = 1
    frame_seconds = _FRAME_SAMPLES / RATE

    def __init__(self) -> None:
        """Load it.

        Raises:
            MissingPart: There is no build of hama for this machine.
        """
        try:
            from hama import ASRModel

            self._model = ASRModel()
        except (ImportError, RuntimeError, OSError) as error:
            raise MissingPart(f"The embedded recogniser can't be loaded: {error}", HINT) from error
        self.revision = importlib.metadata.version("hama")
        self.id = f"hama-{self.revision}"
        names = tuple(self._model.decoder_tokens)
        bias = self._model.decode_cfg.blank_bias * self._model.decode_cfg.temperature
        self.symbols = Symbols(
            names=names,
            blank=self._model.blank_id,
            word=names.index("<wb>"),
            modifiers=frozenset(
                i
                for i, name in enumerate(names)
                if all(unicodedata.category(c) in ("Lm", "Mn", "Sk") for c in name)
            ),
            bias=((self._model.blank_id, bias),),
            ignored=frozenset(
                i
                for i, name in enumerate(names)
                if i != self._model.blank_id and _not_a_sound(name)
            ),
        )
        # The C session has one work space; two threads in it would mix two sounds.
        self._lock = threading.Lock()

    def log_probabilities(self, samples: Array) -> Array:
        """Return log-probabilities, shape (frames, 191)."""
        feeds = {
            "waveform": samples.reshape(1, -1),
            "waveform_lengths": np.array([samples.size], dtype=np.int64),
        }
        with self._lock:
            found, lengths = self._model.session.run(["log_probs", "out_lengths"], feeds)
        count = max(0, min(int(np.ravel(lengths)[0]), found.shape[1]))
        return np.asarray(found[0, :count], dtype=np.float32)
