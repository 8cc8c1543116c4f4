"""How one row is mended: new samples, a new WAV beside the old one, and what it measures now."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from amharic_tts.audio.loudness import QUIETEST, loudness
from amharic_tts.audio.measure import decibels, measure
from amharic_tts.audio.quality import quality
from amharic_tts.audio.read import RATE, Samples, decode
from amharic_tts.dataset import rules
from amharic_tts.dataset.checks.record import Record
from amharic_tts.dataset.checks.resplit import Part
from amharic_tts.dataset.clips import to_pcm, write_wav
from amharic_tts.dataset.manifest import WAVS, Dataset, Utterance
from amharic_tts.dataset.pronounce import Pronouncer
from amharic_tts.dataset.rules import Encoder, note
from amharic_tts.errors import UserError
from amharic_tts.text.normalize import normalize

if TYPE_CHECKING:
    from amharic_tts.dataset.repair import Action

EBU_R128 = -23.0
"""LUFS that the recommendation R 128 asks for."""
PEAK_DB = -1.0
"""No sample becomes louder than this, so that nothing is clipped."""
KEEP = 0.15
"""Seconds of the silence at each end that stay."""
FADE = 0.005
"""Seconds of a fade where a clip is cut in a pause, against a click."""
_NUMBERS = ("loudness", "snr_db", "quiet_start", "quiet_end", "peak_db")


@dataclass(frozen=True)
class Mended:
    """The rows that take the place of one row, and what was done, in numbers."""

    rows: list[Utterance]
    told: dict[str, Any]


class Mender:
    """Mends the rows of one dataset; WAVs are written beside those that are there."""

    def __init__(self, dataset: Dataset, encoder: Encoder | None = None) -> None:
        """Load what judges texts and writes phonemes.

        Raises:
            UserError: The language has no encoder.
        """
        from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, default_encoder

        self.dataset = dataset
        self._encoder = encoder or default_encoder(dataset.language)
        self._limit = MAX_TEXT_TOKENS
        self._pronouncer = Pronouncer(dataset)
        self._ids = {row.id.casefold() for row in dataset.utterances}

    def mend(self, row: Utterance, actions: Sequence[Action], record: Record) -> Mended:
        """Return what a row becomes.

        Args:
            row: As it is.
            actions: Of the plan, for this row.
            record: What the check measured of it.

        Raises:
            UserError: Its sound can't be read, the disk is full, or the result would be refused.
        """
        kinds = {action.mend: action for action in actions}
        done = [action.mend for action in actions]
        before = {key: record.get("sound", {}).get(key) for key in _NUMBERS}
        told = {"done": done, "before": {**before, "duration": row.duration}}
        if "drop" in kinds:
            reason = note("dropped", f"left out by a repair: {kinds['drop'].reason}")
            findings = [*row.findings, reason]
            left = dataclasses.replace(row, findings=findings, decision="rejected")
            return Mended([left], {**told, "after": {}})
        samples = self._read(row)
        if "resplit" in kinds:
            return self._split(row, kinds["resplit"], samples, told)
        if trim := kinds.get("trim"):
            samples = cut(samples, trim.start, len(samples) / RATE - trim.end)
        if gain := kinds.get("normalise_loudness"):
            samples = normalised(samples, gain.target)
        new, after = self._with_sound(row, samples, f"mended: {', '.join(done)}")
        return Mended([new], {**told, "after": after, "was": row.audio, "is": new.audio})

    def _read(self, row: Utterance) -> Samples:
        """Return the samples of a row, at `RATE` whatever the rate of its WAV is now."""
        decoded = decode(self.dataset.wav(row), limit=rules.CLIP_LIMIT + 1)
        if decoded.truncated:
            raise UserError(f"`{row.audio}` was cut short: {decoded.truncated}")
        return decoded.samples

    def _split(
        self, row: Utterance, action: Action, samples: Samples, told: dict[str, Any]
    ) -> Mended:
        rows, after = [], []
        for part in action.parts:
            new, numbers = self._part(row, part, samples)
            rows.append(new)
            after.append(numbers)
        ids = ", ".join(f"`{new.id}`" for new in rows)
        findings = [*row.findings, note("split_up", f"its parts are {ids}")]
        # The row stays, refused: a later build would otherwise bring it in again.
        parent = dataclasses.replace(row, findings=findings, decision="rejected")
        names = {"parts": [new.id for new in rows]}
        return Mended([parent, *rows], {**told, "after": {"parts": after}, **names})

    def _part(
        self, row: Utterance, part: Part, samples: Samples
    ) -> tuple[Utterance, dict[str, float]]:
        normalized = normalize(part.text, self.dataset.language).text
        phonemes, g2p, odd = self._pronouncer.read(normalized)
        first = row.span[0] if row.span else 0.0
        child = dataclasses.replace(
            row,
            id=self._free_id(row.id),
            text=part.text,
            normalized=normalized,
            phonemes=phonemes,
            g2p=g2p,
            span=(round(first + part.start, 3), round(first + part.end, 3)),
            findings=odd,
            decision="accepted",
        )
        return self._with_sound(child, cut(samples, part.start, part.end), f"part of `{row.id}`")

    def _free_id(self, base: str) -> str:
        number = 1
        while f"{base}-{number}".casefold() in self._ids:
            number += 1
        self._ids.add(f"{base}-{number}".casefold())
        return f"{base}-{number}"

    def _with_sound(
        self, row: Utterance, samples: Samples, what: str
    ) -> tuple[Utterance, dict[str, float]]:
        """Write a row's new WAV, under a name of its own, and judge the row anew."""
        pcm = to_pcm(samples)
        digest = hashlib.sha256(pcm.tobytes()).hexdigest()[:32]
        audio = f"{WAVS}/{row.id}.{digest[:8]}.wav"
        measures = measure(samples, RATE)
        stale = rules.LENGTH_CODES | rules.TEXT_CODES | {"clipping", "inaudible", "repaired"}
        findings = [n for n in row.findings if n["code"] not in stale]
        findings += rules.length_notes(measures.duration)
        findings += rules.text_notes(row.text, self._encoder, self._limit)[0]
        if rules.is_refused(findings):
            why = "; ".join(n["message"] for n in findings if n["level"] == "error")
            raise UserError(f"mended, it would be refused: {why}; it stays as it was")
        write_wav(self.dataset.folder / audio, pcm)
        numbers = quality(samples, RATE).to_dict()
        new = dataclasses.replace(
            row,
            audio=audio,
            audio_hash=digest,
            whole="",
            cut=None,
            duration=round(measures.duration, 6),
            measures=measures.to_dict(),
            findings=[*findings, *rules.sound_notes(measures), note("repaired", what)],
        )
        after = {key: numbers[key] for key in _NUMBERS}
        return new, {**after, "duration": new.duration}


def cut(samples: Samples, start: float, end: float) -> Samples:
    """Return the samples from `start` to `end` seconds, faded over 5 ms where they were cut."""
    first, last = max(0, round(start * RATE)), min(len(samples), round(end * RATE))
    made = np.array(samples[first:last], dtype=np.float32)
    size = min(round(FADE * RATE), len(made) // 2)
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    if first and size:
        made[:size] *= ramp
    if last < len(samples) and size:
        made[-size:] *= ramp[::-1]
    return made


def normalised(samples: Samples, target: float) -> Samples:
    """Return the samples centred and at `target` LUFS, or as near as `PEAK_DB` lets them be."""
    centred = samples - np.float32(samples.mean(dtype=np.float64))
    now = loudness(centred, RATE)
    if now <= QUIETEST:
        return centred
    gain = min(target - now, PEAK_DB - decibels(float(np.abs(centred).max())))
    return np.asarray(centred * 10 ** (gain / 20), dtype=np.float32)
