"""The files of a source: walked once, with links that lead out of it left out."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amharic_tts.dataset.wording import counted, listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_SOUND = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".wma", ".amr")
_MORE_SOUND = (".aiff", ".aif", ".caf", ".w64", ".au", ".mka")
_VIDEO = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".mpg", ".mpeg", ".ts", ".flv")
MEDIA = frozenset((*_SOUND, *_MORE_SOUND, *_VIDEO))
SUBTITLES = frozenset((".srt", ".vtt", ".ass", ".ssa", ".textgrid"))
TABLES = frozenset((".csv", ".tsv", ".txt", ".jsonl"))


@dataclass(frozen=True)
class Root:
    """The files of one folder, or the files that were given one by one (`folder` None)."""

    folder: Path | None
    files: dict[str, Path]
    """Name relative to the folder, with `/` -> path."""
    findings: list[Finding] = field(default_factory=list)

    def media(self) -> dict[str, Path]:
        return {n: p for n, p in self.files.items() if p.suffix.lower() in MEDIA}

    def top(self) -> dict[str, Path]:
        return {n: p for n, p in self.files.items() if "/" not in n}


def merged(roots: Sequence[Root]) -> Root:
    """Return the files of all sources as one root, for a table that speaks about all of them."""
    if len(roots) == 1:
        return roots[0]
    files = {}
    for root in roots:
        # With the folder's name before it, a name that two folders have stays ambiguous.
        prefix = f"{root.folder.name}/" if root.folder else ""
        files.update({prefix + name: path for name, path in root.files.items()})
    return Root(None, files)


def roots(sources: Sequence[Path]) -> list[Root]:
    """Return the files of the sources: a root for each folder, and one for all single files.

    Raises:
        UserError: A source is missing.
    """
    found: list[Root] = []
    single: dict[str, Path] = {}
    for source in sources:
        source = source.expanduser().absolute()
        if source.is_dir():
            found.append(_walked(source))
        elif source.is_file():
            name, n = nfc(source.name), 1
            while name in single and single[name] != source:
                n += 1  # two uploads of one name: both stay
                name = nfc(f"{source.stem}-{n}{source.suffix}")
            single[name] = source
        else:
            raise UserError(f"There is no file or folder `{source}`")
    return [*found, Root(None, single)] if single else found


def _walked(folder: Path) -> Root:
    """Return the files of a folder; hidden ones are passed over, links out of it are told.

    A link to a file inside the folder is that file under another name. A link to a folder is not
    followed: it may lead in a circle, and what is inside is found at its own place.
    """
    home = folder.resolve()
    files: dict[str, Path] = {}
    outside: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in (*folders, *sorted(names)):
            path = Path(parent) / name
            shown = nfc(path.relative_to(folder).as_posix())
            if path.is_symlink() and not _leads_inside(path, home):
                outside.append(shown)
            elif name not in folders and not name.startswith("."):
                files[shown] = path
    findings = []
    if outside:
        links = counted(len(outside), "link")
        message = f"{links} out of the folder or to nothing, not followed: {listed(outside)}"
        findings.append(Finding("link_outside", message, subject=nfc(folder.name)))
    return Root(folder, files, findings)


def _leads_inside(link: Path, home: Path) -> bool:
    place = link.resolve()
    return place.exists() and (place == home or home in place.parents)


def nfc(name: str) -> str:
    """Return a name in Unicode's composed form, as one spelling of it is compared with another."""
    # A name that is not UTF-8 comes with lone surrogates, which no JSON file can hold.
    return unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
