"""Recordings from an address on the web, with their subtitles, by yt-dlp (an optional part)."""

from __future__ import annotations

import importlib.util
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amharic_tts.dataset.archives import stored_name
from amharic_tts.dataset.root import MEDIA, SUBTITLES
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Clock, Done, Event, Finding, Progress
from amharic_tts.files import disk_errors
from amharic_tts.workspace import Workspace

_BETWEEN = 0.5
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class FetchRequest:
    """What to bring in."""

    address: str
    """A page or file that starts with http:// or https://."""
    subtitles: str = "am"
    """Language of the subtitles that come with it; empty for none."""
    automatic: bool = False
    """Take subtitles that a machine has heard, where a person wrote none."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the request, all at once."""
        found = []
        parts = urlsplit(self.address.strip())
        if parts.scheme not in ("http", "https") or not parts.netloc:
            found.append(f"address: `{self.address[:100]}` is no address such as https://...")
        if self.subtitles and not re.fullmatch(
            r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", self.subtitles
        ):
            found.append(f"subtitles: `{self.subtitles[:20]}` is no language code such as am")
        return found


def installed() -> bool:
    """Tell whether yt-dlp is here."""
    return importlib.util.find_spec("yt_dlp") is not None


def fetch(workspace: Workspace, request: FetchRequest) -> Iterator[Event]:
    """Bring in one recording; started again, it goes on where it stopped.

    Yields:
        Progress, findings, then `Done` with ``folder``, ``recording`` and ``subtitles``.

    Raises:
        UserError: A wrong address, no connection, or nothing that can be brought in.
        MissingPart: yt-dlp is not installed.
    """
    problems = request.problems()
    if problems:
        raise UserError("Nothing was brought in:\n" + "\n".join(f"- {p}" for p in problems))
    if not installed():
        raise MissingPart(
            "Recordings from an address need yt-dlp, which is not installed",
            "Run: python smart_install.py --with youtube",
        )
    import yt_dlp

    yield Progress(0, 1, "looking at the address")
    address = request.address.strip()
    try:
        with yt_dlp.YoutubeDL(_options(workspace, request)) as loader:
            info = _one(loader.extract_info(address, download=False))
            folder = workspace.downloads / stored_name(f"{info['extractor_key']}-{info['id']}")
            with disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
            loader.params["paths"] = {"home": str(folder)}
            yield from _download(loader, info)
    except yt_dlp.utils.DownloadError as error:
        raise _refused(address, error) from error
    yield from _found(folder, info, request)


def _download(loader: Any, info: dict[str, Any]) -> Iterator[Event]:
    """Download in this thread; yt-dlp tells its progress by a hook, so what it told is kept."""
    from amharic_tts.dataset.background import in_thread

    def work(tell: Any) -> None:
        def hook(state: dict[str, Any]) -> None:
            total = state.get("total_bytes") or state.get("total_bytes_estimate")
            if state.get("status") == "downloading":
                tell((state.get("downloaded_bytes") or 0, total or 0))

        loader.add_progress_hook(hook)
        loader.process_ie_result(info, download=True)

    clock: Clock | None = None
    told = 0.0
    for done, total in in_thread(work):
        if clock is None or clock.total < total:
            clock = Clock(total, "bytes", done)
        if time.monotonic() - told > _BETWEEN:
            told = time.monotonic()
            yield clock.progress(min(done, clock.total))


def _options(workspace: Workspace, request: FetchRequest) -> dict[str, Any]:
    wanted = bool(request.subtitles)
    return {
        "logger": logging.getLogger(__name__),  # else it writes errors to stderr, too
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "noplaylist": True,
        "color": "never",
        "format": "bestaudio/best",
        "outtmpl": {"default": "recording.%(ext)s", "subtitle": "recording.%(ext)s"},
        "writesubtitles": wanted,
        "writeautomaticsub": wanted and request.automatic,
        # Some sites add a region: `am-ET`.
        "subtitleslangs": [request.subtitles, f"{request.subtitles}-.*"] if wanted else [],
        "subtitlesformat": "vtt/srt/best",
        "continuedl": True,
        "cachedir": str(workspace.cache / "yt-dlp"),
        "retries": 3,
        "socket_timeout": 20,
    }


def _one(info: Any) -> dict[str, Any]:
    """Return the one recording of an answer."""
    if not isinstance(info, dict):
        raise UserError("There is nothing to bring in at this address")
    entries = [entry for entry in info.get("entries") or () if entry]
    if info.get("_type") == "playlist":
        if len(entries) != 1:
            raise UserError(
                f"There are {len(entries)} recordings at this address", "Give the address of one"
            )
        return dict(entries[0])
    return info


def _found(folder: Path, info: dict[str, Any], request: FetchRequest) -> Iterator[Event]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    sounds = [path for path in files if path.suffix.lower() in MEDIA]
    if not sounds:
        raise UserError("Nothing with sound was brought in from this address")
    texts = [path for path in files if path.suffix.lower() in SUBTITLES]
    if request.subtitles and not texts:
        message = f"there are no subtitles in `{request.subtitles}`; it can be cut at its pauses"
        yield Finding("no_subtitles", message)
    licence = info.get("license")
    told = f"`{licence}`" if licence else "not told"
    message = f"its licence is {told}: make sure that you may use it for a voice"
    yield Finding("licence", message, "info")
    yield Done(
        {
            "folder": str(folder),
            "recording": str(sounds[0]),
            "subtitles": str(texts[0]) if texts else "",
            "title": str(info.get("title") or ""),
        }
    )


def _refused(address: str, error: Exception) -> UserError:
    reason = _COLOUR.sub("", str(error)).removeprefix("ERROR: ").splitlines()[0][:300]
    return UserError(
        f"`{address[:200]}` can't be brought in: {reason}",
        "Is this machine connected to the network? Else try the address in a browser, or give the "
        "file itself",
    )
