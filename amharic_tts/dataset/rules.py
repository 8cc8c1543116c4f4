"""Why a clip would not be trained on: the limits of XTTS, and a note for everything odd.

The limits are those of coqui-tts' XTTS training (`TTS/tts/layers/xtts/trainer/dataset.py`), which
drops such rows without a word.
"""

from __future__ import annotations

from typing import Any, Protocol

from amharic_tts.audio.measure import Measures
from amharic_tts.audio.read import RATE

Note = dict[str, Any]
"""``{"code", "level", "message"}`` of one row; the level "error" is a reason to refuse the row.

What the deep check finds also has ``value`` (a number), ``unit`` and ``mend``: what would put it
right, one of `MENDS`."""

MAX_SAMPLES = 255_995
"""11.6 s at 22.05 kHz, the longest clip that XTTS trains on."""
MAX_SECONDS = MAX_SAMPLES / RATE
MIN_SECONDS = 0.5
CLIP_LIMIT = 60.0
"""Seconds; a "clip" beyond this is a recording: it is refused without being decoded."""
CLIPPED_SHARE = 0.001
INAUDIBLE_DB = -60.0

LEVELS = {
    "missing_audio": "error",
    "ambiguous_audio": "error",
    "outside_folder": "error",
    "unreadable_audio": "error",
    "outside_recording": "error",
    "bad_row": "error",
    "bad_cue_time": "error",
    "empty_cue": "error",
    "empty_text": "error",
    "unknown_characters": "error",
    "too_many_tokens": "error",
    "too_long": "error",
    "too_short": "error",
    "duplicate": "error",
    "rejected_by_hand": "error",
    "replaced": "error",
    "file_changed": "error",
    "duplicate_text": "warning",
    "no_letters": "warning",
    "overlapping_cue": "warning",
    "truncated": "warning",
    "forced_cut": "warning",
    "take_quiet": "warning",
    "take_cut_off": "warning",
    "clipping": "warning",
    "inaudible": "warning",
    "quiet": "warning",
    "loud": "warning",
    "noisy": "warning",
    "silence_start": "warning",
    "silence_end": "warning",
    "cut_start": "warning",
    "cut_end": "warning",
    "long_pause": "warning",
    "hole": "warning",
    "narrow_band": "warning",
    "offset": "warning",
    "audio_changed": "warning",
    "fast": "warning",
    "slow": "warning",
    "twin": "warning",
    "other_speaker": "warning",
    "wrong_script": "warning",
    "wrong_language": "warning",
    "digits_left": "warning",
    "speech_differs": "warning",
    "end_unsaid": "warning",
    "more_said": "warning",
    "said_twice": "warning",
    "repaired": "info",
    "dropped": "error",
    "split_up": "error",
    "g2p_fallback": "warning",
    "g2p_quality": "warning",
    "g2p_unpronounced": "warning",
    "unsure_words": "warning",
}
"""Every code that a row can carry."""

BY_HAND = frozenset({"rejected_by_hand", "replaced", "dropped", "split_up"})
"""A person, or a repair that they asked for, took the row out or put others in its place."""
MENDS = {
    "too_long": "resplit",
    "unreadable_audio": "resample",
    "quiet": "normalise_loudness",
    "loud": "normalise_loudness",
    "offset": "normalise_loudness",
    "silence_start": "trim",
    "silence_end": "trim",
    "twin": "drop",
    "duplicate_text": "listen",
    "clipping": "listen",
    "inaudible": "drop",
    "noisy": "listen",
    "cut_start": "listen",
    "cut_end": "listen",
    "long_pause": "listen",
    "hole": "listen",
    "narrow_band": "listen",
    "audio_changed": "listen",
    "fast": "listen",
    "slow": "listen",
    "other_speaker": "listen",
    "wrong_script": "edit_text",
    "wrong_language": "edit_text",
    "digits_left": "edit_text",
    "unknown_characters": "edit_text",
    "no_letters": "edit_text",
    "speech_differs": "listen",
    "end_unsaid": "listen",
    "more_said": "listen",
    "said_twice": "listen",
}
"""What is proposed for a code. A repair (`dataset.repair`) can do `trim`, `normalise_loudness`,
`resample`, `resplit` and `drop`; `edit_text` and `listen` are for people."""

TEXT_CODES = frozenset({"empty_text", "unknown_characters", "too_many_tokens", "no_letters"})
LENGTH_CODES = frozenset({"too_long", "too_short"})


class Encoder(Protocol):
    """What the rules need of `amharic_tts.tokenizer.encoder.TextEncoder`."""

    def prepare(self, text: str) -> str: ...

    def encode(self, prepared: str) -> list[int]: ...

    def unknown(self, text: str) -> list[str]: ...


def note(code: str, message: str, value: float | None = None, unit: str = "") -> Note:
    """Return a row's note; its level follows from the code.

    Args:
        code: One of `LEVELS`.
        message: What was found, in words.
        value: The same as a number, by which rows are sorted; it brings the proposed mend along.
        unit: Of the value.
    """
    found: Note = {"code": code, "level": LEVELS[code], "message": message}
    if value is not None:
        found |= {"value": round(value, 4), "unit": unit, "mend": MENDS.get(code, "listen")}
    return found


def is_refused(notes: list[Note]) -> bool:
    """Tell whether a row with these notes is left out of the training."""
    return any(item["level"] == "error" for item in notes)


def text_notes(text: str, encoder: Encoder, limit: int) -> tuple[list[Note], int]:
    """Return what is wrong with a text, and how many tokens it takes.

    Args:
        text: As the user wrote it.
        encoder: The encoder that training will use.
        limit: Most tokens that training takes.
    """
    prepared = encoder.prepare(text)
    if not prepared.strip():
        what = "there is no text" if not text.strip() else f"nothing is left of `{text[:40]}`"
        return [note("empty_text", what)], 0
    notes = []
    unknown = encoder.unknown(text)
    if unknown:
        listed = " ".join(_shown(c) for c in unknown[:10])
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        notes.append(note("unknown_characters", f"the vocabulary has no token for {listed}{more}"))
    tokens = len(encoder.encode(prepared))
    if tokens > limit:
        notes.append(note("too_many_tokens", f"{tokens} tokens, and the limit is {limit}"))
    if not any(c.isalnum() for c in prepared):
        notes.append(note("no_letters", f"`{prepared[:40]}` has no letter in it"))
    return notes, tokens


def _shown(character: str) -> str:
    return f"`{character}` (U+{ord(character):04X})" if len(character) == 1 else f"`{character}`"


def length_notes(seconds: float) -> list[Note]:
    """Return whether a clip is too long or too short for XTTS."""
    if round(seconds * RATE) > MAX_SAMPLES:
        return [note("too_long", f"{seconds:.2f} s, and the limit is {MAX_SECONDS:.2f} s")]
    if seconds < MIN_SECONDS:
        return [note("too_short", f"{seconds:.2f} s, and the least is {MIN_SECONDS:.2f} s")]
    return []


def sound_notes(measures: Measures) -> list[Note]:
    """Return what is odd about how a clip sounds."""
    notes = []
    if measures.clipped > CLIPPED_SHARE:
        share = f"{100 * measures.clipped:.1f} %"
        notes.append(note("clipping", f"{share} of the samples touch full scale"))
    if measures.peak_db < INAUDIBLE_DB:
        message = f"nothing can be heard: the loudest moment is {measures.peak_db:.0f} dB"
        notes.append(note("inaudible", message))
    return notes
