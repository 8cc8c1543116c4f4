"""Outputs of backends laid under each other: golden alignments, and what must always hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.g2p import export
from amharic_tts.g2p.base import phones
from amharic_tts.g2p.compare import Comparison, Side, compare
from amharic_tts.g2p.lexicon import Lexicon
from amharic_tts.g2p.side_by_side import (
    LONGEST_WORD,
    Mark,
    columns,
    own_words,
    side_by_side,
)


def drawn(*words: str) -> list[str]:
    """Return the rows of an alignment as text, a gap as ``-``."""
    rows = columns([phones(word) for word in words])
    return [" ".join(cell or "-" for cell in row) for row in rows]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["sɨdːɨst", "sɨdsɨt"], ["s ɨ dː ɨ s - t", "s ɨ d - s ɨ t"]),
        (
            ["mənɡɨst", "mənɨɡsɨt", "mənɨɡɨsɨt"],
            ["m ə n - ɡ ɨ s - t", "m ə n ɨ ɡ - s ɨ t", "m ə n ɨ ɡ ɨ s ɨ t"],
        ),
        (["kʷa", "kwa"], ["kʷ - a", "k w a"]),
        (["hulətː", "", "hulət"], ["h u l ə tː", "- - - - -", "h u l ə t"]),
        (["", "bə"], ["- -", "b ə"]),
        (["ʔadis", "adis", "ʔədis"], ["ʔ a d i s", "- a d i s", "ʔ ə d i s"]),
        (["tʃʼəbːɨ", "tʃəb"], ["tʃʼ ə bː ɨ", "tʃ ə b -"]),
        ([], []),
        ([""], [""]),
    ],
)
def test_phones_under_phones(words: list[str], rows: list[str]) -> None:
    assert drawn(*words) == rows


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "ɨ", "b", "bː", "kʷ", "w"]), max_size=7), max_size=4)
)
def test_every_row_is_as_long_and_joins_to_its_phones(sequences: list[list[str]]) -> None:
    rows = columns(sequences)
    assert len({len(row) for row in rows}) <= 1
    assert [[cell for cell in row if cell] for row in rows] == sequences
    assert all(any(column) for column in zip(*rows, strict=True))


def test_a_very_long_word_is_laid_from_the_left() -> None:
    long, short = ["a"] * (LONGEST_WORD + 1), ["b", "a"]
    rows = columns([long, short])
    assert rows[0] == tuple(long)
    assert rows[1] == ("b", "a", *[""] * (LONGEST_WORD - 1))


def side(name: str, *words: str, own: tuple[bool, ...] = ()) -> Side:
    cut = tuple(tuple(phones(word)) for word in words)
    return Side(name, "1", " ".join(words), cut, (), own=own or (False,) * len(words))


def test_words_blocks_and_marks() -> None:
    sides = (side("a", "hulət", "bet"), side("none"), side("b", "hulətː", "bet"))
    found = side_by_side(Comparison("ሁለት ቤት", "ሁለት፣ ቤት።", (), sides), first="b")
    assert found.backends == ("b", "a")
    first, second = found.blocks
    assert (first.word, first.differs) == ("ሁለት", True)
    assert first.rows == (("h", "u", "l", "ə", "tː"), ("h", "u", "l", "ə", "t"))
    assert first.marks(1)[-2:] == [Mark.SAME, Mark.LENGTH]
    assert (second.word, second.differs) == ("ቤት", False)


def test_every_kind_of_mark() -> None:
    sides = (side("a", "sɨdːɨst"), side("b", "ʃɨdsɨt"))
    (block,) = side_by_side(Comparison("ስድስት", "ስድስት", (), sides)).blocks
    assert [mark.value for mark in block.marks(1)] == [
        *("other", "same", "length", "missing", "same", "extra", "same")
    ]


def test_backends_that_cut_words_in_other_places() -> None:
    sides = (side("a", "bet", "hulət", "səw"), side("b", "bet", "səw"))
    found = side_by_side(Comparison("x", "ቤት ሁለት ሰው", (), sides))
    assert [block.word for block in found.blocks] == ["", "", ""]
    assert ["".join(block.rows[1]) for block in found.blocks] == ["bet", "", "səw"]


def test_nothing_to_show() -> None:
    found = side_by_side(Comparison("x", "x", (), (side("a"),)))
    assert (found.backends, found.blocks) == ((), ())


def test_the_users_words_and_what_has_no_sound() -> None:
    own = Lexicon.parse(["ተማሪ\ttəmari"], "x")
    (found,) = compare(["ተማሪ ቤት Go 😀"], ["rule_based", "epitran"], own)
    for one in found.sides:
        assert one.own == (True, False, False, False)
        assert own_words(one) == ("təmari",)
        assert one.ipa == "təmari bet Go 😀"
    assert [change.before for change in found.kept] == ["Go"]
    assert found.unpronounced == ("G", "o", "😀")


def test_a_word_that_the_lexicon_has_half_of_is_not_its_own() -> None:
    own = Lexicon.parse(["ተማሪ\ttəmari"], "x")
    (found,) = compare(["aተማሪ"], ["rule_based"], own)
    assert found.sides[0].own == (False,)
    assert found.sides[0].ipa == "atəmari"


def test_the_rows_of_the_table() -> None:
    sides = (side("a", "hulət", own=(True,)), side("b", "hulətːɨ"))
    rows = list(export.aligned_rows([Comparison("ሁለት", "ሁለት", (), sides)]))
    assert rows == [
        [1, 1, "ሁለት", "a", "1", "lexicon", "hulət", "h u l ə t –", "yes"],
        [1, 1, "ሁለት", "b", "1", "b", "hulətːɨ", "h u l ə tː ɨ", "no"],
    ]
    assert len(export.ALIGNED) == len(rows[0])
