"""Put a voice on a model hub: licence first, the token never shown, told as it goes."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.base_models.catalog import CPML
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Clock, Done, Event, Progress
from amharic_tts.files import disk_errors
from amharic_tts.synthesis import notices, takeaway
from amharic_tts.synthesis.takeaway import TakeawayRequest
from amharic_tts.synthesis.voices import Voice, check_voice

TOKEN = "HF_TOKEN"
README = "README.md"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_TICK = 0.5


@dataclass(frozen=True)
class PushRequest:
    """Where a voice is put, and as whom."""

    repo: str
    """Such as ``me/my-voice``."""
    token: str = field(repr=False)
    private: bool = False
    endpoint: str | None = None
    """Another hub than the usual one."""
    accept_license: bool = False
    """The person passes the voice on under the licence that binds it."""


def token_of(variable: str) -> str:
    """Return the token that an environment variable holds.

    It is never looked for elsewhere: what a login saved for one hub must not go to another.

    Raises:
        UserError: The variable is not set.
    """
    token = os.environ.get(variable, "").strip()
    if not token:
        raise UserError(
            f"The environment variable `{variable}` holds no token of the hub",
            "Make one that may write, in the hub's settings under Access Tokens, and put it there; "
            "--token-env names another variable",
        )
    return token


def push(folder: Path, request: PushRequest, aside: Path) -> Iterator[Event]:
    """Put a voice into a repository of a model hub, in one commit; older versions stay in its git.

    Args:
        folder: The voice.
        request: Where to, and as whom.
        aside: A folder on a disk with room for a copy, which is gone afterwards.

    Yields:
        Progress in megabytes, last `Done` with ``repo``, ``url``, ``commit``, ``private``,
        ``files``, ``bytes``.

    Raises:
        UserError: The licence was not accepted, the voice is damaged, the hub can't be reached,
            refuses the token or the right to write, or has a public repository of the name where
            a private one was asked for.
    """
    if not _REPO.fullmatch(request.repo):
        raise UserError(
            f"`{request.repo[:100]}` is not the name of a repository", "Use OWNER/NAME, as me/voice"
        )
    voice = check_voice(folder)
    if notices.bound_by_cpml(voice) and not request.accept_license:
        raise UserError(
            f"The voice is bound by the {CPML.name}. {CPML.summary}: {CPML.link}",
            "If you pass it on under this licence: --accept-license",
        )
    with disk_errors(aside):
        aside.mkdir(parents=True, exist_ok=True)
        place_aside = tempfile.TemporaryDirectory(dir=aside, prefix="push-")
    with place_aside as place:
        made = Path(place) / "voice"
        for event in takeaway.export(folder, TakeawayRequest(made)):
            if isinstance(event, Progress):
                yield event
        (made / README).write_text(front_matter(voice) + _card(made), encoding="utf-8")
        yield from _Push(made, request).run()


def front_matter(voice: Voice) -> str:
    """Return what a hub reads of a model card, in YAML."""
    lines = ["---", "language:", f"- {json.dumps(voice.language)}"]
    if notices.bound_by_cpml(voice):
        lines += ["license: other", "license_name: coqui-public-model-license"]
        lines += [f"license_link: {CPML.link}", "base_model: coqui/XTTS-v2"]
    else:
        lines.append("license: apache-2.0")
    lines += ["library_name: coqui", "pipeline_tag: text-to-speech", "tags:", "- xtts"]
    return "\n".join([*lines, "- text-to-speech", "---", "", ""])


def _card(made: Path) -> str:
    return (made / notices.CARD).read_text(encoding="utf-8")


class _Upload(io.BufferedReader):
    """A file on its way to the hub; it counts what is read, and can be broken off."""

    def __init__(self, path: Path, counter: _Counter) -> None:
        super().__init__(io.FileIO(path, "rb"), 1 << 20)
        self._counter = counter

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self._counter.add(len(block))
        return block


class _Counter:
    """Bytes that were read by uploads; `stop` breaks them off."""

    def __init__(self) -> None:
        self.done, self.stop, self._lock = 0, False, threading.Lock()

    def add(self, count: int) -> None:
        if self.stop:
            raise StudioError("The upload was broken off")
        with self._lock:
            self.done += count


@dataclass
class _Push:
    """One upload on its way."""

    made: Path
    request: PushRequest

    def run(self) -> Iterator[Event]:
        from huggingface_hub import CommitOperationAdd, HfApi

        asked = self.request
        api = HfApi(endpoint=asked.endpoint, token=asked.token, library_name="amharic-tts")
        with _told(asked, api.endpoint):
            yield Progress(0, 0, f"Asking {api.endpoint} for {asked.repo}")
            api.create_repo(asked.repo, private=asked.private, exist_ok=True)
            self._private = bool(api.model_info(asked.repo).private)
        if asked.private and not self._private:
            raise UserError(
                f"`{asked.repo}` is there already, and everybody can see it",
                "Make it private on the hub first, or choose another name",
            )
        counter, operations, files = _Counter(), [], []
        paths = sorted(path for path in self.made.iterdir() if path.is_file())
        total = sum(path.stat().st_size for path in paths)
        try:
            for path in paths:
                # The library reads a file twice: here for its hash, then to send it.
                files.append(_Upload(path, counter))
                operations.append(CommitOperationAdd(path.name, files[-1]))
                yield Progress(counter.done / 1e6, total / 1e6, f"MB, hash of {path.name}")
            counter.done = 0
            yield from self._sent(api, operations, counter, total)
        finally:
            counter.stop = True
            for file in files:
                file.close()
        yield self._done

    def _sent(
        self, api: Any, operations: list[Any], counter: _Counter, total: int
    ) -> Iterator[Event]:
        """Send the files in a thread, and tell how far it is."""

        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()  # ours tells it
        asked = self.request
        clock = Clock(round(total / 1e6, 1), "MB sent")
        with ThreadPoolExecutor(1) as pool, _told(asked, api.endpoint):
            sending = pool.submit(
                api.create_commit, asked.repo, operations, commit_message="A voice of amharic-tts"
            )
            try:
                while not wait([sending], _TICK).done:
                    yield clock.progress(round(min(counter.done, total) / 1e6, 1))
            finally:
                counter.stop = True
            info = sending.result()
        self._done = Done(
            {
                "repo": asked.repo,
                "url": f"{api.endpoint}/{asked.repo}",
                "commit": info.oid,
                "private": self._private,
                "files": [operation.path_in_repo for operation in operations],
                "bytes": total,
            }
        )


class _told:
    """Turns what the hub's library raises into messages, without the token in them."""

    def __init__(self, request: PushRequest, hub: str) -> None:
        self.request, self.hub = request, hub

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import httpx2  # the client of huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

        if error is None or isinstance(error, StudioError):
            return
        cause: BaseException = error
        while isinstance(cause, RuntimeError) and cause.__cause__ is not None:
            cause = cause.__cause__  # "Error while uploading", and why
        if isinstance(cause, OfflineModeIsEnabled):
            raise UserError(
                "The model hub is switched off by the environment variable HF_HUB_OFFLINE",
                "Unset it, then push again",
            ) from None
        if isinstance(cause, HfHubHTTPError):
            raise self._refused(cause) from None
        if isinstance(cause, (httpx2.HTTPError, OSError)):
            raise UserError(
                f"The model hub {self.hub} can't be reached: {self._plain(cause)}",
                "Check the network and the proxy settings, then push again",
            ) from None
        if isinstance(cause, LookupError):
            raise UserError(
                f"{self.hub} does not answer as a model hub does: {self._plain(cause)} is missing",
                "Look at --endpoint",
            ) from None
        if isinstance(cause, (HFValidationError, ValueError)):
            raise UserError(f"The hub does not take it: {self._plain(cause)}") from None

    def _refused(self, error: Any) -> UserError:
        """Return the error of an answer that is no success."""
        repo, status = self.request.repo, error.response.status_code
        said = f": {self._plain(error.server_message)}" if error.server_message else ""
        if status == 401:
            return UserError(
                f"The hub {self.hub} does not know the token (401){said}",
                "Make a new one that may write, and put it into the environment variable",
            )
        if status == 403:
            return UserError(
                f"The token may not write to `{repo}` on {self.hub} (403){said}",
                "Use a token that may write, of somebody who may write there",
            )
        if status == 404:
            return UserError(
                f"There is no `{repo}` on {self.hub}, or the token may not see it (404){said}",
                "Look at the owner's name",
            )
        return UserError(
            f"The hub {self.hub} answered with {status}{said or f': {self._plain(error)}'}",
            "Try again later; what is on the hub stays as it was",
        )

    def _plain(self, error: object) -> str:
        """Return the first line of a message; the token does not appear in it."""
        text = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        return text.replace(self.request.token, "[token]")
