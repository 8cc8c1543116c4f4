"""What was measured of the backends, from ``data/measured.tsv``: why the default is the default."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from amharic_tts.g2p.symbols import View
from amharic_tts.text.tables import rows

_COLUMNS = (
    "backend_list_view",
    "backend",
    "version",
    "list",
    "words",
    "view",
    "per",
    "wer",
    "date",
)


@dataclass(frozen=True)
class Figure:
    """How often one backend was wrong on one list of words with pronunciations by people."""

    backend: str
    version: str
    """The version that was measured; the one that is installed may be another."""
    list: str
    words: int
    view: View
    per: float
    """Phones that are wrong, missing or too many, in percent of those of the list."""
    wer: float
    """Words with any mistake, in percent."""
    date: str


@cache
def figures() -> tuple[Figure, ...]:
    """Return every figure, in the order of the file."""
    found = []
    for _, backend, version, name, words, view, per, wer, date in rows(
        "amharic_tts.g2p", "measured.tsv", _COLUMNS
    ):
        rates = (float(per), float(wer))
        found.append(Figure(backend, version, name, int(words), View(view), *rates, date))
    return tuple(found)


def of_backend(name: str, view: View = View.STRICT) -> dict[str, Figure]:
    """Return the figures of one backend by the name of the list; empty where none was measured."""
    return {f.list: f for f in figures() if f.backend == name and f.view is view}
