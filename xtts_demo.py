"""The studio in the browser: `python xtts_demo.py`, then open the address that it prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from amharic_tts.errors import StudioError, UserError
from amharic_tts.settings import Settings, default_workspace


def settings_from(arguments: Sequence[str]) -> Settings:
    """Return the settings that the flags ask for.

    Raises:
        UserError: A password is missing, or an open host has none.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=default_workspace())
    parser.add_argument("--host", default="127.0.0.1", help="anything but loopback needs --user")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    parser.add_argument("--user", help="its password stands in AMHARIC_TTS_PASSWORD")
    parser.add_argument("--lang", default="en", help="language of the screen: en or am")
    parser.add_argument("--open", action="store_true", help="open the browser")
    parser.add_argument("--root-path", default="", help="path prefix behind a proxy")
    parser.add_argument(
        "--mcp", action="store_true", help="offer the page's API as MCP tools, on this machine only"
    )
    given = parser.parse_args(arguments)
    password = os.environ.get("AMHARIC_TTS_PASSWORD", "")
    if given.user and not password:
        raise UserError("--user needs a password", "Set it in the variable AMHARIC_TTS_PASSWORD")
    auth = (given.user, password) if given.user else None
    return Settings(
        *(given.workspace, given.host, given.port, auth, given.root_path, given.lang, given.open),
        mcp=given.mcp,
    ).check()


def main() -> None:
    """Serve the studio until Ctrl-C; exit code 2 where the user can put it right."""
    try:
        settings = settings_from(sys.argv[1:])
        from amharic_tts.ui import serve

        serve.serve(settings)
    except StudioError as error:
        sys.stderr.write(
            f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else "")
        )
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
