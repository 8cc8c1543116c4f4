"""What the Speak page says of a speech beside its sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from amharic_tts.synthesis.history import Spoken
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.ui.speak_view import pace
from amharic_tts.ui.words import load


@pytest.mark.parametrize(
    ("precision", "told"),
    [
        ("fp32", ""),
        (
            "int8",
            " In int8, 98.6 of 100 codes are those of fp32 (measured with the practice voice).",
        ),
    ],
)
def test_the_pace_and_what_the_precision_costs(precision: str, told: str) -> None:
    result = {
        "precision": precision,
        "precision_reason": "asked for",
        "codes_a_second": 33.31,
        "real_time_factor": 0.994,
        "first_sound": 0.487,
    }
    spoken = Spoken("a", 0.0, Path("a.wav"), SpeechRequest("practice", "ሰላም"), (), result)
    assert pace(spoken, load("en")) == (
        f'<p class="quiet speak-pace">Made in {precision} (asked for): 33 codes a second, '
        f"0.99 s of work for a second of sound, first sound after 0.5 s.{told}</p>"
    )
    assert pace(Spoken("a", 0.0, Path("a.wav"), spoken.request, (), {}), load("en")) == ""
