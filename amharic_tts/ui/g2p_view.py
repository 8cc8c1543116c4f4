"""What a comparison of backends looks like, as safe HTML. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from amharic_tts.g2p import measured, registry
from amharic_tts.g2p.compare import Comparison, Side
from amharic_tts.g2p.pipeline import G2PResult
from amharic_tts.g2p.side_by_side import Block, Mark, SideBySide, own_words, side_by_side
from amharic_tts.g2p.symbols import View
from amharic_tts.ui.html import Safe, chip, rich, table
from amharic_tts.ui.words import Words

GAP = "–"


def visible(text: str) -> str:
    """Return a piece of text so that white space and invisible characters can be seen."""
    seen = "".join(
        c if c.isprintable() and c != " " else ("␣" if c == " " else f"U+{ord(c):04X}")
        for c in text
    )
    return seen or "∅"


def cells(row: Sequence[str], marks: Sequence[Mark], words: Words) -> str:
    """Return the cells of one row, each difference with its own shape and colour."""
    shown = []
    for cell, mark in zip(row, marks, strict=True):
        text = escape(cell) if cell else GAP if mark is Mark.MISSING else ""
        title = (
            "" if mark is Mark.SAME else f' title="{escape(words(f"g2p.aligned.{mark.value}"))}"'
        )
        shown.append(f'<span class="cell cell-{mark.value}"{title}>{text}</span>')
    return "".join(shown)


def aligned(found: SideBySide, words: Words) -> str:
    """Return one line of text word by word, the backends' phones in rows under each other.

    The names stand once at the left of each line of words, however the window breaks them: every
    word brings them along at the same place.
    """
    names = "".join(f"<i>{escape(name)}</i>" for name in found.backends)
    blocks = "".join(_block(block, found.backends, names, words) for block in found.blocks)
    return f'<div class="aligned">{blocks}</div>'


def _block(block: Block, backends: Sequence[str], names: str, words: Words) -> str:
    lines = []
    for number, name in enumerate(backends):
        spoken = f"{name}: {' '.join(cell or GAP for cell in block.rows[number])}"
        shown = cells(block.rows[number], block.marks(number), words)
        lines.append(f'<div class="line" role="img" aria-label="{escape(spoken)}">{shown}</div>')
    width = len(block.rows[0]) or 1
    kind = "word differs" if block.differs else "word"
    own = f"<sup>{escape(words('g2p.aligned.own'))}</sup>" if block.own else ""
    return (
        f'<div class="{kind}"><span class="names" aria-hidden="true"><u></u>{names}</span>'
        f'<b lang="am">{escape(block.word)}{own}</b>'
        f'<div class="lines" style="--columns:{width}">{"".join(lines)}</div></div>'
    )


def comparison(found: Sequence[Comparison], words: Words) -> str:
    """Return every line side by side, with how many words differ and what the marks mean."""
    laid = [side_by_side(one, registry.DEFAULT) for one in found]
    total = sum(len(one.blocks) for one in laid)
    differ = sum(block.differs for one in laid for block in one.blocks)
    if differ:
        head = f"<p>{escape(words('g2p.aligned.differ', n=differ, of=total))}</p>{_legend(words)}"
    else:
        head = f"<p>{escape(words('g2p.aligned.agree'))}</p>"
    return head + "".join(aligned(one, words) for one in laid)


def _legend(words: Words) -> str:
    signs = {Mark.LENGTH: "tː", Mark.OTHER: "ə", Mark.EXTRA: "ɨ", Mark.MISSING: GAP}
    shown = (
        f'<span><span class="cell cell-{mark.value}">{sign}</span> '
        f"{escape(words(f'g2p.aligned.{mark.value}'))}</span>"
        for mark, sign in signs.items()
    )
    return f'<p class="legend">{"".join(shown)}</p>'


def by_itself(found: Sequence[Comparison], words: Words) -> str:
    """Return each backend's whole output with its numbers, and those that are not here."""
    here = [side for side in found[0].sides if registry.get(side.backend).availability().ok]
    keys = ("backend", "phonemes", "vowels", "known", "length", "notes")
    rows: list[list[str]] = []
    for place, side in enumerate(found[0].sides):
        if side in here:
            name = f"{side.backend}\n{side.version}"
            for line, one in enumerate(found):
                rows.append([name if line == 0 else "", *_row(one.sides[place], words)])
    return table([words(f"g2p.column.{key}") for key in keys], rows, "phonemes") + absent(words)


def _row(side: Side, words: Words) -> list[str]:
    notes = list(side.problems)
    own = own_words(side)
    if own:
        notes.append(words("g2p.quality.own", words=", ".join(own)))
    shown = "\n".join(notes) or words("g2p.quality.good")
    return [side.ipa or GAP, *numbers(side), shown]


