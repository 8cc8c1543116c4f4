"""The four measures of an output: what passes, what is caught, and the numbers that are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from amharic_tts.g2p import EnhancedAmharicG2P, quality, registry
from amharic_tts.g2p.base import inventory, phones, studio_notation
from amharic_tts.g2p.compare import compare
from amharic_tts.g2p.gold import GoldFile
from amharic_tts.g2p.quality import DEFAULT, Thresholds, check
from amharic_tts.text import ethiopic
from amharic_tts.text.normalize import normalize

DATA = Path(__file__).parents[3] / "shared" / "data" / "amharic"
LISTS = ("wikipron_dev.tsv", "gff_dev.tsv")
TEXT = "ኢትዮጵያ የሰው ዘር መገኛ ናት"
IPA = "ʔitjopʼja jəsəw zər məɡəɲːa nat"


def test_the_numbers_of_a_good_output() -> None:
    found = check(TEXT, IPA)
    assert found.ok
    assert found.numbers() == {
        "vowel_ratio": 0.4,
        "known_share": 1.0,
        "length_ratio": 1.0,
        "left": 0.0,
    }
    assert check("!?", "").numbers() == {
        "vowel_ratio": None,
        "known_share": None,
        "length_ratio": None,
        "left": 0.0,
    }


@pytest.mark.parametrize(
    ("ipa", "problem"),
    [
        ("ʔtjpʼj jsw zr mɡɲː nt", "0 % of the phones are vowels (20 to 70 % expected)"),
        ("ioa əə ə əəa a", "100 % of the phones are vowels (20 to 70 % expected)"),
        (IPA[: len(IPA) // 2], "0.52 phones for a written sound (0.65 to 2 expected)"),
        (f"{IPA} {IPA} {IPA}", "3.00 phones for a written sound (0.65 to 2 expected)"),
        (
            "itiopia iesew zer megenia nat",
            "25 phones in plain Latin letters (at most 12): a romanisation, not IPA",
        ),
        (
            "ɪtjɔpjɑ jɛsɛw zɛɹ mɛɡɛnjɑ nɑt",
            "60 % of the phones are of Amharic (at least 90 % expected)",
        ),
        ("ኢtjopʼja jəsəw zər məɡəɲːa nat", "Ethiopic characters are left: ኢ"),
        (" ", "the output is empty"),
    ],
)
def test_what_is_caught(ipa: str, problem: str) -> None:
    assert problem in check(TEXT, ipa).problems


def test_each_threshold_can_be_moved() -> None:
    ipa = "ʔtjpʼj jsw zr mɡɲː nt"
    assert not check(TEXT, ipa, Thresholds()).ok
    assert check(TEXT, ipa, replace(DEFAULT, vowels_low=0.0, length_low=0.5)).ok
    strict = Thresholds(vowels_high=0.4)
    result = EnhancedAmharicG2P(limits=strict).convert_detailed("ጻፈ")
    assert result.problems == ("50 % of the phones are vowels (20 to 40 % expected)",)


def test_unpronounced_characters_do_not_count() -> None:
    found = check("ሰላም abc 😀", "səlam abc 😀")
    assert found.unpronounced == ("a", "b", "c", "😀")
    assert (found.vowel_ratio, found.known_share, found.length_ratio) == (0.4, 1.0, 1.0)
    assert found.ok


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*inventory(), " "]), max_size=20))
def test_counting_is_cutting_into_phones(pieces: list[str]) -> None:
    ipa = "".join(pieces)
    assume("tsʼ" not in ipa)  # cut as one phone, as others write ጸ; counted as t and sʼ
    assert quality._counted(ipa)[0] == quality._counted(ipa)[2] == len(phones(ipa))


def test_every_letter_alone_passes_by_the_rules() -> None:
    rules = registry.get("rule_based")
    assert [c for c in ethiopic.letters() if not check(c, rules.convert(c)).ok] == []


@pytest.mark.skipif(not DATA.is_dir(), reason="the word lists are no part of the project")
@pytest.mark.parametrize("name", LISTS)
def test_gold_and_rules_pass(name: str) -> None:
    rules = registry.get("rule_based")
    for word, pronunciations in GoldFile.read(DATA / name).words.items():
        text = normalize(word, "am").text
        written = [studio_notation(ipa.replace(" ", "")) for ipa in pronunciations]
        for ipa in (*written, rules.convert(text)):
            assert check(text, ipa).problems == (), (word, ipa)


def test_results_and_sides_carry_what_was_found() -> None:
    result = EnhancedAmharicG2P().convert_detailed("ሰላም AI")
    assert (result.unpronounced, [c.before for c in result.kept]) == (("A", "I"), ["AI"])
    assert result.quality == check("ሰላም AI", "səlam AI")
    (found,) = compare(["ሰላም AI"])
    side = found.sides[0]
    assert (side.quality, side.unpronounced, side.kept) == (
        result.quality,
        ("A", "I"),
        result.kept,
    )
    assert found.sides[-1].quality is None
    assert found.sides[-1].unpronounced == ()
