"""A speech API on loopback with a speech process that speaks tones."""

from __future__ import annotations

import dataclasses
import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import uvicorn

from amharic_tts.serving.limits import Limits, Line
from amharic_tts.serving.server import Serving, build
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace

FAKE = Path(__file__).parents[2] / "benchmarks" / "fake_speech.py"
KEY = "a-key-of-this-test-only"


@dataclasses.dataclass
class Served:
    """A running API."""

    address: str
    client: SpeechClient
    log: Path
    line: Line

    def http(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=20, **options)

    def ask(self, text: str, **fields: Any) -> httpx.Response:
        with self.http() as http:
            return http.post("/v1/audio/speech", json=body(text, **fields))

    def waiting(self) -> int:
        return int(httpx.get(self.address + "/v1/health").json()["waiting"])

    def notes(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


def body(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "tts-1", "input": text, "voice": "practice", "seed": 4, **fields}


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that another thread or process does."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.005)


@contextmanager
def served(workspace: Workspace, serving: Serving | None = None, **limits: Any) -> Iterator[Served]:
    """Serve the API on a free port of loopback."""
    serving = serving or Serving()
    if limits:
        serving = dataclasses.replace(serving, limits=Limits(**{"a_minute": 1000, **limits}))
    log = workspace.root / "fake.log"
    client = SpeechClient(workspace, (sys.executable, str(FAKE), str(log)))
    app = build(client, serving)
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server starts")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", client, log, app.routes[0].app.line)  # type: ignore[attr-defined]
    finally:
        client.close()
        server.should_exit = True
        thread.join()


def seconds_of(data: bytes) -> float:
    """Return how long a sound is, decoded by FFmpeg's libraries."""
    count = 0
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(audio=0):
            count, rate = count + frame.samples, frame.sample_rate
    return count / rate


def pcm_of(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i2")
