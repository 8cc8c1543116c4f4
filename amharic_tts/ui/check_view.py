"""The check of a dataset as the page shows it: numbers, pictures, phones, plan. No Gradio here."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amharic_tts.ui.html import Safe, table
from amharic_tts.ui.words import Words

if TYPE_CHECKING:
    from amharic_tts.dataset.checks.ranking import Ranked
    from amharic_tts.dataset.coverage import Coverage, Sentence
    from amharic_tts.dataset.repair import Plan
    from amharic_tts.dataset.statistics import Histogram

SHOWN = 50
"""Clips in the table of findings, and actions in that of the plan; the downloads have all."""


@dataclass(frozen=True)
class CheckView:
    """What is known of a dataset after its last check; empty numbers where there was none."""

    name: str
    checked: bool
    numbers: Mapping[str, Any] = field(default_factory=dict)
    worst: tuple[Ranked, ...] = ()

    def tiles(self, words: Words) -> dict[str, str]:
        """Return the numbers above the findings, by name."""
        told = self.numbers
        shown = {
            words("check.count.checked"): f"{told['checked']} / {told['rows']}",
            words("check.count.clean"): str(told["clean"]),
            words("check.count.heard"): str(told["heard"]),
        }
        if told["changed"]:
            shown[words("check.count.changed")] = str(told["changed"])
        return shown

    def choices(self, words: Words) -> list[tuple[str, str]]:
        """Return the kinds of findings with their numbers, for a choice; all of them first."""
        counts = self.numbers["findings"]
        every = (words("check.all", n=sum(counts.values())), "")
        return [every, *((f"{called(c, words)}: {n}", c) for c, n in counts.items())]

    def rows(self, code: str, words: Words) -> list[list[str]]:
        """Return the cells of the gravest findings of a kind, or of all."""
        chosen = [one for one in self.worst if not code or one.code == code]
        return [cells(one, words) for one in chosen[:SHOWN]]


def header(words: Words) -> list[str]:
    """Return the names of the columns of the findings."""
    return [words(f"check.column.{key}") for key in ("id", "text", "what", "value", "mend")]


def cells(one: Ranked, words: Words) -> list[str]:
    """Return the cells of one finding."""
    finding = one.finding
    value = f"{finding['value']:.4g} {finding['unit']}".strip() if "value" in finding else ""
    what = f"{called(one.code, words)}: {finding['message']}"
    return [one.row.id, one.row.text, what, value, words(f"mend.{finding.get('mend', 'listen')}")]


def called(code: str, words: Words) -> str:
    """Return the name of a finding in the language of the screen."""
    return words.get(f"finding.{code}", code)


def view(folder: Path) -> CheckView:
    """Read a dataset and its last check.

    Raises:
        UserError: There is no dataset in `folder`, or a file is damaged.
    """
    stamp = max((path.stat().st_mtime_ns for path in folder.glob("*.jsonl")), default=0)
    return _view(folder, stamp)


@functools.lru_cache(maxsize=4)
def _view(folder: Path, _stamp: int) -> CheckView:
    from amharic_tts.dataset.checks import ranking, run, store
    from amharic_tts.dataset.manifest import Dataset

    dataset = Dataset.load(folder)
    records = store.load(folder)
    if not records:
        return CheckView(dataset.name, False)
    found = store.of_records(dataset, records)
    worst = tuple(ranking.ranked(dataset, found))
    return CheckView(dataset.name, True, run.summary(dataset, records), worst)


def histograms(found: Sequence[Histogram], words: Words) -> str:
    """Return distributions as small bar charts; each says its middle and its spread in words."""
    return f'<div class="spreads">{"".join(_histogram(one, words) for one in found)}</div>'


def _histogram(one: Histogram, words: Words) -> str:
    title = escape(words(f"check.spread.{one.name}"))
    digits = 2 if one.step < 0.1 else 1
    unit = f" {words.get(f'check.unit.{one.name}', one.unit)}".rstrip()
    middle = words("check.spread.middle", middle=f"{one.middle:.{digits}f}{unit}")
    most = words("check.spread.most", low=f"{one.low:.{digits}f}", high=f"{one.high:.{digits}f}")
    return (
        f'<figure class="spread"><figcaption>{title}</figcaption>{_bars([one], words)}'
        f"<p><b>{escape(middle)}</b><br>{escape(most)}</p></figure>"
    )


def _bars(found: Sequence[Histogram], words: Words) -> str:
    """Return bars of one or two histograms with the same steps, as SVG with a title each."""
    width, height = 240, 84
    count = max(len(one.counts) for one in found)
    most = max(max(one.counts) for one in found)
    step = width / count
    bars = []
    for series, one in enumerate(found):
        wide = step / len(found)
        for at, number in enumerate(one.counts):
            if not number:
                continue
            tall = max(2.0, (height - 4) * number / most)
            low, high = one.start + at * one.step, one.start + (at + 1) * one.step
            told = words("check.spread.bar", low=f"{low:g}", high=f"{high:g}", n=number)
            bars.append(
                f'<rect class="bar-{series}" x="{at * step + series * wide:.1f}" '
                f'y="{height - tall:.1f}" width="{max(1.0, wide - 1):.1f}" height="{tall:.1f}">'
                f"<title>{escape(told)}</title></rect>"
            )
    first = found[0]
    ends = f"{first.start:g}", f"{first.start + count * first.step:g}"
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" preserveAspectRatio="none">'
        f'{"".join(bars)}</svg><div class="ends"><span>{ends[0]}</span><span>{ends[1]}</span></div>'
    )


def before_after(found: Mapping[str, Sequence[Histogram]], words: Words) -> str:
    """Return pairs of histograms, before and after a repair."""
    parts = []
    for name, pair in found.items():
        title = escape(words(f"check.spread.{name}"))
        middles = [f"{one.middle:.1f} {one.unit}" for one in pair]
        told = words("check.repair.middles", before=middles[0], after=middles[-1])
        parts.append(
            f'<figure class="spread"><figcaption>{title}</figcaption>{_bars(pair, words)}'
            f"<p>{escape(told)}</p></figure>"
        )
    legend = "".join(
        f'<span class="key-{i}">{escape(words(f"check.repair.{key}"))}</span>'
        for i, key in enumerate(("before", "after"))
    )
    return f'<div class="legend">{legend}</div><div class="spreads">{"".join(parts)}</div>'


def phones(found: Coverage, sentences: Sequence[Sentence], words: Words) -> str:
    """Return the phones with their numbers, and sentences that would bring the rare ones."""
    if not found.phones:
        return f'<p class="quiet">{escape(words("check.phones.none"))}</p>'
    most = max(found.counts.values())
    rare, missing = set(found.rare), set(found.missing)
    chips = "".join(
        f'<span class="phone {_rank(phone, rare, missing)}" '
        f'style="--share:{number / most:.3f}"><b>{escape(phone)}</b> {number}</span>'
        for phone, number in found.counts.items()
    )
    told = words("check.phones.told", n=f"{found.phones:,}", missing=len(missing), rare=len(rare))
    unread = words("check.phones.unread", n=found.unread) if found.unread else ""
    html = f"<p>{escape(told)} {escape(unread)}</p><div class='phone-chips'>{chips}</div>"
    if not sentences:
        return html
    rows = [[Safe(f"<b>{escape(s.text)}</b>"), " ".join(s.brings)] for s in sentences]
    columns = [words("check.phones.sentence"), words("check.phones.brings")]
    return f"{html}<p>{escape(words('check.phones.propose'))}</p>{table(columns, rows)}"


def _rank(phone: str, rare: set[str], missing: set[str]) -> str:
    return "phone-missing" if phone in missing else "phone-rare" if phone in rare else ""


def plan(found: Plan, words: Words) -> str:
    """Return the plan of a repair as a table, and what it leaves for people."""
    columns = [words(f"check.column.{key}") for key in ("id", "mend", "change", "why")]
    rows = [
        [
            action.id,
            words(f"mend.{action.mend}"),
            "" if action.before is None else _change(action.before, action.after, action.unit),
            f"{called(action.code, words)}: {action.reason}",
        ]
        for action in found.actions[:SHOWN]
    ]
    more = len(found.actions) - len(rows)
    parts = [f'<div class="tall">{table(columns, rows)}</div>' if rows else ""]
    if more > 0:
        parts.append(f'<p class="quiet">{escape(words("check.repair.more", n=more))}</p>')
    if not rows:
        parts.append(f"<p>{escape(words('check.repair.nothing'))}</p>")
    if found.by_hand:
        listed = ", ".join(f"{called(c, words)} {n}" for c, n in found.by_hand.items())
        parts.append(f"<p>{escape(words('check.repair.by_hand'))} {escape(listed)}</p>")
    if found.unchecked:
        told = words("check.repair.unchecked", n=found.unchecked)
        parts.append(f'<p class="note">{escape(told)}</p>')
    return "".join(parts)


def _change(before: float, after: float | None, unit: str) -> str:
    return f"{before:.1f} → {after:.1f} {unit}" if after is not None else f"{before:.1f} {unit}"
