"""Memory of a process, and small machines on a big one: a memory limit and a share of the CPUs."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import TracebackType

MB = 1_000_000
_PERIOD = 0.1
"""Seconds of a cycle of running and standing still, as long as that of a CPU quota of Linux."""


def can_limit() -> bool:
    """Return whether this system enforces a limit of the address space."""
    return sys.platform == "linux"


def limit_address_space(megabytes: int) -> None:
    """Let this process reserve no more than that, for good.

    Address space counts what is mapped, too: files, libraries and what allocators only reserve.
    So what runs under it also runs in a container with as much memory.
    """
    if sys.platform == "linux":
        import resource

        size = megabytes * MB
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def memory() -> dict[str, float | None]:
    """Return memory of this process in MB.

    ``peak_mb`` is the most that was resident at any time; ``anonymous_mb`` what of it now belongs
    to no file (None where the system does not tell); ``reserved_mb`` the most address space.
    """
    if sys.platform == "linux":
        # Not `getrusage`: its peak is handed down from the process that started this one.
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        names = {"peak_mb": "VmHWM", "anonymous_mb": "RssAnon", "reserved_mb": "VmPeak"}
        return {key: int(status[name].split()[0]) * 1024 / MB for key, name in names.items()}
    if sys.platform == "win32":
        import psutil

        peak = psutil.Process().memory_info().peak_wset
    else:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak *= 1 if sys.platform == "darwin" else 1024
    return {"peak_mb": peak / MB, "anonymous_mb": None, "reserved_mb": None}


def share(cpus: float, threads: int) -> float:
    """Return which part of the time a process of that many threads may run for `cpus` CPUs."""
    return min(1.0, cpus / max(1, min(threads, os.cpu_count() or 1)))


class Throttle:
    """While it is open, a process stands still for a part of each tenth of a second.

    That is what a CPU quota does to it; the process must be one of ours.
    """

    def __init__(self, pid: int, part: float) -> None:
        """Take `part` of the time for the process; 1 changes nothing."""
        self._pid, self._part = pid, part
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Throttle:
        if self._part < 1.0:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        import psutil

        try:
            process = psutil.Process(self._pid)
            while not self._over.wait(self._part * _PERIOD):
                process.suspend()
                try:
                    self._over.wait((1.0 - self._part) * _PERIOD)
                finally:
                    process.resume()
        except psutil.NoSuchProcess:
            return
