"""From one clip or recording to rows: decode, measure, judge, write the WAV."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from amharic_tts.audio.measure import Measures, measure
from amharic_tts.audio.read import RATE, AudioStream, Samples, decode
from amharic_tts.dataset import rules
from amharic_tts.dataset.cutting import Cut, cut
from amharic_tts.dataset.ledger import Ledger, file_hash, stamp
from amharic_tts.dataset.manifest import WAVS, Utterance
from amharic_tts.dataset.pronounce import Pronouncer
from amharic_tts.dataset.rules import Encoder, Note, note
from amharic_tts.dataset.sources import Clip, Recording
from amharic_tts.dataset.subtitles import Cue
from amharic_tts.errors import UserError
from amharic_tts.events import Event, Finding
from amharic_tts.files import writing
from amharic_tts.text.normalize import normalize

_CUT_SHORT = 0.1
"""Seconds that a cue may reach over the end of its recording without a word about it."""
_CHANGED = "it was changed while it was read: wait until it is finished, then build again"
_MOSTLY_THERE = 0.25
"""Share of a cue that may be missing; with more of it, text and sound are surely not the same."""


@dataclass(frozen=True)
class Sound:
    """The sound of a row as it is kept, and what was measured of it."""

    pcm: np.ndarray
    """16-bit samples at `RATE`."""
    digest: str
    """First half of their SHA-256."""
    measures: Measures


@dataclass(frozen=True)
class ClipSound:
    """What becomes of the file of a clip, wherever it is decoded."""

    digest: str
    """Of the file; empty where there is none."""
    sound: Sound | None = None
    notes: tuple[Note, ...] = ()
    seconds: float = 0.0
    passed_over: bool = False
    """The file is in the dataset already, so it was not decoded."""


def sound_of(samples: Samples) -> Sound:
    """Return the sound of decoded samples at `RATE`."""
    pcm = to_pcm(samples)
    return Sound(pcm, hashlib.sha256(pcm.tobytes()).hexdigest()[:32], measure(samples, RATE))


def clip_sound(path: Path | None, known: Set[str] = frozenset()) -> ClipSound:
    """Decode and measure the file of a clip; may run on a worker.

    Args:
        path: The file, or None where the table names none.
        known: Digests of files that are in the dataset already.
    """
    if path is None:
        return ClipSound("")
    digest = file_hash(path)
    if digest in known:
        return ClipSound(digest, passed_over=True)
    samples, notes, seconds = _decode(path)
    sound = sound_of(samples) if samples is not None else None
    return ClipSound(digest, sound, tuple(notes), seconds)


@dataclass(frozen=True)
class Maker:
    """Makes the rows of one build; WAVs go into the dataset's folder, rows into the ledger."""

    folder: Path
    language: str
    encoder: Encoder
    token_limit: int
    ledger: Ledger
    speaker: str
    pronouncer: Pronouncer
    elsewhere: Iterator[ClipSound] | None = None
    """Sounds of the clips in their order, where workers decode them."""

    def clip(self, clip: Clip) -> None:
        """Make the row of a whole file, unless it is there already."""
        before = stamp(clip.audio) if clip.audio else None
        given = next(self.elsewhere) if self.elsewhere is not None else None
        digest = given.digest if given else file_hash(clip.audio) if clip.audio else ""
        if clip.is_take and self.ledger.has_other_take(clip.name, digest):
            return
        key = (digest or clip.source, None)
        id = self.ledger.begin(key, clip.text, clip.name, clip.source)
        if not id:
            return
        row = Utterance(
            id,
            text=clip.text,
            speaker=clip.speaker or self.speaker,
            source=clip.source,
            source_hash=digest,
        )
        if clip.audio is None:
            self._finish(row, None, list(clip.notes), clip.split)
            return
        if given is None or given.passed_over:
            given = clip_sound(clip.audio)
        sound, notes = given.sound, list(given.notes)
        if stamp(clip.audio) != before:
            sound, notes = None, [note("file_changed", _CHANGED)]
        row = dataclasses.replace(row, duration=given.seconds)
        self._finish(row, sound, [*clip.notes, *notes], clip.split)

    def recording(self, recording: Recording) -> Iterator[Event | float]:
        """Make the rows of a recording's cues; yield the share of it that is done, and findings."""
        first = len(self.ledger.new)
        before = recording.stamp or stamp(recording.audio)
        wanted = self._wanted(recording, file_hash(recording.audio))
        sounding = [(i, cue) for i, (_, cue) in enumerate(wanted) if _usable(cue)]
        for row, cue in wanted:
            if not _usable(cue):
                self._finish(row, None, [*cue.notes, *_too_long(cue)])
        try:
            stream = AudioStream(recording.audio)
        except UserError as error:
            unreadable = note("unreadable_audio", error.message)
            for i, cue in sounding:
                self._finish(wanted[i][0], None, [*cue.notes, unreadable])
        else:
            yield from self._cut(stream, wanted, sounding)
            if stream.truncated:
                message = f"it was cut short: {stream.truncated}"
                yield Finding("truncated", message, "warning", recording.source)
        if stamp(recording.audio) != before:
            self.ledger.refuse(first, note("file_changed", _CHANGED))
            yield Finding("file_changed", _CHANGED, "error", recording.source)
        self.ledger.sort_new(first)

    def _cut(
        self,
        stream: AudioStream,
        wanted: Sequence[tuple[Utterance, Cue]],
        sounding: Sequence[tuple[int, Cue]],
    ) -> Iterator[float]:
        last = max((cue.end for _, cue in sounding), default=0.0)
        for item in cut(stream, sounding):
            if isinstance(item, float):
                yield min(1.0, item / last)
                continue
            row, cue = wanted[item.number]
            notes = [*cue.notes, *_cut_notes(item, cue, stream.truncated)]
            seconds = len(item.samples) / RATE if item.samples is not None else 0.0
            sound = sound_of(item.samples) if item.samples is not None else None
            self._finish(dataclasses.replace(row, duration=seconds), sound, notes)

    def _wanted(self, recording: Recording, digest: str) -> list[tuple[Utterance, Cue]]:
        """Return the rows that are not there yet, each with its cue."""
        stem = Path(recording.source).stem
        found = []
        planned = recording.settings is not None
        if planned:
            spans = {(round(cue.start, 3), round(cue.end, 3)) for cue in recording.cues}
            self.ledger.cut_anew(digest, spans)
        for number, cue in enumerate(recording.cues, 1):
            span = (round(cue.start, 3), round(cue.end, 3))
            if planned and self.ledger.covers(digest, span, cue.text):
                continue
            wanted = f"{stem[:50]}-{number:04d}"
            id = self.ledger.begin((digest, span), cue.text, wanted, recording.source)
            if id:
                row = Utterance(
                    id,
                    text=cue.text,
                    speaker=cue.speaker or self.speaker,
                    source=recording.source,
                    source_hash=digest,
                    span=span,
                )
                found.append((row, cue))
        return found

    def _finish(
        self, row: Utterance, sound: Sound | None, notes: Sequence[Note], wish: str = ""
    ) -> None:
        """Judge a row, write its WAV and enter it."""
        normalized = normalize(row.text, self.language).text
        found = list(notes)
        if not any(item["code"] == "empty_cue" for item in found):
            found += rules.text_notes(row.text, self.encoder, self.token_limit)[0]
        phonemes, g2p, odd = self.pronouncer.read(normalized)
        row = dataclasses.replace(row, normalized=normalized, phonemes=phonemes, g2p=g2p)
        if sound is not None:
            row, more = self._with_sound(row, sound)
            found += more
        if not rules.is_refused(found):
            found += [*self.ledger.text_twin(normalized), *odd]
        decision = "rejected" if rules.is_refused(found) else "accepted"
        row = dataclasses.replace(row, duration=round(row.duration, 6))
        self.ledger.add(dataclasses.replace(row, findings=found, decision=decision), wish)

    def _with_sound(self, row: Utterance, sound: Sound) -> tuple[Utterance, list[Note]]:
        measures, twin = sound.measures, self.ledger.twin(sound.digest)
        notes = [*rules.length_notes(measures.duration), *rules.sound_notes(measures)]
        row = dataclasses.replace(row, measures=measures.to_dict(), audio_hash=sound.digest)
        if twin:
            # The sound is kept once, under the other row.
            return row, [*notes, note("duplicate", f"the same sound as `{twin}`")]
        audio = f"{WAVS}/{row.id}.wav"
        write_wav(self.folder / audio, sound.pcm)
        return dataclasses.replace(row, audio=audio), notes


