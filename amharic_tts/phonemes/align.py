"""What was heard beside what was wanted: phone by phone, word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from amharic_tts.errors import UserError
from amharic_tts.phonemes.edits import align, errors
from amharic_tts.phonemes.expected import ExpectedWord
from amharic_tts.phonemes.features import distance, feature_errors
from amharic_tts.phonemes.forced import Span, forced
from amharic_tts.phonemes.models.base import Posteriors, Symbols
from amharic_tts.phonemes.notation import Alphabet, fold, heard_phones, ways_of_writing
from amharic_tts.phonemes.result import Recognition

__all__ = ["Comparison", "Row", "WordScore", "compare", "forced"]

Kind = Literal["ok", "substituted", "inserted", "missing"]


@dataclass(frozen=True)
class Row:
    """One phone that was wanted, heard, or both."""

    kind: Kind
    wanted: str
    """In the notation that is compared; empty where a phone was heard that nobody wanted."""
    heard: str
    """In the same notation; empty where it is missing."""
    start: float
    """Seconds; of a missing phone the place where it would stand."""
    end: float
    score: float
    """0 to 1. Of a wanted phone how well the sound fits it: `forced.Span.score`; without
    posteriors the confidence of what was heard times its likeness, 0 where it is missing. Of an
    inserted phone the model's confidence that it is there."""
    word: int
    """Number of the word in `Comparison.words`."""
    note: str = ""
    """Such as ``the model has no kʼ; compared as k``."""


@dataclass(frozen=True)
class WordScore:
    """How well one word was said."""

    text: str
    per: float
    """Errors in it, divided by its phones."""
    score: float
    """Mean score of its wanted phones, 0 to 1."""
    start: float
    end: float


@dataclass(frozen=True)
class Comparison:
    """What was heard beside what was wanted."""

    rows: tuple[Row, ...]
    words: tuple[WordScore, ...]
    per: float
    """Phone error rate: the fewest edits from the wanted to the heard phones (Levenshtein 1966),
    divided by the wanted ones; it can pass 1. The rows may hold a few errors more where forced
    alignment keeps phones apart that are the same but at different places in the sound."""
    pfer: float
    """Phone feature error rate, see `features.feature_errors`."""
    score: float
    """Scores of the wanted phones, divided by the wanted and the inserted ones: 0 to 1."""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each kind."""
        kinds = Counter(row.kind for row in self.rows)
        return {kind: kinds[kind] for kind in ("ok", "substituted", "inserted", "missing")}

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; times in seconds to the millisecond."""
        return {
            "per": round(self.per, 4),
            "pfer": round(self.pfer, 4),
            "score": round(self.score, 4),
            "counts": self.counts,
            "words": [_rounded(asdict(word)) for word in self.words],
            "rows": [_rounded(asdict(row)) for row in self.rows],
            "notes": list(self.notes),
        }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    digits = {"start": 3, "end": 3, "score": 4, "per": 4}
    return {k: round(v, digits[k]) if k in digits else v for k, v in values.items()}


@dataclass(frozen=True)
class _Wanted:
    phone: str
    compared: str
    spelled: tuple[str, ...]
    word: int
    note: str


@dataclass(frozen=True)
class _Heard:
    phone: str
    start: float
    end: float
    confidence: float
    word: int


