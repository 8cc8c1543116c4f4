"""What is known of one clip, and for which sound and text it holds."""

from __future__ import annotations

import hashlib
from typing import Any

from amharic_tts.dataset.manifest import Utterance

VERSION = 1
"""Raised with every change of what `clip.measured` returns for the same clip."""

Record = dict[str, Any]
"""A line of `checks.jsonl`; its fields are in docs/formats.md."""


def key_of(row: Utterance, language: str) -> str:
    """Return what a record is valid for: sound, text and language of a row."""
    facts = f"{VERSION}|{row.audio_hash}|{language}|{row.normalized}"
    return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_valid(record: Record, row: Utterance, language: str) -> bool:
    """Tell whether a record is of a row as it is now."""
    return bool(record.get("key") == key_of(row, language))
