"""Recordings from an address: the real yt-dlp on a server of this machine, and what goes wrong."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_datasets import load, run
from made_media import findings, result, wav

from amharic_tts.dataset import fetch as fetching
from amharic_tts.dataset.background import in_thread
from amharic_tts.dataset.fetch import FetchRequest, fetch
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.workspace import Workspace


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address that it is served under."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.05,))
        thread.start()
        yield folder, f"http://127.0.0.1:{one.server_address[1]}"
        one.shutdown()
        thread.join()


def test_a_recording_is_brought_in_and_built_from(
    server: tuple[Path, str], workspace: Workspace, tmp_path: Path
) -> None:
    pytest.importorskip("yt_dlp")
    folder, address = server
    wav(folder / "talk.wav", 2.0)
    events = list(fetch(workspace, FetchRequest(f"{address}/talk.wav")))
    made = result(events)
    assert Path(made["recording"]).read_bytes() == (folder / "talk.wav").read_bytes()
    assert workspace.downloads in Path(made["folder"]).parents
    assert [code for code, *_ in findings(events)] == ["no_subtitles", "licence"]
    (tmp_path / "t.srt").write_text("1\n00:00:00,000 --> 00:00:01,500\nሰላም\n", encoding="utf-8")
    run(workspace, Path(made["folder"]), subtitles=tmp_path / "t.srt")
    assert [row.duration for row in load(workspace).accepted()] == [1.5]


@pytest.mark.parametrize("name", ["nothing.wav", "page.html"])
def test_an_address_without_a_recording(
    name: str, server: tuple[Path, str], workspace: Workspace
) -> None:
    pytest.importorskip("yt_dlp")
    folder, address = server
    (folder / "page.html").write_text("<html><body>hello</body></html>")
    with pytest.raises(UserError, match="can't be brought in") as told:
        list(fetch(workspace, FetchRequest(f"{address}/{name}")))
    assert "\x1b" not in told.value.message


def test_no_connection_is_told(workspace: Workspace) -> None:
    pytest.importorskip("yt_dlp")
    with pytest.raises(UserError, match="can't be brought in") as told:
        list(fetch(workspace, FetchRequest("http://127.0.0.1:9/talk.wav")))
    assert "connected to the network" in told.value.hint


@pytest.mark.parametrize("address", ["", "talk.wav", "file:///etc/passwd", "ftp://x/y", "https://"])
def test_what_is_no_address(address: str, workspace: Workspace) -> None:
    with pytest.raises(UserError, match="is no address"):
        list(fetch(workspace, FetchRequest(address)))


def test_what_is_no_language(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="is no language code"):
        list(fetch(workspace, FetchRequest("https://x.org", "--am")))


def test_without_the_optional_part(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "installed", lambda: False)
    with pytest.raises(MissingPart) as told:
        list(fetch(workspace, FetchRequest("https://example.org/a.wav")))
    assert told.value.hint == "Run: python smart_install.py --with youtube"


def test_reports_of_a_thread_come_in_order_and_its_error_too() -> None:
    def work(tell: object) -> None:
        for number in range(3):
            tell(number)  # type: ignore[operator]
        raise UserError("over")

    seen = []
    with pytest.raises(UserError, match="over"):
        for number in in_thread(work):
            seen.append(number)
    assert seen == [0, 1, 2]


def test_work_ends_when_nobody_listens() -> None:
    ended = threading.Event()

    def work(tell: object) -> None:
        try:
            while True:
                tell(1)  # type: ignore[operator]
        finally:
            ended.set()

    reports = in_thread(work)
    assert next(reports) == 1
    reports.close()  # type: ignore[attr-defined]
    assert ended.is_set()
