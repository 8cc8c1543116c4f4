"""The box for books, as plain functions."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Progress, Started
from amharic_tts.jobs import process, store
from amharic_tts.settings import Settings
from amharic_tts.synthesis.voices import Voice
from amharic_tts.ui import words
from amharic_tts.ui.pages import book_box
from amharic_tts.ui.pages.book_box import PAGE, BookBox
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

SAY = words.load("en")


@pytest.fixture
def box(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> BookBox:
    import gradio as gr

    monkeypatch.setattr(process, "start", lambda _workspace, _folder: None)
    known = [Voice("mine", workspace.runs / "mine", None)]  # type: ignore[arg-type]
    monkeypatch.setattr(book_box.voices, "list_voices", lambda _: known)
    with gr.Blocks():
        voice = gr.Dropdown(["mine", "practice"])
        return BookBox(Studio(Settings(workspace.root), workspace, SAY)).build(voice)


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "my book.txt"
    path.write_text("ሰላም\n", encoding="utf-8")
    return str(path)


def test_the_command_names_a_copy_of_the_text(box: BookBox, text: str) -> None:
    box.begin("mine", text, "chapter", "flac", True, True)
    job = box.newest()
    assert job is not None and job.spec.title == "my book.txt, spoken"
    kept = Path(job.spec.command[5])
    assert kept.parent.parent == box.studio.workspace.uploads
    assert job.spec.command[4:] == [
        *("book", str(kept), "--voice=mine", f"--out={job.folder / 'book'}", "--per-chapter"),
        *("--format=flac", "--check", "--skip", "--job", str(job.folder)),
    ]
    box.begin("practice", text, "line", "mp3", False, False)
    job = box.newest()
    assert job is not None and job.spec.command[8:10] == ["--per-line", "--format=mp3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"voice": None}, "There is no such voice"),
        ({"voice": "/etc"}, "There is no such voice"),
        ({"file": None}, "There is no text to speak"),
        ({"form": "exe"}, "There are no such files"),
        ({"files": "x"}, "There are no such files"),
    ],
)
def test_what_is_missing_is_said(
    box: BookBox, text: str, change: dict[str, Any], message: str
) -> None:
    given = {"voice": "mine", "file": text, "files": "one", "form": "wav"}
    with pytest.raises(UserError, match=message):
        box.begin(**{**given, **change}, check=False, skip=False)
    assert box.newest() is None


def test_a_file_that_is_no_text_is_refused_before_anything_starts(
    box: BookBox, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"one\n\xff\xfa\n")
    with pytest.raises(UserError, match="line 2"):
        box.begin("mine", str(bad), "one", "wav", False, False)
    assert box.newest() is None


def finished(box: BookBox, text: str, *rows: dict[str, Any]) -> store.Job:
    box.begin("mine", text, "one", "wav", False, False)
    job = box.newest()
    assert job is not None
    out = job.folder / "book"
    out.mkdir()
    (out / "book.wav").write_bytes(b"sound")
    (out / "book.srt").write_text("1", encoding="utf-8")
    (out / "book.csv").write_text("line", encoding="utf-8")
    body = {"files": ["book.wav"], "subtitles": ["book.srt"], "rows": rows}
    (out / "book.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    result = {
        **{"manifest": str(out / "book.json"), "seconds": 75.0, "files": 1, "skipped": 1},
        "verdicts": {"ok": 3, "failed": 2},
    }
    events: list[Event] = [Started(), Progress(1, 1), Done(result)]
    for event in events:
        job.events.append(event)
    return job


def test_a_finished_book_is_shown_and_taken_away(box: BookBox, text: str) -> None:
    row = {"line": 1, "file": "book.wav", "start": 0.0, "stop": 61.2, "text": "<b>ሰላም</b>"}
    row |= {"verdict": "failed", "reasons": ["the end is not heard"], "late": 1.5, "over": 0.0}
    left_out = {"line": 2, "text": "* * *", "file": "", "skipped": "nothing to say"}
    job = finished(box, text, row, left_out)
    shown = box.load()
    assert shown[box.box].visible is True
    assert "1 min 15 s" in shown[box.counts] and "2" in shown[box.counts]
    lines = shown[box.lines]
    assert "&lt;b&gt;ሰላም" in lines and "<b>ሰላም" not in lines
    assert "0:00:00.0–0:01:01.2" in lines
    assert "failed; the end is not heard; begins 1.5 s late" in lines
    assert "left out: nothing to say" in lines
    assert box.zip not in shown, "a list of voices drawn anew leaves what is offered alone"
    assert box.refresh()[box.zip].visible is False
    packed = box.take_away()[box.zip].value
    path = Path(packed["path"] if isinstance(packed, dict) else packed)
    assert set(zipfile.ZipFile(path).namelist()) == {
        *("book.wav", "book.srt", "book.json", "book.csv")
    }
    assert job.spec.details["page"] == PAGE


def test_one_book_at_a_time(box: BookBox, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box.begin("mine", text, "one", "wav", False, False)
    monkeypatch.setattr(process, "alive", lambda _folder: True)
    with pytest.raises(UserError, match="`my book.txt, spoken` is being made"):
        box.begin("mine", text, "one", "wav", False, False)


def test_nothing_yet_and_on_its_way(box: BookBox, text: str) -> None:
    shown = box.load()
    assert shown[box.box].visible is False and box.accordion not in shown
    with pytest.raises(UserError, match="There is no book yet"):
        box.take_away()
    box.begin("mine", text, "one", "wav", False, False)
    shown = box.load()
    assert shown[box.box].visible is False
    assert shown[box.accordion].open is True, "a running book is seen after a reload"
    assert set(shown) <= set(box.outputs)
