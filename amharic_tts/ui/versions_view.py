"""The versions of a dataset as HTML and choices. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from amharic_tts.dataset.versions import Difference, Version, age
from amharic_tts.ui import html
from amharic_tts.ui.words import Words


def table(found: Sequence[Version], say: Words) -> str:
    """Return the versions as a table, the present state first."""
    names = ("number", "at", "reason", "clips", "length", "edits", "hash")
    rows = [
        (
            str(one.number) + (f" ({say('versions.now')})" if one.current else ""),
            age(one),
            one.reason,
            say("versions.of", n=one.accepted, all=one.rows),
            say("versions.minutes", n=f"{one.seconds / 60:.1f}"),
            str(one.edits or ""),
            f"`{one.hash[:12]}`",
        )
        for one in found
    ]
    return html.table([say(f"versions.{name}") for name in names], rows, "numbers")


def choices(found: Sequence[Version]) -> list[tuple[str, int]]:
    """Return the versions to choose from."""
    return [(f"{one.number}: {one.reason}", one.number) for one in found]


def difference(found: Difference, say: Words) -> str:
    """Return what distinguishes two versions."""
    if not (found.added or found.removed or found.changed):
        return f'<p class="note">{escape(say("versions.same"))}</p>'
    numbers = {
        "added": len(found.added),
        "removed": len(found.removed),
        "changed": len(found.changed),
    }
    rows = []
    for field, count in found.fields().items():
        ids = [id for id, fields in found.changed.items() if field in fields]
        rows.append((field, str(count), ", ".join(f"`{id}`" for id in ids[:3])))
    told = f"<p>{escape(say('versions.difference', **numbers))}</p>"
    if not rows:
        return told
    return told + html.table(
        [say(f"versions.{name}") for name in ("field", "count", "first")], rows
    )
