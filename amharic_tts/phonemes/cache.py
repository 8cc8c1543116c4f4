"""Loaded models, shared by all extractors of a process: bounded, and each loaded only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from amharic_tts.errors import StudioError
from amharic_tts.phonemes.models.base import Recognizer

FAILURES = (StudioError, RuntimeError, ImportError, OSError, MemoryError, ValueError)
"""What loading a model raises: ours, and those of torch, onnxruntime and a full memory."""


@dataclass(frozen=True)
class Loaded:
    """A model and the seconds that loading and warming it up took."""

    model: Recognizer
    seconds: float


class ModelCache:
    """The models used last, by key.

    Any number of threads may ask: the first loads, the others for the same key wait for it, those
    for another key load beside it. What is put out stays alive as long as an extractor uses it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Future[Loaded]] = OrderedDict()

    def get(self, key: str, load: Callable[[], Loaded], limit: int) -> tuple[Loaded, bool]:
        """Return a model, and whether it was here already.

        Args:
            key: Name, revision and settings.
            load: Makes it; what it raises, all that wait get, and the next call tries again.
            limit: How many models are kept; 0 keeps none.
        """
        with self._lock:
            future = self._found.get(key)
            ours = future is None
            if future is None:
                future = self._found[key] = Future()
            self._found.move_to_end(key)
        if ours:
            self._load(key, future, load, limit)
        return future.result(), not ours

    def keys(self) -> list[str]:
        """Return the keys of the models that are kept, the one used last at the end."""
        with self._lock:
            return list(self._found)

    def clear(self) -> None:
        """Forget all; extractors keep theirs."""
        with self._lock:
            self._found.clear()

    def _load(
        self, key: str, future: Future[Loaded], load: Callable[[], Loaded], limit: int
    ) -> None:
        try:
            future.set_result(load())
        except FAILURES as error:
            future.set_exception(error)
        finally:
            future.cancel()  # anything unforeseen; without effect on a future that is done
            if future.cancelled() or future.exception() is not None:
                with self._lock:
                    if self._found.get(key) is future:
                        del self._found[key]
        with self._lock:
            ready = [k for k, f in self._found.items() if f.done()]
            for old in ready[: max(0, len(ready) - limit)]:
                del self._found[old]
