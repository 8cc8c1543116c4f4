"""Was a sentence said as it is written? One spoken sentence beside its text, without torch.

Two things are looked at: how long the speech is beside what the text takes, and the phones that
the recogniser hears beside those that G2P expects. The limits stand in `LIMITS`, by language, and
are measured with planted faults (`python -m benchmarks.speech_check`). What can't be compared is
told as ``not checked`` with the reason, and never as right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import groupby
from typing import Any, Literal, Protocol

import numpy as np

from amharic_tts.errors import StudioError, UserError
from amharic_tts.phonemes.align import Comparison, compare
from amharic_tts.phonemes.expected import ExpectedWord, from_phones, from_text
from amharic_tts.phonemes.models.base import Posteriors
from amharic_tts.phonemes.models.catalog import EMBEDDED
from amharic_tts.phonemes.result import Recognition
from amharic_tts.phonemes.scores import agreement, was_heard
from amharic_tts.synthesis import text_split
from amharic_tts.text import ethiopic, languages
from amharic_tts.text.normalize import normalize

Verdict = Literal["ok", "doubtful", "failed", "not checked"]
_ORDER: tuple[Verdict, ...] = ("ok", "doubtful", "not checked", "failed")
"""From the best to the worst; what nobody could check is kept before what is known to be wrong."""


@dataclass(frozen=True)
class Limits:
    """From where a number is a fault; of one language, with the embedded recogniser."""

    failed: float
    """Agreement below which another thing was said."""
    doubtful: float
    """Agreement below which it should be heard by a person."""


LIMITS: dict[str, Limits] = {"en": Limits(0.4, 0.6), "am": Limits(0.35, 0.42)}
"""By language. Others are compared too, and told as not checked: nobody measured their limits."""
MISSING = 4
"""Phones in a row that are not heard, before a word counts as missing; right speech has up to 3."""
UNHEARD_END = 3
"""The same at the end of the text; right speech has up to 2."""
WINDOW, FAINT = 4, 0.02
"""So many phones in a row with a mean score below this are doubtful: their sounds do not fit."""
PHONES_PER_SECOND = 10.0
"""A usual pace; espeak-ng says 7 to 12 phones of Amharic or English a second, people up to 15."""
SHORT, HASTY, LONG = 0.5, 0.6, 2.0
"""Times of what the text takes at a usual pace: below `SHORT` much is missing, below `HASTY`
something may be, beyond `LONG` the voice may have gone astray."""
SLACK = 1.0
"""Seconds more that any speech may take: pauses, a slow single word."""
SILENT = 1e-3
"""Highest sample of a sound in which nobody speaks (-60 dB)."""


@dataclass(frozen=True)
class SentenceCheck:
    """What was found of one spoken sentence; None: could not be told, and `reasons` say why."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Plain words on everything that is odd, or on why it was not checked."""
    phoneme_error: float | None = None
    """Phones heard otherwise, over those expected (`align.Comparison.per`); can pass 1. The
    embedded recogniser knows English alone, so it is high for right Amharic too."""
    agreement: float | None = None
    """How well sound and text agree, 0 to 1 (`align.Comparison.score`)."""
    missing_end: bool | None = None
    missing_sounds: int | None = None
    """The most phones in a row that are not heard."""
    extra_sounds: int | None = None
    """Phones in stretches that the text does not have."""
    repeats: int | None = None
    """How many of these stretches say again what stands beside them."""
    seconds: float = 0.0
    expected_seconds: float | None = None
    """What the text takes at a usual pace."""
    length: Literal["ok", "too short", "too long", ""] = ""
    """`seconds` against `expected_seconds`; empty where that is not known."""
    cut: bool = False
    """The model did not stop by itself."""
    not_compared: str = ""
    """Why the phones were not compared, or not judged; empty where they were."""

    @property
    def ok(self) -> bool:
        """Whether it was checked and nothing is odd."""
        return self.verdict == "ok"

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON: `events.Sentence.check`."""
        body = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {**body, "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> SentenceCheck:
        """Return what `to_dict` wrote; keys of another version are passed over."""
        known = {field.name for field in fields(cls)}
        given = {key: value for key, value in body.items() if key in known}
        return cls(**{**given, "reasons": tuple(given.get("reasons", ()))})


class Hears(Protocol):
    """What a judge needs of a `PhonemeExtractor`."""

    def hear(self, audio: Any, rate: float) -> tuple[Recognition, Posteriors]:
        """Return the phones of samples, and what the model thought of each frame."""


class SentenceJudge:
    """Checks spoken sentences; the recogniser is loaded with the first one (0.5 s, 70 MB).

    Not safe for use by several threads at once.

    Example:
        >>> judge = SentenceJudge()
        >>> check = judge.judge(samples, 24000, "ሰላም ለዓለም።", "am", cut=False)
        >>> check.verdict, check.reasons
        ('ok', ())
    """

    def __init__(self, extractor: Hears | None = None) -> None:
        """Take the recogniser; by default the embedded one, for which the limits are measured."""
        self._extractor = extractor
        self._missing: StudioError | None = None

    def judge(
        self,
        samples: np.ndarray,
        rate: int,
        text: str,
        language: str,
        cut: bool,
        *,
        speed: float = 1.0,
        phonemes: bool = False,
    ) -> SentenceCheck:
        """Return what is odd about one spoken sentence.

        Args:
            samples: Float mono.
            rate: Samples a second.
            text: What should be said, as it was written.
            language: Code of its language.
            cut: Whether the model was ended before it stopped by itself.
            speed: How much faster than usual it was asked to be said.
            phonemes: Whether `text` is phones in IPA, apart by spaces, words apart by ``|``.
        """
        code = languages.canonical(language)
        sound = np.asarray(samples, dtype=np.float32).reshape(-1)
        seconds = len(sound) / rate
        wanted, why = _wanted(text, code, phonemes)
        expected = _expected_seconds(text, code, wanted, phonemes) / speed
        found = _Found(seconds, expected, cut)
        if not len(sound) or float(np.abs(sound).max()) < SILENT:
            return found.silent()
        heard = None
        if wanted:
            heard, why = self._heard(sound, rate, wanted)
        return found.judged(heard, why, LIMITS.get(code), code)

    def _heard(
        self, sound: np.ndarray, rate: int, wanted: Sequence[ExpectedWord]
    ) -> tuple[Comparison | None, str]:
        """Return the comparison, or None and why there is none."""
        if self._missing is not None:
            return None, self._missing.message
        try:
            extractor = self._loaded()
        except StudioError as error:  # no recogniser for this machine: asked once
            self._missing = error
            return None, error.message
        try:
            recognition, posteriors = extractor.hear(sound, rate)
            return compare(recognition, wanted, posteriors), ""
        except UserError as error:
            return None, error.message

    def _loaded(self) -> Hears:
        if self._extractor is None:
            from amharic_tts.phonemes.extractor import PhonemeExtractor

            self._extractor = PhonemeExtractor(model=EMBEDDED)
        return self._extractor


@dataclass
class _Found:
    """What is known of a sentence on the way to its verdict."""

    seconds: float
    expected: float
    cut: bool

    def silent(self) -> SentenceCheck:
        told = self._check("failed", ["nothing is heard: the sound is silent"], None)
        return replace(told, phoneme_error=1.0, agreement=0.0, missing_end=True)

    def judged(
        self, heard: Comparison | None, why: str, limits: Limits | None, language: str
    ) -> SentenceCheck:
        bad, odd = self._length()
        said = None if heard is None else _Said(heard)
        if said is not None and limits is not None:
            more_bad, more_odd = said.judged(limits)
            bad, odd = bad + more_bad, odd + more_odd
        elif said is not None:
            why = f"the limits of the check are not measured for the language `{language}`"
        if bad:
            return replace(self._check("failed", [*bad, *odd, why], said), not_compared=why)
        if said is None or limits is None:
            return replace(self._check("not checked", [why, *odd], said), not_compared=why)
        return self._check("doubtful" if odd else "ok", odd, said)

    def _length(self) -> tuple[list[str], list[str]]:
        bad, odd = [], []
        if self.cut:
            bad.append("the voice did not stop by itself and was cut")
        told = f"{self.seconds:.1f} s, and the text takes about {self.expected:.1f} s"
        if self.length == "too short" and self.seconds < SHORT * self.expected:
            bad.append(f"much too short: {told}")
        elif self.length == "too short":
            odd.append(f"short: {told}")
        elif self.length == "too long":
            odd.append(f"much too long: {told}")
        return bad, odd

    @property
    def length(self) -> Literal["ok", "too short", "too long", ""]:
        if not self.expected:
            return ""
        if self.seconds < HASTY * self.expected:
            return "too short"
        return "too long" if self.seconds > LONG * self.expected + SLACK else "ok"

    def _check(self, verdict: Verdict, reasons: Sequence[str], said: _Said | None) -> SentenceCheck:
        plain = SentenceCheck(
            verdict,
            tuple(reason for reason in reasons if reason),
            seconds=self.seconds,
            expected_seconds=self.expected or None,
            length=self.length,
            cut=self.cut,
        )
        if said is None:
            return plain
        return replace(
            plain,
            phoneme_error=said.all.per,
            agreement=said.all.score,
            missing_end=said.missing_end,
            missing_sounds=said.missing,
            extra_sounds=said.all.extra_phones,
            repeats=said.all.repeats,
        )


class _Said:
    """What a comparison says about a sentence."""

    def __init__(self, heard: Comparison) -> None:
        wanted = [row for row in heard.rows if row.wanted]
        unheard = [not was_heard(row) for row in wanted]
        runs = [len(list(run)) for odd, run in groupby(unheard) if odd]
        scores = np.array([row.score for row in wanted])
        size = min(WINDOW, len(scores))
        self.all = agreement(heard)
        self.missing = max(runs, default=0)
        last = next((at for at, odd in enumerate(reversed(unheard)) if not odd), len(unheard))
        self.missing_end = self.all.missing_end or last >= UNHEARD_END
        means = np.convolve(scores, np.ones(size) / size, "valid") if size else np.zeros(1)
        self.faintest = float(means.min())

    def judged(self, limits: Limits) -> tuple[list[str], list[str]]:
        """Return what is wrong and what is odd about the speech, in words."""
        bad, odd = [], []
        score = f"sound and text agree by {100 * self.all.score:.0f} of 100"
        if self.all.score < limits.failed:
            bad.append(f"something else is heard than the text: {score}")
        elif self.all.score < limits.doubtful:
            odd.append(f"hard to understand: {score}")
        if self.missing_end:
            bad.append("the end of the text is not heard")
        elif self.missing >= MISSING:
            bad.append(f"a part of the text is not heard ({self.missing} sounds in a row)")
        elif self.faintest < FAINT:
            odd.append("a word may be missing or be another one")
        if self.all.repeats:
            bad.append("something is said twice")
        elif self.all.extra_phones:
            count = self.all.extra_phones
            bad.append(f"something is heard that the text does not have ({count} sounds)")
        return bad, odd


def _wanted(text: str, language: str, phonemes: bool) -> tuple[tuple[ExpectedWord, ...], str]:
    """Return the phones that should be heard; none, and why, where they can't be told."""
    try:
        if phonemes:
            return from_phones(text, language), ""
        return from_text(text, language), ""
    except StudioError as error:  # no espeak-ng, a language that neither reads, no words
        return (), error.message


