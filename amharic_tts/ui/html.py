"""Plain text made safe to stand in the page."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence


def rich(text: str) -> str:
    """Return plain text as safe HTML: escaped, `code` in backticks, line breaks kept."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return safe.replace("\n", "<br>")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """Return a table of plain texts; it scrolls inside itself where the window is narrow."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{rich(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll"><table class="plain {kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
