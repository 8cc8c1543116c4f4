"""Why a run can end before its time: a request, or too little memory. This imports no torch."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

from amharic_tts.jobs import process


class StopAsked(Exception):
    """Somebody asked the run to stop while it was not yet, or not just then, training."""


class StopSwitch:
    """Knows whether the run was asked to stop: SIGTERM, Ctrl-C, or the stop file in its folder."""

    def __init__(self, run: Path) -> None:
        self._run, self._signalled = run, False

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as requests instead of dying of them."""
        signal.signal(signal.SIGTERM, self._set)
        signal.signal(signal.SIGINT, self._set)

    def _set(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True

    def asked(self) -> bool:
        """Tell whether to save and stop."""
        return self._signalled or process.stop_requested(self._run)

    def check(self) -> None:
        """Raise `StopAsked` if so; for the work before the first step."""
        if self.asked():
            raise StopAsked


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that the memory, of the GPU or of the machine, is not enough."""
    if isinstance(error, MemoryError):
        return True
    words = ("out of memory", "DefaultCPUAllocator: can't allocate", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
