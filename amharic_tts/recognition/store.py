"""The files of a recogniser: where they lie, what kind of model they are, whether all are there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.store import is_hub_id, slug
from amharic_tts.phonemes.models.vocabulary import read_object
from amharic_tts.recognition import catalog
from amharic_tts.workspace import Workspace

WHISPER, CTC, SEQ2SEQ = "whisper", "ctc", "seq2seq"
NOTE = "recogniser.json"
"""Written last by a download: a fetched folder without it is not whole."""
WHISPER_WEIGHTS = "model.bin"
_EDGE = 1 << 20
_SEQ2SEQ = ("ForConditionalGeneration", "ForSpeechSeq2Seq", "SpeechEncoderDecoderModel")


@dataclass(frozen=True)
class Files:
    """A recogniser that is here."""

    name: str
    """What it is called in results: the hub id with its revision, or the folder's name."""
    folder: Path
    kind: str
    """`whisper` (CTranslate2), `ctc` or `seq2seq` (both in the layout of transformers)."""
    adapter: str = ""
    """ISO 639-3 code of the language's own weights, for a model that has such."""


def folder_of(workspace: Workspace, source: str, revision: str = "") -> Path:
    """Return where a model of the hub is kept, there or not."""
    at = f"@{slug(revision)}" if revision else ""
    return workspace.cache / "recognisers" / f"{slug(source)}{at}"


def find(workspace: Workspace, model: str, language: str, revision: str = "") -> Files:
    """Return the files of a recogniser.

    Args:
        workspace: Where fetched models are kept.
        model: Name in the catalog, hub id, or a folder.
        language: The studio's code of what is spoken.
        revision: Branch, tag or commit of the hub; empty is the newest that was fetched.

    Raises:
        UserError: It is not here (the hint is the command that fetches it), no recogniser, or has
            no weights for the language.
    """
    source = catalog.source_of(model)
    local = Path(source).expanduser()
    if local.is_dir():
        folder = local.resolve()
        return _described(folder, folder.name, language)
    folder = folder_of(workspace, source, revision)
    command = f"amharic-tts transcribe-download {model} --language {language}"
    if revision:
        command += f" --revision {revision}"
    if not (folder / NOTE).is_file():
        if not is_hub_id(source):
            known = ", ".join(one.name for one in catalog.ENTRIES)
            raise UserError(
                f"There is no recogniser `{model}`",
                f"One of {known}, a hub id such as owner/name, or a folder with a model",
            )
        raise UserError(f"The recogniser `{model}` is not on this machine", f"Fetch it: {command}")
    body = read_object(folder / NOTE)
    commit = str(body.get("commit", ""))
    name = f"{source}@{commit[:12]}" if commit else source
    try:
        return _described(folder, name, language)
    except _NoAdapter as error:
        raise UserError(error.message, f"Fetch it: {command}") from None


def is_here(workspace: Workspace, model: str, language: str) -> bool:
    """Tell whether a recogniser can be used for a language without a download."""
    try:
        find(workspace, model, language)
    except UserError:
        return False
    return True


class _NoAdapter(UserError):
    """The model is here, the weights of the language are not."""


def _described(folder: Path, name: str, language: str) -> Files:
    config = read_object(folder / "config.json")
    kind = kind_of(folder, config)
    if kind == WHISPER and not (folder / "tokenizer.json").is_file():
        # Without it the library would ask the hub for one.
        raise UserError(f"`{folder / 'tokenizer.json'}` is missing", "Fetch the recogniser again")
    adapter = ""
    if kind == CTC and config.get("adapter_attn_dim"):
        adapter = catalog.three_letters(language)
        path = folder / adapter_file(adapter)
        if not path.is_file():
            raise _NoAdapter(
                f"The recogniser `{name}` has no weights for `{language}` here: `{path.name}` is "
                "missing",
                "Put the file there, or choose another recogniser",
            )
        name = f"{name} ({adapter})"
    return Files(name, folder, kind, adapter)


def adapter_file(adapter: str) -> str:
    """Return the name of a language's own weights; the form without code in it alone is read."""
    return f"adapter.{adapter}.safetensors"


def kind_of(folder: Path, config: dict[str, Any]) -> str:
    """Return the kind of model in a folder.

    Raises:
        UserError: It is none that can be run here.
    """
    names = [str(name) for name in config.get("architectures") or ()]
    if (folder / WHISPER_WEIGHTS).is_file() and not names:
        return WHISPER
    if any(name.endswith("ForCTC") for name in names):
        return CTC
    if any(name.endswith(_SEQ2SEQ) for name in names):
        return SEQ2SEQ
    what = ", ".join(names) or "no architecture"
    raise UserError(
        f"`{folder}` holds no speech recogniser that can be run here: its config.json names {what}",
        "Expected is a Whisper of CTranslate2 (model.bin), or a CTC or seq2seq model of "
        "transformers",
    )


def fingerprint(files: Files) -> str:
    """Return a hash that changes with the model's files.

    Small files count whole, large ones by their size, first and last megabyte: what is heard is
    remembered under it, and hashing gigabytes at each start would take longer than the work.
    """
    digest = hashlib.sha256(files.adapter.encode())
    for path in sorted(files.folder.iterdir()):
        if not path.is_file() or path.name.startswith(".") or path.name == NOTE:
            continue
        if path.name.startswith("adapter.") and path.name != adapter_file(files.adapter):
            continue
        size = path.stat().st_size
        digest.update(json.dumps([path.name, size]).encode())
        with open(path, "rb") as file:
            digest.update(file.read(_EDGE))
            if size > _EDGE:
                file.seek(max(_EDGE, size - _EDGE))
                digest.update(file.read(_EDGE))
    return digest.hexdigest()[:32]
