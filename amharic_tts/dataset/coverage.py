"""Which phones of a language a dataset has, which it lacks, and sentences that would bring them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amharic_tts.dataset.checks import store
from amharic_tts.dataset.checks.record import is_valid
from amharic_tts.dataset.checks.text import text_key
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.phonemes.expected import from_text
from amharic_tts.phonemes.notation import fold
from amharic_tts.text.tables import rows

ENOUGH = 20
"""Times that a phone should occur: below, it is rare. A voice learns a sound from examples, and
the figure is a rule of thumb, not measured."""
_FOREIGN = frozenset({"ŋ", "x", "β"})
"""In the table of Amharic phones for other languages and backends alone."""


@dataclass(frozen=True)
class Coverage:
    """How often each phone occurs in the accepted clips."""

    counts: Mapping[str, int]
    """Of every phone that the language has, those that don't occur with 0; most frequent first."""
    wanted: frozenset[str]
    """The phones that the language should have."""
    phones: int
    """All together."""
    unread: int
    """Accepted clips whose phones are not known."""
    checked: bool = True
    """Whether the phones come from a check; for Amharic they are in the rows, too."""

    @property
    def missing(self) -> list[str]:
        """Phones that never occur."""
        return [phone for phone, count in self.counts.items() if not count]

    @property
    def rare(self) -> list[str]:
        """Phones that occur, but less often than `ENOUGH`; the rarest first."""
        known = self.wanted or self.counts.keys()
        pairs = [(count, phone) for phone, count in self.counts.items() if phone in known]
        found = [(count, phone) for count, phone in pairs if 0 < count < ENOUGH]
        return [phone for _, phone in sorted(found)]

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        head = {"phones": self.phones, "unread": self.unread, "counts": dict(self.counts)}
        return {**head, "missing": self.missing, "rare": self.rare}


@dataclass(frozen=True)
class Sentence:
    """A sentence to be recorded, and how often it has each phone that is wanted."""

    text: str
    brings: Mapping[str, int]


def coverage(dataset: Dataset) -> Coverage:
    """Return how often each phone occurs in the accepted clips.

    Amharic: as the rows have it; other languages: as the last check read them.

    Raises:
        UserError: The file of the check is damaged.
    """
    records = store.load(dataset.folder)
    counts: Counter[str] = Counter()
    unread = 0
    for row in dataset.accepted():
        record = records.get(row.id)
        valid = record is not None and is_valid(record, row, dataset.language)
        written = record["phones"] if record and valid else _split(row.phonemes)
        counts.update(written.split())
        unread += not written
    total = sum(counts.values())
    inventory = _inventory(dataset.language)
    known = {phone: counts.get(phone, 0) for phone in (*inventory, *counts)}
    ordered = dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))
    return Coverage(ordered, frozenset(inventory), total, unread, bool(records))


def _split(ipa: str) -> str:
    from amharic_tts.g2p.base import phones

    return " ".join(phones(ipa)) if ipa else ""


def _inventory(language: str) -> tuple[str, ...]:
    """Return the phones that a language should have; none where there is no list."""
    if language == "am":
        table = rows("amharic_tts.g2p", "phones.tsv")
        # Long consonants are not asked for: spelling does not tell them, so the G2P writes few.
        return tuple(phone for phone, _kind, _sonority in table if phone not in _FOREIGN)
    if language == "en":
        table = rows("amharic_tts.phonemes", "english.tsv", ("arpabet", "phone", "others"))
        # As they are written where texts are read: ʌ and ə are one phone there.
        return tuple(dict.fromkeys(p for _, phone, _ in table for p in fold(phone, "en")))
    return ()


def suggestions(dataset: Dataset, found: Coverage, count: int = 10) -> list[Sentence]:
    """Return sentences that bring the most of the missing and rare phones, the best one first.

    Each next one is chosen for what is still wanted after those before it (greedy set cover);
    sentences that the dataset has are left out.

    Args:
        dataset: What would be recorded for.
        found: Its coverage.
        count: At most so many.

    Raises:
        UserError: The language's sentences can't be read as phones here (espeak-ng is missing).
    """
    wanted = {phone: ENOUGH - found.counts[phone] for phone in (*found.missing, *found.rare)}
    there = {text_key(row.normalized) for row in dataset.utterances}
    offered = [
        (text, Counter(p for word in from_text(text, dataset.language) for p in word.phones))
        for text in sentences(dataset.language)
        if text_key(text) not in there
    ]
    chosen: list[Sentence] = []
    while offered and len(chosen) < count:
        scores = [_gain(counts, wanted) for _, counts in offered]
        best = max(range(len(scores)), key=lambda i: (scores[i], -i))
        if not scores[best]:
            break
        text, counts = offered.pop(best)
        brings = {phone: n for phone, n in counts.items() if wanted.get(phone, 0) > 0}
        chosen.append(Sentence(text, brings))
        for phone, n in brings.items():
            wanted[phone] -= n
    return chosen


def _gain(counts: Mapping[str, int], wanted: Mapping[str, int]) -> float:
    """Return how much a sentence brings: each phone for its share of what is wanted of it."""
    return sum(min(n, wanted[p]) * wanted[p] for p, n in counts.items() if wanted.get(p, 0) > 0)


def sentences(language: str) -> Sequence[str]:
    """Return the sentences of the studio in a language; none for most languages."""
    table = rows("amharic_tts.dataset", "coverage_sentences.tsv", ("text", "language"))
    return [text for text, code in table if code == language]


__all__ = ["Coverage", "Sentence", "UserError", "coverage", "sentences", "suggestions"]
