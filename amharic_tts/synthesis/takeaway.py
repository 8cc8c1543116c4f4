"""Take a voice away: a folder or a zip that stock coqui and other XTTS tools load."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Progress
from amharic_tts.files import check_name, disk_errors, require_space, sync_folder
from amharic_tts.synthesis import half, notices, sums
from amharic_tts.synthesis.sums import SUMS, Meter, plain_name
from amharic_tts.synthesis.voices import NEEDED, VOICE_JSON, Voice, check_voice

MODEL = "model.pth"
_SPARE = 5_000_000
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip, so that equal voices give equal bytes."""


@dataclass(frozen=True)
class TakeawayRequest:
    """Where a voice goes, and how."""

    target: Path
    """A folder, or a zip, that is not there yet."""
    zipped: bool = False
    half: bool = False
    """Write the weights in float16: half the size."""

    def check(self) -> TakeawayRequest:
        """Return itself.

        Raises:
            UserError: Something stands at the target already, or its folder is missing.
        """
        if self.target.exists():
            raise UserError(
                f"`{self.target}` is there already; nothing is written over", "Give another name"
            )
        if not self.target.parent.is_dir():
            raise UserError(f"There is no folder `{self.target.parent}`", "Make it first")
        check_name(self.target.name, "export")
        return self


def export(folder: Path, request: TakeawayRequest) -> Iterator[Event]:
    """Write a copy of a voice that other tools load.

    It appears under its name when it is whole; a kill leaves nothing there.

    Args:
        folder: The voice.
        request: Where to, and how.

    Yields:
        Progress, then `Done` with ``target``, ``bytes``, ``files``, ``precision``, ``model_bytes``,
        with half precision ``model_bytes_before`` and ``largest_difference``, ``licence``
        (``CPML`` or empty), and the ``sha256`` of a zip.

    Raises:
        UserError: The voice is damaged, the target is there already, the disk is full.
    """
    request.check()
    voice = check_voice(folder)
    total = sum(path.stat().st_size for path in files_of(voice).values())
    require_space(request.target, total * (2 if request.half else 1) + _SPARE, "The export")
    with disk_errors(request.target):
        place = tempfile.TemporaryDirectory(dir=request.target.parent, prefix=".takeaway-")
        with place as aside:
            yield from _Export(voice, request, Path(aside)).run()


def files_of(voice: Voice) -> dict[str, Path]:
    """Return the files of a voice that go with it, by name; `voice.json` and our texts are not
    among them, as they are written anew.

    Raises:
        UserError: `voice.json` names something that can't be a file of the voice.
    """
    body = read_body(voice.folder)
    names = {*NEEDED, *(plain_name(name) for name in body.get("files") or {})}
    ours = (VOICE_JSON, SUMS, notices.CARD, notices.NOTICE, notices.CPML_TEXT)
    return {name: voice.folder / name for name in sorted(names) if name not in ours}


def read_body(folder: Path) -> dict[str, Any]:
    """Return what stands in the `voice.json` of a voice that was read before."""
    return dict(json.loads((folder / VOICE_JSON).read_text(encoding="utf-8")))


