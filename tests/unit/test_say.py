"""What espeak-ng is given for an Amharic text."""

from __future__ import annotations

import pytest

from amharic_tts.g2p.say import for_espeak


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("ሰላም", "[[s|'@|l|a|m]]"),
        ("ሰላም፣ ዓለም።", "[[s|'@|l|a|m]],[[?|'a|l|@|m]]."),
        ("ሰላም ነው?", "[[s|'@|l|a|m]] [[n|'@|w]]?"),
        ("አለ፧", "[[?|'a|l|@]]?"),
        ("", ""),
    ],
)
def test_phonemes_as_mnemonics_with_the_clause_marks(text: str, given: str) -> None:
    assert for_espeak(text) == given
