"""`amharic-tts g2p-eval`: a table for people, the whole result as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from amharic_tts.commands import doctor, g2p_eval
from amharic_tts.commands.g2p_eval import table
from amharic_tts.errors import UserError

GOLD = "ሀይቅ\th a j kʼ\nሰላም\ts ə l a m\nሕልም\th ɨ l m\n"


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "list.tsv"
    path.write_text(GOLD, encoding="utf-8")
    return path


def run(*args: str) -> Result:
    app = typer.Typer()
    g2p_eval.register(app)
    doctor.register(app)  # with one command only, Typer takes no name
    result = CliRunner().invoke(app, ["g2p-eval", *args])
    if result.exception:
        raise result.exception
    return result


def test_the_table(gold: Path) -> None:
    lines = run(str(gold), "--backend", "epitran").stdout.splitlines()
    assert lines[:4] == [
        "list.tsv: 3 words, 3 pronunciations",
        "",
        "PER / WER, %           strict   length ignored   also without ɨ   also without ʔ",
        "epitran          15.38 / 66.7     15.38 / 66.7      8.33 / 33.3      8.33 / 33.3",
    ]
    assert lines[5].startswith("epitran (epitran-")
    assert lines[6:] == [
        "     1  ɨ where there is none               ሕልም hɨlm not hɨlɨm",
        "     1  ə for a after h or ʔ                ሀይቅ hajkʼ not həjkʼ",
    ]


def test_a_perfect_backend_and_words_that_fail() -> None:
    rate = {"per": 0.0, "wer": 0.0}
    result = {
        "gold": {"name": "x.tsv", "words": 4, "pronunciations": 4},
        "backends": [
            {
                **{"backend": "a_backend_of_note", "version": "v", "categories": []},
                "failures": [{"word": "ሀ", "reason": "no"}] * 4,
                "rates": dict.fromkeys(
                    ("strict", "length_ignored", "epenthesis_ignored", "glottal_ignored"), rate
                ),
            }
        ],
    }
    assert list(table(result))[4:] == [
        "",
        "a_backend_of_note (v), mistakes in the strict view:",
        "  none",
        *["  not converted: ሀ: no"] * 3,
        "  and 1 more words not converted",
    ]


def test_json_has_every_wrong_word(gold: Path) -> None:
    result = run(str(gold), "--backend", "epitran", "--backend", "rule_based", "--json")
    found = json.loads(result.stdout)
    assert [item["backend"] for item in found["backends"]] == ["epitran", "rule_based"]
    epitran, rules = found["backends"]
    assert epitran["rates"]["strict"] == {
        **{"per": pytest.approx(2 / 13), "wer": pytest.approx(2 / 3)},
        **{"errors": 2, "segments": 13, "wrong_words": 2, "words": 3},
    }
    assert epitran["mistakes"] == [
        {
            **{"word": "ሀይቅ", "wanted": "hajkʼ", "written": "həjkʼ"},
            "categories": ["laryngeal_vowel"],
        },
        {
            **{"word": "ሕልም", "wanted": "hɨlm", "written": "hɨlɨm"},
            "categories": ["epenthesis_wrong"],
        },
    ]
    assert rules["mistakes"] == []
    assert "words by epitran" in result.stderr


def test_what_is_wrong_is_said(gold: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no G2P backend `best`"):
        run(str(gold), "--backend", "best")
    with pytest.raises(UserError, match="There is no file"):
        run(str(tmp_path / "none.tsv"))
