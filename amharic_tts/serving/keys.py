"""Keys of the speech API: from the environment or from a file that only its owner can read."""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors, sync_folder
from amharic_tts.workspace import Workspace

VARIABLE = "AMHARIC_TTS_API_KEY"
FILE = "api-keys"
"""In the workspace; one key a line, ``#`` begins a remark."""
SHORTEST = 16
_NEW = "amharic-tts serve --new-key"


@dataclass(frozen=True)
class Keys:
    """The keys that open the API; false where there is none."""

    values: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values)

    def match(self, authorization: bytes) -> int | None:
        """Return which key (from 0) an ``Authorization`` header holds, or None.

        Every key is compared whole, so that the time taken tells nothing about any of them.
        """
        scheme, _, token = authorization.strip().partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        found = None
        for number, value in enumerate(self.values):
            if hmac.compare_digest(token.strip(), value):
                found = number
        return found


def default_file(workspace: Workspace) -> Path:
    """Return where `new` writes and `read` looks if nothing else is said."""
    return workspace.root / FILE


def read(path: Path | None, environ: Mapping[str, str] = os.environ) -> Keys:
    """Return the keys of the environment and of a file; a file that is not there holds none.

    Raises:
        UserError: The file can be read by others, or a key is too short or holds odd letters.
    """
    found = []
    if environ.get(VARIABLE):
        found.append(_checked(environ[VARIABLE], VARIABLE))
    if path is not None and path.exists():
        _check_mode(path)
        with disk_errors(path):
            lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            word = line.partition("#")[0].strip()
            if word:
                found.append(_checked(word, f"{path}, line {number}"))
    return Keys(tuple(dict.fromkeys(found)))


def new(path: Path) -> str:
    """Add a new key to a file, made on first use for its owner only, and return the key.

    Raises:
        UserError: The file can be read by others or can't be written.
    """
    key = "att-" + secrets.token_urlsafe(32)
    before = ""
    if path.exists():
        _check_mode(path)
        before = path.read_text(encoding="utf-8")
        if before and not before.endswith("\n"):
            before += "\n"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not `files.writing`: what it writes can be read by all. This one begins as 0600.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        aside = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{before}{key}\n")
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
            sync_folder(path.parent)
        finally:
            aside.unlink(missing_ok=True)
    return key


def _check_mode(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"`{path}` is a folder, not a file of keys")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise UserError(
            f"Others can read the keys in `{path}`",
            f"Make it yours alone (chmod 600 {path}), and make a new key if others have seen it",
        )


def _checked(word: str, where: str) -> bytes:
    if len(word) < SHORTEST or not word.isascii() or not word.isprintable() or " " in word:
        raise UserError(
            f"The key in {where} is no good: it needs {SHORTEST} or more plain letters, digits "
            "and signs",
            f"Make one with: {_NEW}",
        )
    return word.encode("ascii")
