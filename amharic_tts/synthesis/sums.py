"""Hash lists in the format of `sha256sum`: written beside a voice, and compared with it."""

from __future__ import annotations

import hashlib
import json
import re
import time
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, BinaryIO

from amharic_tts.dataset import archives
from amharic_tts.errors import UserError
from amharic_tts.events import Clock, Event, Progress
from amharic_tts.synthesis.voices import VOICE_JSON

SUMS = "SHA256SUMS"
BLOCK = 1 << 22
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")
_MOST = 1 << 20
_TICK = 0.5


@dataclass(frozen=True)
class Report:
    """How a voice's files compare with its hash list."""

    by: str
    """The list: `SHA256SUMS`, or `voice.json` where there is no other."""
    checked: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]
    """Files that are not in the list; they are no fault."""

    @property
    def ok(self) -> bool:
        return not self.missing and not self.changed

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values."""
        return {**asdict(self), "ok": self.ok}

    def require(self, what: str) -> None:
        """Check that all is as it was written.

        Raises:
            UserError: Names what is missing or changed.
        """
        if self.ok:
            return
        lines = [f"- {name} is missing" for name in self.missing]
        lines += [f"- {name} is not what was written: its hash differs" for name in self.changed]
        raise UserError(
            f"`{what}` is not whole, by its {self.by}:\n" + "\n".join(lines),
            "Copy or download it again",
        )


def plain_name(name: object) -> str:
    """Return the name of a file that lies in a voice's folder itself.

    Raises:
        UserError: It is none: a path, or hidden.
    """
    if not isinstance(name, str) or not re.fullmatch(
        r"[^./\\:\x00-\x1f][^/\\:\x00-\x1f]{0,199}", name
    ):
        raise UserError(f"`{str(name)[:100]}` can't be the name of a file of a voice")
    return name


def written(sums: Mapping[str, str]) -> str:
    """Return the text of a hash list: ``HASH, two spaces, name`` for each file."""
    return "".join(f"{digest}  {plain_name(name)}\n" for name, digest in sorted(sums.items()))


def parsed(text: str) -> dict[str, str]:
    """Return the hashes of a list, by file name.

    Raises:
        UserError: A line is none of `sha256sum`; the message has its number.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise UserError(
                f"Line {number} of {SUMS} is not `HASH  NAME`: `{line[:80]}`",
                "Copy or download the voice again",
            )
        found[plain_name(match[2].removeprefix("./"))] = match[1].lower()
    if not found:
        raise UserError(f"{SUMS} is empty", "Copy or download the voice again")
    return found


def opened(path: Path) -> zipfile.ZipFile:
    """Open a zip.

    The weights of a voice are a zip too: where the outer one is cut short, their table of contents
    may be the last one in it, and be taken for that of the whole.

    Raises:
        UserError: It is no zip, or is cut short.
    """
    try:
        packed = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"`{path}` can't be read as a zip: {error}", "It may be cut short; download it again"
        ) from error
    if min((info.header_offset for info in packed.infolist()), default=0):
        packed.close()
        raise UserError(
            f"`{path}` can't be read as a zip: its table of contents is not there",
            "It is cut short; download it again",
        )
    return packed


