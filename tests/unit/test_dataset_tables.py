"""Transcript tables: every layout gives exactly these rows, every bad file a clear message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amharic_tts.dataset.tables import read_table
from amharic_tts.errors import UserError

Rows = list[tuple[int, str, str, str]]


def table(tmp_path: Path, content: str | bytes, name: str = "metadata.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def rows(path: Path) -> Rows:
    return [(r.line, r.audio, r.text, r.speaker) for r in read_table(path).rows]


def told(path: Path) -> list[str]:
    return [f"{f.code}: {f.message}" for f in read_table(path).findings]


@pytest.mark.parametrize(
    ("content", "wanted", "columns"),
    [
        (
            "a|ሰላም ነው\nb|ደህና ነኝ\n",
            [(1, "a", "ሰላም ነው", ""), (2, "b", "ደህና ነኝ", "")],
            "no header; read as audio | text",
        ),
        (
            "LJ-1|In 1465 it was.|In fourteen sixty-five it was.\n"
            "LJ-2|No number here, at all.|No number here, at all.\n",
            [
                (1, "LJ-1", "In fourteen sixty-five it was.", ""),
                (2, "LJ-2", "No number here, at all.", ""),
            ],
            "no header; read as audio | text | normalised text",
        ),
        (
            "audio_file|text|speaker_name\nwavs/a.wav|ሰላም|አበበ\nwavs/b.wav|ደህና|ከበደ\n",
            [(2, "wavs/a.wav", "ሰላም", "አበበ"), (3, "wavs/b.wav", "ደህና", "ከበደ")],
            "the header says audio | text | speaker",
        ),
        (
            "a.wav|hello you there|anna\nb.wav|good day to you|anna\n",
            [(1, "a.wav", "hello you there", "anna"), (2, "b.wav", "good day to you", "anna")],
            "no header; read as audio | text | speaker",
        ),
        (
            "path,sentence,client_id,age\na.mp3,one two,s1,20\nb.mp3,three,s2,\n",
            [(2, "a.mp3", "one two", "s1"), (3, "b.mp3", "three", "s2")],
            "the header says audio | text | speaker; not used: age",
        ),
        (
            "speaker;text;file\nanna;hello;a\n",
            [(2, "a", "hello", "anna")],
            "the header says speaker | text | audio",
        ),
        (
            "a\tone, two|three\nb\tfour\n",
            [(1, "a", "one, two|three", ""), (2, "b", "four", "")],
            "",
        ),
        (
            "a,one, two, three\nb,four\n",
            [(1, "a", "one, two, three", ""), (2, "b", "four", "")],
            "",
        ),
    ],
)
def test_layouts(tmp_path: Path, content: str, wanted: Rows, columns: str) -> None:
    path = table(tmp_path, content)
    assert rows(path) == wanted
    assert not columns or told(path) == [f"columns: {columns}"]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        # `|` inside the text stays there
        ("a|x | y\nb|z\nc|w\n", [(1, "a", "x | y", ""), (2, "b", "z", ""), (3, "c", "w", "")]),
        (
            "audio_file|text|speaker_name\na|x|y|z|anna\n",
            [(2, "a", "x|y|z", "anna")],
        ),
        # quotes: only a quoted cell loses them; a lone one swallows nothing
        (
            'a|"Printing," he said\nb|"whole"\nc|the "lower-case"\n',
            [
                (1, "a", '"Printing," he said', ""),
                (2, "b", "whole", ""),
                (3, "c", 'the "lower-case"', ""),
            ],
        ),
        ('a|"one\nb|two\n', [(1, "a", '"one', ""), (2, "b", "two", "")]),
        (
            'file,text\na,"one, ""two"" three"\nb,four\n',
            [(2, "a", 'one, "two" three', ""), (3, "b", "four", "")],
        ),
        (
            'file,text\na,"one\ntwo"\nb,four\n',
            [(2, "a", "one two", ""), (4, "b", "four", "")],
        ),
        (
            'file,text\na,"one\nb,"two"\nc,three\n',
            [(2, "a", '"one', ""), (3, "b", "two", ""), (4, "c", "three", "")],
        ),
        # empty lines, empty cells, missing cells
        (
            "a|x\n\n  \nb|\nc\n|y\n",
            [(1, "a", "x", ""), (4, "b", "", ""), (5, "c", "", ""), (6, "", "y", "")],
        ),
        ("id|raw|normalized\na|5 km|\n", [(2, "a", "5 km", "")]),
        # old Mac and Windows line ends
        ("a|x\r\nb|y\r\n", [(1, "a", "x", ""), (2, "b", "y", "")]),
        ("a|x\rb|y\r", [(1, "a", "x", ""), (2, "b", "y", "")]),
    ],
)  # fmt: skip
def test_cells(tmp_path: Path, content: str, wanted: Rows) -> None:
    assert rows(table(tmp_path, content)) == wanted


def test_bars_in_two_texts_of_a_row_are_not_guessed(tmp_path: Path) -> None:
    path = table(tmp_path, "id|raw|normalised\na|x|y\nb|1|2|one|two\n")
    assert [(r.audio, r.problem) for r in read_table(path).rows] == [
        ("a", ""),
        ("b", "5 columns instead of 3: `|` inside the text"),
    ]


def test_a_stray_quote_is_told(tmp_path: Path) -> None:
    path = table(tmp_path, 'file,text\na,"one\nb,two\n')
    found = [f for f in read_table(path).findings if f.code == "stray_quote"]
    assert [(f.subject, f.message) for f in found] == [
        (
            "metadata.csv line 2",
            'a quotation mark is opened and never closed ("one); it is taken as it stands',
        )
    ]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    content = "audio_file|text|speaker_name\na|ሰላም ለዓለም።|አበበ\n".encode(encoding)
    assert rows(table(tmp_path, content)) == [(2, "a", "ሰላም ለዓለም።", "አበበ")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"`.*metadata.csv` holds no rows"),
        (b"\n \n", "holds no rows"),
        (b"audio_file|text\n", "holds a header and no rows"),
        (
            "a|caf\u00e9\nb|x".encode("latin-1"),
            "line 1: byte 0xe9 is not UTF-8; tried UTF-8, UTF-16",
        ),
        (b"a|x\nb|\xff\xfe", "line 2: byte 0xff is not UTF-8"),
        (b"one line of text\nand another\n", "has no `|`, tab or comma between the columns"),
        (b"a|b|c|d\ne|f|g|h\n", "line 1 has 4 columns and there is no header"),
        (b"RIFF\x24\x00\x00\x00WAVE\x00\x01\xff", "is a recording, not a text file"),
    ],
)
def test_bad_tables(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_table(table(tmp_path, content))


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read_table(tmp_path / "none.csv")


_ANY = st.one_of(
    st.binary(max_size=300),
    st.text(alphabet='ab"|,;\t\n\r ሀለ', max_size=120).map(lambda s: s.encode("utf-8")),
    st.lists(st.text(max_size=20), max_size=8).map(
        lambda cells: ("audio_file|text|speaker_name\n" + "|".join(cells)).encode(
            "utf-8", "surrogatepass"
        )
    ),
)


@given(content=_ANY, suffix=st.sampled_from([".csv", ".tsv", ".txt"]))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_file_at_all_breaks_the_reader(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = table(tmp_path, content, f"t{suffix}")
    try:
        found = read_table(path)
    except UserError as error:
        assert error.message
        return
    lines = content.count(b"\n") + content.count(b"\r") + 1
    assert 0 < len(found.rows) <= lines
    assert all(1 <= row.line <= lines for row in found.rows)


_WORDS = st.text(alphabet='abcሀለሐመ"|, ', min_size=1, max_size=30).filter(
    lambda s: s.strip() == s and s
)


@given(texts=st.lists(_WORDS, min_size=1, max_size=6))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_python_writes_is_read_back(tmp_path: Path, texts: list[str]) -> None:
    import csv

    path = tmp_path / "t.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="|")
        writer.writerow(("audio_file", "text", "speaker_name"))
        writer.writerows((f"a{i}", text, "anna") for i, text in enumerate(texts))
    assert [(r.text, r.speaker) for r in read_table(path).rows] == [(t, "anna") for t in texts]
