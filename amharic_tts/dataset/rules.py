"""Why a clip would not be trained on: the limits of XTTS, and a note for everything odd.

The limits are those of coqui-tts' XTTS training (`TTS/tts/layers/xtts/trainer/dataset.py`), which
drops such rows without a word.
"""

from __future__ import annotations

from typing import Protocol

from amharic_tts.audio.measure import Measures
from amharic_tts.audio.read import RATE

Note = dict[str, str]
"""``{"code", "level", "message"}`` of one row; the level "error" is a reason to refuse the row."""

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
    "g2p_fallback": "warning",
    "g2p_quality": "warning",
    "g2p_unpronounced": "warning",
}
"""Every code that a row can carry."""

TEXT_CODES = frozenset({"empty_text", "unknown_characters", "too_many_tokens", "no_letters"})
LENGTH_CODES = frozenset({"too_long", "too_short"})


class Encoder(Protocol):
    """What the rules need of `amharic_tts.tokenizer.encoder.TextEncoder`."""

    def prepare(self, text: str) -> str: ...

    def encode(self, prepared: str) -> list[int]: ...

    def unknown(self, text: str) -> list[str]: ...


def note(code: str, message: str) -> Note:
    """Return a row's note; its level follows from the code."""
    return {"code": code, "level": LEVELS[code], "message": message}


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
