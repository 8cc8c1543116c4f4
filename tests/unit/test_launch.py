"""How the page is served, read off the arguments of `launch`; no server is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.settings import Settings

ROOT = Path(__file__).parents[2]


def arguments(settings: Settings) -> dict[str, object]:
    from amharic_tts.ui.launch import launch_arguments

    return launch_arguments(settings)


def test_the_page_is_for_this_machine_only_and_sends_nothing_out(tmp_path: Path) -> None:
    given = arguments(Settings(tmp_path / "ws"))
    expected = {
        "server_name": "127.0.0.1",
        "auth": None,
        "share": False,
        "show_error": False,
        "ssr_mode": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "run_history": False,
        "allowed_paths": [],
        "max_file_size": "2gb",
        "footer_links": [],
    }
    assert {key: given[key] for key in expected} == expected
    assert str(tmp_path / "ws") in given["blocked_paths"]


def test_an_open_host_needs_a_password(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--host 0.0.0.0 opens the studio to the network"):
        arguments(Settings(tmp_path, host="0.0.0.0"))
    given = arguments(Settings(tmp_path, host="0.0.0.0", auth=("abebe", "secret")))
    assert (given["server_name"], given["auth"]) == ("0.0.0.0", ("abebe", "secret"))


def test_mcp_is_for_a_studio_that_only_this_machine_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for settings in (
        Settings(tmp_path, mcp=True, auth=("abebe", "secret")),
        Settings(tmp_path, mcp=True, host="0.0.0.0", auth=("abebe", "secret")),
        Settings(tmp_path, mcp=True, root_path="/studio"),
    ):
        with pytest.raises(UserError, match="--mcp asks nobody for a password"):
            arguments(settings)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="a part of Gradio that is not installed") as caught:
        arguments(Settings(tmp_path, mcp=True))
    assert 'pip install "gradio[mcp]==' in caught.value.hint
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert arguments(Settings(tmp_path, mcp=True))["mcp_server"] is True


def test_every_argument_is_one_that_gradio_knows(tmp_path: Path) -> None:
    import inspect

    import gradio

    known = inspect.signature(gradio.Blocks.launch).parameters
    assert set(arguments(Settings(tmp_path))) <= set(known)


def test_the_theme_names_nothing_outside() -> None:
    from amharic_tts.ui import theme

    sheets = (theme.STYLE, theme.G2P_STYLE)
    style = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    style += theme.font_faces() + theme.HEAD
    style = style.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in style
    assert "//" not in style.replace("*//*", "").replace("file=/", "").replace("/*", "")
    made = theme.theme()
    assert made._stylesheets == []
    for name, _, _ in theme.FACES:
        assert (theme.ASSETS / name).read_bytes()[:4] == b"wOF2"
    assert "SIL OPEN FONT LICENSE" in (theme.ASSETS / "OFL.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 opens the studio to the network"),
        (["--mcp", "--host", "0.0.0.0"], "--mcp asks nobody for a password"),
        (["--port", "99999"], "--port 99999 is not a port number"),
        (["--user", "abebe"], "--user needs a password"),
        (["--lang", "xx"], "The screen has no words in `xx`"),
    ],
)
def test_wrong_flags_end_with_one_message_and_code_2(
    flags: list[str], told: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "xtts_demo.py"), "--workspace", str(tmp_path / "ws"), *flags],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
