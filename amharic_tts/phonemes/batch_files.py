"""The sounds of a batch: found in files and folders, put in order, told apart from earlier ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from amharic_tts.audio.read import probe
from amharic_tts.dataset.root import MEDIA
from amharic_tts.dataset.wording import listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Sound:
    """One file to recognise."""

    path: Path
    """Absolute; what a result is found again by."""
    name: str
    """As the user would write it: the given file, or the given folder and the way inside it."""
    stem: str
    """The way inside the given folder without its ending, with `/`: where the result goes."""


@dataclass(frozen=True)
class Stamp:
    """What tells whether a file is still the one that was heard."""

    size: int
    modified: int
    """Nanoseconds since the epoch."""
    sha256: str = ""
    """Half of the hash of its bytes; empty where nobody needed it yet."""


@dataclass
class Found:
    """What the sources hold."""

    sounds: list[Sound] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def collect(sources: Sequence[Path]) -> Found:
    """Find the sounds of files and folders, each once, in the order of their names.

    A file that is named is taken whatever its ending; in a folder, and all folders in it, those
    with the ending of a sound or video. Names that begin with a dot are passed over.

    Raises:
        UserError: A source is missing, or there is no sound in any of them.
    """
    found = Found()
    taken: set[str] = set()
    for source in sources:
        path = Path(source).expanduser().absolute()
        if path.is_dir():
            sounds = _in_folder(source, path, found.findings)
        elif path.exists():
            sounds = iter([Sound(path, _plain(str(source)), _stem(path.name))])
        else:
            raise UserError(f"There is no file or folder `{source}`")
        for sound in sounds:
            if str(sound.path) not in taken:
                taken.add(str(sound.path))
                found.sounds.append(sound)
    if not found.sounds:
        raise UserError(
            f"There is no sound in {listed([str(source) for source in sources])}",
            f"In a folder, files with these endings are taken: {' '.join(sorted(MEDIA))}",
        )
    return found


def _in_folder(source: Path, folder: Path, findings: list[Finding]) -> Iterator[Sound]:
    """Yield the sounds of a folder; linked folders are entered, but none twice."""
    entered: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_refuse(findings)):
        # A link to a folder above it would never end.
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            message = "leads to a folder that was taken already; passed over"
            findings.append(Finding("folder_twice", message, "info", _plain(parent)))
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or Path(name).suffix.lower() not in MEDIA:
                continue
            path = Path(parent) / name
            inside = path.relative_to(folder)
            yield Sound(path, _plain(str(Path(source) / inside)), _stem(inside.as_posix()))


def _refuse(findings: list[Finding]):  # type: ignore[no-untyped-def]  # what os.walk calls
    def note(error: OSError) -> None:
        message = f"can't be opened: {error.strerror}"
        findings.append(Finding("unreadable_folder", message, subject=_plain(str(error.filename))))

    return note


def _plain(name: str) -> str:
    # A name that is not UTF-8 comes with lone surrogates, which no JSON file can hold.
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _stem(inside: str) -> str:
    return str(PurePosixPath(_plain(inside)).with_suffix("")) or "sound"


def key(sound: Sound) -> str:
    """Return what a sound is known by in the table of results."""
    return _plain(str(sound.path))


def stamp(sound: Sound) -> Stamp:
    """Return size and time of a file.

    Raises:
        UserError: It is gone, or may not be read.
    """
    try:
        facts = sound.path.stat()
    except OSError as error:
        raise UserError(f"`{sound.name}` can't be opened: {error.strerror}") from error
    return Stamp(facts.st_size, facts.st_mtime_ns)


def hashed(sound: Sound) -> str:
    """Return half of the SHA-256 of a file's bytes.

    Raises:
        UserError: It can't be read.
    """
    sha = hashlib.sha256()
    try:
        with open(sound.path, "rb") as file:
            while block := file.read(_BLOCK):
                sha.update(block)
    except OSError as error:
        raise UserError(f"`{sound.name}` can't be opened: {error.strerror}") from error
    return sha.hexdigest()[:32]


def seconds(sound: Sound) -> float:
    """Return how long a sound says it is; where it does not say, a guess from its size.

    Raises:
        UserError: It is not a sound.
    """
    declared = probe(sound.path).duration
    # Where the header is silent, 128 kbit/s is a usual rate; it only orders and estimates.
    return declared if declared is not None else sound.path.stat().st_size / 16_000
