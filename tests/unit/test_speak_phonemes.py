"""Phonemes made audible: every phone read back from espeak-ng, what it can't say named."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts.errors import StudioError, UserError
from amharic_tts.espeak import client
from amharic_tts.g2p import EnhancedAmharicG2P, speak_phonemes
from amharic_tts.g2p.base import inventory, phones
from amharic_tts.g2p.espeak_backend import studio_ipa
from amharic_tts.g2p.speak_phonemes import RATE, mnemonic, speak, speakable

ROOT = Path(__file__).parents[2]
VOWELS = "əuiaeɨo"
NOT_SAID: list[str] = []
"""Phones of the inventory that espeak-ng's Amharic voice can't say."""
NO_LONGER = ["ɲʷː"]
"""Said and read back, but only 4 ms longer than the short one: nobody will hear that."""


def said(*mnemonics: str) -> list[str]:
    """What espeak-ng says that it said, in the studio's notation, b and h as they sound."""
    request = {"do": "pronounce", "voice": "am", "speed": 120, "pitch": 50}
    ipa = client.shared().ask({**request, "texts": [f"[[{m}]]" for m in mnemonics]})["ipa"]
    return [studio_ipa(one, fold=False) for one in ipa]


def seconds(ipa: str) -> float:
    return len(speak(ipa).samples) / RATE


def test_every_phone_is_said_or_named() -> None:
    assert [phone for phone in inventory() if not mnemonic(phone)] == NOT_SAID
    for phone in inventory():
        made = speakable(phone)
        assert (len(made.mnemonics), made.dropped) == ((0, (phone,)), (1, ()))[
            bool(mnemonic(phone))
        ]


def test_every_line_of_the_table_is_read_back() -> None:
    """First in a word, where no neighbour changes it; a double letter is how a long one is told."""
    wanted = [phone for phone in inventory() if phone not in NOT_SAID]
    found = said(
        *(f"{mnemonic(p)}|'a" if p[0] not in VOWELS else f"'{mnemonic(p)}" for p in wanted)
    )
    for phone, ipa in zip(wanted, found, strict=True):
        if phone[0] in VOWELS:
            assert ipa == phone
            continue
        once = phone.replace("ː", "").replace("ʷ", "")
        w = "ʷ" if "ʷ" in phone else ""
        forms = {f"{once}{w}ː", f"{once}{once}{w}"} if "ː" in phone else {f"{once}{w}"}
        forms |= {form.replace("ʷ", "w") for form in forms}  # a doubled w among them: wː
        assert ipa.removesuffix("a") in forms, (phone, ipa)


def test_whole_words() -> None:
    assert speakable("səlːam tʃʼəkːʷa").mnemonics == ("[[s|'@|l|l|a|m]]", "[[tS`|'@|k:|w|a]]")
    assert speakable("bəbːeβa sʼəsʼːa").mnemonics == ("[[b|'@|b|b|e|B|a]]", "[[ts|'@|t:|s|a]]")
    assert speakable("t͡sʼəqə st").mnemonics == ("[[ts|'@|k`|@]]", "[[s|t]]")


def test_what_it_can_not_say_is_named_once() -> None:
    made = speakable("səʕaħ ʕaː 😀 ሰ AB")
    assert made.mnemonics == ("[[s|'@|a]]",)
    assert made.dropped == ("ʕ", "ħ", "aː", "😀", "ሰ", "A", "B")
    assert speak("səʕa").dropped == ("ʕ",)


def test_nothing_to_say() -> None:
    for ipa in ("", "  ", "😀"):
        assert speakable(ipa).mnemonics == ()
        with pytest.raises(UserError, match="There is nothing to say in"):
            speak(ipa)


def test_sound_comes_out() -> None:
    samples, dropped = speak("səlam ləʔaləm")
    assert (samples.dtype, samples.ndim, dropped) == (np.dtype(np.float32), 1, ())
    assert 0.8 < len(samples) / RATE < 2.5
    assert float(np.sqrt(np.mean(samples**2))) > 0.01
    assert float(np.abs(samples).max()) <= 1.0


@pytest.mark.parametrize("phone", [p for p in inventory() if p.endswith("ː")])
def test_a_long_consonant_lasts_longer(phone: str) -> None:
    short = seconds(f"la{phone.removesuffix('ː')}a")
    longer = seconds(f"la{phone}a") - short
    assert longer > (0 if phone in NO_LONGER else 0.025), "seconds"


def test_the_end_of_a_long_text_is_said() -> None:
    word = "səlam"
    assert seconds(" ".join([word] * 100)) > 90 * seconds(word) * 0.8
    assert seconds("la" * 400) > 6 * seconds("la" * 50)


def test_another_sound_than_asked_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speak_phonemes, "mnemonic", lambda phone: "E")  # which it does not have
    with pytest.raises(StudioError, match="^espeak-ng said `` for `aa`"):
        speak("aa")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(inventory()), min_size=1, max_size=9), max_size=4))
def test_any_phones_in_any_order_are_read_back(words: list[list[str]]) -> None:
    ipa = " ".join(map("".join, words))
    assert speakable(ipa).dropped == ()
    if words:
        assert len(speak(ipa).samples) > 0


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=20))
def test_any_string_is_said_or_named(text: str) -> None:
    made = speakable(text)
    assert all(re.fullmatch(r"\[\[[!-~]+\]\]", word) for word in made.mnemonics)
    assert all(not mnemonic(phone) for phone in made.dropped)


@pytest.mark.parametrize("backend", ["rule_based", "epitran", "espeak"])
def test_what_the_backends_write_for_the_word_lists_is_said(backend: str) -> None:
    lists = sorted((ROOT / "../shared/data/amharic").glob("*_dev.tsv"))
    if not lists:
        pytest.skip("the pronunciation lists are not beside the repository")
    lines = [line for path in lists for line in path.read_text(encoding="utf-8").splitlines()]
    converter = EnhancedAmharicG2P(backend)
    for at in range(0, len(lines), 150):
        words = [line.split("\t")[0] for line in lines[at : at + 20]]
        ipa = " ".join(converter.convert(words))
        assert speakable(ipa).dropped == ()
        assert len(phones(ipa)) > 40 and seconds(ipa) > 5
