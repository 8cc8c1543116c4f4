"""Missing texts of a dataset: written, judged as a build would, saved, and nobody's own touched."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import recogniser_fakes as fake
from built_datasets import load
from built_datasets import run as build
from made_media import Letters, findings, result
from recogniser_fakes import Tones, recording

from amharic_tts.dataset import transcribe as module
from amharic_tts.dataset.transcribe import TranscribeRequest, transcribe, waiting
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, EventLog, Stopped
from amharic_tts.jobs import process, store, task
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.recognition import session
from amharic_tts.workspace import Workspace


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Tones:
    tones = Tones()
    monkeypatch.setattr(session, "load", lambda _settings: tones)
    return tones


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(fake.files(tmp_path / "tones"))


@pytest.fixture
def dataset(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Six clips: one with a text of the user, four without, one of them silent."""
    folder = tmp_path / "in"
    recording(folder / "mine.wav", "ሰላም", "ነን")
    recording(folder / "a.wav", "ሰላም", "ለዓለም።")
    recording(folder / "b.wav", "እንዴት", "ናችሁ፧")
    recording(folder / "c.wav", "", "", "")
    recording(folder / "d.wav", "ደህና፣", "ነን")
    recording(folder / "e.wav", "ደህና፣", "ነን", each=0.6)
    rows = "mine|የኔ ጽሑፍ\na|\nb|\nc|\nd|\ne|  \n"
    (folder / "metadata.csv").write_text(rows, encoding="utf-8")
    build(workspace, folder)
    return workspace


def run(workspace: Workspace, model: str, **more: object) -> list[Event]:
    request = TranscribeRequest("d", model, **more)  # type: ignore[arg-type]
    return list(transcribe(workspace, request, Letters()))


def told(workspace: Workspace) -> list[tuple[str, str, str, list[str]]]:
    rows = load(workspace).utterances
    return [(r.id, r.text, r.decision, [n["code"] for n in r.findings]) for r in rows]


def test_the_missing_texts_are_written(dataset: Workspace, model: str, hears: Tones) -> None:
    events = run(dataset, model)
    assert told(dataset) == [
        ("mine", "የኔ ጽሑፍ", "accepted", []),
        ("a", "ሰላም ለዓለም።", "accepted", []),
        ("b", "እንዴት ናችሁ፧", "accepted", []),
        ("c", "", "rejected", ["inaudible", "empty_text"]),
        ("d", "ደህና፣ ነን", "accepted", []),
        ("e", "ደህና፣ ነን", "accepted", ["duplicate_text"]),
    ]
    got = result(events)
    assert (got["transcribed"], got["silent"], got["unreadable"], got["model"]) == (
        4,
        1,
        0,
        "tones",
    )
    assert got["accepted"] == 5
    assert findings(events) == [("nothing_heard", "warning", "")]


def test_a_recognised_row_is_like_a_built_one(
    dataset: Workspace, model: str, hears: Tones, tmp_path: Path
) -> None:
    run(dataset, model)
    row = load(dataset).utterances[1]
    other = Workspace.open(tmp_path / "other")
    (tmp_path / "in" / "metadata.csv").write_text("a|ሰላም ለዓለም።\n", encoding="utf-8")
    build(other, tmp_path / "in")
    [built] = load(other).utterances
    assert dataclasses.replace(row, text_by="", split="") == dataclasses.replace(built, split="")
    assert row.text_by == "recognised by tones"
    assert row.phonemes and row.g2p


def test_what_is_accepted_now_is_split_and_exported(
    dataset: Workspace, model: str, hears: Tones
) -> None:
    run(dataset, model)
    loaded = load(dataset)
    assert {row.split for row in loaded.accepted()} == {"train", "eval"}
    assert loaded.utterances[0].split == "train", "a row that was there stays on its side"
    tables = [(loaded.folder / f"metadata_{s}.csv").read_text() for s in ("train", "eval")]
    assert sum(table.count("wavs/") for table in tables) == 5


def test_a_second_run_hears_nothing(dataset: Workspace, model: str, hears: Tones) -> None:
    run(dataset, model)
    before, asked = told(dataset), len(hears.asked)
    assert findings(run(dataset, model)) == [("nothing_heard", "warning", "")]
    assert (told(dataset), len(hears.asked)) == (before, asked)


def test_again_writes_recognised_texts_anew_and_no_other(
    dataset: Workspace, model: str, monkeypatch: pytest.MonkeyPatch, hears: Tones, tmp_path: Path
) -> None:
    run(dataset, model)
    unsure = Tones(confidence=0.3)
    monkeypatch.setattr(unsure, "_words", lambda samples: Tones._words(unsure, samples)[:1])
    monkeypatch.setattr(session, "load", lambda _settings: unsure)
    events = run(dataset, str(fake.files(tmp_path / "better")), again=True)
    assert [(id, text, codes) for id, text, _, codes in told(dataset)] == [
        ("mine", "የኔ ጽሑፍ", []),
        ("a", "ሰላም", ["unsure_words"]),
        ("b", "እንዴት", ["unsure_words"]),
        ("c", "", ["inaudible", "empty_text"]),
        ("d", "ደህና፣", ["unsure_words"]),
        ("e", "ደህና፣", ["duplicate_text", "unsure_words"]),
    ]
    row = load(dataset).utterances[1]
    assert row.findings[0] == {
        "code": "unsure_words",
        "level": "warning",
        "message": "the recogniser is not sure of `ሰላም`",
        "value": 0.3,
        "unit": "",
        "mend": "listen",
    }
    assert ("unsure_words", "warning", "") in findings(events)


