"""One speech on its way: made and encoded in a thread, sent piece by piece from the event loop."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio
from starlette.types import Send

from amharic_tts.audio.encode import FORMATS, Encoder, encode
from amharic_tts.errors import StudioError
from amharic_tts.events import Chunk, Done, Event
from amharic_tts.serving.errors import INTERNAL, ApiError
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.request import SpeechRequest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """The end of a speech: what `Done` told, and how long it took in seconds."""

    result: dict[str, Any]
    took: float


Item = bytes | Made | StudioError | ApiError


class Speaking:
    """A speech in a thread of its own; its encoded pieces are taken in the event loop.

    Pieces are kept until they are taken, so that a slow listener does not hold up the next speech;
    a text has only so many characters, which bounds them.

    Args:
        client: Who speaks.
        request: What; its `out` is a file of our own, removed at the end.
        format: A name in `audio.encode.FORMATS`.
        ended: Called in the event loop with the seconds that the thread had, once it has ended.
    """

    def __init__(
        self,
        client: SpeechClient,
        request: SpeechRequest,
        format: str,
        ended: Callable[[float], None],
    ) -> None:
        self._client, self._request, self._format, self._ended = client, request, format, ended
        self._encoder: Encoder | None = None
        self._left = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Item] = asyncio.Queue()
        self._began = time.monotonic()
        # Not a thread of the common pool: a speech takes minutes, and the pool has other work.
        threading.Thread(target=self._speak, name="serving-speech", daemon=True).start()

    def leave(self) -> None:
        """Break the speech off: nobody listens any more."""
        self._left.set()

    async def pieces(self) -> AsyncIterator[bytes | Made]:
        """Yield encoded pieces, none of them empty, and `Made` at last.

        Raises:
            StudioError: See `SpeechClient.speak`.
            ApiError: Something went wrong that should not; the log has it.
        """
        while True:
            item = await self._items.get()
            if isinstance(item, (StudioError, ApiError)):
                raise item
            yield item
            if isinstance(item, Made):
                return

    def _speak(self) -> None:
        """Run in the thread; the outermost border there."""
        try:
            self._follow()
        except StudioError as error:
            self._tell(self._items.put_nowait, error)
        except Exception:
            logger.exception("a speech failed")
            self._tell(self._items.put_nowait, INTERNAL)
        finally:
            self._tell(self._ended, time.monotonic() - self._began)

    def _follow(self) -> None:
        events = cast("Generator[Event, None, None]", self._client.speak(self._request))
        try:
            # Closing breaks off a speech that is not done.
            with contextlib.closing(events):
                for event in events:
                    if self._left.is_set():
                        return
                    for item in self._items_of(event):
                        self._tell(self._items.put_nowait, item)
        finally:
            if self._request.out is not None:
                self._request.out.unlink(missing_ok=True)

    def _items_of(self, event: Event) -> list[Item]:
        if isinstance(event, Chunk):
            if self._encoder is None:
                self._encoder = Encoder(self._format, event.rate)
            data = self._encoder.feed(base64.b64decode(event.pcm))
            return [data] if data else []
        if not isinstance(event, Done):
            return []
        made = Made(event.result, time.monotonic() - self._began)
        if not self._request.stream:
            return [_whole(Path(event.result["audio"]), self._format), made]
        if self._encoder is None:
            raise StudioError("the speech process sent no sound while it spoke")
        rest = self._encoder.close()
        return [rest, made] if rest else [made]

    def _tell(self, function: Callable[[Any], object], value: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, value)
        except RuntimeError:
            # The server has ended, and its event loop with it: nobody is there to be told.
            logger.info("a speech ended after the server")


def _whole(path: Path, format: str) -> bytes:
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32")
    return encode(samples, rate, format)


class Answer:
    """Sends a response whose length nobody knows yet.

    An error after the first piece can't change the status any more: the connection is then broken
    off in the middle, which every client takes for an error, instead of being ended as if the
    speech were whole.
    """

    def __init__(self, send: Send, stalled_seconds: float) -> None:
        self._send, self._stalled = send, stalled_seconds
        self.started = False

    async def start(self, media_type: str, headers: dict[str, str]) -> None:
        """Send the status and the headers."""
        self.started = True
        told = {"content-type": media_type, "cache-control": "no-store", **headers}
        raw = [(name.lower().encode("latin-1"), v.encode("latin-1")) for name, v in told.items()]
        await self._patiently({"type": "http.response.start", "status": 200, "headers": raw})

    async def piece(self, data: bytes) -> None:
        """Send the next bytes.

        Raises:
            TimeoutError: The listener takes nothing any more.
        """
        await self._patiently({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """Tell that this was all."""
        await self._patiently({"type": "http.response.body", "body": b"", "more_body": False})

    async def _patiently(self, message: dict[str, Any]) -> None:
        # Not `asyncio.wait_for`: up to Python 3.11 it swallows a cancellation that comes as the
        # sending ends (bpo-42130), and a speech for nobody would go on.
        with anyio.fail_after(self._stalled):
            await self._send(message)


def media_type(format: str, stream_format: str) -> str:
    """Return the type of the answer."""
    return "text/event-stream" if stream_format == "sse" else FORMATS[format].mime


def sound_event(data: bytes) -> bytes:
    """Return a piece of sound as a server-sent event."""
    told = {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode("ascii")}
    return _event(told)


def done_event(made: Made, ignored: tuple[str, ...]) -> bytes:
    """Return the last event of a speech."""
    names = ("seconds", "language", "seed", "cut")
    told = {name: made.result[name] for name in names if name in made.result}
    return _event({"type": "speech.audio.done", **told, "ignored": list(ignored)})


def error_event(error: ApiError) -> bytes:
    """Return the event of an error in the middle of a speech."""
    return _event({"type": "error", **error.body()})


def _event(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
