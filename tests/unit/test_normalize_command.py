"""`amharic-tts normalize`: a line for each line, in a stream, and what was changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from amharic_tts.commands import doctor, normalize
from amharic_tts.commands.lines import lines
from amharic_tts.errors import UserError

INPUT = "\ufeffበ\u200b25፡ቀን\r\n\nሰላም\n"


def run(*args: str, stdin: str | bytes = "") -> str:
    app = typer.Typer()
    normalize.register(app)
    doctor.register(app)  # with one command only, Typer takes no name
    result = CliRunner().invoke(app, ["normalize", *args], input=stdin)
    if result.exception:
        raise result.exception
    return result.stdout


def test_lines() -> None:
    assert run(stdin=INPUT) == "በሃያ አምስት ቀን\n\nሰላም\n"
    assert run(stdin="") == ""


def test_explained() -> None:
    assert run("--explain", stdin=INPUT).splitlines() == [
        "በሃያ አምስት ቀን",
        "    1-2\t'\\u200b'\t''\tinvisible-character",
        "    2-4\t'25'\t'ሃያ አምስት'\tnumber",
        "    4-5\t'፡'\t' '\tword-space",
        "",
        "ሰላም",
    ]


def test_json_is_one_document(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("በ25\n\n", encoding="utf-8")
    assert json.loads(run("--json", str(file))) == [
        {
            **{"text": "በ25", "normalized": "በሃያ አምስት"},
            "changes": [{"span": [1, 3], "from": "25", "to": "ሃያ አምስት", "rule": "number"}],
        },
        {"text": "", "normalized": "", "changes": []},
    ]
    assert json.loads(run("--json", stdin="")) == []


def test_another_language_keeps_its_numbers() -> None:
    assert run("--language", "en", stdin="Room 25\n") == "room 25\n"
    with pytest.raises(UserError):
        run("--language", "klingon?", stdin="x\n")


def test_bytes_that_are_no_utf8_name_their_line() -> None:
    with pytest.raises(UserError, match=r"^Line 2 of stdin is not UTF-8 \(byte 1"):
        run(stdin=b"ok\n\xff\n")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        run(str(tmp_path))


def test_lines_come_as_they_are_read() -> None:
    taken = []

    class Endless:
        def __iter__(self) -> Iterator[bytes]:
            while True:
                taken.append(1)
                yield "ሰላም\n".encode()

    stream = lines(Endless(), "-")  # type: ignore[arg-type]
    assert [next(stream), next(stream)] == ["ሰላም", "ሰላም"]
    assert len(taken) == 2