def compare(
    heard: Recognition,
    wanted: Sequence[ExpectedWord],
    posteriors: Posteriors | None = None,
    symbols: Symbols | None = None,
) -> Comparison:
    """Lay what was heard beside what was wanted.

    Ways of writing one sound are folded (`notation.fold`). A phone that the model can't write is
    compared as its nearest one, which the row says; where none is near it is left out, which the
    notes say.

    Args:
        heard: The phones that were heard.
        wanted: The words that should be.
        posteriors: What the model thinks of each frame: gives the scores and the places of
            missing phones, by forced alignment.
        symbols: The model's, where there are no posteriors and they are known.

    Raises:
        UserError: The model writes letters, not phones.
    """
    if heard.notation == "letters":
        raise UserError(
            f"The model `{heard.model}` writes letters, which can't be compared with phones",
            "Choose a model that writes phones, such as `embedded`",
        )
    language = next((word.language for word in wanted if word.language), "")
    language = language or ways_of_writing(heard.languages, "")
    known = posteriors.symbols if posteriors is not None else symbols
    alphabet = Alphabet(known, heard.languages, language, heard.notation)
    notes: list[str] = []
    wishes = _wishes(wanted, language, alphabet, notes)
    found = _joined(_units(heard, language), wishes)
    phones = [w.compared for w in wishes], [h.phone for h in found]
    places = _places(posteriors, alphabet, wishes, notes)
    stand = [(p.start, p.end) for p in places] if places else None
    pairs = align(*phones, stand, [(h.start, h.end) for h in found])
    rows = _rows(pairs, wishes, found, places)
    features, segments = feature_errors(*phones)
    if not heard.phones:
        notes.append("nothing was heard")
    scores = [row.score for row in rows if row.wanted]
    return Comparison(
        rows=rows,
        words=_words(rows, wanted),
        per=errors(*phones) / max(1, len(wishes)),
        pfer=features / max(1, segments),
        score=sum(scores) / max(1, len(rows)),
        notes=tuple(notes),
    )


def _wishes(
    wanted: Sequence[ExpectedWord], language: str, alphabet: Alphabet, notes: list[str]
) -> list[_Wanted]:
    found: list[_Wanted] = []
    left_out: Counter[str] = Counter()
    for number, word in enumerate(wanted):
        for phone in (p for written in word.phones for p in fold(written, language)):
            spelled = alphabet.spell(phone)
            if not spelled:
                left_out[phone] += 1
                continue
            nearest = spelled[0] if len(spelled) == 1 else phone
            note = ""
            if nearest != phone:
                note = f"the model has no {phone}; compared as {nearest}"
            found.append(_Wanted(phone, nearest, spelled, number, note))
    for phone, count in left_out.items():
        notes.append(f"the model has no {phone} and nothing near it: left out ({count} times)")
    return found


def _units(heard: Recognition, language: str) -> list[_Heard]:
    """Return the heard phones as they are compared; one that is folded to several is shared out."""
    found: list[_Heard] = []
    language = ways_of_writing(heard.languages, language)
    for phone in heard.phones:
        parts = heard_phones(phone.phone, heard.notation, language)
        step = (phone.end - phone.start) / max(1, len(parts))
        for at, part in enumerate(parts):
            times = (phone.start + at * step, phone.start + (at + 1) * step)
            found.append(_Heard(part, *times, phone.confidence, phone.word))
    return found


def _joined(found: list[_Heard], wishes: Sequence[_Wanted]) -> list[_Heard]:
    """Join the two halves of a diphthong or affricate that the model writes as two phones."""
    whole = {tuple(w.spelled): w.phone for w in wishes if len(w.spelled) > 1}
    if not whole:
        return found
    joined: list[_Heard] = []
    for unit in found:
        before = joined[-1] if joined else None
        phone = whole.get((before.phone, unit.phone)) if before else None
        if before and phone and before.word == unit.word:
            sure = (before.confidence + unit.confidence) / 2
            joined[-1] = _Heard(phone, before.start, unit.end, sure, unit.word)
        else:
            joined.append(unit)
    return joined


@dataclass(frozen=True)
class _Place:
    start: float
    end: float
    score: float


def _places(
    posteriors: Posteriors | None,
    alphabet: Alphabet,
    wishes: Sequence[_Wanted],
    notes: list[str],
) -> list[_Place] | None:
    """Return where each wanted phone stands, by forced alignment; None where that can't be."""
    if posteriors is None or not wishes:
        return None
    labels, owners = _labels(alphabet, wishes)
    try:
        spans = forced(posteriors, labels)
    except UserError as error:
        notes.append(f"no scores by forced alignment: {error.message}")
        return None
    parts: list[list[tuple[float, float, float]]] = [[] for _ in wishes]
    for span, owned in zip(spans, owners, strict=True):
        start, end = _seconds(posteriors, span)
        step = (end - start) / len(owned)
        for at, wish in enumerate(owned):
            parts[wish].append((start + at * step, start + (at + 1) * step, span.score))
    return [_Place(p[0][0], p[-1][1], sum(score for *_, score in p) / len(p)) for p in parts]


