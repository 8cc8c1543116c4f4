"""The figures that the page shows are those of the report."""

from __future__ import annotations

import re
from pathlib import Path

from amharic_tts.g2p import measured, registry
from amharic_tts.g2p.symbols import View

REPORT = Path(__file__).parents[2] / "docs/results/g2p.md"


def test_every_figure_stands_in_the_report() -> None:
    report = REPORT.read_text(encoding="utf-8").replace("**", "")
    names = {View.STRICT: "strict", View.LENGTH: "length ignored"}
    for figure in measured.figures():
        line = re.search(f"^\\| {figure.list}, {names[figure.view]} \\|.*$", report, re.M)
        assert line, figure
        assert f" {figure.per:.2f} / {figure.wer:.1f} " in line[0], figure
        assert figure.date in report


def test_the_default_is_the_best_that_was_measured() -> None:
    for view in (View.STRICT, View.LENGTH):
        best = measured.of_backend(registry.DEFAULT, view)
        assert list(best) == ["WikiPron", "GFF"]
        for figure in measured.figures():
            if figure.view is view:
                assert (figure.per, figure.wer) >= (best[figure.list].per, best[figure.list].wer)
    assert measured.of_backend("transphone") == {}
