"""Fetch a recogniser from the model hub: resumable, every file checked, never run while fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from amharic_tts.base_models import remote
from amharic_tts.base_models.remote import FileNotThere, RemoteFile
from amharic_tts.base_models.transfer import Transfer
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Finding, Progress
from amharic_tts.files import disk_errors, to_trash, write_text
from amharic_tts.phonemes.models.store import is_hub_id
from amharic_tts.phonemes.models.vocabulary import read_object
from amharic_tts.recognition import catalog, store
from amharic_tts.text.languages import canonical
from amharic_tts.workspace import Workspace

_WHISPER = ("tokenizer.json", "preprocessor_config.json", "vocabulary.json", "vocabulary.txt")
_HUB = (
    *("preprocessor_config.json", "processor_config.json", "generation_config.json"),
    *("tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt", "normalizer.json"),
    *("special_tokens_map.json", "added_tokens.json", "sentencepiece.bpe.model", "spiece.model"),
)
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The first that is there; the second is read by torch's restricted loader, and only so."""


def download(
    workspace: Workspace,
    model: str,
    language: str = "am",
    revision: str = "",
    endpoint: str | None = None,
) -> Iterator[Event]:
    """Fetch a recogniser, or what is missing of it for another language.

    Args:
        workspace: Where it is kept.
        model: Name in the catalog, or a hub id.
        language: What it shall recognise; some models have weights of their own for each.
        revision: Branch, tag or commit; empty takes the newest.
        endpoint: Another hub than the usual one.

    Yields:
        Findings, progress in megabytes, then `Done` with ``model``, ``source``, ``folder``,
        ``kind`` and ``commit``.

    Raises:
        UserError: No such model or language in it, the hub can't be reached, a damaged file, a
            full disk, or it is being fetched already.
    """
    source, language = catalog.source_of(model), canonical(language)
    if not is_hub_id(source):
        raise UserError(
            f"`{model}` is no model of the hub",
            f"One of {', '.join(one.name for one in catalog.ENTRIES)}, or an id such as owner/name",
        )
    known = catalog.entry(source)
    if known and known.non_commercial:
        message = f"its licence, {known.licence}, forbids commercial use"
        yield Finding("licence", message, "warning", source)
    folder = store.folder_of(workspace, source, revision)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0)
    try:
        with lock:
            fetched = _Hub(workspace, source, revision or "main", folder, endpoint)
            yield from fetched.run(language)
    except Timeout as error:
        raise UserError(
            f"`{model}` is being fetched by another process", "Wait until it is done"
        ) from error


@dataclass
class _Hub:
    workspace: Workspace
    source: str
    revision: str
    folder: Path
    endpoint: str | None

    def run(self, language: str) -> Iterator[Event]:
        yield Progress(0, 0, f"asking the hub about {self.source}")
        config = self._need("config.json")
        yield from self._fetch([config])
        body = read_object(self.folder / "config.json")
        files, kind = self._files(body, language)
        # Gone while files may be of two versions; an older folder is then no recogniser.
        (self.folder / store.NOTE).unlink(missing_ok=True)
        yield from self._fetch([config, *files])
        note = {"source": self.source, "commit": config.commit, "kind": kind}
        write_text(self.folder / store.NOTE, json.dumps(note, indent=1) + "\n")
        found = store.find(
            self.workspace, self.source, language, "" if self.revision == "main" else self.revision
        )
        yield Done({"model": found.name, "folder": str(self.folder), **note})

    def _fetch(self, files: list[RemoteFile]) -> Iterator[Event]:
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        trash = self.workspace.trash
        transfer = Transfer(
            self.source, self.folder, self.source, lambda path: to_trash(path, trash)
        )
        yield from transfer.run(files)

    def _find(self, name: str) -> RemoteFile | None:
        try:
            return remote.describe(self.source, name, self.revision, self.endpoint)
        except FileNotThere:
            return None

    def _need(self, name: str) -> RemoteFile:
        return remote.describe(self.source, name, self.revision, self.endpoint)

    def _files(self, config: dict[str, Any], language: str) -> tuple[list[RemoteFile], str]:
        weights = None if config.get("architectures") else self._find(store.WHISPER_WEIGHTS)
        if weights is not None:
            return [*self._those(_WHISPER), weights], store.WHISPER
        kind = store.kind_of(self.folder, config)
        weights = next((file for name in _WEIGHTS if (file := self._find(name))), None)
        if weights is None:
            raise UserError(
                f"`{self.source}` holds none of {', '.join(_WEIGHTS)}",
                "Models whose weights are in several files can't be used; take another",
            )
        files = [*self._those(_HUB), weights]
        if kind == store.CTC and config.get("adapter_attn_dim"):
            files.append(self._need(store.adapter_file(catalog.three_letters(language))))
        return files, kind

    def _those(self, names: tuple[str, ...]) -> list[RemoteFile]:
        return [file for name in names if (file := self._find(name))]
