"""IPA of any source as one sequence of segments, so that notations are not counted as errors.

The map folds what two transcribers write differently for one Amharic sound: tie bars, stress and
dots go; ቀ is `kʼ` for `q`; ጸ is `sʼ` for `t͡sʼ`; `Cː` is `CC`; `kʷ` is `k w` (the two never
contrast within a word); allophones (β, x, ç, ɦ, ʰ) are their phonemes. What is left apart is a real
difference: ħ and ʕ (Amharic has neither), `ts` without ejection, every vowel, ʔ, w, j, ɨ.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum

VOWELS = frozenset("aeiouəɨɛɔʌæɪʊyøœɒɑ")
LONG = "ː"

# Letters that a decomposition would tear apart, and one-letter affricates.
_COMPOSED = str.maketrans(
    {
        **{"č": "tʃ", "ʧ": "tʃ", "ǰ": "dʒ", "ʤ": "dʒ", "ʦ": "ts"},
        **{"š": "ʃ", "ž": "ʒ", "ñ": "ɲ", "ň": "ɲ", "ç": "h"},
    }
)
_LETTERS = str.maketrans(
    {
        **dict.fromkeys("'’ʼ`´ʹˀ‘ʻ", "ʼ"),
        **{"g": "ɡ", "ǝ": "ə", "ɘ": "ə", "ɜ": "ə", "ʌ": "ə", "ɾ": "r", "ɹ": "r", "ɽ": "r"},
        **{"ʾ": "ʔ", "ʿ": "ʕ", "ᵂ": "ʷ", "ʲ": "j"},
        **{"β": "b", "x": "h", "ɦ": "h", "ʰ": ""},
    }
)
# Combining marks (tie bars among them), stress, syllable and word boundaries, invisible characters.
_PASSED_OVER = re.compile("[\u0300-\u036fˈˌ.\\s\u200b-\u200d\u00ad|‿\\-_/\\[\\]፡:]+")
_GLOTTAL = re.compile(f"(^|[{''.join(sorted(VOWELS))}])ʼ")
_GLIDE = re.compile(f"ʊ(?=[{''.join(sorted(VOWELS - {'ʊ'}))}])")
_LENGTH_BEFORE_MARK = re.compile("ː([ʷʼ])")
_SEGMENT = re.compile("(tʃʼ?|dʒ|tsʼ?|[^ːʷʼ]ʼ?)([ʷː]*)")
_ONE_PHONEME = {"tsʼ": "sʼ", "q": "kʼ", "qʼ": "kʼ"}


class View(str, Enum):
    """What a comparison forgives; each forgives what those before it do."""

    STRICT = "strict"
    LENGTH = "length_ignored"
    """Long consonants are the same as short ones."""
    EPENTHESIS = "epenthesis_ignored"
    """Also every ɨ is left out."""
    GLOTTAL = "glottal_ignored"
    """Also every ʔ is left out."""


LABELS = {
    View.STRICT: "strict",
    View.LENGTH: "length ignored",
    View.EPENTHESIS: "also without ɨ",
    View.GLOTTAL: "also without ʔ",
}


def segments(ipa: str) -> list[str]:
    """Return the segments of one word, long consonants with ``ː``; labialisation is ``w``.

    A mark with nothing to stand on is left out; every other character is a segment.

    Example:
        >>> segments("q͡ʷalːa")
        ['kʼ', 'w', 'a', 'lː', 'a']
    """
    found: list[str] = []
    for base, marks in _SEGMENT.findall(_plain(ipa)):
        phone = _ONE_PHONEME.get(base, base)
        if found and _doubles(found[-1], phone):
            found[-1] = phone + LONG
        else:
            found.append(phone + (LONG if LONG in marks and phone not in VOWELS else ""))
        if "ʷ" in marks:
            found.append("w")
    return found


def _plain(ipa: str) -> str:
    if LONG not in ipa:
        ipa = ipa.replace(":", LONG)
    composed = unicodedata.normalize("NFC", ipa).translate(_COMPOSED)
    plain = _PASSED_OVER.sub("", unicodedata.normalize("NFD", composed)).translate(_LETTERS)
    # An apostrophe is the ejective mark after a consonant, the glottal stop elsewhere.
    plain = _GLOTTAL.sub(r"\1ʔ", plain)
    return _GLIDE.sub("w", _LENGTH_BEFORE_MARK.sub(r"\1ː", plain))


def _doubles(before: str, phone: str) -> bool:
    if before[0] in VOWELS:
        return False
    short = before.rstrip(LONG)
    return short == phone or (short, phone) == ("ts", "sʼ")


def seen(found: Iterable[str], view: View) -> list[str]:
    """Return what a view leaves of the segments of a word."""
    if view is View.STRICT:
        return list(found)
    short = [segment.rstrip(LONG) for segment in found]
    left_out = {View.EPENTHESIS: ("ɨ",), View.GLOTTAL: ("ɨ", "ʔ")}.get(view, ())
    return [segment for segment in short if segment not in left_out]
