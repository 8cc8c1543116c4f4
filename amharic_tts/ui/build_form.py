"""The form that builds a dataset: what it holds, what is wrong with it, the command it becomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amharic_tts.dataset.cut_settings import CutSettings, Cutting
from amharic_tts.errors import UserError
from amharic_tts.files import check_name, write_text
from amharic_tts.ui.studio import Studio


@dataclasses.dataclass(frozen=True)
class SourceForm:
    """Which recordings: uploads, or a folder of this machine, and what is said in them."""

    audio: list[str] | None
    folder: str
    transcript: str | None
    subtitles: str | None

    def problems(self) -> list[str]:
        """Return everything that is missing or too much, all at once."""
        found = []
        if not self.audio and not self.folder.strip():
            found.append("Choose recordings to upload, or name a folder")
        if self.audio and self.folder.strip():
            found.append("Give uploads or a folder, not both")
        if self.transcript and self.subtitles:
            found.append("Give a transcript or subtitles, not both")
        return found

    def files(self) -> list[str]:
        """Return the uploads, the recordings first."""
        return [*(self.audio or ()), *(f for f in (self.transcript, self.subtitles) if f)]

    def keep(self, studio: Studio, kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Copy the uploads into the workspace, unless these were copied before.

        Returns:
            ``files`` as uploaded, and ``kept``, their copies.
        """
        files = self.files()
        if kept and kept["files"] == files and all(Path(path).is_file() for path in kept["kept"]):
            return dict(kept)
        copies = [str(path) for path in studio.keep_uploads(files)] if files else []
        return {"files": files, "kept": copies}

    def sources(self, studio: Studio, kept: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the arguments that name the recordings, and those for what is said in them.

        Raises:
            UserError: A folder is named on a page open to others.
        """
        count = len(self.audio or ())
        named, extra = list(kept["kept"][:count]), list(kept["kept"][count:])
        if self.folder.strip():
            studio.require_local()
            # Absolute, so that it can never be read as an option.
            named = [str(Path(self.folder.strip()).expanduser().absolute())]
        option = "--transcript" if self.transcript else "--subtitles"
        return named, [option, extra[0]] if extra else []


@dataclasses.dataclass(frozen=True)
class BuildForm:
    """What the form holds: the sources, a name, a language, and how recordings are cut."""

    audio: list[str] | None
    folder: str
    transcript: str | None
    subtitles: str | None
    name: str
    language: str
    cut: str = "exact"
    cutting: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    """Settings of the cuts that are not the usual ones: by recording, and for ``""``, of all."""
    kept: Mapping[str, Any] | None = None
    """Uploads that were copied already, to look at the cuts."""

    @property
    def source(self) -> SourceForm:
        return SourceForm(self.audio, self.folder, self.transcript, self.subtitles)

    def problems(self) -> list[str]:
        """Return everything that is missing or too much, all at once."""
        found = self.source.problems()
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
        sources, texts = self.source.sources(studio, self.source.keep(studio, self.kept))
        command = ["dataset", "build", *sources, f"--name={name}", f"--language={self.language}"]
        command += texts
        if self.cut != "exact":
            command.append(f"--cut={self.cut}")
            if self.cutting:
                command.append(f"--cuts={keep_cutting(studio, self.cutting)}")
        return command


def cutting_of(changes: Mapping[str, Mapping[str, Any]]) -> Cutting:
    """Return the settings of the cuts that a form holds."""
    default = dataclasses.replace(CutSettings(), **changes.get("", {}))
    own = {name: dataclasses.replace(default, **one) for name, one in changes.items() if name}
    return Cutting(default, own)


def keep_cutting(studio: Studio, changes: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write the settings of the cuts into the workspace, for the command to read.

    Raises:
        UserError: They are wrong.
    """
    from amharic_tts.jobs import store

    cutting = cutting_of(changes)
    problems = cutting.problems()
    if problems:
        raise UserError("\n".join(problems))
    path = studio.workspace.uploads / store.new_id("upload") / "cuts.json"
    write_text(path, cutting.to_text())
    return path
