"""Can every line be said? Asked before anything is spoken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import UserError
from amharic_tts.events import Progress
from amharic_tts.jobs.book_text import Source, pieces
from amharic_tts.synthesis import sentences, voices
from amharic_tts.synthesis.practice_voice import make_ready
from amharic_tts.text import languages
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.workspace import Workspace

SHOWN = 20
"""Lines that a message names."""
_BETWEEN = 0.5
"""Seconds between two progress events."""

Problem = Callable[[str], str]
"""Returns why a text can't be said, or nothing."""


@dataclass(frozen=True)
class Trouble:
    """A line that can't be said."""

    line: int
    text: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def voice_folder(workspace: Workspace, voice: str) -> Path:
    """Return the folder of a voice, the built-in one made ready.

    Raises:
        UserError: There is no such voice, or its files are damaged.
    """
    folder = voices.find(workspace, voice)
    return make_ready(folder) if voice == PRACTICE else folder


def by_voice(folder: Path, language: str | None, phonemes: bool) -> Problem:
    """Return what tells why a voice can't say a text.

    Args:
        folder: The voice.
        language: The voice's own by default.
        phonemes: Whether texts are phones, apart by spaces, words apart by ``|``.

    Raises:
        UserError: It is no voice, does not know the language, or reads no phones.
    """
    own = voices.read_voice(folder).settings
    code = own.language if language is None else languages.canonical(language)
    settings = own
    if code != own.language:
        settings = TextSettings(language=code, normalizer=own.normalizer)
    encoder = TextEncoder(folder / "vocab.json", settings)
    if phonemes and settings.text_mode != "phonemes":
        raise UserError(
            "This voice reads letters, not phones", "Leave --phonemes, or choose another voice"
        )
    return lambda text: _refusal(text, encoder, phonemes)


def _refusal(text: str, encoder: TextEncoder, phonemes: bool) -> str:
    """Return what the voice will say against a text, by the very plan that it speaks by."""
    try:
        # Phones are not cut by us, since marks and words hang together there.
        for piece in [text] if phonemes else pieces(text):
            sentences.plan(piece, encoder, phonemes)
    except UserError as error:
        return error.message
    return ""


def troubles(source: Source, problem: Problem) -> Iterator[Progress | Trouble]:
    """Look at every line; yield those that can't be said, and how far it is."""
    told = time.monotonic()
    for number, line in enumerate(source.lines):
        if time.monotonic() - told > _BETWEEN:
            told = time.monotonic()
            yield Progress(number, len(source.lines), "lines looked at")
        reason = line.trouble or problem(line.text)
        if reason:
            yield Trouble(line.number, line.text, reason)


def refused(found: list[Trouble], source: Source) -> UserError:
    """Return the error that names the lines."""
    named = [f"- line {one.line}: {one.reason} (`{one.text[:60]}`)" for one in found[:SHOWN]]
    more = [f"- and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    what = "cues" if source.cues else "lines"
    return UserError(
        f"{len(found)} of {len(source.lines)} {what} of `{source.path.name}` can't be said; "
        "nothing was spoken:\n" + "\n".join([*named, *more]),
        "Mend them, or choose that such lines are left out (--skip)",
    )
