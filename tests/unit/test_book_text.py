"""The text of a book: lines, paragraphs, chapters, cues and pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from amharic_tts.errors import UserError
from amharic_tts.jobs import book_text
from amharic_tts.jobs.book_text import items, pieces, read

BOOK = """# ምዕራፍ አንድ

ሰላም ለዓለም።
ዛሬ ጥሩ ቀን ነው።

ሁለተኛው አንቀጽ።
# ምዕራፍ ሁለት
ሦስተኛው አንቀጽ።
"""


def written(tmp_path: Path, text: str | bytes, name: str = "a.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def test_paragraphs_and_chapters(tmp_path: Path) -> None:
    found = items(read(written(tmp_path, BOOK)), join=True)
    assert [(one.line, one.chapter, one.heading, one.text) for one in found] == [
        (1, 1, True, "ምዕራፍ አንድ"),
        (3, 1, False, "ሰላም ለዓለም። ዛሬ ጥሩ ቀን ነው።"),
        (6, 1, False, "ሁለተኛው አንቀጽ።"),
        (7, 2, True, "ምዕራፍ ሁለት"),
        (8, 2, False, "ሦስተኛው አንቀጽ።"),
    ]


def test_lines_by_themselves_keep_their_numbers_when_some_are_left_out(tmp_path: Path) -> None:
    source = read(written(tmp_path, BOOK))
    found = items(source, join=False, left_out={3})
    assert [(one.number, one.line) for one in found] == [(1, 1), (3, 4), (4, 6), (5, 7), (6, 8)]
    joined = items(source, join=True, left_out={4})
    assert joined[1].text == "ሰላም ለዓለም።"


@pytest.mark.parametrize(
    "data",
    [
        "ሰላም\r\nዓለም\r\n".encode("utf-8-sig"),
        "ሰላም\rዓለም".encode(),
        "ሰላም\nዓለም".encode("utf-16"),
        "ሰላም\nዓለም\n".encode("utf-16-le"),
        "\n\n  ሰላም \n\tዓለም\n\n".encode(),
    ],
    ids=["bom", "cr", "utf-16", "utf-16-without-mark", "spaces"],
)
def test_encodings_and_line_ends(tmp_path: Path, data: bytes) -> None:
    assert [line.text for line in read(written(tmp_path, data)).lines] == ["ሰላም", "ዓለም"]


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.txt", "holds no text"),
        (b" \n\n\t\n", "a.txt", "holds no text"),
        (b"one\nna\xefve\n", "a.txt", "line 2: byte 0xef is not UTF-8"),
        (b"a\nb\x00\x00c\n", "a.txt", "line 2 holds a zero byte"),
        (b"RIFF1234WAVE", "a.txt", "is a recording, not a text file"),
        (b"hello", "a.srt", "holds no subtitles"),
        (b"x" * 50, "a.txt", "a book may have 0 MB"),
    ],
)
def test_files_that_are_no_text(
    tmp_path: Path, data: bytes, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_text, "LARGEST", 40)
    with pytest.raises(UserError, match=message):
        read(written(tmp_path, data, name))


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read(tmp_path / "none.txt")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)


def test_pieces_end_with_sentences_where_they_can() -> None:
    text = "ሰላም ለዓለም። ዛሬ ጥሩ ቀን ነው። ነገ እንገናኛለን።"
    assert pieces(text, 30) == ["ሰላም ለዓለም። ዛሬ ጥሩ ቀን ነው።", "ነገ እንገናኛለን።"]
    assert pieces("one, two three", 9) == ["one,", "two three"]
    assert pieces("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert pieces("  ", 4) == []
    long = "ቃል " * 5000
    cut = pieces(long)
    assert " ".join(cut) == long.strip()
    assert max(map(len, cut)) <= book_text.PIECE


def test_a_megabyte_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, "ሰላም ለዓለም። " * 30_000)  # 0.9 MB
    [item] = items(read(path), join=True)
    assert "".join(item.pieces).replace(" ", "") == item.text.replace(" ", "")
    assert len(item.pieces) == 1000


def test_cues_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    text = """1
00:00:01,000 --> 00:00:02,000
አንድ

2
00:00:05,000 --> 00:00:04,000
ሁለት

3
00:00:06,000 --> 00:00:07,000

4
20:00:00,000 --> 20:00:01,000
ሩቅ
"""
    source = read(written(tmp_path, text, "a.srt"))
    assert source.cues
    found = {line.number: (line.text, line.start, line.end, line.trouble) for line in source.lines}
    assert found == {
        2: ("አንድ", 1.0, 2.0, ""),
        6: ("ሁለት", 5.0, 4.0, "line 6: the cue ends at 4.000 s, not after its start"),
        10: ("", 6.0, 7.0, "line 10: the cue has no text"),
        13: ("ሩቅ", 72000.0, 72001.0, "it ends at 20.0 h; at most 12 h are taken"),
    }
