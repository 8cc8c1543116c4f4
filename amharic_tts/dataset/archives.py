"""ZIP and tar archives, unpacked so that nothing lands outside, and no bomb fills the disk."""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from amharic_tts.dataset.wording import counted, listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding
from amharic_tts.files import disk_errors, require_space

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_FILES = 2_000_000
MAX_GROWTH = 100
"""Times its own size that an archive may take unpacked; sound rarely takes twice."""
SMALL = 100_000_000
"""Bytes that any archive may take."""
_BAD = '\\:*?"<>|'
_LONG = 120
"""Bytes of a name; some systems take 255, and what is made of it is longer."""
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    handle: Any


def is_archive(path: Path) -> bool:
    """Tell whether a file is called like an archive that can be unpacked."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def stored_name(name: str) -> str:
    """Return the name, folder by folder, under which a file of an archive is stored.

    Signs that some system refuses become `_`; a part that is too long keeps its beginning and its
    ending, with a hash between, so that a table's long name still finds it.
    """
    return "/".join(_stored(part) for part in name.split("/"))


def _stored(part: str) -> str:
    part = unicodedata.normalize("NFC", part.encode("utf-8", "replace").decode("utf-8"))
    safe = "".join("_" if c in _BAD or ord(c) < 32 else c for c in part).rstrip(" .") or "_"
    if len(safe.encode()) <= _LONG:
        return safe
    mark = "~" + hashlib.sha256(part.encode()).hexdigest()[:8]
    stem, dot, suffix = safe.rpartition(".")
    if not stem or len(suffix.encode()) > 10:
        stem, dot, suffix = safe, "", ""
    room = _LONG - len((mark + dot + suffix).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + mark + dot + suffix


def unpack(
    archive: Path, target: Path, most_files: int | None = None, most_bytes: int | None = None
) -> Iterator[Finding | tuple[int, int]]:
    """Unpack an archive into an empty folder; yield bytes done of all, and findings.

    Links and devices are left out and told. Archives inside the archive stay as they are.

    Args:
        archive: The file.
        target: The folder.
        most_files: How many files it may hold; `MAX_FILES` by default.
        most_bytes: How large it may be unpacked, besides `MAX_GROWTH`.

    Raises:
        UserError: Damaged, locked by a password, a name that leads outside, a bomb, or too large.
    """
    with _opened(archive) as (entries, odd, opener):
        total = _check(archive, target, entries, most_files or MAX_FILES, most_bytes)
        if odd:
            message = f"{counted(len(odd), 'link')} in the archive, left out: {listed(odd)}"
            yield Finding("link_outside", message, subject=archive.name)
        done, taken = 0, set[str]()
        for entry in entries:
            path = target / _free(stored_name(entry.name), taken)
            try:
                with disk_errors(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with opener(entry.handle) as source, open(path, "wb") as file:
                        _copy(archive, entry, source, file)
            except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
                raise UserError(
                    f"`{archive}` holds `{entry.name[:100]}` as a file and as a folder",
                    "Pack it again",
                ) from error
            done += entry.size
            yield done, total


def _copy(archive: Path, entry: _Entry, source: IO[bytes], file: IO[bytes]) -> None:
    try:
        shutil.copyfileobj(source, file, 1 << 20)
    except (*_DAMAGED, RuntimeError) as error:
        raise UserError(f"`{archive}` is damaged at `{entry.name[:100]}`: {error}") from error
    if file.tell() != entry.size:
        raise UserError(f"`{archive}`: `{entry.name[:100]}` is not as long as the archive says")


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no file of the archive has yet, on any system."""
    found, n = name, 1
    while found.casefold() in taken:
        n += 1
        stem, dot, suffix = name.rpartition(".")
        found = f"{stem}-{n}{dot}{suffix}" if stem else f"{name}-{n}"
    taken.add(found.casefold())
    return found


def _check(
    archive: Path, target: Path, entries: Sequence[_Entry], files: int, most: int | None
) -> int:
    """Refuse an archive that can't be meant well, before a byte is written; return its size."""
    if len(entries) > files:
        raise UserError(f"`{archive}` holds {len(entries)} files; the most is {files}")
    for entry in entries:
        parts = entry.name.split("/")
        if ".." in parts or entry.name.startswith("/") or ":" in parts[0]:
            raise UserError(
                f"`{archive}` holds `{entry.name[:100]}`, which leads out of it",
                "Nothing was unpacked; pack the folder again",
            )
    total = sum(entry.size for entry in entries)
    size = archive.stat().st_size
    if total > MAX_GROWTH * size + SMALL:
        raise UserError(
            f"`{archive}` has {size / 1e6:.1f} MB and would take {total / 1e6:.0f} MB unpacked",
            "Nothing was unpacked; if this is right, unpack it yourself and give the folder",
        )
    if most is not None and total > most:
        raise UserError(
            f"`{archive}` would take {total / 1e9:.1f} GB unpacked; "
            f"the most is {most / 1e9:.1f} GB",
            "Nothing was unpacked",
        )
    require_space(target, total + SMALL, "What is in the archive")
    return total


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tuple[list[_Entry], list[str], Any]]:
    """Give the files of an archive, the names of what is no file, and what opens a file."""
    try:
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as packed:
                entries, odd = _of_zip(archive, packed)
                yield entries, odd, packed.open
        else:
            with tarfile.open(archive) as tar:
                members = [member for member in tar if not member.isdir()]
                files = [_Entry(_slashes(m.name), m.size, m) for m in members if m.isfile()]
                yield files, [m.name for m in members if not m.isfile()], tar.extractfile
    except _DAMAGED as error:
        raise UserError(
            f"`{archive}` can't be read as an archive: {error}", "Pack or download it again"
        ) from error


def _of_zip(archive: Path, packed: zipfile.ZipFile) -> tuple[list[_Entry], list[str]]:
    entries, odd = [], []
    for info in packed.infolist():
        if info.flag_bits & 1:
            raise UserError(
                f"`{archive}` is locked by a password", "Unpack it yourself and give the folder"
            )
        name = _slashes(_zip_name(info))
        if stat.S_ISLNK(info.external_attr >> 16):
            odd.append(name)
        elif not info.is_dir():
            entries.append(_Entry(name, info.file_size, info))
    return entries, odd


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return the name; many programs write UTF-8 without the flag that says so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _slashes(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")
