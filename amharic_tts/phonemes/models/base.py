"""What the extractor asks of a recogniser: log-probabilities of its symbols, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
RATE = 16_000
"""Samples a second that recognisers hear."""


@dataclass(frozen=True)
class Symbols:
    """The output symbols of a CTC model."""

    names: tuple[str, ...]
    blank: int
    word: int | None = None
    """The symbol that stands between words."""
    modifiers: frozenset[int] = frozenset()
    """Symbols that belong to the phone before them, such as ``ː``."""
    bias: tuple[tuple[int, float], ...] = ()
    """Added to single symbols before the best one is taken, as the model's makers do."""
    ignored: frozenset[int] = field(default=frozenset())
    """Symbols that are no sounds; they are never taken."""


Backend = Literal["auto", "hama", "onnxruntime", "torch"]
DType = Literal["auto", "int8", "fp32", "bf16", "dynamic_int8"]


@dataclass(frozen=True)
class LoadOptions:
    """How a model shall run; with its name they are the key of the cache of loaded models."""

    backend: Backend = "auto"
    """``auto``: onnxruntime for what is converted, torch only where it is asked for."""
    dtype: DType = "auto"
    """``dynamic_int8`` is torch's quantising at load, kept for comparison."""
    threads: int = 0
    """0: as many as the process may use, at most 4."""
    pack: bool = True
    """Lay the weights out for the processor at load, in onnxruntime: each sound takes a third less
    time and loading more (a large model 0.4 s); the memory is the same."""
    compile: bool = False
    """`torch.compile`; only in torch."""
    device: str = "cpu"
    """``cuda`` only in torch."""
    revision: str = ""
    """Commit or branch of a hub model; empty takes the one that was converted, else the newest."""


@dataclass(frozen=True)
class Posteriors:
    """What a model thinks of each frame of a sound, before anything is decided."""

    log_probabilities: Array
    """Natural logarithms, shape (frames, symbols)."""
    starts: NDArray[np.float64]
    """Seconds at which each frame begins, shape (frames,); there are gaps where it was silent."""
    frame_seconds: float
    symbols: Symbols


class Recognizer(Protocol):
    """A loaded model."""

    @property
    def backend(self) -> str:
        """What runs it: ``hama``, ``onnxruntime`` or ``torch``."""

    @property
    def threads(self) -> int:
        """Threads of one call."""

    @property
    def revision(self) -> str:
        """Commit, version or hash of the weights."""

    @property
    def id(self) -> str:
        """Its name and version."""

    @property
    def notation(self) -> str:
        """``ipa``, ``arpabet`` or ``letters``."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that it was trained on."""

    @property
    def dtype(self) -> str:
        """Number format of its weights."""

    @property
    def symbols(self) -> Symbols:
        """Its output symbols."""

    @property
    def frame_seconds(self) -> float:
        """Length of one output frame."""

    def log_probabilities(self, samples: Array) -> Array:
        """Return natural logarithms, shape (frames, symbols), of mono samples at `RATE`."""
