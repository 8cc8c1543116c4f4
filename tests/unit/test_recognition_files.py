"""Recordings into transcripts and subtitles: what is written, resumed, refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import recogniser_fakes as fake
from made_media import findings, result
from recogniser_fakes import Tones, recording

from amharic_tts.dataset.subtitles import read_cues
from amharic_tts.dataset.workers import Engine
from amharic_tts.errors import UserError
from amharic_tts.events import Event, Finding
from amharic_tts.recognition import files, session, transcript
from amharic_tts.recognition.files import FilesRequest
from amharic_tts.workspace import Workspace


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Tones:
    tones = Tones()
    monkeypatch.setattr(session, "load", lambda _settings: tones)
    return tones


@pytest.fixture
def request_(tmp_path: Path) -> FilesRequest:
    model = fake.files(tmp_path / "tones")
    talk = ("ሰላም", "ለዓለም።", "", "እንዴት", "ናችሁ፧", "", "", "ደህና፣", "ነን")
    recording(tmp_path / "in" / "ንግግር 'አንድ'.wav", *talk, each=0.7)
    recording(tmp_path / "in" / "sub" / "b.wav", "ነን")
    return FilesRequest((tmp_path / "in",), tmp_path / "out", str(model))


def run(workspace: Workspace, request: FilesRequest) -> list[Event]:
    return list(files.run(workspace, request))


def counts(events: list[Event]) -> tuple[object, ...]:
    found = result(events)
    return tuple(found[key] for key in ("files", "written", "skipped", "refused", "cues"))


def names(folder: Path) -> list[str]:
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


SRT = """1
00:00:00,000 --> 00:00:01,700
ሰላም ለዓለም።

2
00:00:02,300 --> 00:00:04,100
እንዴት ናችሁ፧

3
00:00:05,500 --> 00:00:07,150
ደህና፣ ነን