def test_a_model_that_hears_less_takes_no_text_away(
    dataset: Workspace, model: str, monkeypatch: pytest.MonkeyPatch, hears: Tones, tmp_path: Path
) -> None:
    run(dataset, model)
    before = told(dataset)
    deaf = Tones()
    monkeypatch.setattr(deaf, "_words", lambda _samples: [])
    monkeypatch.setattr(session, "load", lambda _settings: deaf)
    assert result(run(dataset, str(fake.files(tmp_path / "deaf")), again=True))["silent"] == 5
    assert told(dataset) == before


def test_a_text_that_somebody_wrote_meanwhile_stays(
    dataset: Workspace, model: str, hears: Tones
) -> None:
    events = transcribe(dataset, TranscribeRequest("d", model), Letters())
    next(events)
    loaded = load(dataset)
    rows = [dataclasses.replace(r, text="በእጅ") if r.id == "a" else r for r in loaded.utterances]
    loaded.save(rows)
    for _ in events:
        pass
    assert [text for _, text, _, _ in told(dataset)][:3] == ["የኔ ጽሑፍ", "በእጅ", "እንዴት ናችሁ፧"]


def job(workspace: Workspace) -> store.Job:
    spec = JobSpec(store.new_id("transcribe"), "task", "t", ["-c", ""])
    return store.create(workspace, spec)


def test_a_stop_saves_what_was_heard(
    dataset: Workspace, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_BETWEEN", -1.0)
    made = job(dataset)
    first = Tones()
    heard = first.hear

    def hear(samples: object) -> object:
        if len(first.asked) == 1:
            process.request_stop(made.folder)
        return heard(samples)  # type: ignore[arg-type]

    monkeypatch.setattr(first, "hear", hear)
    monkeypatch.setattr(session, "load", lambda _settings: first)
    task.run(dataset, made.folder, transcribe(dataset, TranscribeRequest("d", model), Letters()))
    assert isinstance(EventLog(made.folder / "events.jsonl").read()[0][-1], Stopped)
    texts = [text for _, text, _, _ in told(dataset)]
    assert texts[1] == "ሰላም ለዓለም።" and texts.count("") > 1
    rest = Tones()
    monkeypatch.setattr(session, "load", lambda _settings: rest)
    assert isinstance(run(dataset, model)[-1], Done)
    assert len(first.asked) + len(rest.asked) == 4, "no clip is heard twice"
    assert sum(bool(text) for _, text, _, _ in told(dataset)) == 5


def test_a_kill_costs_one_clip_and_the_end_is_the_same(
    dataset: Workspace, model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken, rest = Tones(limit=2), Tones()
    monkeypatch.setattr(session, "load", lambda _settings: broken)
    monkeypatch.setattr(module, "stored", lambda dataset, *_: dataset)  # killed: nothing is saved
    with pytest.raises(KeyboardInterrupt):
        run(dataset, model)
    monkeypatch.undo()
    monkeypatch.setattr(session, "load", lambda _settings: rest)
    run(dataset, model)
    assert len(rest.asked) == 2
    assert sum(bool(text) for _, text, _, _ in told(dataset)) == 5


def test_a_clip_that_is_gone_is_told(dataset: Workspace, model: str, hears: Tones) -> None:
    (dataset.dataset("d") / "wavs" / "a.wav").unlink()
    (dataset.dataset("d") / "wavs" / "b.wav").write_bytes(b"")
    events = run(dataset, model)
    assert findings(events)[:2] == [
        ("unreadable_audio", "error", "a"),
        ("unreadable_audio", "error", "b"),
    ]
    assert (result(events)["transcribed"], result(events)["unreadable"]) == (2, 2)


def test_who_waits(dataset: Workspace) -> None:
    assert [row.id for row in waiting(load(dataset))] == ["a", "b", "c", "d", "e"]


def test_without_a_model_all_else_works(dataset: Workspace) -> None:
    with pytest.raises(UserError, match="The recogniser `mms` is not on this machine") as caught:
        run(dataset, "")
    assert caught.value.hint == "Fetch it: amharic-tts transcribe-download mms --language am"
    assert load(dataset).utterances[0].accepted


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"name": " "}, "name: choose a dataset"),
        ({"name": "d", "threads": -1}, "threads: -1 is less than 0"),
        ({"name": "nobody"}, "There is no dataset `nobody`"),
    ],
)
def test_wrong_requests(dataset: Workspace, asked: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(transcribe(dataset, TranscribeRequest(**asked)))  # type: ignore[arg-type]
