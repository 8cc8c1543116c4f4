"""The commands around sources: cuts, prompts, fetch, and how `build` is told to cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amharic_tts.cli import app
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.preview import Heard
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace

TEXTS = ["ሰላም ለዓለም እንዴት ነህ ዛሬ", "እንዴት አደርክ ጥሩ ነው", "ዛሬ ጥሩ ቀን ነው አለ"]


def command(workspace: Workspace, *words: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(workspace.root), "dataset", *words])


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spoken") / "ንግግር.wav"
    one = {"out": str(path), "voice": "am", "speed": 140, "pitch": 40, "texts": TEXTS}
    made = run_espeak({"gap": 0.7, "recordings": [one]})
    lines = [
        f"00:00:{start + 0.2:06.3f} --> 00:00:{end - 0.1:06.3f}\n{text}።\n"
        for (start, end), text in zip(made["recordings"][0]["spans"], TEXTS, strict=True)
    ]
    path.with_suffix(".srt").write_text("\n".join(lines), encoding="utf-8")
    return path


def test_cuts_are_shown_and_nothing_is_built(workspace: Workspace, talk: Path) -> None:
    done = command(workspace, "cuts", str(talk.parent))
    assert done.exit_code == 0
    head, *rows = done.stdout.splitlines()
    assert head.startswith("ንግግር.wav: 3 clips of ")
    assert head.endswith("0 subtitles joined, 3 moved, 0 cuts inside speech")
    assert [row.split("  ")[-1] for row in rows] == [f"{text}።" for text in TEXTS]
    assert Dataset.names(workspace) == []


def test_cuts_as_json_can_be_planned_again(workspace: Workspace, talk: Path) -> None:
    body = json.loads(command(workspace, "cuts", str(talk.parent), "--json").stdout)
    [heard] = [Heard.from_dict(one) for one in body["recordings"]]
    assert [cue.text for cue in heard.cues] == [f"{text}።" for text in TEXTS]
    plan = body["plans"][0]
    assert [cut["text"] for cut in plan["cuts"]] == [cue.text for cue in heard.cues]
    (workspace.cache / "speech" / f"{heard.digest}.npz").unlink()
    with pytest.raises(UserError, match="is gone"):
        heard.track(workspace)


def test_build_cuts_at_pauses_when_it_is_told_to(
    workspace: Workspace, talk: Path, tmp_path: Path
) -> None:
    alone = tmp_path / talk.name
    alone.write_bytes(talk.read_bytes())
    done = command(workspace, "build", str(alone), "--name", "a")
    assert done.exit_code != 0
    assert isinstance(done.exception, UserError)
    assert "--cut speech" in done.exception.hint
    done = command(
        workspace, "build", str(alone), "--name", "a", "--cut=speech", "--target=1.5", "--json"
    )
    assert json.loads(done.stdout)["reasons"] == {"empty_text": 3}
    settings = tmp_path / "cuts.json"
    settings.write_text('{"default": {"mode": "exact"}}')
    words = ("build", str(talk.parent), "--name", "b", "--cuts", str(settings), "--json")
    assert json.loads(command(workspace, *words).stdout)["accepted"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("build", "x", "--name", "a", "--cut", "loud"), "--cut: `loud` is not one of"),
        (("build", "x", "--name", "a", "--target", "90"), "must rise"),
        (("cuts", "nowhere"), "There is no file or folder"),
        (("cuts", ".", "--cuts", "nowhere.json"), "There is no file `nowhere.json`"),
        (("prompts", "nobody"), "There is no session `nobody`"),
        (("fetch", "nowhere"), "is no address"),
    ],
)
def test_mistakes(workspace: Workspace, words: tuple[str, ...], message: str) -> None:
    done = command(workspace, *words)
    assert isinstance(done.exception, UserError)
    assert message in done.exception.message


def test_a_session_is_begun_and_shown(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    begun = command(workspace, "prompts", "s", "--texts", str(tmp_path / "t.txt"), "--json")
    shown = command(workspace, "prompts", "s", "--json")
    assert begun.stdout == shown.stdout
    numbers = json.loads(shown.stdout)
    assert (numbers["prompts"], numbers["read"], numbers["language"]) == (3, 0, "am")
