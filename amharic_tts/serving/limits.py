"""How much the API takes: bytes, characters, requests a minute, and how many wait in line."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass

from amharic_tts.errors import UserError
from amharic_tts.serving.errors import ApiError
from amharic_tts.synthesis.request import MAX_CHARACTERS

MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """What one server takes."""

    characters: int = 4096
    """Longest text, as in the OpenAI API."""
    body: int = 256 * 1024
    """Longest request in bytes; a text of escaped emoji has 12 for each."""
    a_minute: int = 60
    """Requests of one key, or of one address where there is no key."""
    most_waiting: int = 16
    """Requests in line behind the one that is spoken; the next one is refused."""
    body_seconds: float = 20.0
    """A request that takes longer to arrive is refused."""
    stalled_seconds: float = 60.0
    """A listener that takes nothing for so long has gone."""

    def check(self) -> Limits:
        """Return itself.

        Raises:
            UserError: A limit is not a sensible number.
        """
        if not 1 <= self.characters <= MAX_CHARACTERS:
            raise UserError(
                f"characters: {self.characters} is outside of 1 to {MAX_CHARACTERS}",
                "A longer text is a book: amharic-tts book",
            )
        for name, least in (("a_minute", 1), ("most_waiting", 0), ("body", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name}: {getattr(self, name)} is less than {least}")
        return self


class Rate:
    """Counts the requests of the last minute, for each key or address.

    Args:
        a_minute: So many are taken.
        clock: Seconds that only go up.
    """

    _MOST = 1000
    """Callers kept before those are forgotten that have been quiet for a minute."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute, self._clock = a_minute, clock
        self._seen: dict[Hashable, deque[float]] = {}

    def take(self, who: Hashable) -> None:
        """Count a request.

        Raises:
            ApiError: 429, with the seconds until the next one is taken.
        """
        now = self._clock()
        if len(self._seen) >= self._MOST:
            old = [w for w, times in self._seen.items() if now - times[-1] >= MINUTE]
            for quiet in old:
                del self._seen[quiet]
        times = self._seen.setdefault(who, deque())
        while times and now - times[0] >= MINUTE:
            times.popleft()
        if len(times) >= self.a_minute:
            wait = max(1, math.ceil(MINUTE - (now - times[0])))
            raise ApiError(
                429,
                f"More than {self.a_minute} requests a minute. Try again in {wait} s",
                "rate_limit_exceeded",
                retry_after=wait,
            )
        times.append(now)


class Line:
    """One speech at a time, in the order in which they came, and only so many in line.

    `SpeechClient` lets requests wait for each other too, in threads; but who leaves there keeps
    the place until the turn comes, and nobody promises the order. Used from one event loop.
    """

    def __init__(self, most_waiting: int) -> None:
        self.most_waiting = most_waiting
        self.held = 0
        """Places taken: in line, being spoken, or made and not yet fetched."""
        self.took = 1.0
        """Seconds of the last speech."""
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place until the answer is delivered.

        Raises:
            ApiError: 429, the line is full.
        """
        if self.held > self.most_waiting:
            raise ApiError(
                429,
                f"{self.held - 1} speeches are waiting already, no more than {self.most_waiting} "
                f"may. Try again in {self.retry_after} s",
                "queue_full",
                retry_after=self.retry_after,
            )
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    async def turn(self) -> None:
        """Wait until it is the caller's turn, which ends with `done`."""
        await self._turn.acquire()

    def done(self, took: float) -> None:
        """End the turn after so many seconds; the next in line has it."""
        self.took = took
        self._turn.release()

    @property
    def retry_after(self) -> int:
        """Seconds until it is worth to try again: about one speech."""
        return min(60, max(1, math.ceil(self.took)))
