"""Turn a function that reports by calls into an iterator of its reports."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class _Left(Exception):
    """Raised inside the work when nobody listens any more."""


def in_thread(work: Callable[[Callable[[T], None]], None]) -> Iterator[T]:
    """Run ``work(tell)`` in a thread; yield what it tells, and raise what it raises.

    When the caller goes away, the next `tell` ends the work.
    """
    told: queue.Queue[list[T]] = queue.Queue()  # an empty list: the work is over
    left = threading.Event()

    def tell(item: T) -> None:
        if left.is_set():
            raise _Left
        told.put([item])

    with ThreadPoolExecutor(1, "background") as pool:
        future = pool.submit(work, tell)
        future.add_done_callback(lambda _: told.put([]))
        try:
            while items := told.get():
                yield from items
        finally:
            left.set()
        future.result()
