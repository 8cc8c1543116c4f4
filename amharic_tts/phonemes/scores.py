"""Was a text said? For the checks of dataset clips and of synthesised speech."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.phonemes.align import Comparison, Row, compare
from amharic_tts.phonemes.edits import errors_within
from amharic_tts.phonemes.expected import from_text
from amharic_tts.phonemes.extractor import PhonemeExtractor

LAST_PHONES = 6
"""Phones of the end that are looked at; speech that stops early loses a word or more."""
MISSING_SHARE = 0.6
"""The end is missing where this share of its phones was not heard."""
UNHEARD = 0.05
"""Score below which another phone in its place does not count as a slip of pronunciation."""
SHORTEST_EXTRA = 4
"""Phones in a row that nobody wanted, before they count as speech that the text does not have."""
REPEAT_ERRORS = 0.5
"""A repeat differs from the words beside it in no more than this share of its phones."""
DISAGREES = 0.35
"""Score below which speech and text disagree. Measured with the embedded model of English on 24
clips of read English: own texts 0.76 to 0.93, those of other clips 0.02 to 0.25; on 24 Amharic
sentences that espeak-ng says: 0.40 to 0.69 and 0.11 to 0.32 (`benchmarks/phonemes_compare.py`)."""


@dataclass(frozen=True)
class Agreement:
    """How well speech and text agree; see `align.Comparison` for the first three."""

    per: float
    pfer: float
    score: float
    missing_end: bool
    """The last two phones of the text, and most of the last `LAST_PHONES`, were not heard: speech
    that stops too early."""
    extra_phones: int
    """Phones in stretches of at least `SHORTEST_EXTRA` that the text does not have."""
    repeats: int
    """How many of these stretches say again what the text has just before or after them."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def said(
    samples: ArrayLike, rate: float, text: str, language: str, extractor: PhonemeExtractor
) -> Agreement:
    """Return how well speech agrees with the text that should have been said.

    Args:
        samples: As `PhonemeExtractor.extract_phoneme` takes them.
        rate: Samples a second.
        text: What should have been said.
        language: ISO code, see `expected.from_text`.
        extractor: Hears the phones. One of English alone hears other languages by their nearest
            English sounds: most phones are then wrong even in the right speech, while the score
            still tells right from wrong (`DISAGREES`).

    Raises:
        UserError: The samples are no sound, or the text can't be read in that language.
        MissingPart: espeak-ng, which reads the text, is not here.
    """
    wanted = from_text(text, language)
    recognition, posteriors = extractor.hear(samples, rate)
    return agreement(compare(recognition, wanted, posteriors))


def agreement(comparison: Comparison) -> Agreement:
    """Return what a comparison says about the speech as a whole."""
    rows = comparison.rows
    end = [row for row in rows if row.wanted][-LAST_PHONES:]
    heard = [was_heard(row) for row in end]
    extra = [run for run in _inserted(rows) if len(run) >= SHORTEST_EXTRA]
    return Agreement(
        per=comparison.per,
        pfer=comparison.pfer,
        score=comparison.score,
        missing_end=bool(end)
        and not any(heard[-2:])
        and heard.count(False) >= MISSING_SHARE * len(end),
        extra_phones=sum(map(len, extra)),
        repeats=sum(_repeats(rows, run) for run in extra),
    )


def was_heard(row: Row) -> bool:
    """Tell whether a wanted phone is in the sound, if perhaps pronounced as another one."""
    return row.kind == "ok" or (row.kind == "substituted" and row.score >= UNHEARD)


def _inserted(rows: Sequence[Row]) -> list[list[int]]:
    """Return stretches of inserted rows; one other row between two of them does not part them."""
    runs: list[list[int]] = []
    for at, row in enumerate(rows):
        if row.kind != "inserted":
            continue
        if runs and at - runs[-1][-1] <= 2:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _repeats(rows: Sequence[Row], run: Sequence[int]) -> bool:
    again = [rows[at].heard for at in run]
    room = 2 * len(again)  # an alignment may put the stretch some phones off
    before = [row.wanted for row in rows[: run[0]] if row.wanted][-room:]
    after = [row.wanted for row in rows[run[-1] + 1 :] if row.wanted][:room]
    fewest = min(errors_within(again, before), errors_within(again, after))
    return fewest <= REPEAT_ERRORS * len(again)


def dataset(found: Dataset, extractor: PhonemeExtractor) -> Iterator[Event]:
    """Compare every accepted clip of a dataset with its text, in the language of the dataset.

    Yields a `Finding` for each clip whose score is below `DISAGREES`, or that could not be read,
    and ends in ``Done({"rows": [...], "failed": [...]})``, the worst agreement first.
    """
    clips = found.accepted()
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for number, clip in enumerate(clips):
        yield Progress(number, len(clips), "clips compared with their texts")
        try:
            wanted = from_text(clip.text, found.language)
            heard, posteriors = extractor.hear(found.wav(clip))
        except UserError as error:
            failed.append({"id": clip.id, "reason": error.message})
            yield Finding("not_compared", error.message, "warning", clip.id)
            continue
        result = agreement(compare(heard, wanted, posteriors))
        rows.append({"id": clip.id, **result.to_dict()})
        if result.score < DISAGREES:
            message = f"speech and text hardly agree: score {result.score:.2f} of 1"
            yield Finding("speech_differs", message, "warning", clip.id)
    rows.sort(key=lambda row: row["score"])
    yield Done({"rows": rows, "failed": failed})
