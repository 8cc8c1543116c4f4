"""Tables of the Phonemes page: phones, the comparison with a text, models and what they cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from amharic_tts.phonemes.align import Comparison, Row
from amharic_tts.phonemes.measured import Cost
from amharic_tts.phonemes.models.catalog import State
from amharic_tts.phonemes.result import Phone, Recognition
from amharic_tts.ui.html import Safe, chip, facts, rich, table
from amharic_tts.ui.words import Words

SHOWN = 400
"""Rows of the table of phones; the rest is in the files."""
MARKS = {"ok": "✓", "substituted": "≠", "inserted": "+", "missing": "−"}
"""One sign for each kind, so that colour is never the only one."""
NOTATIONS = {"ipa": "IPA", "arpabet": "ARPAbet"}
COLUMNS = ("phone", "start", "end", "confidence", "runners_up")


def phone_cells(phone: Phone) -> list[str]:
    """Return a phone as the texts of one row of the table."""
    others = "  ".join(f"{name} {chance:.2f}" for name, chance in phone.runners_up)
    return [
        phone.phone,
        f"{phone.start:.2f}",
        f"{phone.end:.2f}",
        f"{phone.confidence:.2f}",
        others,
    ]


def phones_table(found: Recognition, say: Words) -> str:
    """Return the table of phones; a click on a phone plays it."""
    header = [say(f"phonemes.column.{key}") for key in COLUMNS]
    rows = []
    for phone in found.phones[:SHOWN]:
        name, *rest = phone_cells(phone)
        told = say("phonemes.hear", what=name)
        rows.append([_slice(name, phone.start, phone.end, told, "ph-hear"), *rest])
    more = len(found.phones) - SHOWN
    below = f"<p>{escape(say('phonemes.more', n=more))}</p>" if more > 0 else ""
    return f'<div class="tall">{table(header, rows, "numbers ph-table")}</div>{below}'


def _slice(text: str, start: float, end: float, told: str, kind: str) -> Safe:
    return Safe(
        f'<button type="button" class="{kind}" data-start="{start:.3f}" data-end="{end:.3f}" '
        f'title="{escape(told)}" aria-label="{escape(told)}">{escape(text)}</button>'
    )


def comparison(found: Comparison, say: Words) -> str:
    """Return expected against heard: what the numbers mean, then word by word."""
    numbers = (("PER", found.per, "per"), ("PFER", found.pfer, "pfer"))
    scores = "".join(_score(name, value, say(f"compare.{key}")) for name, value, key in numbers)
    scores += _score(say("compare.score_name"), found.score, say("compare.score_help"))
    legend = "".join(
        f'<li class="cmp-{kind}"><b>{MARKS[kind]}</b> {escape(say(f"compare.{kind}"))}: {n}</li>'
        for kind, n in found.counts.items()
    )
    notes = "".join(f'<p class="note">{rich(note)}</p>' for note in found.notes)
    words = "".join(_word(found, number, say) for number in range(len(found.words)))
    return (
        f'<dl class="cmp-scores">{scores}</dl>{notes}'
        f'<ul class="cmp-legend">{legend}</ul>'
        f'<p class="quiet">{escape(say("compare.how"))}</p><div class="cmp-words">{words}</div>'
    )


def _score(name: str, value: float, meaning: str) -> str:
    return (
        f"<div><dt>{escape(name)} <b>{100 * value:.0f} %</b></dt><dd>{escape(meaning)}</dd></div>"
    )


def _word(found: Comparison, number: int, say: Words) -> str:
    word = found.words[number]
    rows = [row for row in found.rows if row.word == number]
    wrong = any(row.kind != "ok" for row in rows)
    note = say("compare.right")
    if wrong:
        note = say("compare.wrong", share=f"{100 * word.per:.0f}")
    note += " · " + say("compare.score", score=f"{word.score:.2f}")
    cells = "".join(_cell(row, say) for row in rows)
    kind = "cmp-word cmp-wrong" if wrong else "cmp-word"
    told = say("phonemes.hear", what=word.text)
    title = _slice(word.text, word.start, word.end, told, "cmp-title")
    return (
        f'<section class="{kind}"><h4>{title}</h4><p>{escape(note)}</p>'
        f'<div class="cmp-row">{cells}</div></section>'
    )


def _cell(row: Row, say: Words) -> str:
    wanted, heard = row.wanted or "∅", row.heard or "∅"
    told = say(f"compare.told.{row.kind}", wanted=wanted, heard=heard)
    told += " · " + say("compare.score", score=f"{row.score:.2f}")
    if row.note:
        told += f" · {row.note}"
    return (
        f'<button type="button" class="cmp-{row.kind}" title="{escape(told)}" '
        f'aria-label="{escape(told)}" data-start="{row.start:.3f}" data-end="{row.end:.3f}">'
        f'<span class="cmp-wanted">{escape(wanted)}</span>'
        f"<i>{MARKS[row.kind]}</i><span>{escape(heard)}</span></button>"
    )


def model_card(state: State, say: Words) -> str:
    """Return what a visitor must know of a model before choosing it."""
    entry = state.entry
    kind, told = ("done", "ready") if state.ready else ("stopped", "not_ready")
    head = f"{chip(kind, say(f'phonemes.{told}'))} {rich(state.reason)}"
    hint = f'<p class="note">{rich(_command(state.hint))}</p>' if state.hint else ""
    known = [
        (say("phonemes.source"), entry.source),
        (say("phonemes.notation"), notation(entry.notation, say)),
        (say("phonemes.languages"), _languages(entry.languages, say)),
        (say("phonemes.licence"), entry.licence),
    ]
    return f"<p>{head}</p><p>{rich(entry.note)}</p>{hint}{facts(known)}"


def _languages(codes: Sequence[str], say: Words) -> str:
    return ", ".join(say.get(f"language.of.{code}", code) for code in codes)


def _command(hint: str) -> str:
    """Return a hint with the command in it marked as such."""
    return re.sub(r"((?:amharic-tts|python) [^`]+)$", r"`\1`", hint)


def notation(name: str, say: Words) -> str:
    """Return what a model writes; that it writes letters is said in words."""
    return say("notation.letters") if name == "letters" else NOTATIONS.get(name, name)


def costs(found: Sequence[Cost], say: Words) -> str:
    """Return what each setting has cost on this machine so far."""
    if not found:
        return f'<p class="quiet">{escape(say("phonemes.cost.none"))}</p>'
    keys = ("model", "backend", "dtype", "threads", "runs", "rtf", "speed", "load", "memory")
    rows = []
    for cost in found:
        factor = cost.real_time_factor
        rows.append(
            [
                cost.setting.model,
                cost.setting.backend,
                cost.setting.dtype,
                str(cost.setting.threads),
                str(cost.runs),
                "–" if factor is None else f"{factor:.3f}",
                "–" if not factor else f"{1 / factor:.1f}×",
                f"{cost.load_seconds:.2f}",
                f"{cost.memory_mb:.0f}",
            ]
        )
    header = [say(f"phonemes.cost.{key}") for key in keys]
    return table(header, rows, "numbers")


BENCH = (
    ("load_seconds", "{:.2f}"),
    ("seconds", "{:.2f}"),
    ("cpu_seconds", "{:.2f}"),
    ("real_time_factor", "{:.3f}"),
    ("peak_mb", "{:.0f}"),
    ("times_reference", "{:.1f}×"),
)
"""Figures of `bench.run` that the page shows; the command prints them all."""


def bench(result: Mapping[str, Any], say: Words) -> str:
    """Return the table of a performance test, and which variants did not run and why.

    Args:
        result: What `amharic_tts.phonemes.bench.run` ends with; empty gives nothing.
    """
    if not result.get("rows") and not result.get("failed"):
        return ""
    header = [say(f"phonemes.measured.{key}") for key in ("model", "variant")]
    header += [say(f"phonemes.measured.{key}") for key, _ in BENCH]
    rows = [
        [
            *(str(row["model"]), str(row["variant"])),
            *("–" if row[key] is None else form.format(row[key]) for key, form in BENCH),
        ]
        for row in result["rows"]
    ]
    failed = "".join(
        f"<li><b>{escape(one['model'])}, {escape(one['variant'])}</b>: {rich(one['reason'])}</li>"
        for one in result["failed"]
    )
    facts = result["conditions"]
    told = say("phonemes.measured.told", **{k: facts[k] for k in ("seconds", "threads", "rounds")})
    below = f'<ul class="findings">{failed}</ul>' if failed else ""
    return f'<p class="quiet">{escape(told)}</p>{table(header, rows, "numbers")}{below}'


def performance(info: dict[str, Any], say: Words) -> str:
    """Return `PhonemeAssistant.get_performance_info()` as a grid."""
    # The keys of the models in memory are long and for the program; how many is enough here.
    info = {**info, "cached_models": len(info["cached_models"])}
    shown = [(say.get(f"performance.{key}", key), _plain(info[key], say)) for key in info]
    return facts(shown)


def _plain(value: object, say: Words) -> str:
    if value is None or value == [] or value == "":
        return "–"
    if isinstance(value, bool):
        return say("performance.yes" if value else "performance.no")
    if isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    return str(value)
