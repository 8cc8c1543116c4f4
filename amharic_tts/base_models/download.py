"""Download a base model: licence first, resumable, every file checked, in a job or a terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from amharic_tts.base_models import remote
from amharic_tts.base_models.catalog import CATALOG, XTTS_V2, BaseModel, check_base
from amharic_tts.base_models.remote import RemoteFile
from amharic_tts.base_models.transfer import PARTS, Transfer
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, write_text
from amharic_tts.workspace import Workspace

NOTE = "base.json"
"""Written last: where the files came from, and when the licence was accepted."""
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
        (folder / PARTS).mkdir(parents=True, exist_ok=True)
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
        transfer = Transfer(self.base.repo, self.folder, self.base.name, self.workspace.discard)
        yield from transfer.run(files)
        problems = check_base(self.folder)
        if problems:
            raise UserError(
                f"What {self.base.repo} holds at revision `{self.revision}` is no base model:\n"
                + "\n".join(f"- {problem}" for problem in problems),
                "Choose another revision, or leave it out to take the newest",
            )
        yield self._finish(files)

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
