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
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amharic_tts import events
from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Done, Event, Failed, Progress
from amharic_tts.files import disk_errors
from amharic_tts.synthesis import voices
from amharic_tts.workspace import Workspace

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "amharic_tts.synthesis.worker")
_PATIENCE = 5.0
"""Seconds that a process gets to end by itself."""


class SpeechClient:
    """Speaks through one process; requests wait for each other, from any thread.

    Example:
        >>> client = SpeechClient(workspace)
        >>> for event in client.speak("train-20261122-101500-a1b2", "ሰላም ለዓለም።"):
        ...     ...  # Progress, Finding; last Done with result["audio"]
        >>> client.close()
    """

    def __init__(self, workspace: Workspace, command: tuple[str, ...] = COMMAND) -> None:
        self.workspace = workspace
        self._command = command
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._numbers = itertools.count(1)

    @property
    def log(self) -> Path:
        """What the libraries in the process say."""
        return self.workspace.cache / "speech.log"

    def speak(
        self,
        voice: str | Path,
        text: str,
        reference: Path | None = None,
        language: str | None = None,
        seed: int | None = None,
        out: Path | None = None,
    ) -> Iterator[Event]:
        """Yield the events of a speech; the last is `Done`, with the file under ``"audio"``.

        Args:
            voice: Run id, folder, or `practice` for the built-in one.
            text: As people write it.
            reference: Recording whose voice is imitated; the voice's own clip by default.
            language: The voice's own by default.
            seed: Random by default; the result says which.
            out: Where the WAV goes; a new file in ``speech/`` of the workspace by default.

        Raises:
            UserError: See `SpeechEngine.say`; also an unknown voice.
            StudioError: The process ended; the next call starts it again.
        """
        if not text.strip():
            raise UserError("There is nothing to say in this text", "Type some words")
        if reference is not None and not reference.is_file():
            raise UserError(
                f"There is no reference clip `{reference}`", "Choose a recording of some seconds"
            )
        request: dict[str, Any] = {
            "voice": str(voices.find(self.workspace, voice)),
            "text": text,
            "reference": None if reference is None else str(reference.absolute()),
            "language": language,
            "seed": secrets.randbelow(2**31) if seed is None else seed,
            "out": str((out or self._new_file()).absolute()),
        }
        if str(voice) == PRACTICE:
            request["built_in"] = True
        if not self._turn.acquire(blocking=False):
            yield Progress(0, 0, "Waiting for another speech to be done")
            self._turn.acquire()
        try:
            yield from self._ask(request)
        finally:
            self._turn.release()

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

    def _new_file(self) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return self.workspace.speech / f"{stamp}-{secrets.token_hex(2)}.wav"

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
        for line in process.stdout:
            body = json.loads(line)
            if body.pop("id") != number:
                continue  # what is left of a request that nobody waits for any more
            event = events.from_json(json.dumps(body))
            if isinstance(event, Failed):
                kind = UserError if event.exit_code == UserError.exit_code else StudioError
                raise kind(event.message, event.hint)
            yield event
            if isinstance(event, Done):
                return
        raise self._ended()

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
