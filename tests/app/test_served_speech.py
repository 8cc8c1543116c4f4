"""The speech API beside the page, and the page's own `/speak`, with a process that speaks tones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from amharic_tts.errors import UserError
from amharic_tts.serving import keys
from amharic_tts.serving.server import mount
from amharic_tts.settings import Settings
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace

pytestmark = [
    # Gradio's queue asks pandas for an option that its next version renames.
    pytest.mark.filterwarnings("ignore::Warning:gradio.queueing"),
]

ROOT = Path(__file__).parents[2]
FAKE = ROOT / "benchmarks" / "fake_speech.py"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a function that serves a studio with the API and gives its address."""
    from amharic_tts.ui.app import build_app
    from amharic_tts.ui.launch import launch_arguments

    apps: list[Any] = []

    def start(environ: dict[str, str], **settings: Any) -> str:
        workspace = Workspace.open(tmp_path_factory.mktemp("speaking") / "workspace")
        chosen = Settings(workspace.root, **settings)
        client = SpeechClient(workspace, (sys.executable, str(FAKE)))
        app = build_app(chosen, client)
        server, address, _ = app.launch(**launch_arguments(chosen), prevent_thread_lock=True)
        mount(server, client, chosen, environ)
        apps.append((app, client))
        return str(address)

    yield start
    for app, client in apps:
        app.close()
        client.close()


@pytest.fixture(scope="module")
def address(studio: Any) -> str:
    return str(studio({}))


def test_the_api_speaks_beside_the_page(address: str) -> None:
    asked = {"model": "tts-1", "input": "ሰላም ለዓለም", "voice": "practice", "response_format": "pcm"}
    accepted = {"Accept-Encoding": "br, gzip"}
    answer = httpx.post(address + "v1/audio/speech", json=asked, headers=accepted)
    assert (answer.status_code, len(answer.content)) == (200, 2 * 4800)
    assert "content-encoding" not in answer.headers
    assert httpx.get(address + "v1/audio/voices").json()["voices"][0]["id"] == "practice"
    there = {"Origin": "https://example.org"}
    assert httpx.get(address + "v1/models", headers=there).status_code == 403
    assert httpx.get(address + "config").status_code == 200


def test_the_example_of_the_documentation(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python under "gradio_client" in docs/serving.md, word for word but for the address."""
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    section = text.split("## With gradio_client\n")[1]
    code = section.split("```python\n")[1].split("```")[0]
    assert "http://127.0.0.1:7860" in code
    monkeypatch.chdir(tmp_path)
    exec(code.replace("http://127.0.0.1:7860", address), {})
    sound, rate = soundfile.read(tmp_path / "hello.flac")
    assert (len(sound), rate) == (4800, 24000)


def test_what_the_page_can_not_speak_is_told(address: str) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(address, verbose=False)
    for arguments, told in (
        (("ሰላም", "/etc"), "There is no voice <code>/etc"),
        (("ሰላም", "practice", "", None, 1, "wma"), "There is no format"),
        ((" ", "practice"), "There is nothing to say"),
        (("ሰላም", "practice", "", None, 9), "speed: 9"),
    ):
        with pytest.raises(AppError, match=told):
            client.predict(*arguments, api_name="/speak")
    client.close()


def test_behind_a_login_the_api_has_its_key_and_the_page_its_login(studio: Any) -> None:
    key = "key-of-the-studio-00"
    locked = studio({keys.VARIABLE: key}, auth=("abebe", "secret"))
    assert httpx.get(locked + "v1/models").status_code == 401
    right = {"Authorization": f"Bearer {key}"}
    assert httpx.get(locked + "v1/models", headers=right).status_code == 200
    assert httpx.get(locked + "config", headers=right).status_code == 401
    with httpx.Client() as visitor:
        visitor.post(locked + "login", data={"username": "abebe", "password": "secret"})
        assert visitor.get(locked + "v1/models").status_code == 401


def test_behind_a_login_without_a_key_the_api_is_off(workspace: Workspace) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    app = Starlette()
    locked = Settings(workspace.root, auth=("abebe", "secret"))
    assert mount(app, SpeechClient(workspace), locked, {}).startswith("The speech API is off")
    answer = TestClient(app).get("/v1/models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "api_off")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "The speech API is under /v1 (without a key: only here)"),
        ({"host": "0.0.0.0", "auth": ("a", "b")}, "The speech API is off: it needs a key"),
        ({"root_path": "/studio"}, "The speech API is off: it needs a key"),
    ],
)
def test_without_a_key_the_api_is_for_this_machine(
    workspace: Workspace, settings: dict[str, Any], words: str
) -> None:
    from starlette.applications import Starlette

    client = SpeechClient(workspace)
    chosen = Settings(workspace.root, **settings)
    assert mount(Starlette(), client, chosen, {}).startswith(words)
    path = keys.default_file(workspace)
    keys.new(path)
    assert mount(Starlette(), client, chosen, {}) == "The speech API is under /v1"
    path.chmod(0o644)
    with pytest.raises(UserError, match="Others can read the keys"):
        mount(Starlette(), client, chosen, {})
