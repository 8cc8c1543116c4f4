"""How the page is served: by default to this machine only, and nothing is sent out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from amharic_tts.errors import MissingPart
from amharic_tts.settings import Settings

MAX_UPLOAD = "2gb"
"""One long recording; the dataset builder looks at length and content again."""


def launch_arguments(settings: Settings) -> dict[str, Any]:
    """Return every argument of Gradio's `launch` for these settings.

    Raises:
        UserError: The settings have problems, such as an open host without a password.
        MissingPart: The Model Context Protocol is asked for, and its library is not there.
    """
    from amharic_tts.ui import theme

    settings.check()
    if settings.mcp:
        require_mcp()
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "auth": settings.auth,
        "root_path": settings.root_path or None,
        "inbrowser": settings.open_browser,
        "share": False,
        "show_error": False,
        "ssr_mode": False,
        "mcp_server": settings.mcp,
        "enable_monitoring": False,
        "run_history": False,
        "pwa": False,
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [],
        "blocked_paths": blocked_paths(settings),
        "footer_links": [],
        "theme": theme.theme(),
        "css": theme.font_faces(),
        "css_paths": theme.STYLES,
        "head": theme.HEAD,
        "favicon_path": str(theme.ICON),
        "quiet": True,
    }


def require_mcp() -> None:
    """Check that Gradio can serve the Model Context Protocol.

    Raises:
        MissingPart: Its library is not installed.
    """
    if importlib.util.find_spec("mcp") is None:
        version = importlib.metadata.version("gradio")
        raise MissingPart(
            "--mcp needs a part of Gradio that is not installed",
            f'Install it with: pip install "gradio[mcp]=={version}". It wants an older pydantic '
            "than the studio is tried with",
        )


def blocked_paths(settings: Settings) -> list[str]:
    """Return what is never served, whatever else is allowed: the workspace and settings files.

    What a visitor may take away is copied out by a handler first.
    """
    here = Path.cwd()
    return [str(settings.workspace.expanduser().absolute()), str(here / ".env"), str(here / ".git")]
