"""What a recogniser returns: phones with their times, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Phone:
    """One phone that was heard.

    CTC models say well where a phone begins, hardly where it ends: `end` is where the next one
    begins, at most `decode.LONGEST` seconds later.
    """

    phone: str
    start: float
    """Seconds from the beginning of the sound."""
    end: float
    confidence: float
    """The model's own probability, 0 to 1, averaged over the frames where the phone stands."""
    word: int = 0
    """Number of the word it belongs to, from 0, where the model marks words."""
    runners_up: tuple[tuple[str, float], ...] = ()
    """What else it may have been, each with its mean probability, the likeliest first."""

    def __str__(self) -> str:
        """Return the phone: ``tʃ``."""
        return self.phone


@dataclass(frozen=True)
class Recognition:
    """The phones of one sound.

    Code that took a string of phonemes keeps working: ``str(found)`` and ``f"{found:>40}"`` give
    it, ``str(found).split()`` its phones, ``len(found)`` and ``for phone in found`` count and walk
    them, and nothing heard is false.
    """

    phones: tuple[Phone, ...]
    model: str
    notation: str
    """``ipa``, ``arpabet`` or ``letters``."""
    languages: tuple[str, ...]
    """Languages that the model knows; others come out as their nearest sounds of these."""
    duration: float = 0.0
    """Seconds of sound."""
    notes: tuple[str, ...] = ()
    """What the reader should know: silence, a fallback, a file that was cut short."""

    def __str__(self) -> str:
        """Return the phones with spaces, words apart by ``|``: ``h ɛ l oʊ | w ɝ l d``."""
        return " | ".join(" ".join(phone.phone for phone in word) for word in self.words())

    def __format__(self, spec: str) -> str:
        """Format `str(self)`."""
        return format(str(self), spec)

    def __len__(self) -> int:
        """Return the number of phones."""
        return len(self.phones)

    def __iter__(self) -> Iterator[Phone]:
        """Walk the phones in the order of their times."""
        return iter(self.phones)

    @property
    def phonemes(self) -> list[str]:
        """The phones alone: ``["h", "ɛ", "l", "oʊ"]``."""
        return [phone.phone for phone in self.phones]

    def words(self) -> list[list[Phone]]:
        """Return the phones word by word; one word where the model marks none."""
        found: dict[int, list[Phone]] = {}
        for phone in self.phones:
            found.setdefault(phone.word, []).append(phone)
        return list(found.values())

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; times in seconds to the millisecond."""
        return {
            "phones": [
                {
                    "phone": phone.phone,
                    "start": round(phone.start, 3),
                    "end": round(phone.end, 3),
                    "confidence": round(phone.confidence, 4),
                    "runners_up": [[name, round(p, 4)] for name, p in phone.runners_up],
                }
                for phone in self.phones
            ],
            "words": [
                {
                    "start": round(word[0].start, 3),
                    "end": round(word[-1].end, 3),
                    "phones": [phone.phone for phone in word],
                }
                for word in self.words()
            ],
            "duration": round(self.duration, 3),
            "model": self.model,
            "notation": self.notation,
            "languages": list(self.languages),
            "notes": list(self.notes),
        }
