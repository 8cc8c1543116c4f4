"""Do one function for many items: in this process, or on the machines of a Ray cluster.

Both engines give the same results in the same order. What is sent to a worker is the item, what
comes back is the result; the function itself is known by its name, so every machine of a cluster
has the studio installed, in the same version, and sees the files that an item names at the same
place.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from amharic_tts import __version__
from amharic_tts.errors import MissingPart, StudioError, UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

PROCESS, RAY = "process", "ray"
ENGINES = (PROCESS, RAY)
RETRIES = 3
"""How often a piece of work is given to another worker when one was killed in the middle of it."""
_AHEAD = 2
"""Pieces of work that wait for each core of the cluster: enough to keep it busy."""


@dataclass(frozen=True)
class Engine:
    """Where work is done."""

    name: str = PROCESS
    """One of `ENGINES`."""
    address: str = ""
    """Of a Ray cluster that runs, such as ``10.0.0.5:6379`` or ``auto``; empty makes one on this
    machine for as long as the work takes."""
    workers: int = 0
    """Processes of a cluster that is made here; 0 takes one a core."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with it, all at once."""
        found = []
        if self.name not in ENGINES:
            found.append(f"engine: `{self.name}` is none of {', '.join(ENGINES)}")
        if self.address and self.name != RAY:
            found.append(f"address: `{self.address}` needs the engine `{RAY}`")
        if self.workers < 0 or (self.workers and self.address):
            found.append("workers: a number above 0, for a cluster that is made here")
        return found


ONE_PROCESS = Engine()


def mapped(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    engine: Engine = ONE_PROCESS,
    chunk: int = 1,
) -> Iterator[Result]:
    """Yield the function's result for each item, in the order of the items.

    Items are taken as they are needed, so they may be more than fit into memory. Work that a killed
    worker had begun is done again by another one; whoever wants to go on after this process itself
    was killed writes down each result before it takes the next.

    Args:
        function: A function of a module, or a `functools.partial` of one: it must be known by its
            name. It may not change anything but what its item names.
        items: What can be pickled.
        engine: Where it is done.
        chunk: Items that a worker of a cluster gets at once; more for small work.

    Raises:
        UserError: The engine is wrong, the cluster can't be reached or has another version of the
            studio, workers died again and again, or what the function raised.
        MissingPart: Ray is not installed.
    """
    problems = engine.problems()
    if problems:
        raise UserError("The work can't begin:\n" + "\n".join(f"- {p}" for p in problems))
    if engine.name == PROCESS:
        return (function(item) for item in items)
    return _on_ray(function, items, engine, chunk)


def _on_ray(
    function: Callable[[Item], Result], items: Iterable[Item], engine: Engine, chunk: int
) -> Iterator[Result]:
    with _cluster(engine) as ray:
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_work)
        known = ray.put(function)
        limit = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting: deque[Any] = deque()
        try:
            for piece in _chunks(items, chunk):
                waiting.append(remote.remote(known, piece))
                if len(waiting) >= limit:
                    yield from _given(ray, waiting.popleft())
            while waiting:
                yield from _given(ray, waiting.popleft())
        finally:
            for reference in waiting if ray.is_initialized() else ():
                ray.cancel(reference, force=True)  # the caller stopped listening


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while piece := list(islice(source, max(1, size))):
        yield piece


@dataclass(frozen=True)
class _Done:
    """What comes back from a worker."""

    results: list[Any]
    version: str = __version__
    error: StudioError | None = None


def _work(function: Callable[[Any], Any], items: Sequence[Any]) -> _Done:
    """Do a piece of work, on the worker."""
    results: list[Any] = []
    try:
        for item in items:
            results.append(function(item))
    except StudioError as error:
        # As a value: Ray would hand it on as another type, with a traceback in its message.
        return _Done(results, error=error)
    return _Done(results)


def _given(ray: Any, reference: Any) -> list[Any]:
    try:
        done: _Done = ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as error:
        raise UserError(
            f"Workers of the cluster died {RETRIES + 1} times over the same piece of work",
            "Look at the memory of its machines, then start again: what is done is kept",
        ) from error
    except ray.exceptions.OutOfMemoryError as error:
        raise UserError(
            "The machines of the cluster have too little memory for this work",
            "Give the cluster fewer cores a machine, then start again: what is done is kept",
        ) from error
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ray.exceptions.RaySystemError):
            reason = str(error.cause).strip().splitlines()[0][:200]
            raise UserError(
                f"A machine of the cluster can't load this work: {reason}",
                "Install the same version of the studio on all machines",
            ) from error
        raise
    if done.version != __version__:
        raise UserError(
            f"The cluster has version {done.version} of the studio, and this is {__version__}",
            "Install the same version on all machines",
        )
    if done.error is not None:
        raise done.error
    return done.results


@contextlib.contextmanager
def running(engine: Engine) -> Iterator[None]:
    """Keep the cluster of an engine while several things are done on it; here it is nothing.

    Raises:
        UserError: The cluster can't be reached.
        MissingPart: Ray is not installed.
    """
    if engine.name == PROCESS:
        yield
        return
    with _cluster(engine):
        yield


@contextlib.contextmanager
def _cluster(engine: Engine) -> Iterator[Any]:
    """Join the cluster, or make one here; one that was joined already is used and left alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody outside
    try:
        import ray
    except ImportError as error:
        raise MissingPart(
            "The engine `ray` needs the package `ray`, which is not installed",
            "Install it: python smart_install.py --with cluster",
        ) from error
    if ray.is_initialized():
        yield ray
        return
    with _own_signals(), _same_modules():
        _begin(ray, engine)
    try:
        yield ray
    finally:
        with _own_signals():
            ray.shutdown()


def _begin(ray: Any, engine: Engine) -> None:
    """Join or make the cluster; a busy machine gets a second chance to make one.

    Raises:
        UserError: It can't be reached or made.
    """
    made_here: dict[str, Any] = {"include_dashboard": False, "num_cpus": engine.workers or None}
    for last in (False, True):
        try:
            ray.init(
                address=engine.address or "local",
                configure_logging=False,
                log_to_driver=False,
                **({} if engine.address else made_here),
            )
            return
        except Exception as error:  # Ray tells a slow start by a bare one
            ray.shutdown()
            if engine.address or last:
                raise _not_begun(engine, error) from error


def _not_begun(engine: Engine, error: Exception) -> UserError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    if engine.address:
        return UserError(
            f"The Ray cluster `{engine.address}` can't be reached: {reason}",
            "Start it with: ray start --head; its address is in what that prints",
        )
    return UserError(
        f"No Ray cluster can be made on this machine: {reason}",
        "Try again when the machine is less busy, or leave --engine out",
    )


@contextlib.contextmanager
def _same_modules() -> Iterator[None]:
    """Let the workers of a cluster that is made now import what we can import."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep our own answer to SIGTERM, which asks a task to stop: Ray puts its own in its place."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
