"""One recording without a dataset: the command, what is shown of its result, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.errors import UserError
from amharic_tts.events import Done, EventLog, Finding
from amharic_tts.jobs import process
from amharic_tts.settings import Settings
from amharic_tts.ui import transcript_view, words
from amharic_tts.ui.job_view import Watch
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.transcribe_view import OTHER
from amharic_tts.workspace import Workspace

CUES = [[0.0, 1.7, "ሰላም ለዓለም።"], [62.3, 64.14, "<b>እንዴት</b> ናችሁ፧"]]


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "start", lambda *_: None)


@pytest.fixture
def model(tmp_path: Path) -> str:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    return str(folder)


@pytest.fixture
def upload(tmp_path: Path) -> str:
    path = tmp_path / "ንግግር 'አንድ'.wav"
    path.write_bytes(b"sound")
    return str(path)


def box(workspace: Workspace, language: str = "en") -> Any:
    import gradio as gr

    from amharic_tts.ui.pages import dataset_transcribe

    studio = Studio(Settings(workspace.root), workspace, words.load(language))
    with gr.Blocks():
        return dataset_transcribe.build(studio, gr.Dropdown()).file


def ended(here: Any, result: dict[str, Any], *findings: Finding, cues: Any = None) -> Watch:
    """Return what the page holds when the task that it began is done."""
    job = here.studio.newest_task("transcribe-file")
    if cues is not None:
        out = job.folder / "transcript"
        out.mkdir()
        body = {"cues": cues, "model": "tones", "seconds": 75.5}
        (out / "ንግግር 'አንድ'.json").write_text(json.dumps(body), encoding="utf-8")
        result = {"out": str(out), **result}
    log = EventLog(job.folder / "events.jsonl")
    for event in (*findings, Done(result)):
        log.append(event)
    watch = Watch(job.id)
    watch.update(job)
    return watch


def test_the_command(workspace: Workspace, upload: str, model: str) -> None:
    here = box(workspace)
    assert here.show() == {}
    shown = here.begin(upload, "en", OTHER, model, None)
    assert set(shown) <= {here.kept, here.done, *here.panel.outputs}
    copy = Path(shown[here.kept][1])
    assert (copy.name, copy.read_bytes()) == (Path(upload).name, b"sound")
    assert workspace.uploads in copy.parents
    job = here.studio.newest_task("transcribe-file")
    assert job.spec.command[4:-2] == [
        "transcribe",
        str(copy),
        f"--out={job.folder / 'transcript'}",
        f"--model={model}",
        "--language=en",
        "--format=json",
    ]
    assert shown[here.panel.box].visible is True
    assert "Transcript of ንግግር" in shown[here.panel.status]
    again = here.begin(upload, "am", OTHER, model, shown[here.kept])
    assert again[here.kept] == shown[here.kept]
    assert len(list(workspace.uploads.iterdir())) == 1
    assert here.show()[here.box].open is True


@pytest.mark.parametrize("language", ["en", "am"])
def test_what_was_heard_is_read_and_taken_away(
    workspace: Workspace, upload: str, model: str, language: str
) -> None:
    here = box(workspace, language)
    here.begin(upload, "am", OTHER, model, None)
    shown = here.ended(ended(here, {"refused": 0}, cues=CUES))
    assert shown[here.done].visible is True
    assert "0:00.0 – 0:01.7" in shown[here.result] and "ሰላም ለዓለም።" in shown[here.result]
    assert "1:02.3 – 1:04.1" in shown[here.result]
    assert "&lt;b&gt;እንዴት" in shown[here.result]
    files = {form: Path(shown[button].value["path"]) for form, button in here.files.items()}
    assert {path.name for path in files.values()} == {
        "ንግግር 'አንድ'.txt",
        "ንግግር 'አንድ'.srt",
        "ንግግር 'አንድ'.vtt",
    }
    assert files["txt"].read_text(encoding="utf-8") == "ሰላም ለዓለም።\n<b>እንዴት</b> ናችሁ፧\n"
    assert "00:01:02,300 --> 00:01:04,140" in files["srt"].read_text(encoding="utf-8")
    assert files["vtt"].read_text(encoding="utf-8").startswith("WEBVTT\n")
    # After a reload it is there again, with the same files.
    there = box(workspace, language)
    reloaded = there.show()
    assert reloaded[there.result] == shown[here.result]
    assert reloaded[there.files["srt"]].value["path"] == str(files["srt"])


def test_a_long_one_is_shown_in_part_and_silence_as_such(
    workspace: Workspace, upload: str, model: str
) -> None:
    here = box(workspace)
    here.begin(upload, "am", OTHER, model, None)
    many = [[n, n + 0.9, f"s{n}"] for n in range(transcript_view.MOST_ROWS + 2)]
    shown = here.ended(ended(here, {"refused": 0}, cues=many))
    assert shown[here.result].count("<tr>") == transcript_view.MOST_ROWS + 1
    assert "and 2 more in the files" in shown[here.result]
    here.begin(upload, "am", OTHER, model, None)
    shown = here.ended(ended(here, {"refused": 0}, cues=[]))
    assert "No words were heard." in shown[here.result]
    assert [shown[one].visible for one in here.files.values()] == [False] * 3


def test_what_is_refused(workspace: Workspace, upload: str, model: str) -> None:
    here = box(workspace)
    with pytest.raises(UserError, match="There is no recording yet"):
        here.begin(None, "am", OTHER, model, None)
    with pytest.raises(UserError, match="The recogniser `mms` is not on this machine"):
        here.begin(upload, "am", "mms", "", None)
    assert not workspace.uploads.exists() and not workspace.tasks.exists()
    here.begin(upload, "am", OTHER, model, None)
    bad = Finding("unreadable", "there is no sound in it", "error", Path(upload).name)
    watch = ended(here, {"refused": 1}, bad, cues=None)
    with pytest.raises(UserError, match="can't be read:\nthere is no sound in it"):
        here.ended(watch)
    assert here.show() == {}


def test_a_task_that_was_stopped_is_shown_and_not_its_result(
    workspace: Workspace, upload: str, model: str
) -> None:
    here = box(workspace)
    here.begin(upload, "am", OTHER, model, None)
    job = here.studio.newest_task("transcribe-file")
    (job.folder / "process.json").write_text("{}")
    watch = Watch(job.id)
    watch.history.state = "stopped"
    assert here.ended(watch)[here.done].visible is False
    assert here.show()[here.panel.box].visible is True


@pytest.mark.parametrize("text", ["", "[]", '{"cues": [[1, 2]], "model": "m", "seconds": 1}'])
def test_a_damaged_result_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match="is not a transcript"):
        transcript_view.found(tmp_path)
