"""Heard beside wanted: rows, rates, words and notes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.errors import UserError
from amharic_tts.phonemes.align import Comparison, compare
from amharic_tts.phonemes.expected import ExpectedWord, from_phones
from amharic_tts.phonemes.models.base import Posteriors, Symbols
from amharic_tts.phonemes.result import Phone, Recognition

NAMES = ("<blank>", "h", "ɛ", "l", "o", "ʊ", "t͡ʃ", "k", "ʷ", "|")
SYMBOLS = Symbols(NAMES, blank=0, word=9, modifiers=frozenset({8}))


def heard(
    text: str, languages: tuple[str, ...] = ("xx", "yy"), notation: str = "ipa"
) -> Recognition:
    """Return phones of 0.1 s each, as ``h ɛ | l`` has them."""
    phones: list[Phone] = []
    for number, word in enumerate(text.split("|")):
        for phone in word.split():
            at = len(phones) * 0.1
            phones.append(Phone(phone, at, at + 0.1, 0.9, number))
    return Recognition(tuple(phones), "test", notation, languages, len(phones) * 0.1)


def lines(comparison: Comparison) -> list[str]:
    return [f"{r.kind} {r.wanted}:{r.heard} {r.word}" for r in comparison.rows]


def sound(text: str) -> Posteriors:
    """Return posteriors whose best path is one symbol a frame of 0.1 s (``_`` for the blank)."""
    symbols = [0 if name == "_" else NAMES.index(name) for name in text.split()]
    scores = np.full((len(symbols), len(NAMES)), np.log(0.01), dtype=np.float32)
    scores[np.arange(len(symbols)), symbols] = np.log(0.9)
    return Posteriors(scores, np.arange(len(symbols)) * 0.1, 0.1, SYMBOLS)


def test_a_golden_comparison() -> None:
    found = compare(heard("h e l oʊ | w ɝ d s"), from_phones("h ɛ l oʊ | w ɝ l d", "en"))
    assert lines(found) == [
        *("ok h:h 0", "substituted ɛ:e 0", "ok l:l 0", "ok oʊ:oʊ 0"),
        *("ok w:w 1", "ok ɝ:ɝ 1", "missing l: 1", "ok d:d 1", "inserted :s 1"),
    ]
    assert found.per == pytest.approx(3 / 8)
    assert found.counts == {"ok": 6, "substituted": 1, "inserted": 1, "missing": 1}
    assert [(w.text, w.per) for w in found.words] == [("h ɛ l oʊ", 0.25), ("w ɝ l d", 0.5)]
    missing = found.rows[6]
    assert (missing.start, missing.end, missing.score) == (
        pytest.approx(0.6),
        pytest.approx(0.6),
        0,
    )
    # In features d and s for l and d are nearer than one phone less and one more: e is tense, d is
    # no sonorant, no lateral, no continuant, s is voiceless, strident, continuant. oʊ counts twice.
    assert found.pfer == pytest.approx((1 + 3 + 3) / 24 / 9)


def test_two_ways_of_writing_are_one_phone() -> None:
    found = compare(heard("t͡ʃ r g ɾ ɚ ʌ iː"), from_phones("tʃ ɹ ɡ t ɝ ə i", "en"))
    assert [row.kind for row in found.rows] == ["ok"] * 7
    assert (found.per, found.pfer) == (0, 0)


def test_a_diphthong_in_two_symbols_is_one_row() -> None:
    found = compare(heard("h o ʊ"), from_phones("h oʊ"), symbols=SYMBOLS)
    assert lines(found) == ["ok h:h 0", "ok oʊ:oʊ 0"]
    assert (found.rows[1].start, found.rows[1].end) == (pytest.approx(0.1), pytest.approx(0.3))


def test_a_phone_that_the_model_lacks_is_compared_as_its_nearest() -> None:
    found = compare(heard("k ɛ l"), from_phones("kʼ ɛ lː"), symbols=SYMBOLS)
    assert [row.kind for row in found.rows] == ["ok", "ok", "ok"]
    assert [row.note for row in found.rows] == [
        *("the model has no kʼ; compared as k", "", "the model has no lː; compared as l")
    ]


def test_a_phone_with_nothing_near_is_left_out_and_said() -> None:
    wanted = (ExpectedWord("x", ("k", "5", "5"), "en"),)
    found = compare(heard("k"), wanted, symbols=SYMBOLS)
    assert lines(found) == ["ok k:k 0"]
    assert found.notes == ("the model has no 5 and nothing near it: left out (2 times)",)


def test_an_extra_phone_belongs_to_the_word_in_which_it_was_heard() -> None:
    wanted = from_phones("l ɛ | k ɛ")
    assert lines(compare(heard("l ɛ | h k ɛ"), wanted))[2] == "inserted :h 1"
    assert lines(compare(heard("l ɛ h | k ɛ"), wanted))[2] == "inserted :h 0"


def test_scores_and_places_come_from_forced_alignment() -> None:
    wanted = from_phones("h ɛ l oʊ | t͡ʃ kʷ")
    found = compare(heard("h l"), wanted, sound("_ h _ ɛ _ _ o ʊ | t͡ʃ k ʷ _"))
    scores = {row.wanted: (row.start, round(row.score, 2)) for row in found.rows}
    assert {k: v for k, v in scores.items() if v[1] == 1} == {
        **{"h": (0.0, 1.0), "ɛ": (pytest.approx(0.3), 1.0), "oʊ": (pytest.approx(0.6), 1.0)},
        **{"tʃ": (pytest.approx(0.9), 1.0), "kʷ": (pytest.approx(1.0), 1.0)},
    }
    assert scores["l"][1] == 0.01
    assert found.words[0].score == pytest.approx((3 + 0.01 / 0.9) / 4, abs=1e-3)


def test_one_symbol_for_two_phones_is_shared() -> None:
    symbols = Symbols(("<blank>", "ɑːɹ", "k"), blank=0)
    scores = np.log(np.array([[0.1, 0.1, 0.8], [0.1, 0.8, 0.1]], dtype=np.float32))
    posteriors = Posteriors(scores, np.array([0.0, 0.2]), 0.2, symbols)
    found = compare(heard("k ɑːɹ"), from_phones("k ɑ ɹ", "en"), posteriors)
    assert lines(found) == ["ok k:k 0", "ok ɑ:ɑ 0", "ok ɹ:ɹ 0"]
    assert [row.score for row in found.rows] == [pytest.approx(1.0)] * 3


def test_a_sound_too_short_for_the_text_is_still_compared() -> None:
    found = compare(heard("h"), from_phones("h ɛ l"), sound("h"))
    assert lines(found) == ["ok h:h 0", "missing ɛ: 0", "missing l: 0"]
    assert found.notes == (
        "no scores by forced alignment: The sound is too short for the text: 3 phones need 3 "
        "frames, and there are 1",
    )


def test_arpabet_is_read_and_letters_are_refused() -> None:
    found = compare(heard("HH AH0 L OW1", ("en",), "arpabet"), from_phones("h ə l oʊ", "en"))
    assert [row.kind for row in found.rows] == ["ok"] * 4
    with pytest.raises(UserError, match="writes letters"):
        compare(heard("H E", notation="letters"), from_phones("h ɛ"))


def test_nothing_heard_and_nothing_wanted() -> None:
    silent = compare(heard(""), from_phones("h ɛ"))
    assert (silent.per, silent.pfer, silent.score) == (1, 1, 0)
    assert silent.notes == ("nothing was heard",)
    extra = compare(heard("h ɛ"), ())
    assert (extra.per, extra.pfer, extra.score, extra.words) == (2, 2, 0, ())
    nothing = compare(heard(""), ())
    assert (nothing.per, nothing.pfer, nothing.rows) == (0, 0, ())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=3), max_size=6),
    st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=3),
    st.sampled_from(["", "en", "am"]),
    st.booleans(),
)
def test_any_strings_are_compared(
    found: list[str], words: list[list[str]], language: str, with_sound: bool
) -> None:
    phones = tuple(Phone(p, i / 10, i / 10 + 0.1, 0.5) for i, p in enumerate(found))
    wanted = [ExpectedWord("w", tuple(word), language) for word in words]
    posteriors = sound("_ h _ ɛ _ l _ o _ _ _ _ _") if with_sound else None
    result = compare(Recognition(phones, "m", "ipa", ("en",)), wanted, posteriors)
    json.dumps(result.to_dict())
    assert len(result.words) == len(words)
    assert all(0 <= row.score <= 1 and row.start <= row.end for row in result.rows)
    assert result.per >= 0
    assert result.pfer >= 0
