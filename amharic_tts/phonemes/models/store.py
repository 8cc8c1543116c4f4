"""Converted models on disk: where they are, what `model.json` says, whether the files are whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import RATE, Symbols
from amharic_tts.settings import default_workspace

NOTE = "model.json"
"""Written last: a folder without it is no model."""
FORMAT = 1
KINDS = ("ctc", "icefall")
"""``ctc``: samples in (wav2vec 2.0 and relatives); ``icefall``: log-mel energies in (ZIPA)."""
NOTATIONS = ("ipa", "arpabet", "letters")
FRONT, MODEL = "front.onnx", "model.onnx"
_AGAIN = "Convert the model again: amharic-tts phonemes-convert MODEL"


@dataclass(frozen=True)
class Description:
    """What `model.json` says."""

    folder: Path
    kind: str
    source: str
    """Hub id or folder that it was made from."""
    revision: str
    notation: str
    languages: tuple[str, ...]
    dtype: str
    symbols: Symbols
    hop: int
    """Samples from one frame to the next."""
    receptive: int
    """Samples that one frame hears; 0 where the model takes energies."""
    normalise: bool
    """Whether the samples are brought to mean 0 and variance 1 first."""
    moments: tuple[int, int] | None
    """Kernel and stride of a first convolution with group norm; see `convert_ctc.Front`."""
    files: dict[str, tuple[int, str]]
    """Name -> bytes and SHA-256."""

    @property
    def id(self) -> str:
        """The source with the first digits of its revision."""
        return f"{self.source}@{self.revision[:12]}" if self.revision else self.source


def cache_folder() -> Path:
    """Return ``PHONEME_MODELS_DIR``, else ``cache/phonemes`` of the default workspace."""
    named = os.environ.get("PHONEME_MODELS_DIR")
    return Path(named).expanduser() if named else default_workspace() / "cache" / "phonemes"


def slug(source: str) -> str:
    """Return a name for the folders of a hub id or a local folder."""
    if is_hub_id(source):
        return source.replace("/", "--")
    path = Path(source).resolve()
    mark = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', path.name)}-{mark}"


def is_hub_id(source: str) -> bool:
    """Tell whether it has the form ``owner/name`` and is no folder here."""
    form = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", source)
    return bool(form) and ".." not in source and not Path(source).is_dir()


def converted(source: str, dtype: str, revision: str = "", cache: Path | None = None) -> Path:
    """Return the folder of a converted model, there or not."""
    at = f"@{re.sub(r'[^A-Za-z0-9._-]', '_', revision)}" if revision else ""
    return (cache or cache_folder()) / f"{slug(source)}{at}-{dtype}"


def downloads(source: str, revision: str = "", cache: Path | None = None) -> Path:
    """Return the folder of the files that a hub model was converted from."""
    at = f"@{re.sub(r'[^A-Za-z0-9._-]', '_', revision)}" if revision else ""
    return (cache or cache_folder()) / "hub" / f"{slug(source)}{at}"


def is_there(folder: Path) -> bool:
    """Tell whether a folder holds a converted model, without reading it."""
    return (folder / NOTE).is_file()


def describe(folder: Path) -> Description:
    """Read `model.json` and check that every file is there in its size.

    Raises:
        UserError: Something is missing or not as this version writes it; the file is named.
    """
    path = folder / NOTE
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"`{folder}` holds no converted model: {NOTE} is missing", _AGAIN) from None
    except (OSError, ValueError) as error:
        raise UserError(f"`{path}` can't be read: {error}", _AGAIN) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        given = body.get("format") if isinstance(body, dict) else None
        raise UserError(f"`{path}` has the format {given!r}; this version reads {FORMAT}", _AGAIN)
    try:
        found = _description(folder, body)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"`{path}` is damaged: {type(error).__name__}: {error}", _AGAIN) from error
    _check_files(found)
    return found


def _description(folder: Path, body: dict[str, Any]) -> Description:
    symbols = body["symbols"]
    names = tuple(_text(name) for name in symbols["names"])
    moments = body["moments"]
    found = Description(
        folder=folder,
        kind=_one_of(body["kind"], KINDS),
        source=_text(body["source"]),
        revision=_text(body["revision"]),
        notation=_one_of(body["notation"], NOTATIONS),
        languages=tuple(_text(name) for name in body["languages"]),
        dtype=_one_of(body["dtype"], ("int8", "fp32")),
        symbols=Symbols(
            names=names,
            blank=_index(symbols["blank"], names),
            word=None if symbols["word"] is None else _index(symbols["word"], names),
            modifiers=frozenset(_index(i, names) for i in symbols["modifiers"]),
            ignored=frozenset(_index(i, names) for i in symbols["ignored"]),
        ),
        hop=_number(body["hop"], 1, RATE),
        receptive=_number(body["receptive"], 0, RATE),
        normalise=bool(body["normalise"]),
        moments=None
        if moments is None
        else (_number(moments[0], 1, RATE), _number(moments[1], 1, RATE)),
        files={
            _text(name): (_number(entry["bytes"], 0, 1 << 40), _text(entry["sha256"]))
            for name, entry in body["files"].items()
        },
    )
    wanted = {MODEL} if found.kind == "icefall" else {MODEL, FRONT}
    if not wanted <= set(found.files):
        raise ValueError(f"{', '.join(sorted(wanted - set(found.files)))} is not among its files")
    if any(not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or ".." in name for name in found.files):
        raise ValueError("a file of it lies elsewhere")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return str(value)


def _number(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{value!r} is no number from {least} to {most}")
    return value


def _index(value: Any, names: tuple[str, ...]) -> int:
    return _number(value, 0, len(names) - 1)


def _check_files(found: Description) -> None:
    for name, (size, _) in found.files.items():
        path = found.folder / name
        if not path.is_file():
            raise UserError(f"`{path}` is missing", _AGAIN)
        if path.stat().st_size != size:
            raise UserError(
                f"`{path}` has {path.stat().st_size} bytes and should have {size}", _AGAIN
            )
    for name in found.files:
        if name.endswith(".onnx"):
            _check_graph(found, name)


def _check_graph(found: Description, name: str) -> None:
    """Check the hash of a graph (a megabyte), and that its weights are the file beside it.

    A graph names the file of its weights: without this check one from a stranger could have any
    file of the user read. Where the word `location` stands, exactly the expected name must follow.
    """
    path = found.folder / name
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != found.files[name][1]:
        raise UserError(f"`{path}` was changed after the conversion: its checksum differs", _AGAIN)
    expected = f"{name}.data".encode()
    entry = b"\x0a\x08location\x12" + bytes([len(expected)]) + expected
    if content.count(b"location") != content.count(entry):
        raise UserError(f"`{path}` names weights outside its folder", "Don't use this model")
    if entry in content and f"{name}.data" not in found.files:
        raise UserError(f"`{path.name}.data` is not among the files of `{found.folder}`", _AGAIN)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def verify(folder: Path) -> Description:
    """Describe a model and compare the checksum of every file (a second for a large one).

    Raises:
        UserError: A file is not what was converted.
    """
    found = describe(folder)
    for name, (_, wanted) in found.files.items():
        if checksum(folder / name) != wanted:
            raise UserError(f"`{folder / name}` is damaged: its checksum differs", _AGAIN)
    return found
