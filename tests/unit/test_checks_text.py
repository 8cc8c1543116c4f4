"""Script, language and digits of texts."""

from __future__ import annotations

import pytest

from amharic_tts.dataset.checks.text import text_findings, text_key, text_numbers
from amharic_tts.text.normalize import normalize


def codes(text: str, language: str) -> list[str]:
    numbers = text_numbers(normalize(text, language).text, language)
    return [found["code"] for found in text_findings(numbers, language)]


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("ሰላም፣ እንዴት ነህ?", "am", []),
        ("በ2016 ዓ.ም. 25% ጨመረ", "am", []),  # the normaliser writes them out
        ("ሰላም hello", "am", ["wrong_script"]),
        ("hello world", "am", ["wrong_script"]),
        ("ኣነ ካብ ገዛ ናብ ቤት ትምህርቲ ምስ ሓወይ ከይደ", "am", ["wrong_language"]),
        ("ምስ እንጀራ", "am", []),  # one word of both tells nothing
        ("The first books were printed in black letter", "en", []),
        ("Das ist ein ganz anderer Satz, der hier nicht steht", "en", ["wrong_language"]),
        ("danke", "en", []),  # too short to tell
        ("printed in 1462", "en", ["digits_left"]),
        ("printed привет", "en", ["wrong_script"]),
        ("", "am", []),
        ("።", "am", []),
        ("12 ሰ", "xx", ["digits_left"]),  # a language whose script is not known
    ],
)
def test_findings(text: str, language: str, wanted: list[str]) -> None:
    assert codes(text, language) == wanted


def test_a_finding_has_a_number_a_unit_and_a_mend() -> None:
    numbers = text_numbers("ሰላም ok", "am")
    assert text_findings(numbers, "am") == [
        {
            "code": "wrong_script",
            "level": "warning",
            "message": "40 % of the letters are not of the script of `am`: ok",
            "value": 40.0,
            "unit": "%",
            "mend": "edit_text",
        }
    ]


def test_texts_that_differ_in_marks_alone_are_the_same() -> None:
    assert text_key("Hello,  World!") == text_key("hello world")
    assert text_key("ሰላም፣ ነው።") == text_key("ሰላም ነው")
    assert text_key("!?") == ""
