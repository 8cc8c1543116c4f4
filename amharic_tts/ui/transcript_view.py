"""What the page shows of one recording that was transcribed without a dataset. No Gradio here."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.recognition import store
from amharic_tts.recognition.transcript import Transcript, read
from amharic_tts.ui import cuts_figure
from amharic_tts.ui.html import Safe, table
from amharic_tts.ui.job_view import duration, tiles
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.transcribe_view import TranscribeForm
from amharic_tts.ui.words import Words

FORMS = ("txt", "srt", "vtt")
"""What the text can be taken away as."""
MOST_ROWS = 500


@dataclass(frozen=True)
class FileForm:
    """Which recording, what is spoken in it, and which recogniser shall hear it."""

    audio: str | None
    language: str
    model: str
    other: str

    def recogniser(self, studio: Studio) -> str:
        """Return the name, hub id or folder of the recogniser.

        Raises:
            UserError: No recording is chosen, or the recogniser is not here for its language.
        """
        if not self.audio:
            raise UserError("There is no recording yet", "Choose one to upload first")
        model = TranscribeForm(None, self.model, self.other, False).recogniser(studio)
        store.find(studio.workspace, model, self.language)
        return model

    def arguments(self, recording: Path, folder: Path, model: str) -> list[str]:
        """Return the command that hears the recording.

        Args:
            recording: The copy that is kept of the upload; absolute, so never read as an option.
            folder: Of the task; the result goes into it.
            model: From `recogniser`.
        """
        out = f"--out={folder / 'transcript'}"
        said = f"--language={self.language}"
        return ["transcribe", str(recording), out, f"--model={model}", said, "--format=json"]


def found(out: object) -> Transcript | None:
    """Return what a task wrote into its folder; None where the recording was refused.

    Raises:
        UserError: It is damaged.
    """
    path = next(iter(sorted(Path(str(out)).glob("*.json"))), None) if out else None
    return read(path) if path else None


def shown(one: Transcript, say: Words) -> str:
    """Return the sentences with their times, as HTML."""
    counts = tiles(
        {
            say("transcript.count.sentences"): f"{len(one.cues):,}",
            say("transcript.count.length"): duration(one.seconds, say),
        }
    )
    told = f'<p class="quiet">{escape(one.name)} · {escape(one.model)}</p>'
    if not one.cues:
        return f'{counts}{told}<p class="nothing">{escape(say("transcript.nothing"))}</p>'
    rows = [
        (Safe(f"{_clock(cue.start)} – {_clock(cue.end)}"), Safe(escape(cue.text)))
        for cue in one.cues[:MOST_ROWS]
    ]
    header = [say("transcript.column.time"), say("transcript.column.text")]
    left = len(one.cues) - MOST_ROWS
    more = f'<p class="quiet">{escape(say("transcript.more", n=left))}</p>' if left > 0 else ""
    return counts + told + table(header, rows, "transcript") + more


def _clock(seconds: float) -> str:
    """Return a time as ``2:03.4``."""
    tenths = round(10 * seconds)
    return f"{cuts_figure.clock(tenths // 10)}.{tenths % 10}"