def to_pcm(samples: Samples) -> np.ndarray:
    """Return 16-bit samples; what came from 16 bits at the same rate comes back bit for bit."""
    scaled = np.rint(samples.astype(np.float64) * 32768)
    return np.clip(scaled, -32768, 32767).astype("<i2")


def samples_hash(pcm: np.ndarray) -> str:
    """Return the first half of the SHA-256 of 16-bit samples; what a sound is known by."""
    return hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()[:32]


def write_wav(path: Path, pcm: np.ndarray) -> None:
    """Write 16-bit mono samples at `RATE` as a WAV, in one step; the build syncs all together.

    Raises:
        UserError: The disk is full or can't be written.
    """
    # In memory first: libsndfile swallows the error of a file object on a full disk.
    content = io.BytesIO()
    soundfile.write(content, pcm, RATE, format="WAV", subtype="PCM_16")
    with writing(path, sync=False) as file:
        file.write(content.getvalue())


def _decode(path: Path) -> tuple[Samples | None, list[Note], float]:
    """Return the sound (None where it can't be used), what is odd about it, and its seconds."""
    try:
        stream_info = AudioStream(path).info
        if stream_info.duration and stream_info.duration > rules.CLIP_LIMIT:
            return None, rules.length_notes(stream_info.duration), stream_info.duration
        decoded = decode(path, limit=rules.CLIP_LIMIT + 1)
    except UserError as error:
        return None, [note("unreadable_audio", error.message)], 0.0
    if decoded.duration > rules.CLIP_LIMIT:
        return None, rules.length_notes(decoded.duration), decoded.duration
    notes = [note("truncated", decoded.truncated)] if decoded.truncated else []
    return decoded.samples, notes, decoded.duration


def _usable(cue: Cue) -> bool:
    return not rules.is_refused(list(cue.notes)) and cue.end - cue.start <= rules.CLIP_LIMIT


def _too_long(cue: Cue) -> list[Note]:
    long = cue.end - cue.start > rules.CLIP_LIMIT
    return rules.length_notes(cue.end - cue.start) if long else []


def _cut_notes(item: Cut, cue: Cue, truncated: str) -> list[Note]:
    if not item.missing:
        return []
    if item.damaged and item.samples is None:
        return [note("unreadable_audio", item.damaged)]
    if item.samples is None:
        return [note("outside_recording", item.missing)]
    short = cue.end - cue.start - len(item.samples) / RATE
    if short > _MOSTLY_THERE * (cue.end - cue.start):
        return [note("outside_recording", item.damaged or item.missing)]
    if short > _CUT_SHORT or truncated or item.damaged:
        return [note("truncated", item.damaged or item.missing)]
    return []
