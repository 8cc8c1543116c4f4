"""Plain text made safe to stand in the page."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence


class Safe(str):
    """HTML that was made here and is not escaped again."""


def rich(text: str) -> str:
    """Return plain text as safe HTML: escaped, `code` in backticks, line breaks kept."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return safe.replace("\n", "<br>")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """Return a table of texts; it scrolls inside itself where the window is narrow.

    Args:
        header: Names of the columns; empty for none.
        rows: Plain texts, or `Safe` ones.
        kind: A further class for the style.
    """
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if header else ""
    return (
        f'<div class="scroll"><table class="plain {kind}">{top}<tbody>{body}</tbody></table></div>'
    )


def _cell(cell: str) -> str:
    return cell if isinstance(cell, Safe) else rich(cell)


def chip(kind: str, text: str) -> Safe:
    """Return a small coloured label."""
    return Safe(f'<span class="chip chip-{html.escape(kind)}">{html.escape(text)}</span>')


def facts(values: Sequence[tuple[str, str]]) -> str:
    """Return names with their values as a compact grid."""
    cells = (f"<div><dt>{html.escape(k)}</dt><dd>{rich(v)}</dd></div>" for k, v in values)
    return f'<dl class="facts">{"".join(cells)}</dl>'
