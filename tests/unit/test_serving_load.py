"""Many at once: sound leaves while it is made, order is kept, the line is bounded and goes on."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving_fixtures import FAKE, Served, body, pcm_of, served, until

from amharic_tts.errors import UserError
from amharic_tts.serving.errors import ApiError
from amharic_tts.serving.limits import Limits, Line, Rate
from amharic_tts.serving.server import Serving, SpeechApi
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace

GATE_WORD = 2400 * 2
"""Bytes of one word as PCM."""


class Asking(threading.Thread):
    """A client in a thread of its own."""

    def __init__(self, api: Served, text: str) -> None:
        super().__init__(daemon=True)
        self.api, self.text = api, text
        self.answer: httpx.Response | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.api.ask(self.text, response_format="pcm")
        except httpx.HTTPError as error:
            self.error = error


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "open"


@pytest.fixture
def api(workspace: Workspace) -> Iterator[Served]:
    with served(workspace, most_waiting=9) as found:
        yield found


@contextmanager
def plain(api: Served, asked: dict[str, Any]) -> Iterator[None]:
    """Ask over a plain connection that is closed at the end, without reading the answer."""
    content = json.dumps(asked).encode()
    host, port = api.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(
            f"POST /v1/audio/speech HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json"
            f"\r\nContent-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        yield


def begun(api: Served, text: str) -> None:
    until(lambda: f"begin {text}" in api.notes(), f"begin {text}")


@pytest.mark.parametrize("format", ["pcm", "wav", "mp3", "opus", "aac", "flac"])
def test_sound_arrives_before_the_speech_is_done(api: Served, gate: Path, format: str) -> None:
    text = f"gate {gate}" + " ሰላም" * 8
    asked = body(text, response_format=format)
    with api.http() as http, http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        pieces = answer.iter_raw()
        first = next(pieces)  # the process still waits at the gate
        assert len(first) > 0
        assert f"end {text}" not in api.notes()
        gate.touch()
        rest = list(pieces)
    assert len(b"".join(rest)) > 0
    if format == "pcm":
        assert len(first) == GATE_WORD
        assert len(first + b"".join(rest)) == 10 * GATE_WORD


def test_events_arrive_before_the_speech_is_done(api: Served, gate: Path) -> None:
    asked = body(f"gate {gate} ሰላም", stream_format="sse", response_format="pcm")
    with api.http() as http, http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith('data: {"type": "speech.audio.delta"')
        gate.touch()
        assert '"speech.audio.done"' in "".join(lines)


def test_ten_at_once_keep_their_order_and_the_eleventh_is_told_to_wait(
    api: Served, gate: Path
) -> None:
    first = Asking(api, f"gate {gate}")
    begun(api, f"gate {gate}")
    others = []
    for number in range(9):
        others.append(Asking(api, f"number {number}"))
        until(lambda: api.waiting() == len(others), "it waits in line")
    eleventh = api.ask("one too many")
    assert (eleventh.status_code, eleventh.json()["error"]["code"]) == (429, "queue_full")
    assert int(eleventh.headers["retry-after"]) >= 1
    gate.touch()
    for asking in (first, *others):
        asking.join(20)
        assert asking.answer is not None
        assert asking.answer.status_code == 200
        assert len(pcm_of(asking.answer.content)) == 2 * 2400
    until(lambda: "end number 8" in api.notes(), "the process notes it after it told it")
    texts = [note[4:] for note in api.notes() if note.startswith("end ")]
    assert texts == [f"gate {gate}", *(f"number {n}" for n in range(9))]
    assert api.waiting() == 0
    assert api.ask("again").status_code == 200


def test_who_leaves_the_line_gives_the_place_back(api: Served, gate: Path) -> None:
    first = Asking(api, f"gate {gate}")
    begun(api, f"gate {gate}")
    with plain(api, body("impatient")):
        until(lambda: api.waiting() == 1, "it waits in line")
    until(lambda: api.line.held == 1, "the place is free")
    second = Asking(api, "patient one")
    until(lambda: api.waiting() == 1, "the next one waits")
    gate.touch()
    for asking in (first, second):
        asking.join(20)
        assert asking.answer is not None
        assert asking.answer.status_code == 200
    assert "begin impatient" not in api.notes()


def test_who_leaves_in_the_middle_breaks_the_speech_off(api: Served, gate: Path) -> None:
    text = f"gate {gate} ሰላም"
    asked = body(text, response_format="pcm")
    with api.http() as http, http.stream("POST", "/v1/audio/speech", json=asked) as answer:
        next(answer.iter_raw())
    until(lambda: api.line.held == 0, "the place of who left is free")
    next_one = Asking(api, "the next")
    gate.touch()  # the iterator is closed at the next event of the process
    next_one.join(20)
    assert next_one.answer is not None
    assert next_one.answer.status_code == 200
    left = api.client.workspace.cache / "serving"
    until(lambda: not list(left.iterdir()), "what was spoken for nobody is removed")


@pytest.mark.parametrize("steps", range(5))
def test_who_leaves_while_a_piece_is_sent_is_not_missed(
    workspace: Workspace, gate: Path, steps: int
) -> None:
    """The call is cancelled in the very step of the event loop in which the sending ends."""
    gone = asyncio.Event()
    text = body(f"gate {gate} ሰላም", response_format="pcm")
    messages = [{"type": "http.request", "body": json.dumps(text).encode()}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body"):
            gone.set()
            for _ in range(steps):
                await asyncio.sleep(0)

    client = SpeechClient(workspace, (sys.executable, str(FAKE)))
    scope = {
        "type": "http",
        "method": "POST",
        "path_params": {"path": "audio/speech"},
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    try:
        api = SpeechApi(client, Serving())
        asyncio.run(asyncio.wait_for(api(scope, receive, send), 20))
        assert api.line.held == 0
    finally:
        gate.touch()
        client.close()


def test_the_line_goes_on_after_the_process_died(api: Served, gate: Path) -> None:
    first = Asking(api, f"gate {gate}")
    begun(api, f"gate {gate}")
    dying = Asking(api, "die")
    until(lambda: api.waiting() == 1, "it waits")
    half = Asking(api, "half die")
    until(lambda: api.waiting() == 2, "it waits")
    last = Asking(api, "alive")
    until(lambda: api.waiting() == 3, "it waits")
    gate.touch()
    for asking in (first, dying, half, last):
        asking.join(20)
    assert first.answer is not None
    assert dying.answer is not None
    assert last.answer is not None
    codes = [first.answer.status_code, dying.answer.status_code, last.answer.status_code]
    assert codes == [200, 503, 200]
    assert isinstance(half.error, httpx.RemoteProtocolError)


def test_a_full_client_is_told_as_a_full_line(api: Served, gate: Path) -> None:
    """The page and the API share one speaking process and its own bound."""
    from amharic_tts.synthesis.request import SpeechRequest

    page = api.client.speak(SpeechRequest("practice", f"gate {gate}"))
    next(page)
    api.client.most_waiting = 0
    answer = api.ask("ሰላም")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "queue_full")
    gate.touch()
    list(page)
    api.client.most_waiting = 1
    assert api.ask("ሰላም").status_code == 200


def test_a_listener_that_takes_nothing_is_given_up(workspace: Workspace) -> None:
    text = "ሰላም " * 800  # 80 s of sound, 4 MB: more than the buffers of a connection hold
    asked = body(text, response_format="pcm")
    with served(workspace, stalled_seconds=1.0) as api, plain(api, asked):
        until(lambda: bool(api.notes()), "the speech begins")
        assert api.ask("ሰላም").status_code == 200  # a slow listener does not hold up the next
        until(lambda: api.line.held == 0, "the place is free")


def test_a_minute_is_counted_for_each_caller() -> None:
    now = [0.0]
    rate = Rate(2, lambda: now[0])
    for who in ("a", "a", "b", 0):
        rate.take(who)
    with pytest.raises(ApiError) as caught:
        rate.take("a")
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "60")
    now[0] = 59.5
    with pytest.raises(ApiError) as caught:
        rate.take("a")
    assert caught.value.headers["Retry-After"] == "1"
    now[0] = 60.0
    rate.take("a")
    for number in range(2000):
        rate.take(f"visitor {number}")
    now[0] = 200.0
    rate.take("late")
    assert len(rate._seen) == 1


def test_who_is_cancelled_in_line_does_not_keep_the_turn() -> None:
    async def run() -> list[str]:
        line, order = Line(3), []

        async def one(name: str) -> None:
            async with line.place():
                await line.turn()
                order.append(name)
                await asyncio.sleep(0.001)
                line.done(2.5)

        tasks: list[Any] = [asyncio.create_task(one(name)) for name in "abcd"]
        await asyncio.sleep(0)
        with pytest.raises(ApiError, match="3 speeches are waiting already, no more than 3 may"):
            await one("e")
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (line.held, line.retry_after) == (0, 3)
        return order

    assert asyncio.run(run()) == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(characters=0), "characters: 0 is outside of 1 to 10000"),
        (Limits(characters=20_000), "characters: 20000 is outside of 1 to 10000"),
        (Limits(a_minute=0), "a_minute: 0 is less than 1"),
        (Limits(most_waiting=-1), "most_waiting: -1 is less than 0"),
        (Limits(body=0), "body: 0 is less than 1"),
    ],
)
def test_limits_that_make_no_sense(limits: Limits, message: str) -> None:
    with pytest.raises(UserError, match=message):
        limits.check()
