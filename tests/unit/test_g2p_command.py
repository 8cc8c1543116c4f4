"""`amharic-tts g2p`: a line for each line, in order, in a stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from amharic_tts.commands import g2p, phonemes
from amharic_tts.errors import MissingPart, UserError

INPUT = "ሰላም ለዓለም።\n\nባለ\tትር 25\r\nቊ AB\n"


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    g2p.register(app)
    phonemes.register(app)
    return app


def run(app: typer.Typer, *args: str, stdin: str | bytes = "") -> str:
    result = CliRunner().invoke(app, ["g2p", *args], input=stdin)
    if result.exception:
        raise result.exception
    return result.stdout


def test_text(app: typer.Typer) -> None:
    assert run(app, stdin=INPUT) == "səlam ləʔaləm\n\nbalə tɨr haja ʔamːɨst\nkʼʷi AB\n"


def test_tsv_has_three_columns_whatever_the_input(app: typer.Typer) -> None:
    out = run(app, "--format", "tsv", "--backend", "epitran", stdin=INPUT)
    assert out.split("\n") == [
        "ሰላም ለዓለም።\tsəlam ləʔaləm\tepitran",
        "\t\tepitran",
        "ባለ ትር 25\tbalə tɨr haja ʔəmsɨt\tepitran",
        "ቊ AB\tkʼʷi AB\trule_based",
        "",
    ]


def test_json_is_one_document(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\ufeff" + INPUT, encoding="utf-8")
    found = json.loads(run(app, "--format", "json", "--backend", "epitran", str(file)))
    assert [item["phonemes"] for item in found] == [
        "səlam ləʔaləm",
        "",
        "balə tɨr haja ʔəmsɨt",
        "kʼʷi AB",
    ]
    assert found[3]["passed_over"] == [
        {"backend": "epitran", "reason": "Ethiopic characters are left: ቊ"}
    ]
    assert found[3]["unpronounced"] == ["A", "B"]
    assert found[1]["words"] == []
    assert json.loads(run(app, "--format", "json", stdin="")) == []


def test_a_fallback_is_told_on_stderr(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["g2p", "--backend", "epitran"], input="ቊ\nቊ\n")
    assert result.stderr == (
        "line 1: epitran: Ethiopic characters are left: ቊ; written by rule_based\n"
    )


def test_bytes_that_are_no_utf8_name_their_line(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes("ሰላም\n".encode() + b"ab\xff\n")
    with pytest.raises(UserError, match=r"^Line 2 of `.*bad\.txt` is not UTF-8 \(byte 3"):
        run(app, str(file))


def test_what_is_not_there_is_said(app: typer.Typer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no G2P backend `best`"):
        run(app, "--backend", "best")
    with pytest.raises(MissingPart, match="The backend `transphone` does not work here"):
        run(app, "--backend", "transphone")
    with pytest.raises(UserError, match="There is no file"):
        run(app, str(tmp_path / "none.txt"))
    with pytest.raises(UserError, match="There is no file"):
        run(app, str(tmp_path))


def test_an_empty_file_gives_nothing(app: typer.Typer) -> None:
    assert run(app, stdin="") == ""
    assert run(app, stdin="\x00\n") == "\n"
