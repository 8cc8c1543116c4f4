"""What a measurement of backends looks like, as safe HTML. No Gradio here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from amharic_tts.g2p.base import phones
from amharic_tts.g2p.side_by_side import columns, mark
from amharic_tts.g2p.symbols import View
from amharic_tts.ui.g2p_view import cells
from amharic_tts.ui.html import Safe, table
from amharic_tts.ui.words import Words

FAILURES = 1
"""Words not converted that are named, by backend; the table of mistakes has all."""


def plots(found: Mapping[str, Any], words: Words) -> str:
    """Return two bar charts, phones wrong and words wrong, each by view and backend.

    Every bar has its name and its number beside it, so that nothing hangs on a colour.
    """
    about = found["gold"]
    title = words("g2p.gold.title", name=about["name"], words=f"{about['words']:,}")
    charts = "".join(
        _chart(found, measure, words(f"g2p.gold.plot_{name}"), words)
        for measure, name in (("per", "phones"), ("wer", "words"))
    )
    short = escape(words("g2p.gold.short"))
    return f'<h3>{escape(title)}</h3><p class="quiet">{short}</p><div class="charts">{charts}</div>'


def _chart(found: Mapping[str, Any], measure: str, title: str, words: Words) -> str:
    backends = found["backends"]
    most = max(b["rates"][view.value][measure] for b in backends for view in View) or 1.0
    groups = []
    for view in View:
        bars = []
        for backend in backends:
            rate = backend["rates"][view.value][measure]
            share = min(100.0, 100 * rate / most)
            bars.append(
                f'<div class="barline"><span>{escape(backend["backend"])}</span>'
                f'<i><b style="width:{share:.1f}%"></b></i><em>{100 * rate:.1f}</em></div>'
            )
        label = escape(words(f"g2p.sees.{view.value}"))
        groups.append(f'<div class="bargroup"><h5>{label}</h5>{"".join(bars)}</div>')
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{"".join(groups)}</figure>'
    )


def rates(found: Mapping[str, Any], words: Words) -> str:
    """Return the table of rates: a row for each backend, a column for each view."""
    header = [words("g2p.column.backend"), *(words(f"g2p.sees.{view.value}") for view in View)]
    rows = [
        [
            f"{b['backend']}\n{b['version']}",
            *(_percent(b["rates"][view.value]) for view in View),
        ]
        for b in found["backends"]
    ]
    told = escape(words("g2p.gold.table"))
    return f"<h4>{told}</h4>{table(header, rows, 'numbers backends')}{_left_out(found, words)}"


def _percent(rate: Mapping[str, float]) -> str:
    return f"{100 * rate['per']:.2f} / {100 * rate['wer']:.1f}"


def _left_out(found: Mapping[str, Any], words: Words) -> str:
    notes = []
    for backend in found["backends"]:
        failures = backend["failures"]
        for failure in failures[:FAILURES]:
            about = {"n": len(failures), "backend": backend["backend"]}
            notes.append(words("g2p.gold.failed", **about, **failure))
    missing = [f"{one['backend']} ({one['reason']})" for one in found["unavailable"]]
    if missing:
        notes.append(words("g2p.gold.unavailable", names=", ".join(missing)))
    return "".join(f'<p class="note">{escape(note)}</p>' for note in notes)


def kinds(found: Mapping[str, Any], words: Words) -> str:
    """Return how often each kind of mistake occurs, and examples of each by backend."""
    backends = found["backends"]
    counts = {b["backend"]: {c["category"]: c["count"] for c in b["categories"]} for b in backends}
    every = dict.fromkeys(c["category"] for b in backends for c in b["categories"])
    title = f"<h4>{escape(words('g2p.gold.kinds'))}</h4>"
    if not every:
        return f"{title}<p>{escape(words('g2p.gold.none'))}</p>"
    rows = [
        [_kind(kind, words), *(f"{counts[name].get(kind, 0):,}" for name in counts)]
        for kind in every
    ]
    examples = "".join(_examples(backend, words) for backend in backends)
    return f"{title}{table([words('g2p.gold.kind'), *counts], rows, 'numbers')}{examples}"


def _kind(category: str, words: Words) -> str:
    return words.get(f"g2p.mistake.{category}", category)


def _examples(backend: Mapping[str, Any], words: Words) -> str:
    title = escape(words("g2p.gold.examples", backend=backend["backend"]))
    rows = [
        [
            _kind(item["category"], words) if number == 0 else "",
            example["word"],
            *_pair(example["wanted"], example["written"], words),
        ]
        for item in backend["categories"]
        for number, example in enumerate(item["examples"])
    ]
    header = [words(f"g2p.gold.{key}") for key in ("kind", "word", "wanted", "written")]
    shown = table(header, rows, "examples") if rows else f"<p>{escape(words('g2p.gold.none'))}</p>"
    return f'<details class="absent"><summary>{title}</summary>{shown}</details>'


def _pair(wanted: str, written: str, words: Words) -> list[Safe]:
    """Return the right phones and the written ones, with the differences marked in the latter."""
    right, wrong = columns([phones(wanted), phones(written)])
    same = [mark(cell, cell) for cell in right]
    marks = [mark(*pair) for pair in zip(right, wrong, strict=True)]
    return [
        Safe(f'<span class="inline">{cells(row, shape, words)}</span>')
        for row, shape in ((right, same), (wrong, marks))
    ]