def numbers(side: Side) -> list[str]:
    """Return the share of vowels, the share of known phones and phones per written sound."""
    if side.quality is None:
        return [GAP, GAP, GAP]
    vowels, known, length = (
        side.quality.vowel_ratio,
        side.quality.known_share,
        side.quality.length_ratio,
    )
    return [
        GAP if vowels is None else f"{100 * vowels:.0f} %",
        GAP if known is None else f"{100 * known:.0f} %",
        GAP if length is None else f"{length:.2f}",
    ]


def absent(words: Words) -> str:
    """Return the backends that are not available here, folded, with reason and what to do."""
    rows = []
    for backend in registry.backends():
        state = backend.availability()
        if not state.ok:
            rows.append([backend.name, state.reason, state.hint])
    if not rows:
        return ""
    names = ", ".join(row[0] for row in rows)
    head = escape(words("g2p.aligned.unavailable", n=len(rows), names=names))
    header = [words(f"g2p.column.{key}") for key in ("backend", "reason", "hint")]
    return f'<details class="absent"><summary>{head}</summary>{table(header, rows)}</details>'


def changes(found: Sequence[Comparison], words: Words) -> str:
    """Return what the normaliser changed, what it kept, and what has no sound."""
    several = len(found) > 1
    rows = [
        [*([str(line)] if several else []), visible(c.before), visible(c.after), c.rule]
        for line, one in enumerate(found, 1)
        for c in one.changes
    ]
    keys = [*(["line"] if several else []), "before", "after", "rule"]
    shown = (
        table([words(f"g2p.change.{key}") for key in keys], rows)
        if rows
        else f'<p class="quiet">{escape(words("g2p.change.nothing"))}</p>'
    )
    kept = dict.fromkeys(change.before for one in found for change in one.kept)
    silent = dict.fromkeys(c for one in found for c in one.unpronounced)
    others = [c for c in silent if not any(c in word for word in kept)]
    if kept:
        told = words("g2p.change.kept", words=" · ".join(kept))
        shown += f'<p class="note">{escape(told)}</p>'
    if others:
        told = words("g2p.change.silent", characters=" ".join(map(visible, others)))
        shown += f'<p class="note">{escape(told)}</p>'
    return shown


def results(found: Sequence[G2PResult], words: Words) -> str:
    """Return what the order of backends gives, who made it, and why earlier ones did not."""
    shown = []
    for one in found:
        reasons = [
            words("g2p.order.passed", backend=name, reason=reason)
            for name, reason in one.passed_over
        ]
        reasons += one.problems
        told = "\n".join(reasons) or words("g2p.order.first")
        made = chip("done", words("g2p.order.made", backend=one.made_by))
        shown.append(
            f'<div class="made"><p class="said">{escape(one.ipa)}</p><p>{made} '
            f'<span class="quiet">{rich(told)}</span></p></div>'
        )
    return "".join(shown)


def why(words: Words) -> str:
    """Return why the default backend is the default: figures that were measured, and only those."""
    default = registry.get(registry.DEFAULT)
    best = measured.of_backend(default.name)
    lines = []
    for name, figure in best.items():
        others = [f for f in measured.figures() if (f.list, f.view) == (name, View.STRICT)]
        second = min((f for f in others if f.backend != default.name), key=lambda f: f.per)
        values = {"list": name, "words": figure.words, "backend": default.name}
        rates = {"per": f"{figure.per:.2f}", "wer": f"{figure.wer:.1f}"}
        other = {"other": second.backend, "other_per": f"{second.per:.2f}"}
        line = words("g2p.why.line", **values, **rates, **other, other_wer=f"{second.wer:.1f}")
        lines.append(f"<li>{escape(line)}</li>")
    date = max(f.date for f in best.values())
    about = escape(words("g2p.why.about", date=date))
    return f"<p>{about}</p><ul>{''.join(lines)}</ul>{_figures(words)}{_other_versions(words)}"


def _figures(words: Words) -> str:
    keys = ("list", "words", "counted", "phones_wrong", "words_wrong")
    header = [words("g2p.column.backend"), *(words(f"g2p.why.{key}") for key in keys)]
    rows = [
        [
            Safe(f"<b>{escape(f.backend)}</b>") if f.backend == registry.DEFAULT else f.backend,
            *(f.list, str(f.words), words(f"g2p.sees.{f.view.value}")),
            *(f"{f.per:.2f}", f"{f.wer:.1f}"),
        ]
        for f in measured.figures()
    ]
    return table(header, rows, "numbers")


def _other_versions(words: Words) -> str:
    """Say where what is installed is not what was measured."""
    told = []
    for backend in registry.backends():
        figures = measured.of_backend(backend.name).values()
        for version in dict.fromkeys(f.version for f in figures):
            if backend.availability().ok and version != backend.version:
                values = {"backend": backend.name, "here": backend.version, "measured": version}
                told.append(words("g2p.why.other_version", **values))
    return "".join(f'<p class="note">{escape(one)}</p>' for one in told)
