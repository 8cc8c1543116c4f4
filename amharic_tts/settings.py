"""Settings of one studio: where it keeps its files and how its page is served."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError

DEFAULT_WORKSPACE = "workspace"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def default_workspace(environ: Mapping[str, str] = os.environ) -> Path:
    """Return ``AMHARIC_TTS_WORKSPACE``, else ``./workspace``."""
    return Path(environ.get("AMHARIC_TTS_WORKSPACE") or DEFAULT_WORKSPACE)


@dataclass(frozen=True)
class Settings:
    """What the web app is started with; made from flags by `xtts_demo.py`."""

    workspace: Path
    """Folder that holds everything the studio makes."""
    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs `auth`."""
    port: int | None = None
    """Port; None takes the first free one from 7860 on."""
    auth: tuple[str, str] | None = None
    """User name and password that visitors must give."""
    root_path: str = ""
    """Path prefix behind a reverse proxy."""
    language: str = "en"
    """Language of the screen: a file in ``ui/text``."""
    open_browser: bool = False
    """Open the page in the default browser once it is served."""
    mcp: bool = False
    """Offer the promised API of the page as tools of the Model Context Protocol."""

    @property
    def local(self) -> bool:
        """Tell whether only this machine can reach the page."""
        return self.host in LOOPBACK and not self.root_path

    def problems(self) -> list[str]:
        """Return everything that is wrong with these settings, all at once."""
        found = []
        if self.host not in LOOPBACK and self.auth is None:
            found.append(
                f"--host {self.host} opens the studio to the network: give --user NAME and "
                "set the password in AMHARIC_TTS_PASSWORD"
            )
        if self.port is not None and not 0 < self.port < 65536:
            found.append(f"--port {self.port} is not a port number (1 to 65535)")
        if self.mcp and (self.auth is not None or not self.local):
            found.append(
                "--mcp asks nobody for a password: it is for a studio that only this machine "
                "reaches, without --user, --host and --root-path"
            )
        return found

    def check(self) -> Settings:
        """Return self.

        Raises:
            UserError: With all of `problems()` in one message.
        """
        found = self.problems()
        if found:
            raise UserError("The studio can't be opened like this:\n" + "\n".join(found))
        return self
