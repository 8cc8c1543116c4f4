"""The form that builds a dataset: what it holds, what is wrong with it, the command it becomes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.files import check_name
from amharic_tts.ui.studio import Studio


@dataclasses.dataclass(frozen=True)
class BuildForm:
    """What the form holds: files or a folder, a transcript or subtitles, a name, a language."""

    audio: list[str] | None
    folder: str
    transcript: str | None
    subtitles: str | None
    name: str
    language: str

    def problems(self) -> list[str]:
        """Return everything that is missing or too much, all at once."""
        found = []
        if not self.audio and not self.folder.strip():
            found.append("Choose recordings to upload, or name a folder")
        if self.audio and self.folder.strip():
            found.append("Give uploads or a folder, not both")
        if self.transcript and self.subtitles:
            found.append("Give a transcript or subtitles, not both")
        if not self.name.strip():
            found.append("Give the dataset a name")
        return found

    def arguments(self, studio: Studio) -> list[str]:
        """Return the command that builds the dataset; uploads are kept in the workspace first.

        Raises:
            UserError: Something is missing, or a folder is named on a page open to others.
        """
        found = self.problems()
        if found:
            raise UserError("\n".join(found))
        name = check_name(self.name, "dataset")
        extra = [file for file in (self.transcript, self.subtitles) if file]
        if self.audio:
            kept = studio.keep_uploads([*self.audio, *extra])
            sources = [str(path) for path in kept[: len(self.audio)]]
            extra = [str(path) for path in kept[len(self.audio) :]]
        else:
            studio.require_local()
            # Absolute, so that it can never be read as an option.
            sources = [str(Path(self.folder.strip()).expanduser().absolute())]
            extra = [str(path) for path in studio.keep_uploads(extra)] if extra else []
        command = ["dataset", "build", *sources, f"--name={name}", f"--language={self.language}"]
        if extra:
            command += ["--transcript" if self.transcript else "--subtitles", extra[0]]
        return command