"""


def test_sentences_with_times(workspace: Workspace, request_: FilesRequest, hears: Tones) -> None:
    assert counts(run(workspace, request_)) == (2, 2, 0, 0, 4)
    out = request_.out
    stem = "ንግግር 'አንድ'"
    assert names(out) == ["sub/b.json", "sub/b.srt", f"{stem}.json", f"{stem}.srt"]
    assert (out / f"{stem}.srt").read_text(encoding="utf-8") == SRT
    cues, odd = read_cues(out / f"{stem}.srt")
    assert ([cue.text for cue in cues], odd) == (["ሰላም ለዓለም።", "እንዴት ናችሁ፧", "ደህና፣ ነን"], [])
    body = json.loads((out / "sub" / "b.json").read_text(encoding="utf-8"))
    told = {k: body[k] for k in ("text", "words", "language", "model", "confidence", "cues")}
    assert told == {
        "text": "ነን",
        "words": [["ነን", 0.0, 0.5, 0.9]],
        "language": "am",
        "model": "tones",
        "confidence": 0.9,
        "cues": [[0.0, 0.55, "ነን"]],
    }
    again = transcript.read(out / f"{stem}.json")
    assert (again.name, again.model, again.written("srt")) == (stem, "tones", SRT)
    with pytest.raises(UserError, match="`json` is none of srt, vtt, txt"):
        again.written("json")


@pytest.mark.parametrize(
    ("form", "first"),
    [("vtt", "WEBVTT"), ("txt", "ሰላም ለዓለም።"), ("json", "")],
)
def test_other_forms(
    workspace: Workspace, request_: FilesRequest, hears: Tones, form: str, first: str
) -> None:
    run(workspace, replace(request_, form=form))
    path = request_.out / f"ንግግር 'አንድ'.{form}"
    assert path.read_text(encoding="utf-8").splitlines()[0].startswith(first)
    assert len(names(request_.out)) == (2 if form == "json" else 4)


def test_a_second_run_hears_nothing_and_restores_what_lacks(
    workspace: Workspace, request_: FilesRequest, hears: Tones
) -> None:
    run(workspace, request_)
    asked = len(hears.asked)
    (request_.out / "sub" / "b.srt").unlink()
    events = run(workspace, request_)
    assert counts(events) == (2, 0, 2, 0, 0)
    assert findings(events) == [("already_transcribed", "info", "")]
    assert "ነን" in (request_.out / "sub" / "b.srt").read_text(encoding="utf-8")
    assert len(hears.asked) == asked


def test_a_changed_recording_is_heard_again_and_corrections_stay(
    workspace: Workspace, request_: FilesRequest, hears: Tones
) -> None:
    run(workspace, request_)
    (request_.out / "sub" / "b.srt").write_text("corrected", encoding="utf-8")
    [folder] = request_.sources
    recording(folder / "sub" / "b.wav", "ሰላም", "ነን")
    assert counts(run(workspace, request_)) == (2, 1, 1, 0, 1)
    assert (request_.out / "sub" / "b.srt.old").read_text(encoding="utf-8") == "corrected"
    assert "ሰላም ነን" in (request_.out / "sub" / "b.srt").read_text(encoding="utf-8")
    os.utime(folder / "sub" / "b.wav", (1, 1))
    assert counts(run(workspace, request_))[1:3] == (0, 2), "only its time changed"
    assert counts(run(workspace, replace(request_, again=True)))[1:3] == (2, 0)


def test_same_names_and_foreign_files_are_not_written_over(
    workspace: Workspace, request_: FilesRequest, hears: Tones, tmp_path: Path
) -> None:
    other = recording(tmp_path / "other" / "b.wav", "ደህና፣")
    request_.out.mkdir()
    (request_.out / "b.srt").write_text("not ours")
    sources = (tmp_path / "in" / "sub" / "b.wav", other)
    for _ in range(2):
        run(workspace, replace(request_, sources=sources))
        assert names(request_.out) == ["b-2.json", "b-2.srt", "b-3.json", "b-3.srt", "b.srt"]
    assert (request_.out / "b.srt").read_text() == "not ours"


def test_bad_recordings_are_told(
    workspace: Workspace, request_: FilesRequest, hears: Tones
) -> None:
    [folder] = request_.sources
    (folder / "bad.mp3").write_text("no sound")
    (folder / "empty.wav").write_bytes(b"")
    recording(folder / "still.wav", "", "")
    events = run(workspace, request_)
    assert counts(events) == (5, 3, 0, 2, 4)
    told = [(code, level, Path(subject).name) for code, level, subject in findings(events)]
    assert told == [
        ("unreadable", "error", "bad.mp3"),
        ("unreadable", "error", "empty.wav"),
        ("nothing_heard", "warning", "still.wav"),
    ]


def test_a_recording_that_grows_while_it_is_heard_is_refused(
    workspace: Workspace, request_: FilesRequest, hears: Tones, monkeypatch: pytest.MonkeyPatch
) -> None:
    [folder] = request_.sources
    heard = hears.hear

    def hear(samples: object) -> object:
        with open(folder / "sub" / "b.wav", "ab") as file:
            file.write(b"more")
        return heard(samples)  # type: ignore[arg-type]

    monkeypatch.setattr(hears, "hear", hear)
    events = run(workspace, request_)
    assert counts(events)[1:4] == (1, 0, 1)
    [told] = [e for e in events if isinstance(e, Finding) and e.code == "unreadable"]
    assert "was changed while it was heard" in told.message
    monkeypatch.undo()
    monkeypatch.setattr(session, "load", lambda _settings: Tones())
    assert counts(run(workspace, request_))[1:4] == (1, 1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": "doc"}, "form: `doc` is none of srt, vtt, txt, json"),
        ({"sources": ()}, "sources: choose at least one"),
        ({"threads": -2}, "threads: -2 is less than 0"),
        ({"engine": Engine("x")}, "engine: `x` is none of"),
        ({"sources": (Path("/nowhere/at/all"),)}, "There is no file or folder"),
        ({"language": "?"}, "`\\?` is not a language code"),
        ({"model": "x/y"}, "`x/y` is not on this machine"),
    ],
)
def test_wrong_requests(
    workspace: Workspace, request_: FilesRequest, change: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(workspace, replace(request_, **change))  # type: ignore[arg-type]


def test_a_folder_in_use_and_a_file_in_its_place(
    workspace: Workspace, request_: FilesRequest, hears: Tones, tmp_path: Path
) -> None:
    with (
        files._held(request_.out),
        pytest.raises(UserError, match="Other recordings are written into"),
    ):
        run(workspace, request_)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        run(workspace, replace(request_, out=tmp_path / "file"))
