"""What was heard in one recording, read back from the result of `recognition.files`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset.subtitles import Cue
from amharic_tts.errors import UserError
from amharic_tts.recognition.files import FORMS


@dataclass(frozen=True)
class Transcript:
    """The sentences of one recording."""

    name: str
    """Of the recording, without its ending."""
    model: str
    seconds: float
    """Length of the recording."""
    cues: tuple[Cue, ...]

    def written(self, form: str) -> str:
        """Return the sentences as a file.

        Args:
            form: ``txt``, ``srt`` or ``vtt``.

        Raises:
            UserError: Another form.
        """
        writer = FORMS.get(form)
        if writer is None:
            known = ", ".join(name for name, one in FORMS.items() if one)
            raise UserError(f"form: `{form}` is none of {known}")
        return writer(self.cues)


def read(path: Path) -> Transcript:
    """Read the JSON that was written for a recording.

    Raises:
        UserError: It is gone, or it is none.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        cues = tuple(
            Cue(line, float(start), float(end), str(text))
            for line, (start, end, text) in enumerate(body["cues"], 1)
        )
        return Transcript(path.stem, str(body["model"]), float(body["seconds"]), cues)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"`{path}` is not a transcript: {error}", "Transcribe the recording again"
        ) from error
