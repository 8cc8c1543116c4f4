"""Finished voices: folders that hold a whole model, its text settings and a reference clip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from amharic_tts.base_models.catalog import PRACTICE, check_file
from amharic_tts.errors import UserError
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import vocabulary_hash
from amharic_tts.workspace import Workspace

FORMAT = 1
"""Raised when an older studio could not read what a newer one writes."""
VOICE_JSON = "voice.json"
REFERENCE = "reference.wav"
NEEDED = ("model.pth", "config.json", "vocab.json", VOICE_JSON)


@dataclass(frozen=True)
class Voice:
    """A voice folder, as far as it can be read without loading weights."""

    id: str
    """Run id, name of a voice brought in, or the path of a folder outside the workspace."""
    folder: Path
    settings: TextSettings
    created: float = 0.0
    note: str = ""
    """What a listener must know, such as that a practice voice does not speak."""
    manifest: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """What is wrong with its files; a voice with problems can't be loaded."""
    precision: str = "float32"
    """Of its weights, as far as it says."""
    imported: bool = False
    """It was brought in from elsewhere, and is no run's."""

    @property
    def language(self) -> str:
        return self.settings.language

    @property
    def reference(self) -> Path:
        return self.folder / REFERENCE


def file_problems(folder: Path, sizes: dict[str, Any] | None = None) -> list[str]:
    """Return what is wrong with the files of a voice, a line per file.

    Args:
        folder: The voice.
        sizes: What `voice.json` says about each file (``{"bytes": ...}``), where it was read.
    """
    found = [problem for name in NEEDED if (problem := check_file(folder / name))]
    told = {problem.split(" ", 1)[0] for problem in found}
    for name, told_size in (sizes or {}).items():
        path, expected = folder / name, told_size.get("bytes")
        if name in told:
            continue
        if not path.is_file():
            found.append(f"{name} is missing")
        elif path.stat().st_size != expected:
            found.append(f"{name} has {path.stat().st_size} bytes instead of {expected}")
    return found


def _body(folder: Path) -> dict[str, Any]:
    try:
        body = json.loads((folder / VOICE_JSON).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"`{folder}` is not a voice: it has no {VOICE_JSON}",
            "Choose the `ready` folder of a finished run",
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"`{folder / VOICE_JSON}` can't be read: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("text"), dict):
        raise UserError(f"`{folder / VOICE_JSON}` does not describe a voice")
    if body.get("format") != FORMAT:
        raise UserError(
            f"`{folder}` has the voice format {body.get('format')}, this version reads {FORMAT}",
            "Update the studio, or export the voice again",
        )
    return body


def read_voice(folder: Path, voice_id: str = "") -> Voice:
    """Return what a voice folder says about itself; damaged files stand in `problems`.

    Raises:
        UserError: It is no voice folder, or its `voice.json` can't be read.
    """
    if not folder.is_dir():
        raise UserError(f"There is no voice folder `{folder}`")
    body = _body(folder)
    files = body.get("files")
    return Voice(
        id=voice_id or str(folder),
        folder=folder,
        settings=TextSettings.from_dict(body["text"]),
        created=float(body.get("created", 0.0)),
        note=str(body.get("note", "")),
        manifest=body.get("manifest") or {},
        precision=_precision(body.get("taken")),
        problems=tuple(file_problems(folder, files if isinstance(files, dict) else None)),
    )


def _precision(taken: Any) -> str:
    """Return the precision that a voice says it was taken away or brought in with."""
    told = taken.get("precision") if isinstance(taken, dict) else None
    return told if told in ("float16", "bfloat16") else "float32"


def check_voice(folder: Path) -> Voice:
    """Return a voice that is fit to be loaded.

    Raises:
        UserError: It is no voice, files are missing or damaged, or its vocabulary is another one
            than it was trained with.
    """
    voice = read_voice(folder)
    if voice.problems:
        raise UserError(
            f"The voice `{folder}` can't be used:\n" + "\n".join(f"- {p}" for p in voice.problems),
            "Export it again: amharic-tts runs export ID",
        )
    told = _body(folder).get("vocabulary_sha256")
    if told != vocabulary_hash(folder / "vocab.json"):
        raise UserError(
            f"The vocabulary of `{folder}` is not the one that the voice was trained with",
            "Put back the vocab.json that belongs to it, or export the voice again",
        )
    return voice


def list_voices(workspace: Workspace) -> list[Voice]:
    """Return the voices of all runs and those brought in from elsewhere, the newest first.

    Damaged ones are among them, with `problems`.
    """
    found = []
    for voice_id, folder in _folders(workspace):
        imported = folder.parent == workspace.voices
        try:
            found.append(replace(read_voice(folder, voice_id), imported=imported))
        except UserError as error:
            problems = (error.message,)
            found.append(
                Voice(voice_id, folder, TextSettings(), problems=problems, imported=imported)
            )
    return sorted(found, key=lambda voice: (voice.created, voice.id), reverse=True)


def _folders(workspace: Workspace) -> Iterator[tuple[str, Path]]:
    """Yield the ids of the workspace's voices with their folders."""
    if workspace.runs.is_dir():
        for run in workspace.runs.iterdir():
            if (run / "ready").is_dir():
                yield run.name, run / "ready"
    if workspace.voices.is_dir():
        for folder in workspace.voices.iterdir():
            if folder.is_dir() and not folder.name.startswith("."):
                yield folder.name, folder


def find(workspace: Workspace, voice: str | Path) -> Path:
    """Return the folder of a voice: of a run by its id, brought in by its name, any by its
    directory, or the built-in one.

    The built-in voice `practice` may not be unpacked yet: see `practice_voice.make_ready`.

    Raises:
        UserError: There is no such voice; the message says which there are.
    """
    text = str(voice)
    if text == PRACTICE:
        return workspace.bases / PRACTICE
    there = {known.id: known.folder for known in list_voices(workspace)}
    if text in there:
        return there[text]
    folder = Path(text).expanduser()
    if text and folder.is_dir():
        if (folder / VOICE_JSON).exists() or not (folder / "ready").is_dir():
            return folder.absolute()
        return (folder / "ready").absolute()
    if text and (workspace.runs / text).is_dir() and "/" not in text and not text.startswith("."):
        raise UserError(
            f"The run `{text}` has no finished voice yet",
            f"Let it finish, or export it: amharic-tts runs export {text}",
        )
    known = f"There are: {', '.join([*list(there)[:10], PRACTICE])}"
    raise UserError(f"There is no voice `{text}`", known)
