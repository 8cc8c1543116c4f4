"""A row anew, with another text or another piece of its sound: measures, phonemes, notes."""

from __future__ import annotations

import dataclasses

from amharic_tts.audio.measure import measure
from amharic_tts.audio.read import RATE, Samples, read
from amharic_tts.dataset import rules
from amharic_tts.dataset.clips import samples_hash, to_pcm, write_wav
from amharic_tts.dataset.lookup import Rows
from amharic_tts.dataset.manifest import WAVS, Dataset, Utterance
from amharic_tts.dataset.pronounce import Pronouncer
from amharic_tts.dataset.rules import Encoder, Note, note
from amharic_tts.files import sync_files
from amharic_tts.text.normalize import normalize

ABOUT_TEXT = rules.TEXT_CODES | {
    "empty_cue",
    "duplicate_text",
    "g2p_fallback",
    "g2p_quality",
    "g2p_unpronounced",
    "unsure_words",
}
"""Notes that follow from the text alone; they stay when the sound changes."""
ABOUT_SOUND = rules.LENGTH_CODES | {
    "missing_audio",
    "ambiguous_audio",
    "outside_folder",
    "unreadable_audio",
    "outside_recording",
    "truncated",
    "overlapping_cue",
    "duplicate",
    "clipping",
    "inaudible",
    "forced_cut",
    "take_quiet",
    "take_cut_off",
    "file_changed",
    "repaired",
}
"""Notes that follow from the sound alone; they stay when the text changes."""


class Remaker:
    """Makes rows anew; new sounds are written, under names that no other sound has.

    Args:
        dataset: Its header.
        rows: Where twins are looked for.
        encoder: Judges texts; None takes the default of the language.
    """

    def __init__(self, dataset: Dataset, rows: Rows, encoder: Encoder | None = None) -> None:
        self.dataset, self.rows = dataset, rows
        self._encoder = encoder
        self._spoken: Pronouncer | None = None

    def sound(self, row: Utterance) -> Samples:
        """Return a clip's samples at `RATE`."""
        return read(self.dataset.wav(row), rate=RATE)

    def whole(self, row: Utterance) -> Samples:
        """Return the samples that a clip was cut from."""
        return self.sound(dataclasses.replace(row, audio=row.whole or row.audio))

    def cut(
        self, row: Utterance, whole: Samples, start: float, end: float, but: str = ""
    ) -> Utterance:
        """Return a row with a piece of its whole sound, which is written."""
        source = row.whole or row.audio
        first, stop = round(start * RATE), round(end * RATE)
        row = dataclasses.replace(
            row, whole=source, cut=(round(first / RATE, 6), round(stop / RATE, 6))
        )
        if first == 0 and stop >= len(whole):
            row = dataclasses.replace(row, whole="", cut=None)
            return self.with_sound(row, whole, source, but, there=True)
        stem = f"{WAVS}/{row.id}"
        return self.with_sound(row, whole[first:stop], stem, but)

    def with_sound(
        self, row: Utterance, samples: Samples, place: str, but: str = "", there: bool = False
    ) -> Utterance:
        """Return a row with its measures and notes for a sound, which is written unless there."""
        pcm = to_pcm(samples)
        digest, measures = samples_hash(pcm), measure(samples, RATE)
        audio = place if there else f"{place}~{digest[:12]}.wav"
        path = self.dataset.folder / audio
        if not path.exists():
            write_wav(path, pcm)
            sync_files(path.parent, [path])
        kept = [item for item in row.findings if item["code"] in ABOUT_TEXT | rules.BY_HAND]
        found = [
            *kept,
            *rules.length_notes(measures.duration),
            *rules.sound_notes(measures),
        ]
        twin = self.rows.twin_of_sound(digest, but or row.id)
        if twin:
            found.append(note("duplicate", f"the same sound as `{twin}`"))
        row = dataclasses.replace(row, audio=audio, audio_hash=digest, measures=measures.to_dict())
        return _judged(dataclasses.replace(row, duration=round(measures.duration, 6)), found)

    def with_text(self, row: Utterance, text: str, by: str, but: str = "") -> Utterance:
        """Return a row with another text, its phonemes and its notes."""
        normalized = normalize(text, self.dataset.language).text
        phonemes, g2p, odd = self._pronounce(normalized)
        found = [item for item in row.findings if item["code"] in ABOUT_SOUND | rules.BY_HAND]
        found += self._text_notes(text)
        if not row.audio and not rules.is_refused(found):
            found.append(note("missing_audio", "it has no sound in the dataset"))
        twin = self.rows.twin_of_text(normalized, but or row.id)
        if twin:
            found.append(note("duplicate_text", f"`{twin}` has the same text"))
        row = dataclasses.replace(row, text=text, normalized=normalized, text_by=by)
        return _judged(dataclasses.replace(row, phonemes=phonemes, g2p=g2p), [*found, *odd])

    def _text_notes(self, text: str) -> list[Note]:
        from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, default_encoder

        if self._encoder is None:
            self._encoder = default_encoder(self.dataset.language)
        return rules.text_notes(text, self._encoder, MAX_TEXT_TOKENS)[0]

    def _pronounce(self, normalized: str) -> tuple[str, str, list[Note]]:
        if self._spoken is None:
            self._spoken = Pronouncer(self.dataset)
        return self._spoken.read(normalized)


def whole_of(row: Utterance) -> str:
    """Return the WAV in whose seconds the ends of a row are told."""
    return row.whole or row.audio


def whole_cut(row: Utterance) -> tuple[float, float]:
    """Return where a row's ends are in the sound that it was cut from, in seconds."""
    return row.cut or (0.0, row.duration)


def _judged(row: Utterance, found: list[Note]) -> Utterance:
    decision = "rejected" if rules.is_refused(found) else "accepted"
    return dataclasses.replace(row, findings=found, decision=decision)
