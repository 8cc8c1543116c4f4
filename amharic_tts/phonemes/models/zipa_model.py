"""ZIPA (Zhu et al., ACL 2025): icefall's zipformer with CTC, as its makers export it to ONNX.

The graph takes ``x`` (1, frames, 80) log-mel energies and ``x_lens``, and gives ``log_probs``
and ``log_probs_len`` (icefall, `zipformer/export-onnx-ctc.py`).
"""

from __future__ import annotations

import functools
import threading

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import RATE, Array
from amharic_tts.phonemes.models.onnx_session import open_session, thread_count
from amharic_tts.phonemes.models.store import MODEL, Description

BINS = 80
_WINDOW, _SHIFT, _FFT = 400, 160, 512  # 25 ms, 10 ms, the next power of two
_LOW, _HIGH = 20.0, RATE / 2 - 400.0
_PREEMPHASIS = 0.97
_EPSILON = float(np.finfo(np.float32).eps)
_FEWEST = 32  # frames; zipformer's convolutions need more than 9
_BLOCK = 1000  # frames whose spectra are computed at once


def fbank(samples: Array) -> Array:
    """Return log-mel energies, shape (frames, 80), of samples in -1 to 1 at `RATE`.

    Kaldi's definition (`feature-fbank.cc`, `mel-computations.h`) with the settings of lhotse's
    `FbankConfig`, which icefall trains with: no dither, Povey window, pre-emphasis 0.97, each
    frame's mean removed, 20 to 7600 Hz, energies not below float32's epsilon, and edges mirrored
    (`snip_edges` false), so that there is a frame for each 10 ms.
    """
    count = (len(samples) + _SHIFT // 2) // _SHIFT
    if not count:
        return np.zeros((0, BINS), dtype=np.float32)
    before = (_WINDOW - _SHIFT) // 2
    after = (count - 1) * _SHIFT + _WINDOW - before - len(samples)
    # A sound shorter than half a window is mirrored over and over.
    padded = np.pad(samples, (before, max(0, after)), mode="symmetric")
    frames = sliding_window_view(padded, _WINDOW)[::_SHIFT][:count]
    parts = [
        _energies(frames[first : first + _BLOCK].astype(np.float64))
        for first in range(0, count, _BLOCK)
    ]
    return np.concatenate(parts)


def _energies(frames: NDArray[np.float64]) -> Array:
    frames = frames - frames.mean(axis=1, keepdims=True)
    earlier = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    spectrum = np.fft.rfft((frames - _PREEMPHASIS * earlier) * _povey(), _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(np.maximum(power @ _filters(), _EPSILON)).astype(np.float32)


@functools.cache
def _povey() -> NDArray[np.float64]:
    return np.asarray(np.hanning(_WINDOW) ** 0.85)


@functools.cache
def _filters() -> NDArray[np.float64]:
    """Return Kaldi's triangles on the mel scale, shape (257, 80)."""
    edges = np.linspace(_mel(_LOW), _mel(_HIGH), BINS + 2)
    mel = _mel(np.arange(_FFT // 2 + 1) * RATE / _FFT)[:, None]
    rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    found = np.maximum(0.0, np.minimum(rising, falling))
    found[-1] = 0.0  # Kaldi leaves the bin of half the rate out
    return np.asarray(found)


def _mel(hertz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0))


class ZipaModel:
    """A ready-made ZIPA graph on onnxruntime; safe to call from several threads."""

    backend = "onnxruntime"

    def __init__(self, description: Description, threads: int = 0, pack: bool = True) -> None:
        """Open it.

        Raises:
            UserError: The graph can't be run, or is none of this kind.
        """
        self.description = description
        self.id, self.revision = description.id, description.revision
        self.notation, self.languages = description.notation, description.languages
        self.dtype, self.symbols = description.dtype, description.symbols
        self.frame_seconds = description.hop / RATE
        self.threads = thread_count(threads)
        self._session = open_session(description.folder / MODEL, self.threads, pack)
        self._lock = threading.Lock()
        wanted = {"x", "x_lens"}, {"log_probs", "log_probs_len"}
        inputs = {value.name for value in self._session.get_inputs()}
        outputs = {value.name for value in self._session.get_outputs()}
        if not (wanted[0] <= inputs and wanted[1] <= outputs):
            raise UserError(
                f"`{description.folder / MODEL}` is no CTC model of icefall: it takes "
                f"{', '.join(sorted(inputs))} and gives {', '.join(sorted(outputs))}"
            )

    def log_probabilities(self, samples: Array) -> Array:
        """Return natural logarithms, shape (frames, symbols), of mono samples at `RATE`.

        Sounds under a third of a second are filled up with silence for the model's sake.
        """
        if not samples.size:
            return np.zeros((0, len(self.symbols.names)), dtype=np.float32)
        frames = -(-samples.size // self.description.hop)
        least = _FEWEST * _SHIFT
        x = np.pad(samples, (0, max(0, least - samples.size))).astype(np.float32)
        found = self._run(fbank(x))
        return found[:frames] if samples.size < least else found

    def _run(self, energies: Array) -> Array:
        feeds = {"x": energies[None], "x_lens": np.array([len(energies)], dtype=np.int64)}
        with self._lock:
            scores, lengths = self._session.run(["log_probs", "log_probs_len"], feeds)
        count = min(int(np.ravel(lengths)[0]), scores.shape[1])
        if scores.shape[2] != len(self.symbols.names):
            raise UserError(
                f"`{self.description.folder / MODEL}` gives {scores.shape[2]} symbols, its "
                f"`tokens.txt` has {len(self.symbols.names)}"
            )
        return np.asarray(scores[0, :count], dtype=np.float32)


def measure_hop(description: Description) -> int:
    """Return the samples from one output frame to the next, from what the graph really gives.

    ZIPA's zipformer may halve its frames twice (40 ms) or once (20 ms); eight seconds tell.
    """
    model = ZipaModel(description, threads=1)
    given = 800
    frames = len(model._run(np.full((given, BINS), np.log(_EPSILON), dtype=np.float32)))
    if not frames:
        raise UserError(f"`{description.folder / MODEL}` gives no frames")
    return max(1, round(given / frames)) * _SHIFT
