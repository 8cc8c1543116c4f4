"""Comparisons and measurements as rows of a table, ready for a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from amharic_tts.g2p.compare import Comparison
from amharic_tts.g2p.side_by_side import side_by_side
from amharic_tts.g2p.symbols import View

GAP = "–"
"""Stands where a backend has no phone and another one has."""
ALIGNED = ("line", "word", "text", "backend", "version", "made_by", "phonemes", "aligned", "same")
RESULTS = (
    *("backend", "version", "view", "per_percent", "wer_percent"),
    *("errors", "segments", "wrong_words", "words"),
)
MISTAKES = ("backend", "version", "word", "wanted", "written", "categories")


def aligned_rows(comparisons: Iterable[Comparison], first: str = "") -> Iterator[list[object]]:
    """Yield a row for each word and backend, in the columns `ALIGNED`.

    ``aligned`` has the cells of the columns with spaces between; ``same`` says whether they are
    those of the first backend.

    Args:
        comparisons: One for each line, counted from 1.
        first: The backend that the others are compared with.
    """
    for line, comparison in enumerate(comparisons, 1):
        found = side_by_side(comparison, first)
        sides = {side.backend: side for side in comparison.sides}
        spoken = dict.fromkeys(found.backends, 0)
        for number, block in enumerate(found.blocks, 1):
            for name, row in zip(found.backends, block.rows, strict=True):
                side, phonemes = sides[name], "".join(row)
                own = False
                if phonemes:
                    own = side.own[spoken[name]]
                    spoken[name] += 1
                maker = "lexicon" if own else name
                cells = " ".join(cell or GAP for cell in row)
                same = "yes" if row == block.rows[0] else "no"
                about = [line, number, block.word, name, side.version, maker]
                yield [*about, phonemes, cells, same]


def result_rows(result: Mapping[str, Any]) -> Iterator[list[object]]:
    """Yield a row for each backend and view of a measurement, in the columns `RESULTS`.

    Args:
        result: What `amharic_tts.g2p.evaluate.evaluate` ends with.
    """
    for found in result["backends"]:
        for view in View:
            rate = found["rates"][view.value]
            shares = [f"{100 * rate['per']:.2f}", f"{100 * rate['wer']:.2f}"]
            counts = [rate[key] for key in RESULTS[5:]]
            yield [found["backend"], found["version"], view.value, *shares, *counts]


def mistake_rows(result: Mapping[str, Any]) -> Iterator[list[object]]:
    """Yield a row for each wrong word of a measurement, in the columns `MISTAKES`."""
    for found in result["backends"]:
        for mistake in found["mistakes"]:
            words = [mistake["word"], mistake["wanted"], mistake["written"]]
            kinds = ", ".join(mistake["categories"])
            yield [found["backend"], found["version"], *words, kinds]
