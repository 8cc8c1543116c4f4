"""The served studio from outside: its promised API, its files, its login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from amharic_tts.ui import theme
from amharic_tts.workspace import Workspace

pytestmark = [
    pytest.mark.filterwarnings("error::UserWarning"),
    pytest.mark.filterwarnings("error::DeprecationWarning"),
    # Compiled for the first time in this very test, panphon complains about its own strings.
    pytest.mark.filterwarnings("ignore:invalid escape sequence"),
    # Gradio's queue asks pandas for an option that its next version renames.
    pytest.mark.filterwarnings("ignore::Warning:gradio.queueing"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(starlette|fastapi|websockets|uvicorn)"),
]


def test_the_public_api_is_small_and_promised(client: Any) -> None:
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/g2p", "/runs", "/speak"}


def test_every_page_is_there_in_both_languages(address: str) -> None:
    config = httpx.get(address + "config").json()
    tabs = [c["props"] for c in config["components"] if c["type"] == "tabitem"]
    tabs = [tab for tab in tabs if str(tab["elem_id"]).startswith("page-")]
    names = ["dataset", "train", "speak", "g2p", "phonemes", "system"]
    assert [tab["id"] for tab in tabs] == names * 2
    assert [tab["label"] for tab in tabs[:2]] == ["Dataset", "Train"]
    assert [tab["label"] for tab in tabs[6:8]] == ["የድምፅ ስብስብ", "ሥልጠና"]
    assert [page[0] for page in config["pages"]] == ["", "am"]
    assert httpx.get(address + "am").status_code == 200


def test_g2p_by_the_api(client: Any) -> None:
    (line,) = client.predict("ሰላም ፲፪", api_name="/g2p")["lines"]
    assert line["normalized"] == "ሰላም አሥራ ሁለት"
    epitrans = ["epitran", "epitran_plain", "epitran_red"]
    backends = ["rule_based", *epitrans, "espeak", "transphone"]
    assert [side["backend"] for side in line["sides"]] == backends
    assert line["sides"][4]["ipa"] == "səlam ʔasɨra hulət"
    assert line["sides"][0]["ipa"].startswith("səlam ")
    assert [change["rule"] for change in line["changes"]] == ["ge'ez-number"]


def test_a_users_mistake_is_told_by_the_api(client: Any) -> None:
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match="There is no text to read"):
        client.predict("  ", api_name="/g2p")


def test_runs_by_the_api(client: Any) -> None:
    assert client.predict(api_name="/runs") == []


def test_files_outside_are_refused(address: str, full: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")
    wav = next((full.dataset("sample") / "wavs").glob("*.wav"))
    here = Path(__file__).parents[2]
    for path in (secret, wav, full.root / "datasets", here / "pyproject.toml", "/etc/passwd"):
        answer = httpx.get(f"{address}gradio_api/file={path}")
        assert answer.status_code in (403, 404), path
        assert "hidden words" not in answer.text
    traversal = f"{address}gradio_api/file={theme.ASSETS}/../../../pyproject.toml"
    assert httpx.get(traversal).status_code in (403, 404)


def test_the_fonts_are_served(address: str) -> None:
    for name, _, _ in theme.FACES:
        answer = httpx.get(f"{address}gradio_api/file={theme.ASSETS / name}")
        assert answer.status_code == 200
        assert answer.content[:4] == b"wOF2"


def test_private_handlers_can_not_be_called_past_the_queue(address: str) -> None:
    config = httpx.get(address + "config").json()
    promised = ("g2p", "runs", "speak")
    for dependency in config["dependencies"]:
        assert dependency["api_visibility"] != "public" or dependency["api_name"] in promised
    for name in ("launch", "make_sample", "g2p", "speak"):
        answer = httpx.post(f"{address}gradio_api/run/{name}", json={"data": ["ሰላም"]})
        assert answer.status_code in (401, 404), name


def test_nothing_watches_or_answers_that_should_not(address: str) -> None:
    for path in ("monitoring", "gradio_api/mcp/", "gradio_api/mcp/sse"):
        assert httpx.get(address + path).status_code in (401, 403, 404), path


def test_a_password_is_asked_for(launch: Any, workspace: Workspace) -> None:
    locked = launch(workspace.root, auth=("abebe", "secret"))
    for path in ("config", "gradio_api/info", f"gradio_api/file={theme.ICON}"):
        assert httpx.get(locked + path).status_code == 401, path
    wrong = httpx.post(locked + "login", data={"username": "abebe", "password": "no"})
    assert wrong.status_code == 400
    with httpx.Client() as visitor:
        right = visitor.post(locked + "login", data={"username": "abebe", "password": "secret"})
        assert right.status_code == 200
        assert visitor.get(locked + "config").status_code == 200
