"""Phone error rate of recognised English in the 39 phones that are usual for it.

The set is that of the CMU dictionary without stress, with cot and caught, schwa and strut, and the
flap merged. What has no place in it (stress, length, ties, breath) is left out; vowels with r are
one phone where the set has one (ɝ) and two where it has not (ɛ ɹ).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from amharic_tts.g2p.alignment import distance

_PASSED_OVER = set("ˈˌ_|‿ʰʲʷ.ˑ ") | {chr(0x361), chr(0x329), chr(0x32F)}

# Written first, then its phones; a pair apart by a stroke is written either way.
_TABLE = """
aɪɚ aɪ ɝ; aɪə aɪ ʌ; oːɹ ɑ ɹ; ɔːɹ ɑ ɹ; ɑːɹ ɑ ɹ; ɛɹ ɛ ɹ; ɪɹ ɪ ɹ; ʊɹ ʊ ɹ; ɪə ɪ ɹ; eə ɛ ɹ
əl ʌ l; iə i ʌ; tʃ/ʧ tʃ; dʒ/ʤ dʒ; eɪ/e eɪ; aɪ aɪ; aʊ aʊ; oʊ/əʊ/o oʊ; ɔɪ ɔɪ
ɜː/ɜ/ɚ/ɝ ɝ; ɐ/ə/ʌ ʌ; ᵻ/ɨ/ɪ ɪ; ɔ/ɒ/ɑ/a ɑ; i i; u u; ʊ ʊ; æ æ; ɛ ɛ
ɾ/t t; ʔ; ɡ/g ɡ; r/ɹ/ʁ/ɻ ɹ; ɫ/l l; y/j j; x/k k; ŋ ŋ
b b; d d; f f; h h; m m; n n; p p; s s; v v; w w; z z; ð ð; θ θ; ʃ ʃ; ʒ ʒ
"""


def _read(table: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for entry in table.replace("\n", ";").split(";"):
        if entry.strip():
            written, *phones = entry.split()
            found.update(dict.fromkeys(written.split("/"), tuple(phones)))
    return found


_PHONES = _read(_TABLE)
_LONGEST = max(map(len, _PHONES))


def phones(ipa: str) -> list[str]:
    """Return the phones of an IPA string in the set of 39; the longest spelling counts."""
    text = "".join(c for c in ipa if c not in _PASSED_OVER)
    found: list[str] = []
    at = 0
    while at < len(text):
        spelling = next(
            (text[at : at + n] for n in range(_LONGEST, 0, -1) if text[at : at + n] in _PHONES), ""
        )
        for phone in _PHONES.get(spelling, ()):
            if phone == "ɹ" and found and found[-1] in ("ʌ", "ɝ"):
                found[-1] = "ɝ"
            else:
                found.append(phone)
        at += len(spelling) or 1
    return found


def error_rate(reference: Mapping[str, Sequence[str]], heard: Mapping[str, Iterable[str]]) -> float:
    """Return edits over reference phones in percent; a clip that was not heard is all wrong."""
    wrong = sum(distance(list(r), list(heard.get(name, ()))) for name, r in reference.items())
    return 100.0 * wrong / sum(map(len, reference.values()))
