"""The files that transphone needs, where they lie, and how they get there from its two archives.

transphone and phonepiece fetch these files themselves, unasked and without a checksum, and unpack
them into their own package folders; phonepiece takes English sounds where it has no Amharic. So the
studio looks for the files before it calls them, in its own folder first.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors, writing
from amharic_tts.settings import default_workspace

MODEL = "042801_base"
"""The one model that was published."""
MODEL_URL = f"https://github.com/xinjli/transphone/releases/download/v1.0/{MODEL}.tar.gz"
INVENTORY_URL = "https://github.com/xinjli/phonepiece/releases/download/v1.0/latest.tar.gz"
LANGUAGE = "amh"
HINT = (
    f"Download {MODEL_URL} and {INVENTORY_URL}, then run: "
    f"amharic-tts g2p-transphone {MODEL}.tar.gz latest.tar.gz"
)
_VOCABULARIES = ("grapheme.vocab", "phoneme.vocab")
_INVENTORY = ("phone.txt", "phoneme.txt", "allophone.txt")
_LEXICON = "lexicon.txt"
_CHECKPOINT = re.compile(r"model(?:_[0-9.]+)?\.pt")
_CONFIG = f"{MODEL}.yml"
_MOST_BYTES = 2_000_000_000
"""A file of the archives that is larger is refused; the model has 60 MB."""


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the studio's folder: ``TRANSPHONE_DIR``, else in the cache of the workspace."""
    chosen = environ.get("TRANSPHONE_DIR")
    return Path(chosen) if chosen else default_workspace(environ) / "cache" / "transphone"


@dataclass(frozen=True)
class Files:
    """What is there."""

    checkpoint: Path
    """The weights, beside their two vocabularies."""
    config: Path
    """The architecture: numbers of layers and their sizes."""
    inventory: Path
    """The folder ``amh`` of phonepiece; its parent is what phonepiece calls a model."""


def find(own: Path | None = None) -> Files | str:
    """Return the files, or what is missing and where it was looked for.

    The package's own folder counts too, where transphone itself has put them.
    """
    own = own or folder()
    packages = [_package("transphone"), _package("phonepiece")]
    models = [own / MODEL, packages[0] / "data" / "model" / MODEL]
    inventories = [own / "inventory" / LANGUAGE, packages[1] / "data/model/latest" / LANGUAGE]
    model = next((place for place in models if place.is_dir()), models[0])
    inventory = next((place for place in inventories if place.is_dir()), inventories[0])
    checkpoint = _checkpoint(model)
    missing = [name for name in _VOCABULARIES if not (model / name).is_file()]
    if checkpoint is None:
        missing.insert(0, "model.pt")
    if missing:
        return f"its model is not there: no {_listed(missing)} in `{model}`"
    missing = [name for name in _INVENTORY if not (inventory / name).is_file()]
    if missing:
        return (
            f"the sounds of Amharic are not there (it would take those of English): "
            f"no {_listed(missing)} in `{inventory}`"
        )
    assert checkpoint is not None
    config = model / _CONFIG
    if not config.is_file():
        config = packages[0] / "data" / "exp" / _CONFIG
    return Files(checkpoint, config, inventory)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else Path(name)


def _checkpoint(model: Path) -> Path | None:
    """Return ``model.pt``, else ``model_<error rate>.pt`` with the least, as transphone does."""
    if (model / "model.pt").is_file():
        return model / "model.pt"
    rated = [path for path in model.glob("model_*.pt") if _CHECKPOINT.fullmatch(path.name)]
    return min(rated, key=lambda path: float(path.stem.partition("_")[2]), default=None)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def place(model: Path, inventory: Path, own: Path | None = None) -> Files:
    """Take what is needed out of the two archives; nothing else in them is written anywhere.

    Args:
        model: ``042801_base.tar.gz`` of transphone.
        inventory: ``latest.tar.gz`` of phonepiece.
        own: The folder to fill; None takes `folder`.

    Raises:
        UserError: An archive is not there, damaged, or not the right one; files are there already.
    """
    own = own or folder()
    targets = (own / MODEL, own / "inventory" / LANGUAGE)
    for target in targets:
        if target.exists():
            raise UserError(f"`{target}` is there already", "Move it away to put another there")
    with disk_errors(own):
        own.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=own, prefix=".new-"))
    try:
        _unpack(model, aside / MODEL, (*_VOCABULARIES, _CONFIG), _VOCABULARIES, _CHECKPOINT)
        wanted = (*_INVENTORY, _LEXICON)
        _unpack(inventory, aside / "inventory" / LANGUAGE, wanted, _INVENTORY, None, LANGUAGE)
        with disk_errors(own):
            targets[1].parent.mkdir(exist_ok=True)
            (aside / MODEL).rename(targets[0])
            (aside / "inventory" / LANGUAGE).rename(targets[1])
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    found = find(own)
    if isinstance(found, str):
        raise UserError(f"transphone can't work with `{model}`: {found}", HINT)
    return found


def _unpack(
    archive: Path,
    target: Path,
    names: tuple[str, ...],
    needed: tuple[str, ...],
    pattern: re.Pattern[str] | None,
    parent: str = "",
) -> None:
    """Write the plain files of an archive that have one of the names; links are passed over.

    Only their last name is taken from the archive, so that none can lie outside the target.
    """
    written: set[str] = set()
    for member, content in _members(archive):
        path = PurePosixPath(member.name)
        right = path.name in names or (pattern is not None and pattern.fullmatch(path.name))
        if not right or path.name in written or (parent and path.parent.name != parent):
            continue
        if member.size > _MOST_BYTES:
            raise UserError(f"`{member.name}` in `{archive}` has {member.size} bytes: too many")
        with writing(target / path.name) as file:
            shutil.copyfileobj(content, file)
        written.add(path.name)
    missing = [name for name in needed if name not in written]
    if pattern is not None and not any(map(pattern.fullmatch, written)):
        missing.append("model.pt")
    if missing:
        raise UserError(f"`{archive}` does not hold {_listed(missing)}", HINT)


def _members(archive: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    if not archive.is_file():
        raise UserError(f"There is no file `{archive}`", HINT)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield member, content
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"`{archive}` can't be unpacked: {error}", HINT) from error
