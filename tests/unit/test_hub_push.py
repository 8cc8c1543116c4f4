"""A voice on its way to a model hub: a small one on this machine, which speaks the hub's API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from made_hub import COMMIT, Hub
from made_voices import voice
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Progress
from amharic_tts.synthesis import hub_push
from amharic_tts.synthesis.hub_push import PushRequest, push
from amharic_tts.synthesis.sums import parsed
from amharic_tts.workspace import Workspace

TOKEN = "hf_may_write"
REPO = "me/a-voice"


@pytest.fixture
def hub() -> Iterator[Hub]:
    one = Hub()
    yield one
    one.close()


@pytest.fixture
def ready(workspace: Workspace) -> Path:
    return voice(workspace.runs / "one" / "ready")


def send(hub: Hub, folder: Path, **asked: Any) -> tuple[dict[str, Any], list[Event]]:
    values = {"token": TOKEN, "endpoint": hub.url, "accept_license": True, **asked}
    request = PushRequest(values.pop("repo", REPO), **values)
    events = list(push(folder, request, folder.parents[2] / "cache"))
    last = events[-1]
    assert isinstance(last, Done)
    return last.result, events


def test_a_voice_lies_on_the_hub_with_its_card(hub: Hub, ready: Path) -> None:
    result, events = send(hub, ready, private=True)
    assert set(hub.files) == {
        *("model.pth", "config.json", "vocab.json", "reference.wav", "voice.json", "SHA256SUMS"),
        *("MODEL_CARD.md", "README.md", "NOTICE.txt", "LICENSE-CPML.txt"),
    }
    assert hub.files["model.pth"] == (ready / "model.pth").read_bytes()
    assert set(parsed(hub.files["SHA256SUMS"].decode())) == set(hub.files) - {
        *("SHA256SUMS", "README.md")
    }
    head, _, card = hub.files["README.md"].decode().removeprefix("---\n").partition("\n---\n\n")
    assert card.encode() == hub.files["MODEL_CARD.md"]
    assert yaml.safe_load(head) == {
        **{"language": ["am"], "license": "other", "library_name": "coqui"},
        **{"license_name": "coqui-public-model-license", "base_model": "coqui/XTTS-v2"},
        **{"license_link": "https://coqui.ai/cpml.txt", "pipeline_tag": "text-to-speech"},
        "tags": ["xtts", "text-to-speech"],
    }
    assert hub.card == hub.files["README.md"].decode()
    assert result == {
        **{"repo": REPO, "url": f"{hub.url}/{REPO}", "commit": COMMIT, "private": True},
        **{"files": sorted(hub.files), "bytes": sum(map(len, hub.files.values()))},
    }
    assert hub.repos == {REPO: {"private": True}}
    assert set(hub.storage_tokens) == {None}  # the token goes to the hub alone
    assert any(isinstance(event, Progress) and event.total for event in events)
    assert TOKEN not in repr(events) + repr(PushRequest(REPO, TOKEN))
    assert list((ready.parents[2] / "cache").iterdir()) == []


def test_a_voice_of_the_practice_base_needs_no_acceptance(hub: Hub, workspace: Workspace) -> None:
    free = voice(workspace.runs / "two" / "ready", note="does not speak")
    send(hub, free, accept_license=False)
    assert "license: apache-2.0" in hub.card
    assert hub.repos == {REPO: {"private": False}}


def test_the_licence_must_be_accepted_before_anything_is_sent(hub: Hub, ready: Path) -> None:
    with pytest.raises(UserError, match=r"bound by the Coqui Public Model License.*non-comm"):
        send(hub, ready, accept_license=False)
    assert hub.asked == []


def test_a_second_push_is_another_commit_of_the_same_repository(hub: Hub, ready: Path) -> None:
    send(hub, ready)
    assert send(hub, ready)[0]["commit"] == COMMIT
    assert sum("/commit/" in line for line in hub.asked) == 2


def test_a_public_repository_does_not_get_a_private_voice(hub: Hub, ready: Path) -> None:
    hub.repos[REPO] = {"private": False}
    with pytest.raises(UserError, match="is there already, and everybody can see it"):
        send(hub, ready, private=True)
    assert hub.files == {}


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("hf_wrong", r"does not know the token \(401\)"),
        ("hf_may_read", r"may not write to `me/a-voice` .* \(403\)"),
    ],
)
def test_a_token_that_may_not(hub: Hub, ready: Path, token: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        send(hub, ready, token=token)
    assert token not in str(caught.value)
    assert hub.files == {}


@pytest.mark.parametrize(
    ("part", "status", "message"),
    [
        ("/preupload/", 403, r"may not write to"),
        ("/preupload/", 404, r"There is no `me/a-voice`"),
        ("/storage/", 403, r"may not write to"),
        ("/commit/", 413, r"answered with 413"),
        ("/api/validate-yaml", 400, "does not take it: Invalid metadata"),
    ],
)
def test_what_the_hub_refuses_on_the_way(
    hub: Hub, ready: Path, part: str, status: int, message: str
) -> None:
    hub.fault[part] = status
    with pytest.raises(UserError, match=message) as caught:
        send(hub, ready)
    assert TOKEN not in str(caught.value)  # though the hub said it in its answer
    assert list((ready.parents[2] / "cache").iterdir()) == []


def test_a_server_that_is_no_hub(hub: Hub, ready: Path) -> None:
    hub.fault["/api/repos/create"] = 200
    with pytest.raises(UserError, match="does not answer as a model hub does"):
        send(hub, ready)


def test_a_hub_that_is_not_there(ready: Path) -> None:
    gone = Hub()
    gone.close()
    with pytest.raises(UserError, match="can't be reached"):
        send(gone, ready)


@pytest.mark.parametrize("repo", ["voice", "", "a/b/c", "../x", "me/", "me/a voice", "https://x/y"])
def test_a_repository_that_is_none(hub: Hub, ready: Path, repo: str) -> None:
    with pytest.raises(UserError, match="is not the name of a repository"):
        send(hub, ready, repo=repo)


def test_a_push_that_is_broken_off_sends_no_commit(
    hub: Hub, ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_push, "_TICK", 0.0)
    hub.gate.clear()
    steps = push(ready, PushRequest(REPO, TOKEN, False, hub.url, True), ready.parents[2] / "cache")
    for event in steps:
        if isinstance(event, Progress) and event.note == "MB sent":
            break
    threading.Timer(0.3, hub.gate.set).start()
    steps.close()  # type: ignore[attr-defined]
    assert not any("/commit/" in line for line in hub.asked)
    assert hub.files == {}
    assert list((ready.parents[2] / "cache").iterdir()) == []


def run(workspace: Workspace, *arguments: object) -> Any:
    argv = ["--workspace", str(workspace.root), "voices", "push", *map(str, arguments)]
    return CliRunner().invoke(app, argv)


def test_the_command_takes_the_token_from_a_variable(
    hub: Hub, ready: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    asked = ("one", REPO, "--endpoint", hub.url, "--accept-license")
    assert "`HF_TOKEN` holds no token" in str(run(workspace, *asked).exception)
    monkeypatch.setenv("MY_HUB", TOKEN)
    done = run(workspace, *asked, "--token-env", "MY_HUB", "--private", "--json")
    assert json.loads(done.stdout)["url"] == f"{hub.url}/{REPO}"
    assert TOKEN not in done.output
    told = run(workspace, *asked[:-1], "--token-env", "MY_HUB")
    assert "bound by the Coqui Public Model License" in str(told.exception)
