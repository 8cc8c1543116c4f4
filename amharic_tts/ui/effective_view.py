"""What a run really does of what was asked: the effective configuration as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from amharic_tts.errors import StudioError
from amharic_tts.ui import html
from amharic_tts.ui.words import Words

FILE = "effective.json"
CODE = "effective."
"""How the codes of findings begin that tell the same, line by line."""


def table(rows: Sequence[tuple[str, str, str, str]], words: Words) -> str:
    """Return (setting, asked, used, reason) as a table."""
    header = [words(f"effective.{name}") for name in ("setting", "asked", "used", "reason")]
    known = [(words.get(f"effective.name.{name}") or name, *rest) for name, *rest in rows]
    return html.table(header, known, "effective")


def read(run: Path) -> list[tuple[str, str, str, str]]:
    """Return the lines that a run wrote; none before it has begun to train.

    Raises:
        StudioError: The file is damaged.
    """
    path = run / FILE
    if not path.exists():
        return []
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))["settings"]
        return [
            (line["name"], line["asked"], line["used"], line.get("reason", "")) for line in lines
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise StudioError(f"`{path}` can't be read: {error!r}") from None


def shown(run: Path, words: Words) -> str:
    """Return the table of a run, or nothing before it has begun to train."""
    rows = read(run)
    return table(rows, words) if rows else ""
