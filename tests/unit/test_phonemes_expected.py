"""The phones that a text should be heard as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.espeak import client
from amharic_tts.phonemes.expected import LONGEST, ExpectedWord, from_phones, from_text
from amharic_tts.phonemes.models.base import Symbols
from amharic_tts.phonemes.notation import Alphabet, fold

needs_espeak = pytest.mark.skipif(
    not client.installed(), reason="espeakng-loader has no build for this system"
)


def said(text: str, language: str) -> dict[str, str]:
    return {word.text: " ".join(word.phones) for word in from_text(text, language)}


@needs_espeak
def test_english_words_are_read_in_their_context() -> None:
    assert said("Hello, world — in the apple, a quick 25 don't.", "en") == {
        "Hello,": "h ə l oʊ",
        "world —": "w ɝ l d",
        "in": "ɪ n",
        "the": "ð ɪ",
        "apple,": "æ p ə l",
        "a": "ə",
        "quick": "k w ɪ k",
        "25": "t w ɛ n t i f aɪ v",
        "don't.": "d oʊ n t",
    }


def test_amharic_words_with_numbers_and_marks() -> None:
    assert said("ሰላም፣ ለዓለም። 25", "am") == {
        "ሰላም፣": "s ə l a m",
        "ለዓለም።": "l ə ʔ a l ə m",
        "25": "h a j a ʔ a mː ɨ s t",
    }


@needs_espeak
def test_other_languages_of_espeak() -> None:
    assert said("привет", "ru") == {"привет": "p ɹ ʲ i v ʲ e t".replace(" ʲ", "ʲ")}


@needs_espeak
def test_brackets_are_no_mnemonics() -> None:
    assert said("[[hi]]", "en") == {"[[hi]]": "h aɪ"}


@pytest.mark.parametrize(
    ("text", "language", "message"),
    [
        ("", "en", "There is no text to compare with"),
        (" \n\t\0", "am", "There is no text to compare with"),
        (
            "hello ሰላም",
            "en",
            "The text has letters that are not read in the language `en`: `ሰላም`",
        ),
        ("ሰላም hey", "am", "The text has letters that are not read in the language `am`: `hey`"),
        ("a" * (LONGEST + 1), "en", "The text has 100001 characters; at most 100000 can be"),
    ],
)
def test_texts_that_cannot_be_read(text: str, language: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        from_text(text, language)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@needs_espeak
def test_unknown_languages_and_texts_without_sound() -> None:
    with pytest.raises(UserError, match="espeak-ng knows no language `../am`"):
        from_text("hello", "../am")
    with pytest.raises(UserError, match="There is nothing to pronounce"):
        from_text("— …", "en")


def test_without_espeak_the_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "installed", lambda: False)
    with pytest.raises(MissingPart, match="come from espeak-ng, which is not installed") as caught:
        from_text("hello", "en")
    assert caught.value.hint == client.HINT


def test_phones_as_they_are_written() -> None:
    assert from_phones("h ɛ l oʊ | w ɝ l d |") == (
        ExpectedWord("h ɛ l oʊ", ("h", "ɛ", "l", "oʊ")),
        ExpectedWord("w ɝ l d", ("w", "ɝ", "l", "d")),
    )
    for text, message in (("", "no phones"), (" | ", "no phones"), ("h 5", "`5` is no phone")):
        with pytest.raises(UserError, match=message):
            from_phones(text)


@given(st.text(max_size=20))
def test_phones_of_any_string_are_read_or_refused(text: str) -> None:
    try:
        assert from_phones(text)
    except UserError as error:
        assert error.hint


@pytest.mark.parametrize(
    ("ipa", "language", "phones"),
    [
        ("t͡ʃˈɜːtʃ", "en", "tʃ ɝ tʃ"),
        ("bˈʌʔn̩", "en", "b ə t ə n"),
        ("lˈɛɾɚ", "en", "l ɛ t ɝ"),
        ("ɑːɹ", "en", "ɑ ɹ"),
        ("g", "", "ɡ"),
        ("t͡ʃʼː", "am", "tʃʼː"),
        ("qː", "am", "kʼː"),
        ("kːʷ", "am", "kʷː"),
        ("iː", "de", "iː"),
        ("", "en", ""),
    ],
)
def test_one_notation(ipa: str, language: str, phones: str) -> None:
    assert " ".join(fold(ipa, language)) == phones


def test_what_a_model_can_write() -> None:
    names = ("<blank>", "k", "o", "ʊ", "ʷ", "ɑːɹ", "g", "ɡ", "|")
    symbols = Symbols(names, blank=0, word=8, modifiers=frozenset({4}))
    alphabet = Alphabet(symbols, ("en", "am"))
    assert alphabet.columns[("ɡ",)] == (6, 7)
    assert alphabet.spell("oʊ") == ("o", "ʊ")
    assert alphabet.spell("kʷ") == ("k", "ʷ")
    assert alphabet.spell("kʼ") == ("k",)
    assert alphabet.spell("ǃ") == ("k",) or alphabet.spell("ǃ") == ()
    assert alphabet.spell("5") == ()


def test_a_model_of_english_writes_amharic_as_english() -> None:
    alphabet = Alphabet(None, ("en",), "am")
    wanted = ["kʼ", "bː", "tʃʼ", "ɨ", "ə", "ɲ", "ʔ", "sʼː"]
    assert [alphabet.spell(phone) for phone in wanted] == [
        *(("k",), ("b",), ("tʃ",), ("ɪ",), ("ə",), ("n",), (), ("s",))
    ]
