"""The files of a phone recogniser from the model hub, by the studio's own downloader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.base_models import remote
from amharic_tts.base_models.remote import FileNotThere, RemoteFile
from amharic_tts.base_models.transfer import Transfer
from amharic_tts.errors import UserError
from amharic_tts.events import Event, Progress
from amharic_tts.files import disk_errors, to_trash

CTC_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The first that is there; safetensors can't carry code."""
_CTC_OPTIONAL = ("preprocessor_config.json", "tokenizer_config.json", "special_tokens_map.json")
ICEFALL_GRAPHS = {"int8": "model.int8.onnx", "fp32": "model.onnx"}
TOKENS = "tokens.txt"


@dataclass
class HubFiles:
    """What was found on the hub and where it lies now."""

    source: str
    revision: str
    folder: Path
    endpoint: str | None = None
    kind: str = ""
    """``ctc`` (layout of transformers) or ``icefall`` (ready-made ONNX)."""
    commit: str = ""

    def fetch(self, dtype: str) -> Iterator[Event]:
        """Download what a conversion to `dtype` needs; goes on where it was stopped.

        Raises:
            UserError: No such repository or revision, no CTC model in it, hub not reachable, a
                file damaged on the way, disk full.
        """
        yield Progress(0, 0, f"Asking the hub about {self.source}")
        config = self._find("config.json")
        files = self._ctc(config) if config and self._find("vocab.json") else self._icefall(dtype)
        self.commit = next((file.commit for file in files if file.commit), "")
        trash = self.folder.parents[1] / "trash"
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            transfer = Transfer(
                self.source, self.folder, self.source, lambda path: to_trash(path, trash)
            )
            yield from transfer.run(files)

    def _find(self, name: str) -> RemoteFile | None:
        try:
            return remote.describe(self.source, name, self.revision or "main", self.endpoint)
        except FileNotThere:
            return None

    def _ctc(self, config: RemoteFile) -> list[RemoteFile]:
        self.kind = "ctc"
        weights = next((file for name in CTC_WEIGHTS if (file := self._find(name))), None)
        if weights is None:
            raise UserError(
                f"`{self.source}` holds none of {', '.join(CTC_WEIGHTS)}",
                "Models whose weights are in several files can't be converted",
            )
        optional = (self._find(name) for name in ("vocab.json", *_CTC_OPTIONAL))
        return [config, *(file for file in optional if file), weights]

    def _icefall(self, dtype: str) -> list[RemoteFile]:
        self.kind = "icefall"
        found = [self._find(name) for name in (TOKENS, ICEFALL_GRAPHS[dtype])]
        files = [file for file in found if file]
        if len(files) < len(found):
            raise UserError(
                f"`{self.source}` holds no CTC model that can be converted",
                "Expected are config.json, vocab.json and weights (layout of transformers), or "
                f"{TOKENS} and {ICEFALL_GRAPHS[dtype]} (ZIPA)",
            )
        return files
