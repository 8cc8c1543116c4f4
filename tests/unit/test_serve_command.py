"""Keys of the speech API, and the command `amharic-tts serve`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.serving import keys
from amharic_tts.serving.keys import Keys
from amharic_tts.workspace import Workspace

KEY = "0123456789abcdef"


def serve(workspace: Workspace, *arguments: str) -> tuple[str, BaseException | None]:
    ended = CliRunner().invoke(app, ["--workspace", str(workspace.root), "serve", *arguments])
    return ended.stdout, ended.exception


def test_a_new_key_is_for_its_owner_only_and_the_others_stay(workspace: Workspace) -> None:
    path = keys.default_file(workspace)
    first, _ = serve(workspace, "--new-key")
    assert re.fullmatch(r"att-[\w-]{43}\n", first)
    path.write_text(path.read_text() + "# of the reading machine", encoding="utf-8")
    second, _ = serve(workspace, "--new-key")
    assert path.read_text() == f"{first}# of the reading machine\n{second}"
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    found = keys.read(path, {keys.VARIABLE: KEY})
    assert found.values == (KEY.encode(), first.strip().encode(), second.strip().encode())


def test_a_key_is_matched_whole() -> None:
    found = Keys((KEY.encode(), b"another-key-of-ours"))
    assert found.match(f"Bearer {KEY}".encode()) == 0
    assert found.match(b"bearer   another-key-of-ours ") == 1
    for wrong in (b"", b"Bearer", b"Bearer ", KEY.encode(), f"Bearer {KEY[:-1]}".encode()):
        assert found.match(wrong) is None, wrong
    assert found.match(f"Basic {KEY}".encode()) is None
    assert found.match("Bearer ሰላም".encode()) is None
    assert Keys().match(b"Bearer ") is None
    assert not Keys()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("short", "line 1 is no good: it needs 16 or more"),
        (f"{KEY}\nሰላም-ሰላም-ሰላም-ሰላም-ሰላም", "line 2 is no good"),
        ("with a space in the key", "line 1 is no good"),
    ],
)
def test_a_key_that_is_no_good(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        keys.read(path, {})


@pytest.mark.skipif(os.name != "posix", reason="no such permissions")
def test_a_file_that_others_can_read_is_refused(workspace: Workspace) -> None:
    path = keys.default_file(workspace)
    path.write_text(KEY)
    path.chmod(0o640)
    for arguments in ([], ["--new-key"]):
        _, error = serve(workspace, *arguments)
        assert isinstance(error, UserError)
        assert "Others can read the keys" in error.message
        assert "chmod 600" in error.hint
    assert path.read_text() == KEY


def test_no_file_holds_no_keys(tmp_path: Path) -> None:
    assert keys.read(tmp_path / "none", {}) == Keys()
    assert keys.read(None, {keys.VARIABLE: ""}) == Keys()
    with pytest.raises(UserError, match="is a folder, not a file of keys"):
        keys.read(tmp_path, {})


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--host", "0.0.0.0"], "it has no key", "amharic-tts serve --new-key"),
        (["--key-file", "none"], "There is no file of keys `none`", "--new-key --key-file none"),
        (["--voice", "alloy"], "There is no voice `alloy`", "There are: practice"),
        (["--port", "70000"], "--port 70000 is not a port number", ""),
        (["--characters", "20000"], "characters: 20000 is outside of 1 to 10000", "book"),
        (["--a-minute", "0"], "a_minute: 0 is less than 1", ""),
    ],
)
def test_what_can_not_be_served_is_said_at_once(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    hint: str,
) -> None:
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    _, error = serve(workspace, *arguments)
    assert isinstance(error, UserError)
    assert message in error.message
    assert hint in error.hint


def test_a_port_that_is_taken(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _, error = serve(workspace, "--port", str(taken.getsockname()[1]))
    assert isinstance(error, UserError)
    assert "can't be served at 127.0.0.1" in error.message


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_the_command_serves_until_ctrl_c(workspace: Workspace) -> None:
    argv = [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace.root), "serve"]
    served = subprocess.Popen(
        [*argv, "--port", "0", "--voice", "practice"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, keys.VARIABLE: KEY},
    )
    assert served.stdout is not None
    told = served.stdout.readline()
    found = re.fullmatch(
        r"The speech API is at (http://127\.0\.0\.1:\d+/v1) \(with a key\)\n", told
    )
    assert found
    assert httpx.get(found[1] + "/models").status_code == 401
    right = {"Authorization": f"Bearer {KEY}"}
    assert httpx.get(found[1] + "/models", headers=right).json()["data"][0]["id"] == "practice"
    served.send_signal(signal.SIGINT)
    _, errors = served.communicate(timeout=20)
    assert (served.returncode, errors) == (0, "")
