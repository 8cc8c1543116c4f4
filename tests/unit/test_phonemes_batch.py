"""Batches: what is found, in which order, what is written, and going on after a stop or a kill."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, EventLog, Finding, Progress, Stopped
from amharic_tts.files import write_text
from amharic_tts.jobs import process, store, task
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.phonemes import batch, batch_files
from amharic_tts.phonemes.batch import BatchRequest
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import LoadOptions
from amharic_tts.phonemes.result import Phone, Recognition
from amharic_tts.workspace import Workspace

NOT_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="links and modes of POSIX")


class Heard:
    """An extractor that hears `a` in every file, and remembers in which order it was asked."""

    def __init__(self, phone: str = "a") -> None:
        self.asked: list[str] = []
        self.phone = phone

    def extract_phoneme(self, audio: Path) -> Recognition:
        self.asked.append(audio.name)
        seconds = soundfile.info(os.fsencode(audio)).duration
        phone = Phone(self.phone, 0.1, 0.2, 0.5, 0, (("e", 0.25), ("i", 0.125)))
        return Recognition((phone,), "test-1", "ipa", ("en",), seconds, ())


def sound(path: Path, seconds: float = 0.1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "FLAC" if path.suffix == ".flac" else "WAV"
    soundfile.write(path, np.zeros(int(16000 * seconds)), 16000, format=kind)
    return path


def request(tmp_path: Path, *sources: Path, **more: object) -> BatchRequest:
    wanted = BatchRequest(sources or (tmp_path / "in",), tmp_path / "out")
    return replace(wanted, **more)  # type: ignore[arg-type]


def done(wanted: BatchRequest, heard: Heard | None = None) -> tuple[dict[str, object], list[Event]]:
    *events, last = batch.run(wanted, heard or Heard())
    assert isinstance(last, Done)
    return last.result, events


def names(folder: Path) -> set[str]:
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return found - {".phones.lock"}


def counts(result: dict[str, object]) -> tuple[object, ...]:
    return tuple(result[key] for key in ("files", "heard", "skipped", "refused", "phones"))


def test_a_folder_shortest_first_with_a_bad_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    sound(folder / "long.wav", 0.5)
    sound(folder / "sub" / "short.flac", 0.1)
    sound(folder / ".hidden.wav")
    sound(folder / ".git" / "x.wav")
    (folder / "notes.txt").write_text("no sound")
    (folder / "bad.mp3").write_text("no sound")
    heard = Heard()
    result, events = done(request(tmp_path), heard)
    assert heard.asked == ["short.flac", "long.wav"]
    assert counts(result) == (3, 2, 0, 1, 2)
    assert result["seconds"] == pytest.approx(0.6)
    assert names(tmp_path / "out") == {"long.json", "sub/short.json", "phones.csv", "phones.jsonl"}
    [finding] = [event for event in events if isinstance(event, Finding)]
    assert (finding.code, finding.level) == ("unreadable", "error")
    assert finding.subject == str(folder / "bad.mp3")
    progress = [event for event in events if isinstance(event, Progress)]
    assert [(p.done, p.total) for p in progress] == [(1, 3), (2, 3), (3, 3)]
    assert progress[-1].seconds_left == 0.0
    [item] = json.loads((tmp_path / "out" / "long.json").read_text(encoding="utf-8"))
    assert (item["audio"], item["model"]) == (str(folder / "long.wav"), "test-1")
    assert (tmp_path / "out" / "phones.csv").read_text(encoding="utf-8") == (
        "audio,phone,start,end,confidence,word,model\n"
        f"{folder / 'long.wav'},a,0.100,0.200,0.5000,0,test-1\n"
        f"{folder / 'sub' / 'short.flac'},a,0.100,0.200,0.5000,0,test-1\n"
    )


def test_what_was_heard_is_passed_over_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Models that are not here have no key.
    monkeypatch.setattr(catalog, "key", lambda name, options: f"{name} {options}")
    first, second = sound(tmp_path / "in" / "a.wav"), sound(tmp_path / "in" / "b.wav", 0.2)
    wanted = request(tmp_path)
    assert counts(done(wanted)[0]) == (2, 2, 0, 0, 2)
    heard = Heard()
    again = replace(wanted, options=LoadOptions(threads=2))  # changes no result
    result, events = done(again, heard)
    assert counts(result) == (2, 0, 2, 0, 0)
    assert [e.message for e in events if isinstance(e, Finding)] == [
        "2 of 2 files are heard already with these settings"
    ]
    os.utime(first, (1, 1))  # a copy: other time, same bytes
    sound(second, 0.3)
    assert counts(done(wanted, heard)[0]) == (2, 1, 1, 0, 1)
    assert heard.asked == ["b.wav"]
    for change in (
        {"options": LoadOptions(dtype="fp32")},
        {"inventory": "a e i"},
        {"top": 1},
        {"model": "fast"},
        {"resume": False},
    ):
        assert counts(done(replace(wanted, **change))[0]) == (2, 2, 0, 0, 2)  # type: ignore[arg-type]
    lines = (tmp_path / "out" / "phones.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["a", "b"]


def test_another_form_needs_no_second_hearing(tmp_path: Path) -> None:
    sound(tmp_path / "in" / "a.wav")
    wanted = request(tmp_path, top=1)
    done(wanted)
    heard = Heard()
    done(replace(wanted, form="textgrid"), heard)
    done(replace(wanted, form="text"), heard)
    assert heard.asked == []
    out = tmp_path / "out"
    assert names(out) == {"a.json", "a.TextGrid", "a.txt", "phones.csv", "phones.jsonl"}
    assert (out / "a.txt").read_text(encoding="utf-8") == "a\n"
    [item] = json.loads((out / "a.json").read_text(encoding="utf-8"))
    assert item["phones"][0]["runners_up"] == [["e", 0.25]]


def test_a_killed_batch_goes_on(tmp_path: Path) -> None:
    for number in range(4):
        sound(tmp_path / "in" / f"{number}.wav", 0.1 * (number + 1))
    wanted = request(tmp_path)
    events = batch.run(wanted, Heard())
    for event in events:
        if isinstance(event, Progress) and event.done == 2:
            break
    events.close()  # type: ignore[attr-defined]  # as a stop request does
    out = tmp_path / "out"
    assert names(out) == {"0.json", "1.json", "phones.jsonl"}
    # A kill in the middle of a line, and after a file that no line tells of yet.
    with open(out / "phones.jsonl", "ab") as file:
        file.write(b'{"path": "half a li')
    (out / "1.json").unlink()
    heard = Heard()
    assert counts(done(wanted, heard)[0]) == (4, 2, 2, 0, 2)
    assert heard.asked == ["2.wav", "3.wav"]
    assert names(out) == {*(f"{n}.json" for n in range(4)), "phones.csv", "phones.jsonl"}
    lines = (out / "phones.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["file"] for line in lines if "half" not in line] == list("0123")


def test_a_kill_between_file_and_line_hears_that_sound_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound(tmp_path / "in" / "a.wav")

    def killed(path: Path, text: str) -> None:
        write_text(path, text)
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        done(request(tmp_path))
    monkeypatch.undo()
    assert names(tmp_path / "out") == {"a.json", "phones.jsonl"}
    assert counts(done(request(tmp_path))[0]) == (1, 1, 0, 0, 1)
    assert names(tmp_path / "out") == {"a.json", "phones.csv", "phones.jsonl"}


def test_a_stop_is_heard_between_files(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)  # pytest keeps its own
    for name in ("a", "b", "c"):
        sound(tmp_path / "in" / f"{name}.wav")
    folder = store.folder_of(workspace, "task", "p1")
    store.create(workspace, JobSpec("p1", "task", "test", ["phonemes"]))

    class Stops(Heard):
        def extract_phoneme(self, audio: Path) -> Recognition:
            if audio.name == "b.wav":
                (folder / process.STOP_FILE).touch()
            return super().extract_phoneme(audio)

    heard = Stops()
    assert task.run(workspace, folder, batch.run(request(tmp_path), heard)) == {}
    assert heard.asked == ["a.wav", "b.wav"]
    events, _ = EventLog(folder / "events.jsonl").read()
    assert isinstance(events[-1], Stopped)
    assert counts(done(request(tmp_path))[0]) == (3, 1, 2, 0, 1)


def test_sources_of_one_name_and_names_that_are_taken(tmp_path: Path) -> None:
    one, other = sound(tmp_path / "one" / "a.wav"), sound(tmp_path / "other" / "A.flac")
    third, tables = sound(tmp_path / "third" / "A.wav"), sound(tmp_path / "phones.wav")
    long = sound(tmp_path / ("ሰ" * 80 + ".wav"))
    mine = tmp_path / "out" / "a.json"
    mine.parent.mkdir()
    mine.write_text("mine")
    result, _ = done(request(tmp_path, one, other, third, tables, long, one, form="csv"))
    assert counts(result) == (5, 5, 0, 0, 5)
    assert mine.read_text() == "mine"
    [short] = [name for name in names(tmp_path / "out") if name.startswith("ሰ")]
    assert short.startswith("ሰ" * 50 + "-")
    # `A-2` is `a-2` on many systems.
    wanted = {"a.json", "a-2.csv", "A.csv", "A-3.csv", "phones-2.csv", short}
    assert names(tmp_path / "out") == {*wanted, "phones.csv", "phones.jsonl"}


def test_corrections_by_hand_are_kept(tmp_path: Path) -> None:
    sound(tmp_path / "in" / "a.wav")
    wanted = request(tmp_path, form="textgrid")
    done(wanted)
    path = tmp_path / "out" / "a.TextGrid"
    path.write_text("corrected", encoding="utf-8")
    done(wanted)
    assert path.read_text(encoding="utf-8") == "corrected"
    done(replace(wanted, resume=False))
    assert path.read_text(encoding="utf-8").startswith('File type = "ooTextFile"')
    assert path.with_name("a.TextGrid.old").read_text(encoding="utf-8") == "corrected"


@NOT_WINDOWS
def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    sound(folder / "sub" / "a.wav")
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "zlink").symlink_to(folder / "sub")
    found = batch_files.collect([folder])
    assert [s.stem for s in found.sounds] == ["sub/a"]
    assert [f.subject for f in found.findings] == [
        str(folder / "sub" / "loop"),
        str(folder / "zlink"),
    ]


@NOT_WINDOWS
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    odd = os.fsdecode(os.fsencode(str(folder)) + b"/\xff.wav")
    sound(folder / "x.wav").rename(odd)
    assert counts(done(request(tmp_path))[0]) == (1, 1, 0, 0, 1)
    assert counts(done(request(tmp_path))[0]) == (1, 0, 1, 0, 0)
    assert r"\udcff.json" in names(tmp_path / "out")


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match="There is no sound in") as caught:
        done(request(tmp_path))
    assert ".flac" in caught.value.hint
    with pytest.raises(UserError, match="There is no file or folder"):
        done(request(tmp_path, tmp_path / "nothing.wav"))
    with pytest.raises(UserError) as both:
        done(BatchRequest((), tmp_path / "out", form="word", top=-1))
    assert both.value.message.splitlines()[1:] == [
        "- sources: choose at least one file or folder",
        "- form: `word` is none of text, json, csv, textgrid",
        "- top: -1 is less than 0",
    ]


def test_folders_that_can_not_take_results(tmp_path: Path) -> None:
    source = sound(tmp_path / "a.wav")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        done(replace(request(tmp_path, source), out=tmp_path / "file"))
    out = tmp_path / "theirs"
    out.mkdir()
    (out / "phones.csv").write_text("my own table")
    with pytest.raises(UserError, match=r"phones.csv` is there already and not from a batch"):
        done(replace(request(tmp_path, source), out=out))
    (out / "phones.jsonl").write_text('{"not": "ours"}\n')
    with pytest.raises(UserError, match=r"phones.jsonl` is there already and not from a batch"):
        done(replace(request(tmp_path, source), out=out))
    assert (out / "phones.csv").read_text() == "my own table"


def test_one_batch_at_a_time_in_a_folder(tmp_path: Path) -> None:
    source = sound(tmp_path / "a.wav")
    first = batch.run(request(tmp_path, source), Heard())
    next(first)
    with pytest.raises(UserError, match="Another batch writes into"):
        done(request(tmp_path, source))
    first.close()  # type: ignore[attr-defined]
    assert counts(done(request(tmp_path, source))[0]) == (1, 1, 0, 0, 1)


def test_a_full_disk_ends_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(tmp_path / "in" / "a.wav")
    sound(tmp_path / "in" / "b.wav")

    def full(path: Path, text: str) -> None:
        raise UserError(f"The disk is full: `{path}` could not be written")

    monkeypatch.setattr(batch, "write_text", full)
    with pytest.raises(UserError, match="The disk is full"):
        done(request(tmp_path))
    monkeypatch.undo()
    assert counts(done(request(tmp_path))[0]) == (2, 2, 0, 0, 2)
