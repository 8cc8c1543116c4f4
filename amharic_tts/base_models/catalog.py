"""The base models that a training can start from, their files and their licence."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.tokenizer.vocabulary import check_vocabulary

PRACTICE = "practice"
XTTS_V2 = "xtts-v2"

BASE_FILES = ("model.pth", "config.json", "vocab.json", "dvae.pth", "mel_stats.pth")
"""What training needs."""
SPEAKERS_FILE = "speakers_xtts.pth"
"""Built-in speakers; part of the release, not needed to train."""


@dataclass(frozen=True)
class Licence:
    """A licence that must be accepted before a download."""

    name: str
    summary: str
    link: str


@dataclass(frozen=True)
class BaseModel:
    """One base of the catalog."""

    name: str
    title: str
    files: tuple[str, ...]
    repo: str = ""
    """Repository on the model hub; empty for what is built here."""
    licence: Licence | None = None
    download_size: int = 0
    """Bytes to fetch, roughly, for the page to say before anything is asked of the server."""


CPML = Licence(
    name="Coqui Public Model License 1.0.0 (CPML)",
    summary=(
        "The XTTS v2 weights, what they produce and every voice fine-tuned from them may be used "
        "for non-commercial purposes only (personal use, study, research without pay). Whoever "
        "passes the model on must pass on the licence too. It is given without any warranty. "
        "Read the full text before you accept"
    ),
    link="https://coqui.ai/cpml.txt",
)

CATALOG: dict[str, BaseModel] = {
    PRACTICE: BaseModel(PRACTICE, "Practice base (small, synthetic, built in)", BASE_FILES),
    XTTS_V2: BaseModel(
        XTTS_V2,
        "XTTS v2 by Coqui (download, non-commercial)",
        (*BASE_FILES, SPEAKERS_FILE),
        repo="coqui/XTTS-v2",
        licence=CPML,
        download_size=2_090_000_000,
    ),
}


def check_file(path: Path) -> str:
    """Return what is wrong with one file of a model folder, or an empty string.

    Looks at what can be seen without loading weights: there, not empty, the right kind, not cut
    short (a weights file is a zip whose index stands at its end).
    """
    if not path.is_file():
        return f"{path.name} is missing"
    if not path.stat().st_size:
        return f"{path.name} is empty"
    if path.suffix == ".pth":
        with open(path, "rb") as file:
            start = file.read(2)
        if start[:1] == b"\x80":  # the older form of torch.save; its end can't be checked so
            return ""
        if start != b"PK":
            return f"{path.name} is not a weights file"
        return "" if zipfile.is_zipfile(path) else f"{path.name} is cut short"
    if path.suffix == ".json":
        return _check_json(path)
    return ""


def _check_json(path: Path) -> str:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{path.name} is not JSON: {error}"
    if path.name == "config.json":
        is_xtts = isinstance(body, dict) and body.get("model") == "xtts"
        return "" if is_xtts and "model_args" in body else f"{path.name} is not one of XTTS"
    if path.name == "vocab.json":
        try:
            check_vocabulary(body, path.name)
        except UserError as error:
            return error.message
    return ""


def check_base(folder: Path) -> list[str]:
    """Return everything that is wrong with a base folder, a line per file; empty when it is fit."""
    return [problem for name in BASE_FILES if (problem := check_file(folder / name))]
