"""Numbers as Amharic words: a golden list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amharic_tts.text import numerals

CARDINALS = {
    0: "ዜሮ",
    1: "አንድ",
    10: "አሥር",
    11: "አሥራ አንድ",
    19: "አሥራ ዘጠኝ",
    20: "ሃያ",
    21: "ሃያ አንድ",
    38: "ሠላሳ ስምንት",
    40: "አርባ",
    56: "አምሳ ስድስት",
    67: "ስልሳ ሰባት",
    72: "ሰባ ሁለት",
    83: "ሰማንያ ሦስት",
    94: "ዘጠና አራት",
    100: "አንድ መቶ",
    105: "አንድ መቶ አምስት",
    350: "ሦስት መቶ አምሳ",
    1000: "አንድ ሺህ",
    1887: "አንድ ሺህ ስምንት መቶ ሰማንያ ሰባት",
    2017: "ሁለት ሺህ አሥራ ሰባት",
    12_345: "አሥራ ሁለት ሺህ ሦስት መቶ አርባ አምስት",
    1_000_000: "አንድ ሚሊዮን",
    2_000_000_001: "ሁለት ቢሊዮን አንድ",
    numerals.LARGEST: "ዘጠኝ መቶ ዘጠና ዘጠኝ ትሪሊዮን ዘጠኝ መቶ ዘጠና ዘጠኝ ቢሊዮን ዘጠኝ መቶ ዘጠና ዘጠኝ ሚሊዮን "
    "ዘጠኝ መቶ ዘጠና ዘጠኝ ሺህ ዘጠኝ መቶ ዘጠና ዘጠኝ",
}
ORDINALS = {1: "አንደኛ", 2: "ሁለተኛ", 9: "ዘጠነኛ", 10: "አሥረኛ", 21: "ሃያ አንደኛ", 100: "መቶኛ", 200: "ሁለት መቶኛ"}
GEEZ = {
    "፩": 1,
    "፲": 10,
    "፲፩": 11,
    "፺፱": 99,
    "፻": 100,
    "፻፩": 101,
    "፪፻": 200,
    "፲፻": 1000,
    "፲፰፻፹፯": 1887,
    "፳፻፲፯": 2017,
    "፼": 10_000,
    "፲፼": 100_000,
    "፻፳፫፼፬፻፶፮": 1_230_456,
    "፩፪": None,
    "፪፲": None,
    "፲፳": None,
    "፻፻": None,
}


@pytest.mark.parametrize(("value", "words"), CARDINALS.items())
def test_cardinals(value: int, words: str) -> None:
    assert numerals.cardinal(value) == words


@pytest.mark.parametrize(("value", "words"), ORDINALS.items())
def test_ordinals(value: int, words: str) -> None:
    assert numerals.ordinal(value) == words


@pytest.mark.parametrize(("sign", "value"), GEEZ.items())
def test_geez(sign: str, value: int | None) -> None:
    assert numerals.geez_value(sign) == value


def test_what_is_not_one_number_is_read_sign_by_sign() -> None:
    assert numerals.geez("፩፪") == "አንድ ሁለት"
    assert numerals.number("007") == "ዜሮ ዜሮ ሰባት"
    assert numerals.decimal("0", "05") == "ዜሮ ነጥብ ዜሮ አምስት"


def test_out_of_range() -> None:
    with pytest.raises(ValueError, match="-1 is not between"):
        numerals.cardinal(-1)


@given(st.integers(0, numerals.LARGEST), st.integers(0, numerals.LARGEST))
def test_different_numbers_have_different_words(one: int, other: int) -> None:
    assert (numerals.cardinal(one) == numerals.cardinal(other)) == (one == other)
