"""Recognisers fetched from a hub on this machine: which files, what is whole, what is told."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from made_media import findings, result

from amharic_tts.base_models import transfer
from amharic_tts.errors import UserError
from amharic_tts.events import Event
from amharic_tts.recognition import catalog, store
from amharic_tts.recognition.download import download
from amharic_tts.workspace import Workspace

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL: dict[str, Any] = {"preprocessor_config.json": {}, "vocab.json": {}, "README.md": "no"}


class Hub:
    """The `resolve` addresses of a model hub; every repository has the same files."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.served: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                hub.answer(self, whole=False)

            def do_GET(self) -> None:
                hub.answer(self, whole=True)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, whole: bool) -> None:
        name = request.path.rsplit("/", 1)[-1]
        content = self.files.get(name)
        request.send_response(404 if content is None else 200)
        if content is None:
            request.send_header("X-Error-Code", "EntryNotFound")
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            request.send_header("ETag", f'"{digest}"')
            request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("Content-Length", str(len(content or b"")))
        request.end_headers()
        if whole and content is not None:
            self.served.append(name)
            request.wfile.write(content)

    def give(self, config: dict[str, Any], **files: bytes) -> None:
        bodies = {name: json.dumps(body).encode() for name, body in SMALL.items()}
        named = {name.replace("__", "."): body for name, body in files.items()}
        self.files = {"config.json": json.dumps(config).encode(), **bodies, **named}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(transfer, "RETRY_SECONDS", (0.0,))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    made = Hub()
    yield made
    made.server.shutdown()
    made.server.server_close()


def fetch(workspace: Workspace, hub: Hub, model: str, language: str = "am") -> list[Event]:
    return list(download(workspace, model, language, endpoint=hub.url))


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_whisper(workspace: Workspace, hub: Hub) -> None:
    hub.give({}, model__bin=b"weights", tokenizer__json=b"{}", vocabulary__txt=b"a")
    done = result(fetch(workspace, hub, "whisper-small", "en"))
    assert (done["kind"], done["commit"]) == ("whisper", COMMIT)
    assert done["model"] == "Systran/faster-whisper-small@0123456789ab"
    names = ["config.json", "model.bin", "preprocessor_config.json", "recogniser.json"]
    assert there(Path(done["folder"])) == [*names, "tokenizer.json", "vocabulary.txt"]
    assert store.find(workspace, "whisper-small", "en").kind == "whisper"
    assert store.is_here(workspace, "whisper-small", "en")
    assert not store.is_here(workspace, "whisper-large-v3", "en")


def test_a_second_language_fetches_its_own_weights_alone(workspace: Workspace, hub: Hub) -> None:
    adapters = {f"adapter__{code}__safetensors": code.encode() for code in ("amh", "eng")}
    config = {"architectures": ["Wav2Vec2ForCTC"], "adapter_attn_dim": 16}
    hub.give(config, model__safetensors=b"weights", **adapters)
    events = fetch(workspace, hub, "mms")
    assert findings(events) == [("licence", "warning", "facebook/mms-1b-all")]
    assert result(events)["model"].endswith("@0123456789ab (amh)")
    assert "adapter.eng.safetensors" not in there(Path(result(events)["folder"]))
    hub.served.clear()
    with pytest.raises(UserError, match=r"adapter\.eng\.safetensors` is missing") as caught:
        store.find(workspace, "mms", "en")
    assert caught.value.hint == "Fetch it: amharic-tts transcribe-download mms --language en"
    fetch(workspace, hub, "mms", "en")
    assert hub.served == ["adapter.eng.safetensors"]
    assert store.find(workspace, "mms", "en").adapter == "eng"
    assert store.find(workspace, "mms", "am").adapter == "amh"


def test_a_fetch_that_was_broken_off_is_no_recogniser(workspace: Workspace, hub: Hub) -> None:
    hub.give({"architectures": ["HubertForCTC"]}, model__safetensors=b"weights")
    steps = download(workspace, "owner/model", "am", endpoint=hub.url)
    for _ in range(4):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    folder = store.folder_of(workspace, "owner/model")
    assert (folder / "config.json").is_file()
    assert not store.is_here(workspace, "owner/model", "am")
    assert result(fetch(workspace, hub, "owner/model"))["kind"] == "ctc"
    assert store.is_here(workspace, "owner/model", "am")


@pytest.mark.parametrize(
    ("config", "files", "told"),
    [
        ({"architectures": ["BertModel"]}, {"model__safetensors": b"x"}, "names BertModel"),
        ({"architectures": ["HubertForCTC"]}, {}, "holds none of model.safetensors"),
        ({}, {}, "names no architecture"),
        (
            {"architectures": ["Wav2Vec2ForCTC"], "adapter_attn_dim": 16},
            {"model__safetensors": b"x"},
            "has no file `adapter.amh.safetensors`",
        ),
    ],
)
def test_what_is_no_recogniser(
    workspace: Workspace, hub: Hub, config: dict[str, Any], files: dict[str, bytes], told: str
) -> None:
    hub.give(config, **files)
    with pytest.raises(UserError, match=told):
        fetch(workspace, hub, "owner/model")
    assert not store.is_here(workspace, "owner/model", "am")


@pytest.mark.parametrize("model", ["nobody", "../x/y", "a/b/c"])
def test_what_is_no_model_of_the_hub(workspace: Workspace, hub: Hub, model: str) -> None:
    with pytest.raises(UserError, match="is no model of the hub"):
        fetch(workspace, hub, model)


def test_names_of_the_catalog() -> None:
    assert catalog.default("am") == "mms" and catalog.default("en") == "whisper-small"
    assert catalog.three_letters("am") == "amh" and catalog.three_letters("xyz") == "xyz"
    assert catalog.entry("facebook/mms-1b-all") is catalog.ENTRIES[0]
