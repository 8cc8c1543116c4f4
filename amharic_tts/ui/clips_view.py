"""The clip table and the clip that is open, as HTML. No Gradio here.

`assets/clips.js` tells which row was clicked; `assets/clip.js` plays the open clip, moves its ends
and knows the keys.
"""

from __future__ import annotations

import base64
import io
from html import escape

import soundfile

from amharic_tts.audio.read import RATE, Samples
from amharic_tts.dataset.edits import Bulk
from amharic_tts.dataset.journal import Edit
from amharic_tts.dataset.manifest import Utterance
from amharic_tts.dataset.remake import whole_cut
from amharic_tts.dataset.rules import Note
from amharic_tts.dataset.table import COLUMNS, ClipTable, Page, Query
from amharic_tts.ui.job_view import named
from amharic_tts.ui.waveform import waveform
from amharic_tts.ui.words import Words

_COLUMNS = 900
_BARRED_SHOWN = 5
KEYS = {
    "play": "Space",
    "next": "J / K",
    "text": "E",
    "save": "Ctrl+Enter",
    "accept": "A",
    "reject": "R",
    "split": "S",
    "merge": "M",
    "undo": "U",
}
"""What is done -> the key, as it is printed on the keyboard (see `assets/clip.js`)."""


def table(page: Page, query: Query, selected: str, say: Words) -> str:
    """Return one page of the table; the row of `selected` is marked."""
    if not page.rows:
        return f'<p class="nothing">{escape(say("clips.none"))}</p>'
    extra = query.sort if query.sort not in COLUMNS else ""
    names = ["id", "text", "seconds", *(["sorted"] if extra else []), "use", "findings"]
    head = "".join(f"<th>{escape(say(f'clips.column.{name}'))}</th>" for name in names)
    body = "".join(_row(row, query, extra, selected, say) for row in page.rows)
    return (
        '<div class="scroll"><table class="plain clips">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Utterance, query: Query, extra: str, selected: str, say: Words) -> str:
    id = escape(row.id)
    kind = "clip-now" if row.id == selected else ""
    cells = [
        f'<td><button type="button" class="clip-open">{id}</button></td>',
        f'<td class="clip-text">{escape(row.text)}</td>',
        f"<td>{row.duration:.2f}</td>",
    ]
    if extra:
        cells.append(f"<td>{escape(_value(row, query))}</td>")
    use, chip = used(row, say)
    cells.append(f'<td><span class="chip chip-{chip}">{escape(use)}</span></td>')
    cells.append(f"<td>{''.join(_label(item, say) for item in row.findings)}</td>")
    return f'<tr data-id="{id}" class="{kind}">{"".join(cells)}</tr>'


def _value(row: Utterance, query: Query) -> str:
    if query.sort == "value":
        found = [item for item in row.findings if item["code"] == query.finding]
        value = found[0].get("value") if found else None
        unit = found[0].get("unit", "") if found else ""
        return f"{float(value):g} {unit}".strip() if value is not None else ""
    measured = row.measures.get(query.sort)
    return f"{measured:g}" if measured is not None else ""


def _label(item: Note, say: Words) -> str:
    name = say.get(f"finding.{item['code']}", item["code"])
    level = "failed" if item["level"] == "error" else "stopped"
    told = escape(item["message"])
    return f'<span class="chip chip-{level}" title="{told}">{escape(name)}</span> '


def used(row: Utterance, say: Words) -> tuple[str, str]:
    """Return, in words, what becomes of a row, and the colour of its label."""
    if any(item["code"] == "replaced" for item in row.findings):
        return say("clips.use.replaced"), "running"
    if not row.accepted:
        return say("clips.use.rejected"), "failed"
    return say(f"clips.use.{row.split}"), "done"


def about(row: Utterance, say: Words) -> str:
    """Return the heading of the open clip: its name, what becomes of it, and its findings."""
    use, chip = used(row, say)
    facts = " · ".join(
        part for part in (f"{row.duration:.2f} s", row.speaker, row.source, row.text_by) if part
    )
    found = "".join(
        f'<li class="finding-{escape(item["level"])}">'
        f"{escape(named(item['code'], item['message'], say))}</li>"
        for item in row.findings
    )
    listed = f'<ul class="findings">{found}</ul>' if found else ""
    return (
        f'<div class="clip-head"><b>{escape(row.id)}</b> <span class="chip chip-{chip}">'
        f'{escape(use)}</span> <span class="quiet">{escape(facts)}</span></div>{listed}'
    )


def figure(row: Utterance, samples: Samples, say: Words) -> str:
    """Return the sound that a clip was cut from, with its ends to be moved.

    Args:
        row: The open clip.
        samples: Of the whole sound, shape ``(n,)``, at `RATE`.
        say: The words of the screen.
    """
    whole = max(len(samples) / RATE, 0.01)
    start, end = whole_cut(row)
    left, right = 100 * start / whole, 100 * min(end, whole) / whole
    handles = "".join(
        f'<button type="button" role="slider" class="clip-end" data-end="{name}" '
        f'aria-label="{escape(say(f"clips.end.{name}"))}" aria-valuemin="0" '
        f'aria-valuemax="{whole:.2f}" aria-valuenow="{at:.2f}" style="left:{place:.3f}%"></button>'
        for name, at, place in (("start", start, left), ("stop", end, right))
    )
    return (
        f'<div class="clip-figure" data-id="{escape(row.id)}" data-start="{start:.6f}" '
        f'data-stop="{end:.6f}" data-whole="{whole:.6f}">'
        f'<div class="clip-track">{waveform(samples, _COLUMNS)}'
        f'<i class="clip-out" style="left:0;width:{left:.3f}%"></i>'
        f'<i class="clip-out" style="left:{right:.3f}%;right:0"></i>'
        f'<i class="clip-cursor"></i>{handles}</div>'
        f'<div class="clip-bar"><button type="button" class="clip-play">'
        f"{escape(say('clips.play'))}</button>"
        f'<span class="clip-times quiet">{start:.2f} – {end:.2f} s</span></div>'
        f'<audio preload="auto" src="{_sound(samples)}"></audio></div>'
    )


def silent(row: Utterance, say: Words) -> str:
    """Return what stands in the place of the figure where a row has no sound."""
    return f'<p class="note" data-id="{escape(row.id)}">{escape(say("clips.no_sound"))}</p>'


def _sound(samples: Samples) -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
    return f"data:audio/wav;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def keys(say: Words) -> str:
    """Return the line that tells the keys."""
    parts = (
        f"<span><kbd>{key}</kbd> {escape(say(f'clips.does.{name}'))}</span>"
        for name, key in KEYS.items()
    )
    return f'<p class="clip-keys quiet">{"".join(parts)}</p>'


def question(plan: Bulk, say: Words) -> str:
    """Return the question before many clips are accepted or rejected, with all numbers."""
    n, unchanged, barred = len(plan.pairs), plan.unchanged, plan.barred
    every = n + unchanged + len(barred)
    lines = [f"<b>{escape(say(f'clips.bulk.sure_{plan.kind}', n=n, all=every))}</b>"]
    if unchanged:
        lines.append(escape(say(f"clips.bulk.unchanged_{plan.kind}", n=unchanged)))
    if barred:
        lines.append(escape(say("clips.bulk.barred", n=len(barred))))
    shown = list(barred.items())[:_BARRED_SHOWN]
    items = "".join(f"<li>{escape(id)}: {escape(why)}</li>" for id, why in shown)
    listed = f'<ul class="findings">{items}</ul>' if items else ""
    return "".join(f"<p>{line}</p>" for line in lines) + listed


def done(edit: Edit, say: Words) -> str:
    """Return, in words, what an edit did."""
    changed = [change for change in edit.changes if change.before and change.after]
    if edit.kind in ("accept", "reject", "undo") and len(changed) == len(edit.changes) > 1:
        return say(f"clips.done.{edit.kind}_many", n=len(changed))
    return say(f"clips.done.{edit.kind}", clip=edit.changes[0].id)


def making(done: float, total: float, say: Words) -> str:
    """Return the bar while the index of a large dataset is made."""
    share = 100 * done / max(total, 1)
    words = escape(say("clips.making", n=f"{done:.0f}", of=f"{total:.0f}"))
    return f'<p class="quiet">{words}</p><div class="bar"><i style="width:{share:.1f}%"></i></div>'


def sorts(known: ClipTable, say: Words) -> list[tuple[str, str]]:
    """Return what the table can be sorted by, with its name."""
    columns = [(say(f"clips.sort.{name}"), name) for name in (*COLUMNS, "value")]
    measures = [(say.get(f"clips.measure.{name}", name), name) for name in known.measures]
    return columns + [(name, key) for name, key in measures if key != "duration"]


def codes(known: ClipTable, say: Words) -> list[tuple[str, str]]:
    """Return the findings of a dataset with how many clips have each."""
    found = known.findings().items()
    named_ = [(f"{say.get(f'finding.{code}', code)} ({count})", code) for code, count in found]
    return [(say("clips.any"), ""), *named_]
