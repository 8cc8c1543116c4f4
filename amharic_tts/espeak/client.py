"""Ask espeak-ng's process: started at the first question, kept, started again where it has ended.

Example:
    >>> shared().ask({"do": "read", "voice": "am", "texts": ["ሰላም"]})
    {'ipa': ['sˈəlam']}
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import IO, Any

from amharic_tts.errors import MissingPart

PACKAGE = "espeakng_loader"
HINT = "Install it with: python -m pip install espeakng-loader"
_ROOT = Path(__file__).parents[2]
_IDLE = 300.0
"""Seconds without a question after which the process ends; starting it takes about 0.1 s."""
_PATIENCE = 120.0
"""Seconds that one answer may take."""
_GOODBYE = 5.0
"""Seconds that the process gets to end by itself."""


def installed() -> bool:
    """Return whether the package is there; it is not imported."""
    return importlib.util.find_spec(PACKAGE) is not None


class _Watch:
    """Kills a process that takes too long over an answer.

    One thread for the life of the process: a `threading.Timer` for each question costs 0.8 ms,
    the question itself 0.03 ms.
    """

    def __init__(self, process: subprocess.Popen[str], patience: float) -> None:
        self.since: float | None = None
        """When the question was asked that is not answered yet."""
        self.stuck = False
        self._process, self._patience = process, patience
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while self._process.poll() is None:
            since = self.since
            if since is not None and time.monotonic() - since > self._patience:
                self.stuck = True
                self._process.kill()
                return
            time.sleep(max(0.01, min(1.0, self._patience / 10)))


class EspeakClient:
    """One process with espeak-ng; questions wait for each other, from any thread."""

    def __init__(self, idle: float = _IDLE, patience: float = _PATIENCE) -> None:
        """Set the times in seconds; nothing is started yet."""
        self._idle, self._patience = idle, patience
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[bytes] | None = None
        self._watch: _Watch | None = None

    @property
    def pid(self) -> int | None:
        """The process, where one runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request; `amharic_tts.espeak.process` lists them.

        Raises:
            MissingPart: espeak-ng can't be loaded here, can't do this, died or is stuck.
        """
        with self._turn:
            kept = self._process is not None
            answer = self._exchange(request)
            if "ended" in answer and kept:  # it went while it was idle, or somebody killed it
                answer = self._exchange(request)
        reason = answer.get("error") or answer.get("ended")
        if reason:
            raise MissingPart(f"espeak-ng can't be used here: {reason}", HINT)
        return answer

    def close(self) -> None:
        """End the process; the next question starts it again."""
        with self._turn:
            self._stop()

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a line and read a line; ``{"ended": reason}`` where the process has gone."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = self._watch
        assert watch is not None
        watch.since = time.monotonic()
        try:
            with contextlib.suppress(OSError):
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            # Read even if it could not be written to: a process that ends early says why.
            line = process.stdout.readline()
            if line.endswith("\n"):
                return dict(json.loads(line))
        except BaseException:
            self._stop()  # an answer that nobody waits for would be taken for the next one
            raise
        finally:
            watch.since = None
        said = self._stop()
        if watch.stuck:
            return {"error": f"no answer in {self._patience:g} s"}
        return {"ended": said}

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed in _stop
            self._process = subprocess.Popen(
                [sys.executable, "-m", "amharic_tts.espeak.process", "--idle", str(self._idle)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                encoding="utf-8",
                cwd=_ROOT,
                start_new_session=True,  # Ctrl-C in a terminal is for the studio
            )
            self._watch = _Watch(self._process, self._patience)
        return self._process

    def _stop(self) -> str:
        """End the process and return its last word, or its exit code."""
        process, self._process = self._process, None
        log, self._log = self._log, None
        if process is None or log is None:
            return ""
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        with log:
            log.seek(0)
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {process.returncode}"


@cache
def shared() -> EspeakClient:
    """Return the client of the whole studio; its process ends with the studio."""
    client = EspeakClient()
    atexit.register(client.close)
    return client
