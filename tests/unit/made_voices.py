"""Voice folders whose weights are an empty zip: enough for everything that needs no torch."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import extend, vocabulary_hash

CONFIG = {"model": "xtts", "model_args": {}, "languages": ["en", "am"]}


def stock(folder: Path, **files: bytes | None) -> Path:
    """The files of another XTTS tool; `files` replaces some, None leaves one out."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "model.pth", "w") as model:
        model.writestr("archive/data.pkl", "weights" * 100)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    vocabulary = extend(practice_vocabulary(), "am").vocab
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    return folder


def describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def voice(folder: Path, note: str = "", **changed: Any) -> Path:
    """A voice of the studio; `changed` replaces parts of its `voice.json`."""
    stock(folder)
    (folder / "reference.wav").write_bytes(b"RIFF" + bytes(5000))
    body = {
        "format": 1,
        "text": TextSettings("am", normalizer="1").to_dict(),
        "vocabulary_sha256": vocabulary_hash(folder / "vocab.json"),
        "created": 5.0,
        "note": note,
        "files": {path.name: describe(path) for path in sorted(folder.iterdir())},
        "manifest": {"dataset": {"name": "ሰዎች"}},
    }
    (folder / "voice.json").write_text(json.dumps({**body, **changed}), encoding="utf-8")
    return folder


def zipped(folder: Path, path: Path, top: str = "voice/") -> Path:
    """A zip of a folder."""
    with zipfile.ZipFile(path, "w") as out:
        for file in sorted(folder.iterdir()):
            out.write(file, top + file.name)
    return path
