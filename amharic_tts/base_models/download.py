"""Download a base model: licence first, resumable, every file checked, in a job or a terminal."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from amharic_tts.base_models import remote
from amharic_tts.base_models.catalog import CATALOG, XTTS_V2, BaseModel, check_base
from amharic_tts.base_models.remote import ConnectionLost, RemoteFile
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, require_space, sync_folder, write_text
from amharic_tts.workspace import Workspace

NOTE = "base.json"
"""Written last: where the files came from, and when the licence was accepted."""
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Waits between tries that bring nothing; any new byte starts them anew."""
_TICK = 0.5
_PARTS = ".parts"
_MB = 1e6
# As in coqui's recipes: only the model's own files exist at every revision.
_ALWAYS_MAIN = ("dvae.pth", "mel_stats.pth", "speakers_xtts.pth")


def download(
    workspace: Workspace,
    accept_license: bool,
    endpoint: str | None = None,
    revision: str = "main",
    name: str = XTTS_V2,
) -> Iterator[Event]:
    """Fetch a base of the catalog into the workspace; a stopped download goes on where it was.

    Yields `Progress` in megabytes, `Finding` for what a person should know, last `Done` with
    ``{"base", "folder", "revision", "commit", "files", "bytes"}``.

    Args:
        workspace: Where it goes: ``bases/NAME``.
        accept_license: The person has read and accepted the licence of the base.
        endpoint: Another hub than the usual one (mirrors, tests).
        revision: Branch, tag or commit.
        name: Name in the catalog.

    Raises:
        UserError: Unknown name, licence not accepted, hub not reachable, file not there or
            damaged on the way, disk full, or the same download runs already.
    """
    base = CATALOG.get(name)
    if base is None or not base.repo:
        names = ", ".join(known.name for known in CATALOG.values() if known.repo)
        raise UserError(f"There is nothing to download for `{name}`", f"Choose one of: {names}")
    _require_licence(base, accept_license)
    folder = workspace.bases / base.name
    with disk_errors(folder):
        workspace.locks.mkdir(parents=True, exist_ok=True)
        (folder / _PARTS).mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(workspace.locks / f"download-{base.name}.lock", timeout=0):
                yield from _Download(workspace, base, folder, endpoint, revision).run()
        except Timeout:
            raise UserError(
                f"`{base.name}` is being downloaded by another process",
                "Wait for it, or stop it first",
            ) from None


def _require_licence(base: BaseModel, accepted: bool) -> None:
    if base.licence is not None and not accepted:
        raise UserError(
            f"`{base.name}` is under the {base.licence.name}. {base.licence.summary}: "
            f"{base.licence.link}",
            "If you accept it: amharic-tts base download --accept-license",
        )


@dataclass
class _Download:
    """One download in progress."""

    workspace: Workspace
    base: BaseModel
    folder: Path
    endpoint: str | None
    revision: str

    def run(self) -> Iterator[Event]:
        yield Progress(0, 0, f"Asking the hub about {self.base.repo}")
        files = []
        for name in self.base.files:
            revision = "main" if name in _ALWAYS_MAIN else self.revision
            files.append(remote.describe(self.base.repo, name, revision, self.endpoint))
            if not files[-1].checksum:
                yield Finding(
                    code="no-checksum",
                    message=f"The server names no checksum of {name}; only its size is checked",
                )
        wanted = [file for file in files if not self._is_there(file)]
        there = {file.name: self._part_size(file) for file in wanted}
        total = sum(file.size for file in files)
        missing = sum(file.size - there[file.name] for file in wanted)
        require_space(self.folder, missing, f"The download of `{self.base.name}`")
        self._clock = Clock(total / _MB, self.base.name, done=(total - missing) / _MB)
        self._before = (total - sum(file.size for file in wanted)) / _MB
        for file in wanted:
            yield from self._fetch(file)
            self._before += file.size / _MB
        problems = check_base(self.folder)
        if problems:
            raise UserError(
                f"What {self.base.repo} holds at revision `{self.revision}` is no base model:\n"
                + "\n".join(f"- {problem}" for problem in problems),
                "Choose another revision, or leave it out to take the newest",
            )
        yield self._finish(files)

    def _recorded(self) -> dict[str, str]:
        """Return the checksums of files that were checked before."""
        try:
            body = json.loads((self.folder / _PARTS / "checked.json").read_text(encoding="utf-8"))
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
        self.workspace.discard(path)
        return False

    def _record(self, file: RemoteFile) -> None:
        body = {**self._recorded(), file.name: file.checksum}
        write_text(self.folder / _PARTS / "checked.json", json.dumps(body, indent=1))

    def _part(self, file: RemoteFile) -> Path:
        # Named by the content: the part of another version is never gone on with.
        mark = file.checksum[:16] or f"{file.commit[:16]}-{file.size}"
        return self.folder / _PARTS / f"{file.name}.{mark}.part"

    def _part_size(self, file: RemoteFile) -> int:
        part = self._part(file)
        if not part.exists():
            return 0
        size = part.stat().st_size
        if size > file.size:
            self.workspace.discard(part)
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
                    hub = file.url.split(f"/{self.base.repo}/")[0]
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
        self.workspace.discard(part)
        raise UserError(
            f"`{file.name}` arrived damaged: its checksum is not the one that the hub told",
            "Start the download again: this file is fetched anew, the others are kept",
        )

    def _progress(self, file: RemoteFile, note: str, done: int | None = None) -> Progress:
        size = self._part_size(file) if done is None else done
        return self._clock.progress(round(self._before + size / _MB, 3), note)

    def _finish(self, files: list[RemoteFile]) -> Done:
        licence = self.base.licence
        body = {
            "repo": self.base.repo,
            "revision": self.revision,
            "commit": next((file.commit for file in files if file.commit), ""),
            "files": {f.name: {"bytes": f.size, "checksum": f.checksum} for f in files},
            "licence": licence.name if licence else "",
            "licence_link": licence.link if licence else "",
            "licence_accepted": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        write_text(self.folder / NOTE, json.dumps(body, indent=1))
        return Done(
            {
                "base": self.base.name,
                "folder": str(self.folder),
                "revision": self.revision,
                "commit": body["commit"],
                "files": [file.name for file in files],
                "bytes": sum(file.size for file in files),
            }
        )