def _seconds(posteriors: Posteriors, span: Span) -> tuple[float, float]:
    starts = posteriors.starts
    return float(starts[span.first]), float(starts[span.last - 1]) + posteriors.frame_seconds


def _labels(
    alphabet: Alphabet, wishes: Sequence[_Wanted]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the columns of each label, and the wanted phones that it stands for.

    Some models have one symbol for two phones (``ɑːɹ``), others two for one (``k`` and ``ʷ``).
    """
    longest = max((len(phones) for phones in alphabet.columns), default=1)
    labels: list[tuple[int, ...]] = []
    owners: list[tuple[int, ...]] = []
    at = 0
    while at < len(wishes):
        for size in range(min(longest, len(wishes) - at), 1, -1):
            run = wishes[at : at + size]
            columns = alphabet.columns.get(tuple(w.compared for w in run))
            if columns and run[0].word == run[-1].word:
                labels.append(columns)
                owners.append(tuple(range(at, at + size)))
                at += size
                break
        else:
            for part in wishes[at].spelled:
                labels.append(alphabet.columns_of(part))
                owners.append((at,))
            at += 1
    return labels, owners


def _rows(
    pairs: Sequence[tuple[int | None, int | None]],
    wishes: Sequence[_Wanted],
    found: Sequence[_Heard],
    places: Sequence[_Place] | None,
) -> tuple[Row, ...]:
    rows: list[Row] = []
    words = _words_of_pairs(pairs, wishes, found)
    at = 0.0
    for (i, j), word in zip(pairs, words, strict=True):
        unit = found[j] if j is not None else None
        place = places[i] if places is not None and i is not None else None
        beside = unit or place
        start, end = (beside.start, beside.end) if beside else (at, at)
        at = max(at, end)
        said = unit.phone if unit else ""
        if i is None:
            sure = unit.confidence if unit else 0.0
            rows.append(Row("inserted", "", said, start, end, sure, word))
            continue
        wish = wishes[i]
        alike = (1 - distance(wish.compared, said)) * unit.confidence if unit else 0.0
        score = place.score if place else alike
        kind: Kind = "missing"
        if unit:
            kind = "ok" if said == wish.compared else "substituted"
        rows.append(Row(kind, wish.phone, said, start, end, score, word, wish.note))
    return tuple(rows)


def _words_of_pairs(
    pairs: Sequence[tuple[int | None, int | None]],
    wishes: Sequence[_Wanted],
    found: Sequence[_Heard],
) -> list[int]:
    """Return the word of each pair; an inserted phone belongs to the wanted phone before it.

    Where the model heard it in one word with the wanted phone after it, it belongs to that.
    """
    after: list[tuple[int, int]] = []  # of the next wanted phone: its word, and where it was heard
    following = (-1, -1)
    for i, j in reversed(pairs):
        after.append(following)
        if i is not None:
            following = (wishes[i].word, found[j].word if j is not None else -1)
    words: list[int] = []
    before = (-1, -1)
    for (i, j), (word, heard_in) in zip(pairs, reversed(after), strict=True):
        own = found[j].word if j is not None else -1
        if i is not None:
            before = (wishes[i].word, own)
            words.append(before[0])
        elif before[0] < 0 or (word >= 0 and heard_in == own != before[1]):
            words.append(max(word, 0))
        else:
            words.append(before[0])
    return words


def _words(rows: Sequence[Row], wanted: Sequence[ExpectedWord]) -> tuple[WordScore, ...]:
    found: list[list[Row]] = [[] for _ in wanted]
    for row in rows:
        if row.word < len(found):
            found[row.word].append(row)
    words = []
    last = 0.0
    for word, own in zip(wanted, found, strict=True):
        scores = [row.score for row in own if row.wanted]
        per = sum(row.kind != "ok" for row in own) / max(1, len(scores))
        start = min((row.start for row in own), default=last)
        last = max((row.end for row in own), default=last)
        score = sum(scores) / len(scores) if scores else 0.0
        words.append(WordScore(word.text, per, score, start, last))
    return tuple(words)
