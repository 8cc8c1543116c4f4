"""Functions that tests give to workers: a worker knows a function by its name in a module."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from amharic_tts.errors import UserError


def square(number: int) -> int:
    return number * number


def picky(number: int) -> int:
    if number == 3:
        raise UserError("`3` is not wanted", "Leave it out")
    return number


def where(_number: int) -> int:
    return os.getpid()


def dies_once(folder: Path, number: int) -> int:
    """Kill its own process at the first call for 5, as a machine that goes away would."""
    mark = folder / f"{number}"
    if number == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number + 1


def always_dies(_number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
