"""espeak-ng's process: it stays, ends by itself, comes back, and never comes into our own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amharic_tts.errors import MissingPart
from amharic_tts.espeak.client import EspeakClient

ROOT = Path(__file__).parents[2]
READ = {"do": "read", "voice": "am", "texts": ["ሰላም ለዓለም", "", "ቀጸላ"]}
ANSWER = {"ipa": ["sˈəlam lˈəʔaləm", "", "k`ˈətsəla"]}


@pytest.fixture
def client() -> Iterator[EspeakClient]:
    made = EspeakClient()
    yield made
    made.close()


def test_one_process_answers_all_questions(client: EspeakClient) -> None:
    assert client.pid is None, "nothing is started before the first question"
    assert client.ask(READ) == ANSWER
    first = client.pid
    assert client.ask(READ) == ANSWER
    assert client.pid == first is not None


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process by signal")
def test_it_comes_back_after_a_kill(client: EspeakClient) -> None:
    client.ask(READ)
    first = client.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert client.ask(READ) == ANSWER
    assert client.pid not in (None, first)


def test_it_ends_when_idle_and_is_started_again() -> None:
    client = EspeakClient(idle=0.2)
    assert client.ask(READ) == ANSWER
    until = time.monotonic() + 10
    while client.pid is not None and time.monotonic() < until:
        time.sleep(0.05)
    assert client.pid is None
    assert client.ask(READ) == ANSWER
    client.close()
    assert client.pid is None


def test_threads_get_their_own_answers(client: EspeakClient) -> None:
    wrong: list[str] = []

    def work(letter: str, sound: str) -> None:
        for n in range(1, 60):
            (found,) = client.ask({"do": "read", "voice": "am", "texts": [letter * n]})["ipa"]
            if found.replace("ˈ", "") != sound * n:
                wrong.append(found)

    pairs = (("ለ", "lə"), ("መ", "mə"), ("ሰ", "sə"), ("ነ", "nə"))
    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_request_that_fails_does_not_end_it(client: EspeakClient) -> None:
    client.ask(READ)
    first = client.pid
    with pytest.raises(MissingPart, match="can't be used here: espeak-ng has no voice `zz`"):
        client.ask({**READ, "voice": "zz"})
    assert client.ask(READ) == ANSWER
    assert client.pid == first


def test_it_is_not_waited_for_for_ever() -> None:
    client = EspeakClient(patience=0.0)
    with pytest.raises(MissingPart, match="can't be used here: no answer in 0 s"):
        client.ask(READ)
    assert client.pid is None


def test_where_it_can_not_start(client: EspeakClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(MissingPart) as caught:
        client.ask(READ)
    assert caught.value.message == "espeak-ng can't be used here: it ended with 1"
    assert caught.value.hint == "Install it with: python -m pip install espeakng-loader"


CODE = """
import sys
from pathlib import Path
from amharic_tts.espeak.client import shared
assert shared().ask({"do": "read", "voice": "am", "texts": ["x"]})
assert not [m for m in sys.modules if m.startswith("espeak")], sys.modules
maps = Path("/proc/self/maps")
assert not maps.exists() or "espeak" not in maps.read_text()
sys.stdout.write(str(shared().pid))
"""


def test_it_is_a_process_apart_and_ends_with_the_studio() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stderr == ""
    assert not Path(f"/proc/{done.stdout}").exists()
