"""Digit strings that name something and are read digit by digit: telephone numbers, accounts.

The rules, each with the sign that tells:

* `+` and 8 to 15 digits, in groups by spaces or hyphens: an international number (plus is said).
* A leading 0 and 9 or 10 digits in all, in groups or not: a telephone number.
* Two to five groups after ስልክ or ስልክ ቁጥር.
* Three or more groups with hyphens that are no date: an account or a document.
* 10 digits or more in one run, unless money follows.
"""

from __future__ import annotations

import re

from amharic_tts.text import numerals
from amharic_tts.text.attach import fit

_START = r"(?<![0-9.,/:+\-])"
_END = r"(?![0-9]|[.,/:\-][0-9])"
_MONEY = r"(?!\s?(?:ብር|ዶላር|ዩሮ|ፓውንድ|ETB|USD|[$€£]))"
PATTERN = re.compile(
    r"(?<![0-9A-Za-z+])(?P<plus>\+)(?:251(?:[ \-]?[0-9]){9}|[0-9]{1,15}(?:[ \-][0-9]{2,12}){0,6})"
    r"(?![0-9])"
    rf"|{_START}(?=0[0-9]{{1,9}}(?:[ \-][0-9]{{2}}|(?![0-9])))0(?:[ \-]?[0-9]){{8,9}}{_END}"
    r"|(?:(?<=ስልክ )|(?<=ስልክ ቁጥር )|(?<=ስልክ[፡:፦] )|(?<=ስልክ ቁጥር[፡:፦] ))"
    rf"[0-9]{{2,4}}(?:[ \-][0-9]{{2,6}}){{1,4}}{_END}"
    rf"|{_START}[0-9]+(?:-[0-9]+){{2,}}{_END}"
    rf"|{_START}(?<![$€£])[0-9]{{10,}}{_END}{_MONEY}"
)


def read(match: re.Match[str]) -> str:
    """Return a number's digits one by one, or what is written where it has too few or too many."""
    digits = "".join(character for character in match[0] if character.isdigit())
    if match["plus"]:
        if not 8 <= len(digits) <= 15:
            return match[0]
        return fit(match, f"{numerals.word('plus')} {numerals.digits(digits)}")
    return fit(match, numerals.digits(digits))
