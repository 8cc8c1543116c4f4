"""Converted CTC models that hear samples: wav2vec 2.0 and relatives on onnxruntime and numpy."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from amharic_tts.phonemes.models.base import RATE, Array
from amharic_tts.phonemes.models.onnx_session import open_session, thread_count
from amharic_tts.phonemes.models.store import FRONT, MODEL, Description

CHUNK_FRAMES = 16
"""Frames (a third of a second) that the convolutions make at once: their activations are what
memory goes to; 16 hold 10 MB, and fewer cost more time."""


class OnnxCtc:
    """A model made by `amharic-tts phonemes-convert`; safe to call from several threads."""

    backend = "onnxruntime"

    def __init__(self, description: Description, threads: int = 0, pack: bool = True) -> None:
        """Open it; the weights stay on disk until they are used.

        Raises:
            UserError: A graph can't be run.
        """
        self.description = description
        self.id, self.revision = description.id, description.revision
        self.notation, self.languages = description.notation, description.languages
        self.dtype, self.symbols = description.dtype, description.symbols
        self.frame_seconds = description.hop / RATE
        self.threads = thread_count(threads)
        self._front = open_session(description.folder / FRONT, self.threads, pack)
        self._model = open_session(description.folder / MODEL, self.threads, pack)
        # One call at a time: fifty at once would hold fifty sets of activations, no sooner done.
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.description.folder

    def log_probabilities(self, samples: Array) -> Array:
        """Return natural logarithms, shape (frames, symbols), of mono samples at `RATE`.

        A sound shorter than one frame hears (25 ms) is filled up with silence; none has no frames.
        """
        if not samples.size:
            return np.zeros((0, len(self.symbols.names)), dtype=np.float32)
        x = normalised(samples, self.description.normalise, self.description.receptive)
        with self._lock:
            features = self._features(x)
            (scores,) = self._model.run(None, {"features": features})
        return log_softmax(scores[0])

    def _features(self, samples: Array) -> Array:
        """Return shape (1, channels, frames), made `CHUNK_FRAMES` at a time."""
        hop, receptive = self.description.hop, self.description.receptive
        total = (len(samples) - receptive) // hop + 1
        fixed = moments(samples, *self.description.moments) if self.description.moments else {}
        parts = []
        for first in range(0, total, CHUNK_FRAMES):
            last = min(first + CHUNK_FRAMES, total) - 1
            piece = samples[None, first * hop : last * hop + receptive]
            parts.append(self._front.run(None, {"samples": piece, **fixed})[0])
        return np.concatenate(parts, axis=2)


def log_softmax(scores: Array) -> Array:
    """Return log-probabilities of scores, shape (frames, symbols)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(
        shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32
    )


def normalised(samples: Array, normalise: bool, receptive: int) -> Array:
    """Return the samples as a model wants them: normalised, and long enough for a frame."""
    x = samples.astype(np.float32)
    if normalise:
        # As transformers' Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm.
        x = (x - x.mean()) / np.sqrt(x.var() + np.float32(1e-7))
    if x.size < receptive:
        x = np.pad(x, (0, receptive - x.size))
    return np.ascontiguousarray(x, dtype=np.float32)


def moments(samples: Array, kernel: int, stride: int) -> dict[str, Array]:
    """Return mean and covariance of the positions of a convolution's kernel over a sound.

    Shapes (kernel,) and (kernel, kernel). In double precision: the products of a long sound add
    up to more than single precision tells apart.
    """
    windows = sliding_window_view(samples, kernel)[::stride]
    mean = np.zeros(kernel)
    products = np.zeros((kernel, kernel))
    block = 1 << 16
    for first in range(0, len(windows), block):
        mean += windows[first : first + block].sum(axis=0, dtype=np.float64)
    mean /= len(windows)
    for first in range(0, len(windows), block):
        centred = windows[first : first + block] - mean
        products += centred.T @ centred
    return {
        "mean": mean.astype(np.float32),
        "covariance": (products / len(windows)).astype(np.float32),
    }
