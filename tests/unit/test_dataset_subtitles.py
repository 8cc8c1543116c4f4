"""Subtitles: exactly these cues, with what is odd about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amharic_tts.dataset.subtitles import Cue, read_cues
from amharic_tts.errors import UserError


def cues(tmp_path: Path, content: str | bytes, name: str = "a.srt") -> list[Cue]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_cues(path)[0]


def short(found: list[Cue]) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in found]


def codes(found: list[Cue]) -> list[list[str]]:
    return [[note["code"] for note in cue.notes] for cue in found]


def test_srt(tmp_path: Path) -> None:
    content = (
        "1\n00:00:01,000 --> 00:00:03,500\nሰላም ለሁሉም።\n\n"
        "2\n00:00:04,000 --> 00:01:05,250\n<i>ሁለት</i>\nመስመር &amp; ምልክት\n\n"
        "3\n01:00:06.5 --> 01:00:08,000 X1:40\n{\\an8}ሦስት\n2012\n"
    )
    assert short(cues(tmp_path, content)) == [
        (1.0, 3.5, "ሰላም ለሁሉም።"),
        (4.0, 65.25, "ሁለት መስመር & ምልክት"),
        (3606.5, 3608.0, "ሦስት 2012"),
    ]


def test_vtt_with_identifiers_notes_and_voices(tmp_path: Path) -> None:
    content = (
        "WEBVTT - a title\n\nNOTE made by hand\n00:09.000 --> 00:10.000\n\nSTYLE\n::cue {}\n\n"
        "intro-1\n00:01.000 --> 00:02.500 align:start\n<v.loud Abebe>ሰላም <00:01.500>ነው</v>\n\n"
        "NOTE a comment\nof two lines\n\n"
        "00:00:03.000 --> 00:00:04.000\nደህና\n"
    )
    found = cues(tmp_path, content, "a.vtt")
    assert short(found) == [(1.0, 2.5, "ሰላም ነው"), (3.0, 4.0, "ደህና")]
    assert [cue.speaker for cue in found] == ["Abebe", ""]


def test_cues_without_empty_lines_between_them(tmp_path: Path) -> None:
    content = "1\n00:00:01,0 --> 00:00:02,0\none\n2\n00:00:03,0 --> 00:00:04,0\ntwo\n"
    assert short(cues(tmp_path, content)) == [(1.0, 2.0, "one"), (3.0, 4.0, "two")]


def test_ass_by_pysubs2(tmp_path: Path) -> None:
    content = (
        "[Script Info]\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Abebe,0,0,0,,{\\i1}ሰላም\\Nነው\n"
    )
    found = cues(tmp_path, content, "a.ass")
    assert (short(found), found[0].speaker) == ([(1.0, 2.5, "ሰላም ነው")], "Abebe")


def test_unordered_cues_are_sorted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("00:00:05,0 --> 00:00:06,0\nb\n\n00:00:01,0 --> 00:00:02,0\na\n")
    found, findings = read_cues(path)
    assert [cue.text for cue in found] == ["a", "b"]
    assert [(f.code, f.level, f.message) for f in findings] == [
        ("unordered_cues", "info", "2 of 2 cues were not in the order of their times; sorted")
    ]


def test_both_of_two_overlapping_cues_are_marked(tmp_path: Path) -> None:
    content = (
        "00:00:01,0 --> 00:00:09,0\na\n\n00:00:02,0 --> 00:00:03,0\nb\n\n"
        "00:00:09,02 --> 00:00:10,0\nc\n\n00:00:08,980 --> 00:00:09,0\nd\n"
    )
    found = cues(tmp_path, content)
    assert [(cue.text, bool(cue.notes)) for cue in found] == [
        ("a", True),
        ("b", True),
        ("d", False),  # 20 ms: subtitle editors round to video frames
        ("c", False),
    ]
    assert found[1].notes[0] == {
        "code": "overlapping_cue",
        "level": "warning",
        "message": "overlaps the cue at 1.00 s, whose words are heard too",
    }


def test_every_arrow_gives_a_cue(tmp_path: Path) -> None:
    content = (
        "00:00:01,0 --> 00:00:02,0\n\n\n00:00:03,0 --> 00:00:03,0\nx\n\n"
        "00:00:09,0 --> 00:00:05,0\ny\n\nabc --> 00:00:05,0\nz\n"
    )
    found = cues(tmp_path, content)
    assert [(c.line, c.text, [n["code"] for n in c.notes]) for c in found] == [
        (10, "z", ["bad_cue_time"]),
        (1, "", ["empty_cue"]),
        (4, "x", ["bad_cue_time"]),
        (7, "y", ["bad_cue_time"]),
    ]
    assert found[0].notes[0]["message"] == "line 10: `abc --> 00:00:05,0` is not a pair of times"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    content = "1\r\n00:00:01,0 --> 00:00:02,0\r\nሰላም\r\n".encode(encoding)
    assert short(cues(tmp_path, content)) == [(1.0, 2.0, "ሰላም")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no subtitles"),
        (b"hello\n", "holds no subtitles"),
        (b"1\n00:00:01,0 --> 00:00:02,0\ncaf\xe9\n", "line 3: byte 0xe9 is not UTF-8"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        cues(tmp_path, content)


@given(
    content=st.one_of(
        st.binary(max_size=200), st.text(alphabet="0123:,.-> \n<v>aሀ{}\\", max_size=200)
    ),
    name=st.sampled_from(["a.srt", "a.vtt", "a.ass"]),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_file_at_all_breaks_the_reader(tmp_path: Path, content: bytes | str, name: str) -> None:
    try:
        found = cues(tmp_path, content, name)
    except UserError as error:
        assert error.message
        return
    assert all(cue.end > cue.start or cue.notes for cue in found)
