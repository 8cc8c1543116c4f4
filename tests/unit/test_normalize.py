"""The normaliser: whole outputs, every change with its place, and what holds for any string."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.errors import UserError
from amharic_tts.text import ethiopic
from amharic_tts.text.languages import canonical
from amharic_tts.text.normalize import normalize

PIECES = [
    *("ዓ.ም", "ት/ቤት", "ዓ. ም", "ወ/", "ቁ.", "እ.ኤ.አ", "/", ".", "፥", "–", "−", "+", "$", "ETB", "km"),
    *("ኪ.ሜ", "°C", "ብር", "ሚሊዮን", "12/03/2016", "2016-03-12", "3:30", "5-10", "1/2", "½", "0911"),
    *("1,000", "3.14", "፲፪", "መስከረም ", "ሰዓት", "ቱ", "፡፡", "::", "…"),
]
# Any code point, lone surrogates included, with much of what the rules are about.
AWKWARD = st.lists(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from([*ethiopic.characters(), *"0123456789,.%:፡- \t\n\"'“”\u0301\u200b\x00ኛበ"]),
        st.sampled_from(PIECES),
        st.sampled_from(PIECES),
    ),
    max_size=30,
).map("".join)

AMHARIC = {
    "ሰላም፡ለዓለም፡፡": "ሰላም ለዓለም።",
    "ምን አለ::": "ምን አለ።",
    "እነዚህ:- አንድ": "እነዚህ፦ አንድ",
    "  ሰላም \t\n ነው  ": "ሰላም ነው",
    "«ሰላም» አለ “እሱ”": "ሰላም አለ እሱ",
    "ሰ\u200bላም\ufeff\x00": "ሰላም",
    "በ2017 ዓ.ም.": "በሁለት ሺህ አሥራ ሰባት ዓመተ ምሕረት",
    "፲፰፻፹፯": "አንድ ሺህ ስምንት መቶ ሰማንያ ሰባት",
    "፳፻፲፯ ዓመት": "ሁለት ሺህ አሥራ ሰባት ዓመት",
    "50% ወይም 7 %": "አምሳ በመቶ ወይም ሰባት በመቶ",
    "3.14": "ሦስት ነጥብ አንድ አራት",
    "1,234,567": "አንድ ሚሊዮን ሁለት መቶ ሠላሳ አራት ሺህ አምስት መቶ ስልሳ ሰባት",
    "2ኛ ደረጃ": "ሁለተኛ ደረጃ",
    "ገጽ5ላይ": "ገጽ አምስት ላይ",
    "0911": "ዜሮ ዘጠኝ አንድ አንድ",
    "በ፟ላ": "በ፟ላ",
    "፟ላ": "ላ",
    "": "",
}


@pytest.mark.parametrize(("text", "wanted"), AMHARIC.items())
def test_amharic(text: str, wanted: str) -> None:
    assert normalize(text).text == wanted


def test_homophone_letters_stay_as_they_are_written() -> None:
    text = "ሀሐኀ ሰሠ ጸፀ አዐ ኸ"
    assert normalize(text).text == text
    assert normalize(text).changes == ()


def test_every_change_says_where_it_was() -> None:
    text = "በ\u200b25፡ቀን «ሰላም»::"
    changes = normalize(text).changes
    found = [(text[slice(*c.span)], c.before, c.after, c.rule) for c in changes]
    assert found == [
        ("\u200b", "\u200b", "", "invisible-character"),
        ("«", "«", "", "quotation-mark"),
        ("»", "»", "", "quotation-mark"),
        ("25", "25", "ሃያ አምስት", "number"),
        ("::", "::", "።", "full-stop"),
        ("፡", "፡", " ", "word-space"),
    ]


def test_other_languages_are_lower_case_and_keep_their_numbers() -> None:
    assert normalize('He said "25%"  of  THEM.', "en").text == "he said 25% of them."
    assert normalize("Ünder Cafe\u0301", "de").text == "ünder café"


@pytest.mark.parametrize("code", ["am", "amh", "amh-Ethi", "am-ET", "am_ET", "AM", "Amharic"])
def test_amharic_has_many_codes(code: str) -> None:
    assert canonical(code) == "am"


def test_a_code_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="`12` is not a language code"):
        canonical("12")
    assert canonical("zh-CN") == "zh-cn"
    assert canonical("tig") == "tig"


@settings(max_examples=400, deadline=None)
@given(AWKWARD, st.sampled_from(["am", "en"]))
def test_any_string_is_taken_and_twice_is_once(text: str, language: str) -> None:
    once = normalize(text, language)
    assert normalize(once.text, language).text == once.text
    once.text.encode("utf-8")
    for change in once.changes:
        start, end = change.span
        assert 0 <= start <= end <= len(text)


def test_numbers_leave_no_digit_behind() -> None:
    text = "1 22 333,4 5.6.7 1,00 99999999999999999999 007 ፩፪ ፼፻ 12%34 A4"
    out = normalize(text).text
    assert not [c for c in out if c.isdigit() or c in ethiopic.NUMBERS]


def test_a_long_line_is_no_trouble() -> None:
    for text in ("9" * 200_000, "፼" * 200_000, "1." * 100_000, "፡" * 200_000, "«" * 200_000):
        assert normalize(normalize(text).text).changes == ()