def _expected_seconds(
    text: str, language: str, wanted: Sequence[ExpectedWord], phonemes: bool
) -> float:
    if wanted:
        phones = sum(len(word.phones) for word in wanted)
        return phones / PHONES_PER_SECOND
    letters = [character for character in text if character.isalpha()]
    if phonemes or not all(c.isascii() or ethiopic.is_letter(c) for c in letters):
        return 0.0  # nobody knows how long a letter of another script takes
    return text_split.expected_codes(normalize(text, language).text) / text_split.CODES_PER_SECOND


def best(takes: Sequence[SentenceCheck]) -> int:
    """Return the number, from 0, of the take to keep.

    The better verdict (`ok`, `doubtful`, `not checked`, `failed`), then the higher agreement,
    then the length that is nearer to the expected one (by ratio), then the earlier take.

    Raises:
        ValueError: There are no takes.
    """
    if not takes:
        raise ValueError("there are no takes to choose from")
    return min(range(len(takes)), key=lambda number: (*_rank(takes[number]), number))


def _rank(take: SentenceCheck) -> tuple[int, float, float]:
    apart = 0.0
    if take.expected_seconds:
        apart = abs(float(np.log(max(take.seconds, 1e-3) / take.expected_seconds)))
    return _ORDER.index(take.verdict), -(take.agreement or 0.0), apart
