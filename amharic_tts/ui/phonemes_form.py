"""The form of the Phonemes page: what it holds, what is wrong with it, what it asks of the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from amharic_tts.errors import UserError
from amharic_tts.phonemes import expected
from amharic_tts.phonemes.expected import ExpectedWord
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import DType, LoadOptions
from amharic_tts.ui.studio import Studio

OTHER = "other"
"""The choice that stands for a hub id or a folder that is typed."""
EXPECTED = ("am", "en", "phones")
INVENTORIES = ("all", "am", "en", "own")
DTYPES = ("auto", "int8", "fp32")
"""Those of onnxruntime: torch would stay in the memory of the server, so only the test runs it."""
MAX_TEXT = 5000
"""Characters of an expected text."""


@dataclass(frozen=True)
class ExpectedForm:
    """What a visitor says was spoken."""

    text: str
    kind: str

    def words(self) -> Sequence[ExpectedWord]:
        """Return the expected words; none where nothing was typed.

        Raises:
            UserError: Too long, or the text can't be read.
        """
        text = self.text.strip()
        if not text:
            return ()
        if len(text) > MAX_TEXT:
            raise UserError(f"The text has {len(text)} characters; the page reads {MAX_TEXT}")
        if self.kind == "phones":
            return expected.from_phones(text)
        return expected.from_text(text, self.kind)


@dataclass(frozen=True)
class ListenForm:
    """What the form holds, in the order of its widgets."""

    audio: str | None
    model: str
    other: str
    inventory: str
    own: str
    dtype: str
    threads: int

    def source(self) -> Path:
        """Return the recording.

        Raises:
            UserError: There is none.
        """
        if not self.audio:
            raise UserError("There is no recording", "Upload one, or record with the microphone")
        return Path(self.audio)

    def options(self) -> LoadOptions:
        """Return how the model shall run."""
        return LoadOptions(dtype=cast(DType, self.dtype), threads=int(self.threads or 0))

    def name(self, studio: Studio) -> str:
        """Return the model: a name of the catalog, or what was typed (`typed`)."""
        return typed(self.other, studio) if self.model == OTHER else self.model

    def phones(self) -> Sequence[str] | str | None:
        """Return the phones that the model may answer with, or a language; None leaves all.

        Raises:
            UserError: An own list was chosen and is empty.
        """
        if self.inventory == "own":
            # A list, never the text itself: that could name a file of this machine.
            own = self.own.replace(",", " ").split()
            if not own:
                raise UserError(
                    "The list of phones is empty", "Write phones with spaces: `s ə l m`"
                )
            return own
        return None if self.inventory == "all" else self.inventory

    def extractor(self, studio: Studio) -> PhonemeExtractor:
        """Return the extractor that the form describes; models that are loaded are reused.

        Raises:
            UserError: The form has a mistake, or the model can't be loaded.
            MissingPart: The model has no build for this machine.
        """
        return PhonemeExtractor(
            model=self.name(studio), options=self.options(), inventory=self.phones()
        )


def typed(text: str, studio: Studio) -> str:
    """Return a hub id or the folder of a model that was typed.

    Raises:
        UserError: Nothing was typed, it reads as an option, or the page is open to others.
    """
    name = text.strip()
    if not name or name.startswith("-"):
        raise UserError("Name the other model", "A hub id such as `owner/model`, or a folder")
    studio.require_local()
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name
