"""What the speech API adds to speaking: its own time, and ten clients at once.

    python -m benchmarks.serving [--quick] [--json]

The speech process is one that sends tones at once (`benchmarks/fake_speech.py`), so that what is
measured is everything but the voice: HTTP, the line, encoding, the pipe to the process. The peer is
the same speech through `SpeechClient` in this very process, without HTTP and encoding. Server and
clients are two processes on this machine; ratios are the peer's time over ours, medians of all
requests. CPU times stand beside the wall times, which are worth little on a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from amharic_tts.audio.encode import FORMATS, Encoder, to_pcm
from amharic_tts.events import Chunk
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.workspace import Workspace

FAKE = (sys.executable, str(Path(__file__).with_name("fake_speech.py")))
TEXT = "ሰላም ለዓለም ሁሉ ዛሬ እንዴት ናችሁ እኛ ደህና ነን እናመሰግናለን"
CLIENTS = 10
RATE = 24000
Row = dict[str, Any]
_SERVE = """
import sys
from pathlib import Path
import uvicorn
from amharic_tts.serving import alone
from amharic_tts.serving.limits import Limits
from amharic_tts.serving.server import Serving
from amharic_tts.synthesis import client
from amharic_tts.workspace import Workspace
spoken = client.SpeechClient
alone.SpeechClient = lambda workspace: spoken(workspace, tuple(sys.argv[2:]))
limits = Limits(a_minute=10**6, most_waiting=64)
def ready(address):
    sys.stdout.write(address + chr(10)); sys.stdout.flush()
alone.run(Workspace.open(Path(sys.argv[1])), Serving(limits=limits), "127.0.0.1", 0, ready)
"""


def row(measure: str, unit: str, peer: float | None, ours: float | None, more: bool = False) -> Row:
    """Return one row; `more` says that more is better."""
    ratio = None
    if peer and ours:
        ratio = ours / peer if more else peer / ours
    values = {"measure": measure, "unit": unit, "peer": peer, "ours": ours, "ratio": ratio}
    shown = {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}
    return {**shown, "goal": None}


@contextlib.contextmanager
def served(workspace: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Serve the API from a process of its own; yield its address and the process."""
    argv = [sys.executable, "-c", _SERVE, str(workspace), *FAKE]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip(), psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()


def cpu(server: psutil.Process) -> float:
    """Return the CPU seconds that the server itself has used, without the speech process."""
    times = server.cpu_times()
    return float(times.user + times.system)


def asked(http: httpx.Client, format: str = "mp3") -> tuple[float, float]:
    """Return the seconds to the first and to the last byte of one speech."""
    began = time.perf_counter()
    body = {"input": TEXT, "voice": "practice", "response_format": format}
    with http.stream("POST", "audio/speech", json=body) as answer:
        answer.raise_for_status()
        first = 0.0
        for _ in answer.iter_raw():
            first = first or time.perf_counter() - began
    return first, time.perf_counter() - began


def direct(workspace: Workspace, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds to the first piece and to the end, without HTTP."""
    client = SpeechClient(workspace, FAKE)
    firsts, wholes = [], []
    request = SpeechRequest("practice", TEXT, stream=True, out=workspace.cache / "direct.wav")
    try:
        for _ in range(rounds + 1):
            began, first = time.perf_counter(), 0.0
            for event in client.speak(request):
                if isinstance(event, Chunk):
                    first = first or time.perf_counter() - began
            firsts.append(first)
            wholes.append(time.perf_counter() - began)
    finally:
        client.close()
    return firsts[1:], wholes[1:]  # the first one started the process


def at_once(address: str, each: int) -> tuple[float, list[float], list[float]]:
    """Return the seconds of all, and those of each request to its first and its last byte."""
    firsts: list[float] = []
    wholes: list[float] = []

    def client() -> None:
        with httpx.Client(base_url=address, timeout=120) as http:
            for _ in range(each):
                first, whole = asked(http)
                firsts.append(first)
                wholes.append(whole)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if len(wholes) != CLIENTS * each:
        raise SystemExit(f"{CLIENTS * each - len(wholes)} requests failed")
    return took, firsts, wholes


def encoding(seconds: float, rounds: int) -> Iterator[Row]:
    """Yield what each format costs for a second of sound, in pieces of a tenth of a second."""
    random = np.random.default_rng(0)
    sound = to_pcm((random.standard_normal(round(RATE * seconds)) * 0.1).astype(np.float32))
    step = RATE // 10 * 2
    for format in FORMATS:
        costs = []
        for _ in range(rounds):
            began = time.process_time()
            encoder = Encoder(format, RATE)
            for start in range(0, len(sound), step):
                encoder.feed(sound[start : start + step])
            encoder.close()
            costs.append((time.process_time() - began) / seconds)
        yield row(f"encode a second of sound as {format}", "ms CPU", None, _ms(costs))


def _ms(values: list[float]) -> float:
    return statistics.median(values) * 1000


def measure(quick: bool) -> Iterator[Row]:
    """Yield all rows."""
    rounds, each = (20, 5) if quick else (200, 50)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Path(folder) / "workspace")
        with served(workspace.root) as (address, server):
            with httpx.Client(base_url=address, timeout=60) as http:
                asked(http)
                started = cpu(server)
                alone = [asked(http) for _ in range(rounds)]
                half = cpu(server)
                raw = [asked(http, "pcm") for _ in range(rounds)]
                cpus = [(half - started) / rounds * 1000, (cpu(server) - half) / rounds * 1000]
            took, firsts, wholes = at_once(address, each)
        their_first, their_whole = direct(workspace, rounds)
    name = "ten words (1 s of sound)"
    yield row(f"{name}: first bytes, mp3", "ms", _ms(their_first), _ms([a for a, _ in alone]))
    yield row(f"{name}: first bytes, pcm", "ms", _ms(their_first), _ms([a for a, _ in raw]))
    yield row(f"{name}: the whole, mp3", "ms", _ms(their_whole), _ms([b for _, b in alone]))
    yield row(f"{name}: the whole, pcm", "ms", _ms(their_whole), _ms([b for _, b in raw]))
    yield row(f"{name}: the server's own work, mp3", "ms CPU", None, cpus[0])
    yield row(f"{name}: the server's own work, pcm", "ms CPU", None, cpus[1])
    count = CLIENTS * each
    peer = len(their_whole) / sum(their_whole)
    yield row(f"{CLIENTS} clients: requests a second, mp3", "1/s", peer, count / took, more=True)
    yield row(f"{CLIENTS} clients: first bytes, median", "ms", None, _ms(firsts))
    yield row(f"{CLIENTS} clients: the whole, median", "ms", None, _ms(wholes))
    worst = statistics.quantiles(wholes, n=20)[-1] * 1000
    yield row(f"{CLIENTS} clients: the whole, 95 of 100", "ms", None, worst)
    yield row(f"{CLIENTS} clients: the whole, the slowest", "ms", None, max(wholes) * 1000)
    yield from encoding(10.0 if quick else 60.0, 1 if quick else 3)


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="What the speech API adds to speaking.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: is it all there?")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    for one in measure(given.quick):
        if given.json:
            print(json.dumps(one, ensure_ascii=False), flush=True)
        else:
            ratio = "" if one["ratio"] is None else f"  ({one['ratio']:.2f})"
            print(
                f"{one['measure']:<50} {one['peer']!s:>8} {one['ours']!s:>8} {one['unit']}{ratio}"
            )
    print(f"{os.cpu_count()} cores", file=sys.stderr)


if __name__ == "__main__":
    main()
