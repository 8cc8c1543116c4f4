"""Fetch files of a model repository into a folder: resumable, every file checked."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.base_models import remote
from amharic_tts.base_models.remote import ConnectionLost, RemoteFile
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Event, Progress
from amharic_tts.files import require_space, sync_folder, write_text

RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Waits between tries that bring nothing; any new byte starts them anew."""
PARTS = ".parts"
_TICK = 0.5
_MB = 1e6


@dataclass
class Transfer:
    """Files on their way from one repository into one folder."""

    repo: str
    folder: Path
    name: str
    """What is downloaded, for messages."""
    discard: Callable[[Path], Path]
    """Moves away what turned out wrong."""

    def run(self, files: list[RemoteFile]) -> Iterator[Event]:
        """Fetch what is missing; a stopped transfer goes on where it was. Yields megabytes.

        Raises:
            UserError: Hub not reachable, a file damaged on the way, disk full.
        """
        (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
        wanted = [file for file in files if not self._is_there(file)]
        there = {file.name: self._part_size(file) for file in wanted}
        total = sum(file.size for file in files)
        missing = sum(file.size - there[file.name] for file in wanted)
        require_space(self.folder, missing, f"The download of `{self.name}`")
        self._clock = Clock(total / _MB, self.name, done=(total - missing) / _MB)
        self._before = (total - sum(file.size for file in wanted)) / _MB
        for file in wanted:
            yield from self._fetch(file)
            self._before += file.size / _MB

    def _recorded(self) -> dict[str, str]:
        """Return the checksums of files that were checked before."""
        try:
            body = json.loads((self.folder / PARTS / "checked.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return body if isinstance(body, dict) else {}

    def _is_there(self, file: RemoteFile) -> bool:
        """Tell whether a file is there and right; one that is not right goes to the trash."""
        path = self.folder / file.name
        if not path.exists():
            return False
        known = bool(file.checksum) and self._recorded().get(file.name) == file.checksum
        if known and path.stat().st_size == file.size:
            return True
        if remote.is_same(file, path):
            self._record(file)
            return True
        self.discard(path)
        return False

    def _record(self, file: RemoteFile) -> None:
        body = {**self._recorded(), file.name: file.checksum}
        write_text(self.folder / PARTS / "checked.json", json.dumps(body, indent=1))

    def _part(self, file: RemoteFile) -> Path:
        # Named by the content: the part of another version is never gone on with.
        mark = file.checksum[:16] or f"{file.commit[:16]}-{file.size}"
        return self.folder / PARTS / f"{file.name}.{mark}.part"

    def _part_size(self, file: RemoteFile) -> int:
        part = self._part(file)
        if not part.exists():
            return 0
        size = part.stat().st_size
        if size > file.size:
            self.discard(part)
            return 0
        return size

    def _fetch(self, file: RemoteFile) -> Iterator[Event]:
        """Fetch one file, again and again from where the connection broke, then check it."""
        part = self._part(file)
        waits = iter(RETRY_SECONDS)
        while (start := self._part_size(file)) < file.size or not part.exists():
            if not file.size:
                part.touch()
                break
            try:
                yield from self._receive(file, part, start)
                if self._part_size(file) < file.size:
                    raise ConnectionLost("the server sent too little")
            except ConnectionLost as error:
                if self._part_size(file) > start:
                    waits = iter(RETRY_SECONDS)
                wait = next(waits, None)
                if wait is None:
                    hub = file.url.split(f"/{self.repo}/")[0]
                    raise remote.unreachable(hub, error) from error
                yield self._progress(file, f"{file.name}: connection lost, trying again")
                time.sleep(wait)
        self._check(file, part)
        part.replace(self.folder / file.name)
        sync_folder(self.folder)
        self._record(file)
        yield self._progress(file, file.name, file.size)

    def _receive(self, file: RemoteFile, part: Path, start: int) -> Iterator[Event]:
        """Append what comes to the part.

        Raises:
            ConnectionLost: It stopped coming.
        """
        told = 0.0
        with open(part, "ab") as target:
            for at, block in remote.fetch(file, start):
                if at == 0 and start:
                    target.truncate(0)  # the server can't begin in the middle
                    start = 0
                if at + len(block) > file.size:
                    raise UserError(
                        f"`{file.name}` is longer than the {file.size} bytes that the hub told",
                        "Start the download again; if this repeats, the server is at fault",
                    )
                target.write(block)
                if time.monotonic() - told >= _TICK:
                    told = time.monotonic()
                    target.flush()
                    yield self._progress(file, file.name, at + len(block))
            target.flush()
            os.fsync(target.fileno())

    def _check(self, file: RemoteFile, part: Path) -> None:
        """Compare the checksum; a damaged file goes to the trash, so that it is fetched anew."""
        if remote.is_same(file, part):
            return
        self.discard(part)
        raise UserError(
            f"`{file.name}` arrived damaged: its checksum is not the one that the hub told",
            "Start the download again: this file is fetched anew, the others are kept",
        )

    def _progress(self, file: RemoteFile, note: str, done: int | None = None) -> Progress:
        size = self._part_size(file) if done is None else done
        return self._clock.progress(round(self._before + size / _MB, 3), note)