class Tree:
    """The files of one folder, or of the one folder in a zip."""

    def __init__(self, path: Path) -> None:
        self.path, self._top = path, ""
        self._zip: zipfile.ZipFile | None = None
        if not path.is_dir():
            self._open_zip(path)

    def _open_zip(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(f"There is no folder or zip `{path}`")
        self._zip = packed = opened(path)
        infos = [info for info in packed.infolist() if not info.is_dir()]
        total, size = sum(info.file_size for info in infos), path.stat().st_size
        if total > archives.MAX_GROWTH * size + archives.SMALL:
            raise UserError(
                f"`{path}` has {size / 1e6:.1f} MB and would take {total / 1e6:.0f} MB unpacked"
            )
        infos = [info for info in infos if not info.filename.startswith("__MACOSX/")]
        tops = {info.filename.partition("/")[0] for info in infos if "/" in info.filename}
        flat = any("/" not in info.filename for info in infos)
        if len(tops) == 1 and not flat:
            self._top = f"{tops.pop()}/"

    def names(self) -> list[str]:
        """Return the names of the files, folders left out."""
        if self._zip is None:
            return sorted(p.name for p in self.path.iterdir() if p.is_file())
        inside = [name.removeprefix(self._top) for name in self._zip.namelist()]
        return sorted(name for name in inside if name and "/" not in name)

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        if self._zip is None:
            return (self.path / name).stat().st_size
        return self._zip.getinfo(self._top + name).file_size

    def open(self, name: str) -> BinaryIO | IO[bytes]:
        """Open a file to read."""
        if self._zip is None:
            return open(self.path / name, "rb")
        return self._zip.open(self._top + name)

    def text(self, name: str) -> str:
        """Return a small file as text.

        Raises:
            UserError: It is too large, or is not UTF-8.
        """
        if self.size(name) > _MOST:
            raise UserError(
                f"{name} of `{self.path}` has {self.size(name)} bytes: no list is so long"
            )
        with self.open(name) as file:
            try:
                return file.read().decode("utf-8")
            except UnicodeDecodeError as error:
                raise UserError(f"{name} of `{self.path}` is not UTF-8: {error}") from error

    def close(self) -> None:
        """Close the zip."""
        if self._zip is not None:
            self._zip.close()


def expected(tree: Tree) -> tuple[str, dict[str, str]]:
    """Return the name of a voice's hash list, and its hashes by file.

    Raises:
        UserError: There is none, or it can't be read.
    """
    names = tree.names()
    if SUMS in names:
        return SUMS, parsed(tree.text(SUMS))
    if VOICE_JSON not in names:
        raise UserError(
            f"`{tree.path}` has no {SUMS} and no {VOICE_JSON}: there is nothing to compare with",
            "Give a voice, or a folder or zip that `voices export` wrote",
        )
    try:
        files = json.loads(tree.text(VOICE_JSON))["files"]
        return VOICE_JSON, {plain_name(name): str(one["sha256"]) for name, one in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{VOICE_JSON} of `{tree.path}` names no hashes") from error


def compare(path: Path) -> Iterator[Event | Report]:
    """Hash the files of a voice, a folder or a zip; yield progress, last the report.

    Raises:
        UserError: There is nothing to compare with, or a file can't be read.
    """
    tree = Tree(path)
    try:
        by, wanted = expected(tree)
        there = set(tree.names())
        missing = tuple(sorted(set(wanted) - there))
        todo = sorted(set(wanted) & there)
        meter = Meter(sum(tree.size(name) for name in todo), "checking")
        changed = []
        for name in todo:
            try:
                with tree.open(name) as file:
                    digest = yield from meter.read(file, name)
            except (zipfile.BadZipFile, zlib.error, EOFError):  # damaged inside the zip
                digest = ""
            if digest != wanted[name]:
                changed.append(name)
        extra = tuple(sorted(there - set(wanted) - {SUMS}))
        yield Report(by, len(todo), missing, tuple(changed), extra)
    finally:
        tree.close()


class Meter:
    """Reads files in blocks, hashes them, and tells megabytes done of all."""

    def __init__(self, total: int, note: str) -> None:
        self.total, self.note, self.done = total, note, 0
        self._clock, self._told = Clock(round(total / 1e6, 1), note), time.monotonic()

    def read(
        self, source: IO[bytes], name: str, sink: IO[bytes] | None = None
    ) -> Generator[Progress, None, str]:
        """Yield progress while a file is read, and copied to `sink`; return its SHA-256."""
        digest = hashlib.sha256()
        while block := source.read(BLOCK):
            digest.update(block)
            if sink is not None:
                sink.write(block)
            self.done += len(block)
            if time.monotonic() - self._told > _TICK:
                self._told = time.monotonic()
                yield self._clock.progress(round(self.done / 1e6, 1), f"MB, {self.note} {name}")
        return digest.hexdigest()
