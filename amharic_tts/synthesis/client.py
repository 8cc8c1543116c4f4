"""Speak from the page: a process with the speech library, started on first use and kept warm."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amharic_tts import events
from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Failed, Progress
from amharic_tts.files import disk_errors
from amharic_tts.synthesis import voices
from amharic_tts.synthesis.history import History
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.workspace import Workspace

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "amharic_tts.synthesis.worker")
_PATIENCE = 5.0
"""Seconds that a process gets to end by itself."""


class Busy(StudioError):
    """More requests wait than may."""


class SpeechClient:
    """Speaks through one process; requests wait for each other, from any thread.

    Example:
        >>> client = SpeechClient(workspace)
        >>> request = SpeechRequest("train-20261122-101500-a1b2", "ሰላም ለዓለም።")
        >>> for event in client.speak(request):
        ...     ...  # Progress, Finding, Sentence; last Done with result["audio"]
        >>> client.close()
    """

    def __init__(
        self,
        workspace: Workspace,
        command: tuple[str, ...] = COMMAND,
        most_waiting: int = 32,
    ) -> None:
        self.workspace, self.most_waiting = workspace, most_waiting
        self.waiting = 0
        """Requests that wait for their turn."""
        self._count = threading.Lock()
        self._command = command
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._numbers = itertools.count(1)

    @property
    def log(self) -> Path:
        """What the libraries in the process say."""
        return self.workspace.cache / "speech.log"

    def speak(self, request: SpeechRequest) -> Iterator[Event]:
        """Yield the events of a speech: `Progress`, `Finding`, a `Sentence` for each, and `Chunk`s
        where they are asked for; the last is `Done`, with the file under ``"audio"``.

        Who stops iterating breaks the speech off.

        Raises:
            UserError: See `SpeechRequest.checked` and `SpeechEngine.say`; also an unknown voice.
            Busy: Too many wait.
            StudioError: The process ended; the next call starts it again.
        """
        request.checked()
        body = request.to_json()
        body["voice"] = str(voices.find(self.workspace, request.voice))
        body["built_in"] = request.voice == PRACTICE
        body["seed"] = secrets.randbelow(2**31) if request.seed is None else request.seed
        body["out"] = str((request.out or History(self.workspace).new_sound()).absolute())
        with self._waiting():
            if not self._turn.acquire(blocking=False):
                yield Progress(0, 0, "Waiting for another speech to be done")
                self._turn.acquire()
        try:
            yield from self._ask(body)
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._count:
            if self.waiting >= self.most_waiting:
                raise Busy(
                    f"{self.waiting} speeches are waiting already; no more than "
                    f"{self.most_waiting} may",
                    "Try again in a minute",
                )
            self.waiting += 1
        try:
            yield
        finally:
            with self._count:
                self.waiting -= 1

    def close(self) -> None:
        """End the process; the next `speak` starts it again."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> Iterator[Event]:
        process = self._running()
        number = next(self._numbers)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"id": number, **request}, ensure_ascii=False) + "\n")
            process.stdin.flush()
        except OSError:
            raise self._ended() from None
        ended = False
        try:
            for line in process.stdout:
                body = json.loads(line)
                if body.pop("id") != number:
                    continue  # what is left of a request that nobody waits for any more
                event = events.from_json(json.dumps(body))
                ended = isinstance(event, (Done, Failed))
                if isinstance(event, Failed):
                    kind = UserError if event.exit_code == UserError.exit_code else StudioError
                    raise kind(event.message, event.hint)
                yield event
                if ended:
                    return
            ended = True
            raise self._ended()
        finally:
            if not ended:
                self._break_off(process, number)

    @staticmethod
    def _break_off(process: subprocess.Popen[str], number: int) -> None:
        """Tell the process that nobody waits for a request any more."""
        assert process.stdin is not None
        # A process that is gone has nothing to break off; the next request says so.
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps({"id": number, "cancel": True}) + "\n")
            process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            with disk_errors(self.log):
                self.log.parent.mkdir(parents=True, exist_ok=True)
                with open(self.log, "ab") as log:
                    self._process = subprocess.Popen(
                        self._command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        encoding="utf-8",
                        env={**os.environ, "PYTHONUNBUFFERED": "1"},
                        start_new_session=True,
                    )
        return self._process

    def _ended(self) -> StudioError:
        """Return the error of a process that ended in the middle of a request."""
        process = self._process
        self.close()
        code = process.returncode if process is not None else None
        return StudioError(
            f"The speech process ended unexpectedly (exit code {code})",
            f"Speak again: it is started anew. If this repeats, the memory may be too small; "
            f"its log is `{self.log}`",
        )
