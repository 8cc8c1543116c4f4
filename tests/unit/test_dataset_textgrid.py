"""TextGrids, HTML, captions that roll, and times of words in subtitles."""

from __future__ import annotations

from pathlib import Path

import pytest

from amharic_tts.dataset.subtitles import read_cues
from amharic_tts.errors import UserError

Tier = tuple[str, list[tuple[float, float, str]]]


def grid(*tiers: Tier, end: float = 10.0) -> str:
    """A TextGrid in Praat's short form."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{end}"]
    lines += ["<exists>", f"{len(tiers)}"]
    for name, rows in tiers:
        lines += ['"IntervalTier"', f'"{name}"', "0", f"{end}", f"{len(rows)}"]
        for start, stop, text in rows:
            quoted = text.replace('"', '""')
            lines += [f"{start}", f"{stop}", f'"{quoted}"']
    return "\n".join(lines) + "\n"


SENTENCES: Tier = ("utterances", [(0, 1, ""), (1, 4, 'ሰላም "ለዓለም"'), (4, 5, ""), (5, 8, "እሺ")])
WORDS: Tier = (
    "words",
    [(0, 1, "sil"), (1, 2, "ሰላም"), (2, 4, "ለዓለም"), (4, 5, "<eps>"), (5, 8, "እሺ"), (8, 10, "")],
)
PHONES: Tier = ("phones", [(1, 1.5, "s"), (1.5, 2, "ə")])


def cues(path: Path) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in read_cues(path)[0]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_sentences_with_the_times_of_their_words(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ንግግር.TextGrid"
    path.write_text(grid(PHONES, WORDS, SENTENCES), encoding=encoding)
    found, told = read_cues(path)
    assert cues(path) == [(1, 4, 'ሰላም "ለዓለም"'), (5, 8, "እሺ")]
    assert [cue.words for cue in found] == [((1, 2), (2, 4)), ((5, 8),)]
    assert [f.message for f in told] == ["the text comes from the tier `utterances`"]


def test_words_alone_are_joined_at_pauses(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(grid(WORDS, PHONES), encoding="utf-8")
    assert cues(path) == [(1, 4, "ሰላም ለዓለም"), (5, 8, "እሺ")]


def test_the_tier_with_the_longest_texts_is_taken_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    speakers: Tier = ("speaker", [(1, 4, "A"), (5, 8, "B")])
    path.write_text(grid(speakers, SENTENCES, speakers), encoding="utf-8")
    _, told = read_cues(path)
    assert told[0].message == (
        "the text comes from the tier `utterances`; not used: `speaker`, `speaker_2`"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "can't be read as a TextGrid"),
        (grid(SENTENCES)[:105], "can't be read as a TextGrid"),
        (grid(SENTENCES).replace("\n5\n8\n", "\n3\n8\n"), "can't be read as a TextGrid"),
        (grid(("x", [(0, 1, "")])), "has no interval with a text"),
        (grid(PHONES), "has no interval with a text"),
        (grid(), "can't be read as a TextGrid"),
    ],
    ids=["nonsense", "short", "overlap", "silence", "phones", "no tier"],
)
def test_damaged_or_empty_grids(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_cues(path)


def test_html_in_subtitles_is_layout_and_never_text(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(
        "1\n00:00:01,000 --> 00:00:02,000\n"
        '<font color="#ff0">ሰላም</font><br/>ለ<b>ዓለም</b> &amp; <i>እሺ</i> &lt;3\n\n'
        "2\n00:00:03,000 --> 00:00:04,000\n<script>alert(1)</script>{\\an8}x < y\n",
        encoding="utf-8",
    )
    assert cues(path) == [(1, 2, "ሰላም ለዓለም & እሺ <3"), (3, 4, "alert(1)x < y")]


ROLLING = """WEBVTT
Kind: captions

00:00:01.000 --> 00:00:03.000 align:start position:0%
{space}
ሰላም<00:00:01.500><c> ለዓለም</c><00:00:02.200><c> ሁሉ</c>

00:00:03.000 --> 00:00:03.010 align:start position:0%
ሰላም ለዓለም ሁሉ
{space}

00:00:03.010 --> 00:00:05.000 align:start position:0%
ሰላም ለዓለም ሁሉ
እንዴት<00:00:04.000><c> ናችሁ</c>
""".replace("{space}", " ")


def test_captions_that_roll_are_taken_once_with_the_times_of_their_words(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(ROLLING, encoding="utf-8")
    found, told = read_cues(path)
    assert cues(path) == [(1, 3, "ሰላም ለዓለም ሁሉ"), (3.01, 5, "እንዴት ናችሁ")]
    assert found[0].words == ((1.0, 1.5), (1.5, 2.2), (2.2, 3.0))
    assert found[1].words == ((3.01, 4.0), (4.0, 5.0))
    assert [f.code for f in told] == ["rolling_cues"]


def test_a_refrain_in_plain_subtitles_is_no_rolling(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    cue = "00:00:0{}.000 --> 00:00:0{}.500\nሃሌ\n\n"
    path.write_text("WEBVTT\n\n" + cue.format(1, 1) + cue.format(2, 2), encoding="utf-8")
    assert [text for *_, text in cues(path)] == ["ሃሌ", "ሃሌ"]
