from __future__ import annotations

import hashlib
import io
import itertools
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amharic_tts import base_models
from amharic_tts.base_models import transfer as module
from amharic_tts.base_models.catalog import CATALOG, XTTS_V2, check_base
from amharic_tts.base_models.download import download
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Progress
from amharic_tts.jobs import store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.workspace import Workspace

COMMIT = "6c2b0d75eae4b7047358cf7b6bd325f857d43f77"
LARGE = ("model.pth", "dvae.pth", "mel_stats.pth", "speakers_xtts.pth")
HOST = "127.0.0.1"


def weights(seed: int, size: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("data.pkl", bytes((seed * i) % 251 for i in range(size)))
    return content.getvalue()


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """A model hub on this machine: the `resolve` addresses, a storage host, faults on demand."""

    def __init__(self) -> None:
        self.files = {
            "model.pth": weights(7, 900_000),
            "dvae.pth": weights(3, 50_000),
            "mel_stats.pth": weights(5, 500),
            "speakers_xtts.pth": weights(11, 5000),
            "config.json": json.dumps({"model": "xtts", "model_args": {}}).encode(),
            "vocab.json": json.dumps(practice_vocabulary()).encode(),
        }
        self.served: dict[str, int] = dict.fromkeys(self.files, 0)
        self.ranges: list[str] = []
        self.requests: list[str] = []
        self.cut: dict[str, list[int]] = {}
        """Name -> after how many bytes each of the next answers breaks off."""
        self.spoil: set[str] = set()
        self.missing: set[str] = set()
        self.no_ranges = self.no_checksums = False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                hub.head(self)

            def do_GET(self) -> None:
                hub.get(self)

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://{HOST}:{self.port}"
        serve = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        serve.start()

    def head(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"HEAD {request.path}")
        name = request.path.rsplit("/", 1)[-1]
        content = self.files[name]
        if name in self.missing:
            request.send_response(404)
            request.send_header("X-Error-Code", "EntryNotFound")
            request.send_header("Content-Length", "0")
        elif name in LARGE:
            request.send_response(302)
            # Another host name, as the hub's storage has: metadata stands in this very answer.
            request.send_header("Location", f"http://localhost:{self.port}/storage/{name}")
            request.send_header("X-Repo-Commit", COMMIT)
            request.send_header("X-Linked-Size", str(len(content)))
            if not self.no_checksums:
                digest = hashlib.sha256(content).hexdigest()
                request.send_header("X-Linked-Etag", f'"{digest}"')
            request.send_header("Content-Length", "0")
        else:
            request.send_response(200)
            request.send_header("X-Repo-Commit", COMMIT)
            request.send_header("ETag", f'"{git_id(content)}"')
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"GET {request.path}")
        name = request.path.rsplit("/", 1)[-1]
        if name in LARGE and "/resolve/" in request.path:
            request.send_response(302)
            request.send_header("Location", f"http://{HOST}:{self.port}/storage/{name}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        content, start = self.files[name], 0
        if name in self.spoil:
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked = request.headers.get("Range")
        if asked and not self.no_ranges:
            self.ranges.append(f"{name} {asked}")
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            request.send_response(200)
        body = content[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        cuts = self.cut.get(name)
        if cuts:
            body = body[: cuts.pop(0)]
        request.wfile.write(body)
        self.served[name] += len(body)
        request.close_connection = True


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    made = Hub()
    yield made
    made.server.shutdown()
    made.server.server_close()


def fetch(workspace: Workspace, hub: Hub) -> list[Event]:
    return list(download(workspace, accept_license=True, endpoint=hub.url))


def parts(workspace: Workspace) -> list[str]:
    folder = workspace.bases / XTTS_V2 / ".parts"
    return sorted(path.name for path in folder.glob("*.part"))


def test_everything_arrives_checked_and_recorded(workspace: Workspace, hub: Hub) -> None:
    events = fetch(workspace, hub)
    folder = workspace.bases / XTTS_V2
    for name, content in hub.files.items():
        assert (folder / name).read_bytes() == content
    assert check_base(folder) == []
    assert base_models.resolve(workspace, XTTS_V2) == folder
    done = events[-1]
    assert isinstance(done, Done)
    total = sum(map(len, hub.files.values()))
    assert done.result == {
        "base": "xtts-v2",
        "folder": str(folder),
        "revision": "main",
        "commit": COMMIT,
        "files": list(CATALOG[XTTS_V2].files),
        "bytes": total,
    }
    progress = [event for event in events if isinstance(event, Progress) and event.total]
    assert all(a.done <= b.done for a, b in itertools.pairwise(progress))
    assert progress[-1].done == pytest.approx(total / 1e6, abs=2e-3)
    assert progress[-1].seconds_left is not None
    note = json.loads((folder / "base.json").read_text())
    assert note["licence"].startswith("Coqui Public Model License")
    assert note["licence_accepted"]
    assert parts(workspace) == []


def test_a_second_download_fetches_nothing(workspace: Workspace, hub: Hub) -> None:
    fetch(workspace, hub)
    before = dict(hub.served)
    assert isinstance(fetch(workspace, hub)[-1], Done)
    assert hub.served == before


def test_no_byte_is_asked_for_before_the_licence_is_accepted(
    workspace: Workspace, hub: Hub
) -> None:
    with pytest.raises(UserError) as caught:
        list(download(workspace, accept_license=False, endpoint=hub.url))
    assert "non-commercial" in caught.value.message
    assert "https://coqui.ai/cpml" in caught.value.message
    assert "--accept-license" in caught.value.hint
    assert hub.requests == []
    assert not workspace.bases.exists()


def test_a_broken_connection_goes_on_where_it_broke(workspace: Workspace, hub: Hub) -> None:
    hub.cut = {"model.pth": [300_000, 200_000]}
    events = fetch(workspace, hub)
    assert hub.ranges == ["model.pth bytes=300000-", "model.pth bytes=500000-"]
    assert hub.served == {name: len(content) for name, content in hub.files.items()}
    notes = [event.note for event in events if isinstance(event, Progress)]
    assert notes.count("model.pth: connection lost, trying again") == 2
    assert (workspace.bases / XTTS_V2 / "model.pth").read_bytes() == hub.files["model.pth"]


def test_a_server_that_stays_away_is_told_and_the_part_is_kept(
    workspace: Workspace, hub: Hub
) -> None:
    hub.cut = {"model.pth": [300_000, 0, 0, 0, 0]}
    with pytest.raises(UserError, match=f"The model hub {hub.url} can't be reached") as caught:
        fetch(workspace, hub)
    assert "what was fetched is kept" in caught.value.hint
    assert len(parts(workspace)) == 1
    hub.cut = {}
    assert isinstance(fetch(workspace, hub)[-1], Done)
    assert hub.served["model.pth"] == len(hub.files["model.pth"])


def test_a_stopped_download_goes_on_in_the_next_one(
    workspace: Workspace, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TICK", 0.0)
    events = download(workspace, accept_license=True, endpoint=hub.url)
    for event in events:
        if isinstance(event, Progress) and event.note == "model.pth" and event.done > 0.2:
            break
    events.close()  # type: ignore[attr-defined]
    (part,) = (workspace.bases / XTTS_V2 / ".parts").glob("model.pth.*.part")
    kept = part.stat().st_size
    assert 200_000 <= kept < len(hub.files["model.pth"])
    assert isinstance(fetch(workspace, hub)[-1], Done)
    assert hub.ranges == [f"model.pth bytes={kept}-"]


def test_a_server_without_ranges_begins_anew(workspace: Workspace, hub: Hub) -> None:
    hub.cut, hub.no_ranges = {"model.pth": [300_000]}, True
    fetch(workspace, hub)
    assert (workspace.bases / XTTS_V2 / "model.pth").read_bytes() == hub.files["model.pth"]
    assert hub.served["model.pth"] == 300_000 + len(hub.files["model.pth"])


@pytest.mark.parametrize("name", ["model.pth", "vocab.json"])
def test_a_damaged_file_is_named_put_aside_and_fetched_anew(
    workspace: Workspace, hub: Hub, name: str
) -> None:
    hub.spoil = {name}
    with pytest.raises(UserError, match=f"`{name}` arrived damaged"):
        fetch(workspace, hub)
    assert not (workspace.bases / XTTS_V2 / name).exists()
    assert len(list(workspace.trash.glob(f"*{name}*"))) == 1
    hub.spoil = set()
    before = dict(hub.served)
    assert isinstance(fetch(workspace, hub)[-1], Done)
    assert hub.served[name] == before[name] + len(hub.files[name])


def test_a_file_that_was_changed_here_is_replaced_and_kept_in_the_trash(
    workspace: Workspace, hub: Hub
) -> None:
    fetch(workspace, hub)
    folder = workspace.bases / XTTS_V2
    (folder / "config.json").write_text("mine")
    assert "config.json is not JSON" in check_base(folder)[0]
    fetch(workspace, hub)
    assert (folder / "config.json").read_bytes() == hub.files["config.json"]
    (kept,) = workspace.trash.iterdir()
    assert kept.read_text() == "mine"


def test_a_file_that_the_hub_lacks_is_named(workspace: Workspace, hub: Hub) -> None:
    hub.missing = {"dvae.pth"}
    with pytest.raises(UserError, match=r"`coqui/XTTS-v2` has no file `dvae.pth` at revision"):
        fetch(workspace, hub)


def test_no_network_is_told_with_a_way_out(workspace: Workspace, hub: Hub) -> None:
    hub.server.shutdown()
    hub.server.server_close()
    with pytest.raises(UserError, match=f"The model hub {hub.url} can't be reached") as caught:
        fetch(workspace, hub)
    assert "The practice base needs no network" in caught.value.hint


def test_a_full_disk_is_told_before_anything_is_fetched(
    workspace: Workspace, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(workspace.root)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="The download of `xtts-v2` needs"):
        fetch(workspace, hub)
    assert not any(request.startswith("GET") for request in hub.requests)


def test_a_server_without_checksums_is_told(workspace: Workspace, hub: Hub) -> None:
    hub.no_checksums = True
    codes = [getattr(event, "code", "") for event in fetch(workspace, hub)]
    assert codes.count("no-checksum") == len(LARGE)


def test_two_downloads_at_once_are_refused(workspace: Workspace, hub: Hub) -> None:
    first = download(workspace, accept_license=True, endpoint=hub.url)
    next(first)
    with pytest.raises(UserError, match="is being downloaded by another process"):
        fetch(workspace, hub)
    assert isinstance(list(first)[-1], Done)


def test_what_is_no_base_is_refused(workspace: Workspace, hub: Hub) -> None:
    hub.files["config.json"] = b'{"model": "other"}'
    with pytest.raises(UserError, match=r"config\.json is not one of XTTS"):
        fetch(workspace, hub)
    with pytest.raises(UserError, match="nothing to download for `practice`"):
        list(download(workspace, accept_license=True, name="practice"))


def test_other_revisions_take_the_side_files_from_main(workspace: Workspace, hub: Hub) -> None:
    list(download(workspace, True, endpoint=hub.url, revision="v2.0.2"))
    heads = [request for request in hub.requests if request.startswith("HEAD")]
    assert heads[0] == "HEAD /coqui/XTTS-v2/resolve/v2.0.2/model.pth"
    assert "HEAD /coqui/XTTS-v2/resolve/main/dvae.pth" in heads


def test_a_base_folder_is_checked_file_by_file(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not downloaded yet"):
        base_models.resolve(workspace, XTTS_V2)
    with pytest.raises(UserError, match="There is no base model `nothing`"):
        base_models.resolve(workspace, "nothing")
    (tmp_path / "model.pth").write_bytes(weights(1, 100)[:-30])
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "dvae.pth").write_bytes(b"<html>")
    (tmp_path / "mel_stats.pth").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        base_models.resolve(workspace, str(tmp_path))
    assert caught.value.message.splitlines()[1:] == [
        "- model.pth is cut short",
        "- config.json is not one of XTTS",
        "- vocab.json is missing",
        "- dvae.pth is not a weights file",
        "- mel_stats.pth is empty",
    ]
    assert base_models.resolve(workspace, "practice") == workspace.bases / "practice"
    assert not base_models.is_ready(workspace, "practice")


def test_the_commands_list_and_download(workspace: Workspace, hub: Hub) -> None:
    from amharic_tts.cli import app

    root = ["--workspace", str(workspace.root), "base"]
    refused = CliRunner().invoke(app, [*root, "download", "--endpoint", hub.url])
    assert isinstance(refused.exception, UserError)
    options = ["--accept-license", "--endpoint", hub.url, "--json"]
    ended = CliRunner().invoke(app, [*root, "download", *options])
    assert json.loads(ended.stdout)["commit"] == COMMIT
    listed = CliRunner().invoke(app, [*root, "list", "--json"])
    ready = {row["name"]: row["ready"] for row in json.loads(listed.stdout)}
    assert ready == {"practice": False, "xtts-v2": True}


def test_a_download_runs_as_a_job(workspace: Workspace, hub: Hub) -> None:
    from amharic_tts.cli import app

    command = ["-m", "amharic_tts", "base", "download"]
    job = store.create(workspace, JobSpec("task-1", "task", "Download", command))
    options = ["--accept-license", "--endpoint", hub.url, "--job", str(job.folder)]
    CliRunner().invoke(app, ["--workspace", str(workspace.root), "base", "download", *options])
    history = job.history()
    assert history.result["commit"] == COMMIT
    assert check_base(workspace.bases / XTTS_V2) == []
