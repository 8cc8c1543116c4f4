"""Let espeak-ng say Amharic as our G2P reads it: long consonants long, and no vowel too many.

espeak-ng's own reading of Amharic writes no length and puts ɨ after most consonants without a
vowel (15 % of phones wrong on the WikiPron words, ``docs/results/g2p.md``).

Example:
    >>> for_espeak("ሰላም፣ ዓለም።")
    "[[s|'@|l|a|m]],[[?|'a|l|@|m]]."
"""

from __future__ import annotations

from amharic_tts.errors import StudioError
from amharic_tts.g2p import registry
from amharic_tts.g2p.speak_phonemes import speakable
from amharic_tts.text.ethiopic import CLAUSE_END
from amharic_tts.text.normalize import normalize

_PAUSES = {"?": "?", "!": "!", "፧": "?", "።": ".", ".": ".", "፨": "."}
"""How a clause ends for espeak-ng; all other marks are commas."""


def for_espeak(text: str) -> str:
    """Return an Amharic text as espeak-ng's mnemonics, its clause marks kept.

    Raises:
        StudioError: It has a phone that espeak-ng's Amharic voice does not have.
    """
    backend, found = registry.get(registry.DEFAULT), []
    for part in CLAUSE_END.split(normalize(text, "am").text):
        if CLAUSE_END.fullmatch(part):
            found.append(_PAUSES.get(part[-1], ","))
        elif part.strip():
            spelled = speakable(backend.convert(part.strip()))
            if spelled.dropped:
                raise StudioError(
                    f"espeak-ng has no sound for {', '.join(spelled.dropped)} in `{text}`",
                    "Write these words in another way",
                )
            found.append(" ".join(spelled.mnemonics))
    return "".join(found)