@dataclass
class _Export:
    """One export on its way."""

    voice: Voice
    request: TakeawayRequest
    aside: Path
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What `voice.json` says of each file."""

    def run(self) -> Iterator[Event]:
        files, taken = files_of(self.voice), self._as_it_is()
        if self.request.half and taken["precision"] != "float16":
            yield from self._hash_model(files)
            taken = yield from self._halved()
            files[MODEL] = self.aside / MODEL
        made = self.aside / "made"
        sink: _Folder | _Zip = (
            _Zip(made, self.request.target.stem) if self.request.zipped else _Folder(made)
        )
        meter = Meter(sum(path.stat().st_size for path in files.values()), "copying")
        with sink:
            for name, path in sorted(files.items()):
                with open(path, "rb") as source, sink.open(name) as out:
                    digest = yield from meter.read(source, name, out)
                if path.parent == self.voice.folder:
                    self._compare(name, digest)
                self.written[name] = {"bytes": path.stat().st_size, "sha256": digest}
            taken["model_bytes"] = self.written[MODEL]["bytes"]
            self._texts(sink, taken)
        yield self._finish(made, taken)

    def _as_it_is(self) -> dict[str, Any]:
        """Return what is known of the weights: an exported voice says how it was made."""
        known = read_body(self.voice.folder).get("taken")
        known = known if isinstance(known, dict) else {}
        # It may come from elsewhere: nothing but numbers is taken from it.
        told = {name: known.get(name) for name in ("model_bytes_before", "largest_difference")}
        numbers = {name: value for name, value in told.items() if isinstance(value, (int, float))}
        return {"precision": self.voice.precision, **numbers}

    def _hash_model(self, files: dict[str, Path]) -> Iterator[Event]:
        """Make sure that the weights are those that were written, before they are converted."""
        meter = Meter(files[MODEL].stat().st_size, "reading")
        with open(files[MODEL], "rb") as source:
            self._compare(MODEL, (yield from meter.read(source, MODEL)))

    def _compare(self, name: str, digest: str) -> None:
        told = read_body(self.voice.folder).get("files", {}).get(name, {}).get("sha256")
        if told not in (None, digest):
            raise UserError(
                f"`{self.voice.folder / name}` is not what was written: its hash differs",
                "Export the run again, or bring the voice in again",
            )

    def _halved(self) -> Generator[Event, None, dict[str, Any]]:
        before = (self.voice.folder / MODEL).stat().st_size
        yield Progress(0, 0, "Loading the weights")
        for step in half.halve(self.voice.folder / MODEL, self.aside / MODEL, self.aside):
            if isinstance(step, half.Halved):
                done = step
            else:
                yield step
        return {
            "precision": "float16",
            "model_bytes_before": before,
            "largest_difference": done.largest_difference,
        }

    def _texts(self, sink: _Sink, taken: dict[str, Any]) -> None:
        """Write what is told about the files, and last the list of their hashes."""
        texts = {**notices.notices(self.voice), notices.CARD: notices.card_of(self.voice, taken)}
        for name, text in texts.items():
            self.written[name] = sink.text(name, text)
        body = {**read_body(self.voice.folder), "files": self.written, "taken": taken}
        told = sink.text(VOICE_JSON, json.dumps(body, ensure_ascii=False, indent=1))
        all_files = {**self.written, VOICE_JSON: told}
        sink.text(SUMS, sums.written({name: one["sha256"] for name, one in all_files.items()}))

    def _finish(self, made: Path, taken: dict[str, Any]) -> Done:
        target = self.request.target
        self.request.check()  # it may have come to be there meanwhile
        size = made.stat().st_size if self.request.zipped else _size(made)
        digest = _digest(made) if self.request.zipped else ""
        made.rename(target)
        sync_folder(target.parent)
        return Done(
            {
                "voice": self.voice.id,
                "target": str(target),
                "bytes": size,
                "files": len(self.written) + 2,
                **taken,
                "licence": "CPML" if notices.bound_by_cpml(self.voice) else "",
                "sha256": digest,
            }
        )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(sums.BLOCK):
            digest.update(block)
    return digest.hexdigest()


class _Sink(ABC):
    """Takes the files of a voice."""

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file."""

    def text(self, name: str, text: str) -> dict[str, Any]:
        """Write a text; return its size and hash."""
        content = text.encode("utf-8")
        with self.open(name) as file:
            file.write(content)
        return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


class _Folder(_Sink):
    """Writes files into a folder, each on the disk before the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._folder.mkdir()

    def __exit__(self, *_: object) -> None:
        sync_folder(self._folder)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file."""
        path = self._folder / name
        with open(path, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


class _Zip(_Sink):
    """Writes files into one zip, in a folder of its name; weights hardly get smaller by packing."""

    def __init__(self, path: Path, top: str) -> None:
        self._path, self._top = path, top

    def __enter__(self) -> None:
        self._zip = zipfile.ZipFile(self._path, "w", allowZip64=True)

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        with open(self._path, "rb+") as file:
            os.fsync(file.fileno())

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file inside the zip."""
        info = zipfile.ZipInfo(f"{self._top}/{name}", _EARLIEST)
        info.external_attr = 0o644 << 16
        packed = name.endswith((".json", ".txt", ".md"))
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        return self._zip.open(info, "w", force_zip64=True)
