"""Files of a model repository: what the hub says about them, and their bytes from a position on.

`huggingface_hub` tells size, checksum and commit of a file. The bytes are fetched here and not by
its `hf_hub_download`: that one can't be stopped between two blocks, tells its progress only to a
terminal bar, starts again from zero where the hub offers its chunk store, and checks no checksum.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError

_TIMEOUT = 30.0


@dataclass(frozen=True)
class RemoteFile:
    """One file on the hub at one commit."""

    name: str
    url: str
    size: int
    checksum: str
    """SHA-256 of a large file, git's SHA-1 of a small one; empty where the server names none."""
    commit: str


class FileNotThere(UserError):
    """The repository has no such file at this revision."""


class ConnectionLost(Exception):
    """The bytes stopped coming; what came is kept and the rest can be asked for."""


def describe(repo: str, name: str, revision: str, endpoint: str | None) -> RemoteFile:
    """Return what the hub says about a file, without fetching it.

    Raises:
        UserError: The hub can't be reached, or has no such repository, revision or file.
    """
    import httpx2  # the client of huggingface_hub
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (
        EntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hub = endpoint or constants.ENDPOINT
    url = hf_hub_url(repo, name, revision=revision, endpoint=hub)
    try:
        # No token: the repository is public, and `endpoint` may be anybody's.
        found = get_hf_file_metadata(url, token=False, timeout=_TIMEOUT, endpoint=hub)
    except EntryNotFoundError:
        raise FileNotThere(
            f"`{repo}` has no file `{name}` at revision `{revision}` on {hub}",
            "Choose another revision, or leave it out to take the newest",
        ) from None
    except RevisionNotFoundError:
        raise UserError(f"`{repo}` has no revision `{revision}` on {hub}") from None
    except RepositoryNotFoundError:
        raise UserError(f"There is no public repository `{repo}` on {hub}") from None
    except OfflineModeIsEnabled:
        raise UserError(
            "The model hub is switched off by the environment variable HF_HUB_OFFLINE",
            "Unset it, then start the download again",
        ) from None
    except (httpx2.HTTPError, OSError) as error:
        raise unreachable(hub, error) from error
    if found.size is None:
        raise UserError(f"{hub} does not say how large `{name}` is", "Try again later")
    checksum = (found.etag or "").lower()
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", checksum):
        checksum = ""
    return RemoteFile(name, url, found.size, checksum, found.commit_hash or "")


def unreachable(hub: str, error: Exception) -> UserError:
    """Return the error of a hub that does not answer."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return UserError(
        f"The model hub {hub} can't be reached: {reason}",
        "Check the network and the proxy settings, then start again: what was fetched is kept. "
        "The practice base needs no network",
    )


def fetch(remote: RemoteFile, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield (position, block) of a file from byte `start` on.

    The first position is 0 instead of `start` where the server can't begin in the middle.

    Raises:
        ConnectionLost: The connection broke, or the server answered with an error.
    """
    import httpx2
    from huggingface_hub.utils import get_session

    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with get_session().stream(
            "GET", remote.url, headers=headers, follow_redirects=True, timeout=_TIMEOUT
        ) as response:
            response.raise_for_status()
            at = start if response.status_code == 206 else 0
            for block in response.iter_raw():  # as it comes, so that a break loses nothing
                yield at, block
                at += len(block)
    except httpx2.HTTPError as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error


def new_digest(remote: RemoteFile) -> Any:
    """Return a running checksum of the kind that the server gave for the file.

    Small files carry git's object id: SHA-1 over ``blob SIZE`` and the content.
    """
    if len(remote.checksum) == 40:
        return hashlib.sha1(f"blob {remote.size}\0".encode(), usedforsecurity=False)
    return hashlib.sha256()


def add_file(digest: Any, path: Path) -> None:
    """Add the content of a file to a running checksum."""
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)


def is_same(remote: RemoteFile, path: Path) -> bool:
    """Tell whether a local file has the size and the checksum of the remote one."""
    if not path.is_file() or path.stat().st_size != remote.size:
        return False
    if not remote.checksum:
        return True
    digest = new_digest(remote)
    add_file(digest, path)
    return bool(digest.hexdigest() == remote.checksum)
