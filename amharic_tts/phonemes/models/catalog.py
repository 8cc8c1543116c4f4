"""Names of recognisers, and loading by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import LoadOptions, Recognizer
from amharic_tts.phonemes.models.hama_model import HamaModel

EMBEDDED = "embedded"


@dataclass(frozen=True)
class Entry:
    """One name that users can give."""

    name: str
    source: str
    """Package or hub id."""
    notation: str
    languages: str
    works: bool
    """Whether this version can load it."""


ENTRIES = (
    Entry(EMBEDDED, "package hama", "ipa", "English", True),
    Entry("fast", "anyspeech/zipa-small-crctc-500k", "ipa", "88 languages", False),
    Entry("accurate", "facebook/wav2vec2-lv-60-espeak-cv-ft", "ipa", "English and more", False),
)


def key(name: str, options: LoadOptions = LoadOptions()) -> str:  # noqa: B008 (frozen)
    """Return what tells a loaded model from others."""
    return f"{name} {options}"


def load(name: str, options: LoadOptions = LoadOptions()) -> Recognizer:  # noqa: B008 (frozen)
    """Load a recogniser.

    Args:
        name: ``embedded``, ``fast``, ``accurate``, a Hugging Face id or a folder.
        options: How it shall run.

    Raises:
        UserError: This version can't load it.
        MissingPart: Its package has no build for this machine.
    """
    if name == EMBEDDED:
        return HamaModel()
    hint = f"Take `{EMBEDDED}`, which is here already"
    for entry in ENTRIES:
        if entry.name == name:
            raise UserError(
                f"The model `{name}` ({entry.source}) comes with a download and a conversion, "
                "which this version can't do yet",
                hint,
            )
    if "/" in name or Path(name).exists():
        raise UserError(f"This version can't convert the model `{name}` yet", hint)
    names = ", ".join(f"`{entry.name}`" for entry in ENTRIES)
    raise UserError(
        f"There is no phoneme model `{name}`", f"The models are {names}, a hub id or a folder"
    )
