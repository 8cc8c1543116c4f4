"""The speech recognisers that are known by name; any other is known by its hub id or folder."""

from __future__ import annotations

from dataclasses import dataclass

MMS, WHISPER, WHISPER_LARGE = "mms", "whisper-small", "whisper-large-v3"


@dataclass(frozen=True)
class Entry:
    """One recogniser that the studio can fetch."""

    name: str
    source: str
    """Hub id."""
    title: str
    licence: str
    non_commercial: bool
    """Whether the licence forbids commercial use."""
    gigabytes: float
    """Of the download, about."""
    adapters: bool = False
    """Whether each language has weights of its own, which are fetched beside the common ones."""


ENTRIES = (
    Entry(
        MMS,
        "facebook/mms-1b-all",
        "MMS 1B, over 1,000 languages, Amharic among them; writes no punctuation",
        "CC BY-NC 4.0",
        True,
        3.9,
        adapters=True,
    ),
    Entry(
        WHISPER,
        "Systran/faster-whisper-small",
        "Whisper small, about 100 languages; little Amharic",
        "MIT",
        False,
        0.5,
    ),
    Entry(
        WHISPER_LARGE,
        "Systran/faster-whisper-large-v3",
        "Whisper large v3, about 100 languages; writes punctuation",
        "MIT",
        False,
        3.1,
    ),
)

_ISO_639_3 = {
    **{"am": "amh", "en": "eng", "ar": "ara", "de": "deu", "es": "spa", "fr": "fra", "it": "ita"},
    **{"pt": "por", "tr": "tur", "ti": "tir", "om": "orm", "so": "som", "sw": "swh", "nl": "nld"},
    **{"pl": "pol", "ru": "rus", "cs": "ces", "hu": "hun", "hi": "hin", "ko": "kor"},
}


def entry(name: str) -> Entry | None:
    """Return what is known about a name or hub id, or None."""
    return next((one for one in ENTRIES if name in (one.name, one.source)), None)


def source_of(name: str) -> str:
    """Return the hub id of a name; hub ids and folders stay as they are."""
    known = entry(name)
    return known.source if known else name


def default(language: str) -> str:
    """Return the recogniser that is proposed for a language."""
    return MMS if language == "am" else WHISPER


def three_letters(language: str) -> str:
    """Return the ISO 639-3 code by which models with one adapter a language know it."""
    return _ISO_639_3.get(language, language)
