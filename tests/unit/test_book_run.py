"""Books: which files there are, what is where in them, resume, and everything that is refused."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from book_fakes import LETTER, RATE, Fake, done, make_voice, manifest, names, request
from filelock import FileLock

from amharic_tts.audio.read import read as read_audio
from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Event, Finding, Progress
from amharic_tts.jobs import book_join
from amharic_tts.jobs.book import run
from amharic_tts.synthesis.request import Sampling
from amharic_tts.workspace import Workspace

TEXT = "# ርዕስ\nሰላም\nለዓለም\n\nሁለተኛ\n"


@pytest.fixture(autouse=True)
def voice(workspace: Workspace) -> Path:
    return make_voice(workspace)


def findings(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.code, event.subject) for event in events if isinstance(event, Finding)]


def test_one_file_with_pauses_and_its_lists(workspace: Workspace, tmp_path: Path) -> None:
    fake = Fake()
    result, events = done(workspace, request(tmp_path, TEXT), fake)
    out = tmp_path / "out"
    assert names(out) == {"book.wav", "book.srt", "book.json", "book.csv"}
    assert fake.texts == ["ርዕስ", "ሰላም ለዓለም", "ሁለተኛ"]
    told = manifest(out)
    assert [(row["line"], row["chapter"], row["start"], row["stop"]) for row in told["rows"]] == [
        (1, 1, 0.0, 0.3),
        (2, 1, 1.3, 2.1),  # 1 s after a heading
        (5, 1, 2.8, 3.2),  # 0.7 s between paragraphs
    ]
    assert told["files"] == ["book.wav"] and told["seed"] == 5
    sound, rate = soundfile.read(out / "book.wav", dtype="int16")
    assert (rate, len(sound)) == (RATE, round(3.2 * RATE))
    loud = np.flatnonzero(np.diff((sound != 0).astype(int)))
    assert (loud + 1).tolist() == [round(at * RATE) for at in (0.3, 1.3, 2.1, 2.8)]
    assert (out / "book.srt").read_text(encoding="utf-8") == (
        "1\n00:00:00,000 --> 00:00:00,300\nርዕስ\n\n"
        "2\n00:00:01,300 --> 00:00:02,100\nሰላም ለዓለም\n\n"
        "3\n00:00:02,800 --> 00:00:03,200\nሁለተኛ\n"
    )
    rows = list(csv.DictReader((out / "book.csv").read_text("utf-8-sig").splitlines()))
    assert [(row["text"], row["file"], row["verdict"]) for row in rows] == [
        ("ርዕስ", "book.wav", ""),
        ("ሰላም ለዓለም", "book.wav", ""),
        ("ሁለተኛ", "book.wav", ""),
    ]
    counts = ("files", "lines", "spoken", "kept", "skipped", "seconds", "verdicts")
    assert [result[name] for name in counts] == [1, 4, 3, 0, 0, pytest.approx(1.5), {}]
    assert result["file"] == str(out / "book.wav")
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[0].note == "Loading the voice"
    assert [p.done for p in progress if p.note.startswith("line")] == [0, 1, 1, 2, 2, 3]
    assert {p.total for p in progress[:-1]} == {3} and progress[-2].seconds_left == 0.0


@pytest.mark.parametrize(
    ("files", "form", "wanted"),
    [
        ("line", "mp3", {"0001.mp3", "0002.mp3", "0003.mp3", "0004.mp3"}),
        ("chapter", "flac", {"chapter-001.flac", "chapter-001.srt"}),
        ("one", "ogg", {"book.ogg", "book.srt"}),
        ("one", "opus", {"book.opus", "book.srt"}),
    ],
)
def test_which_files_there_are(
    workspace: Workspace, tmp_path: Path, files: str, form: str, wanted: set[str]
) -> None:
    result, _ = done(workspace, request(tmp_path, TEXT, files=files, form=form), Fake())
    out = tmp_path / "out"
    assert names(out) == wanted | {"book.json", "book.csv"}
    told = manifest(out)
    assert result["files"] == len(told["files"])
    for name in told["files"]:
        rows = [row for row in told["rows"] if row["file"] == name]
        sound = read_audio(out / name, RATE)
        assert len(sound) / RATE == pytest.approx(rows[-1]["stop"], abs=0.12)


def test_silence_at_the_end_of_a_piece_counts_for_the_pause(
    workspace: Workspace, tmp_path: Path
) -> None:
    done(workspace, request(tmp_path, "አንድ\n\nሁለት\n"), Fake(tail=0.5))
    rows = manifest(tmp_path / "out")["rows"]
    assert [(row["start"], row["stop"]) for row in rows] == [(0.0, 0.8), (1.0, 1.8)]


def test_chapters(workspace: Workspace, tmp_path: Path) -> None:
    text = "መግቢያ\n# አንድ\nሰላም\n# ሁለት\nዓለም\n"
    done(workspace, request(tmp_path, text, files="chapter"), Fake())
    told = manifest(tmp_path / "out")
    assert [(row["text"], row["file"], row["start"]) for row in told["rows"]] == [
        ("መግቢያ", "chapter-000.wav", 0.0),
        ("አንድ", "chapter-001.wav", 0.0),
        ("ሰላም", "chapter-001.wav", 1.3),
        ("ሁለት", "chapter-002.wav", 0.0),
        ("ዓለም", "chapter-002.wav", 1.3),
    ]


def test_nothing_is_said_twice(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, TEXT, files="line")
    broken = Fake(die=["ለዓለም", "ለዓለም"])
    with pytest.raises(StudioError, match="line 3: The speech process ended") as caught:
        list(run(workspace, asked, broken))
    assert "What is spoken is kept" in caught.value.hint
    assert names(tmp_path / "out") == {"0001.wav", "0002.wav"}
    first = (tmp_path / "out" / "0001.wav").stat().st_mtime_ns
    fake = Fake()
    result, events = done(workspace, asked, fake)
    assert fake.texts == ["ለዓለም", "ሁለተኛ"]
    assert (result["spoken"], result["kept"]) == (2, 2)
    assert ("already_said", "") in findings(events)
    assert (tmp_path / "out" / "0001.wav").stat().st_mtime_ns == first, "it was written once"
    again = Fake()
    done(workspace, asked, again)
    assert again.texts == []


def test_a_process_that_dies_once_is_begun_again(workspace: Workspace, tmp_path: Path) -> None:
    fake = Fake(die=["ሰላም ለዓለም"])
    result, events = done(workspace, request(tmp_path, TEXT), fake)
    assert fake.texts == ["ርዕስ", "ሰላም ለዓለም", "ሰላም ለዓለም", "ሁለተኛ"]
    assert result["spoken"] == 3
    assert ("again", "line 2") in findings(events)


def test_only_what_changed_is_said_anew(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "አንድ\nሁለት\nሁለት\nሦስት\n", files="line")
    first = Fake()
    done(workspace, asked, first)
    seeds = [one.seed for one in first.asked]
    assert len(set(seeds)) == 4, "a line that comes twice does not sound the same"
    request(tmp_path, "ዜሮ\nአንድ\nሁለት\nሁለት\nአራት\n")
    second = Fake()
    done(workspace, asked, second)
    assert second.texts == ["ዜሮ", "አራት"]
    assert [row["text"] for row in manifest(tmp_path / "out")["rows"]] == [
        *("ዜሮ", "አንድ", "ሁለት", "ሁለት", "አራት")
    ]
    sound, _ = soundfile.read(tmp_path / "out" / "0001.wav")
    assert len(sound) == round(2 * LETTER * RATE), "the first file is the new first line"


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"sampling": Sampling(speed=1.5)},
        {"language": "en"},
        {"check": True},
        {"takes": 2},
        {"precision": "int8"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_are_another_speech(
    workspace: Workspace, tmp_path: Path, change: dict[str, Any]
) -> None:
    asked = request(tmp_path, "hello")
    done(workspace, replace(asked, language="am"), Fake(), problem=lambda text: "")
    fake = Fake()
    done(workspace, replace(asked, **{"language": "am", **change}), fake, problem=lambda text: "")
    assert fake.texts == ["hello"]


def test_another_voice_or_reference_is_another_speech(
    workspace: Workspace, tmp_path: Path, voice: Path
) -> None:
    asked = request(tmp_path, "ሰላም")
    done(workspace, asked, Fake())
    (voice / "model.pth").write_bytes(b"trained further")
    fake = Fake()
    done(workspace, asked, fake)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"sound")
    done(workspace, replace(asked, references=(clip,)), fake)
    clip.write_bytes(b"other")
    done(workspace, replace(asked, references=(clip,)), fake)
    assert len(fake.texts) == 3
    assert fake.asked[-1].references == (clip,)


def test_a_seed_is_drawn_once_for_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "ሰላም", seed=None)
    first, _ = done(workspace, asked, Fake())
    fake = Fake()
    second, _ = done(workspace, asked, fake)
    assert first["seed"] == second["seed"] and fake.texts == []


def test_a_damaged_piece_is_said_anew(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "አንድ\n\nሁለት\n\nሦስት")
    done(workspace, asked, Fake())
    parts = tmp_path / "out" / "parts"
    rows = manifest(tmp_path / "out")["rows"]
    keys = {json.loads(p.read_text("utf-8"))["text"]: p.stem for p in parts.glob("*.json")}
    assert set(keys) == {row["text"] for row in rows}
    (parts / f"{keys['አንድ']}.json").write_text('{"half', encoding="utf-8")
    (parts / f"{keys['ሁለት']}.wav").write_bytes((parts / f"{keys['ሁለት']}.wav").read_bytes()[:900])
    fake = Fake()
    done(workspace, asked, fake)
    assert fake.texts == ["አንድ", "ሁለት"]


def test_lines_that_can_not_be_said_are_named_before(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "ሰላም\nабв\n\n* * *\nዓለም 😀\n", files="line")
    fake = Fake()
    with pytest.raises(UserError) as caught:
        list(run(workspace, asked, fake))
    assert fake.texts == [] and not (tmp_path / "out").exists()
    assert caught.value.message.splitlines() == [
        "3 of 4 lines of `text.txt` can't be said; nothing was spoken:",
        "- line 2: The voice can't read these characters: `а` `б` `в` (`абв`)",
        "- line 4: There is nothing to say in this text (`* * *`)",
        "- line 5: The voice can't read these characters: `😀` (`ዓለም 😀`)",
    ]
    assert "--skip" in caught.value.hint
    result, events = done(workspace, replace(asked, skip=True), fake)
    assert fake.texts == ["ሰላም"] and result["skipped"] == 3
    assert findings(events)[:3] == [("line_skipped", f"line {n}") for n in (2, 4, 5)]
    rows = manifest(tmp_path / "out")["rows"]
    assert [(row["line"], row["file"], bool(row.get("skipped"))) for row in rows] == [
        *((1, "0001.wav", False), (2, "", True), (4, "", True), (5, "", True))
    ]


def test_many_bad_lines_and_no_good_one(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "\n".join(["...", "—"] * 15), skip=True)
    with pytest.raises(UserError, match="No line of `text.txt` can be said"):
        list(run(workspace, asked, Fake()))
    with pytest.raises(UserError, match="- and 10 more"):
        list(run(workspace, replace(asked, skip=False), Fake()))


def test_a_dry_run_speaks_nothing(workspace: Workspace, tmp_path: Path) -> None:
    fake = Fake()
    result, _ = done(workspace, request(tmp_path, "ሰላም\n£\n"), fake, dry=True)
    assert fake.texts == [] and not (tmp_path / "out").exists()
    assert (result["lines"], result["characters"]) == (2, 4)
    assert result["expected_seconds"] == pytest.approx(3 / 5.4, abs=0.1)
    assert [one["line"] for one in result["troubles"]] == [2]


def test_phones(workspace: Workspace, tmp_path: Path) -> None:
    make_voice(workspace, "phones", "phonemes")
    asked = request(tmp_path, "s ə l a m | l ə\nx9 a\n|\n", voice="phones", phonemes=True)
    with pytest.raises(UserError) as caught:
        list(run(workspace, replace(asked, files="line"), Fake()))
    assert [line.split(" (")[0] for line in caught.value.message.splitlines()[1:]] == [
        "- line 2: The voice can't read these sounds: `x9`",
        "- line 3: There is nothing to say in this text",
    ]
    fake = Fake()
    done(workspace, replace(asked, files="line", skip=True), fake)
    assert fake.texts == ["s ə l a m | l ə"] and fake.asked[0].phonemes
    with pytest.raises(UserError, match="reads letters, not phones"):
        list(run(workspace, replace(asked, voice="one"), Fake()))


def test_checks_are_told_and_kept(workspace: Workspace, tmp_path: Path) -> None:
    bad = {"verdict": "failed", "reasons": ["the end of the text is not heard"]}
    odd = {"verdict": "doubtful", "reasons": ["hard to understand"]}
    unknown = {"verdict": "not checked", "reasons": ["no recogniser"]}
    checks = {"አንድ": bad, "ሁለት": odd, "ሦስት": unknown, "አራት": unknown}
    fake = Fake(checks=checks)
    asked = request(tmp_path, "አንድ\nሁለት\nሦስት\nአራት\n", files="line", check=True, takes=3)
    result, events = done(workspace, asked, fake)
    assert result["verdicts"] == {"failed": 1, "doubtful": 1, "not checked": 2}
    assert findings(events) == [
        *(("check_failed", "line 1"), ("check_doubtful", "line 2"), ("not_checked", "line 3"))
    ]
    rows = manifest(tmp_path / "out")["rows"]
    assert [(row["verdict"], row["takes"], row["reasons"]) for row in rows] == [
        ("failed", 3, ["the end of the text is not heard"]),
        ("doubtful", 3, ["hard to understand"]),
        ("not checked", 3, ["no recogniser"]),
        ("not checked", 3, ["no recogniser"]),
    ]


def test_files_of_others_are_not_touched(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "book.wav").write_text("mine")
    with pytest.raises(UserError, match="is there already and not from a book"):
        list(run(workspace, request(tmp_path, "ሰላም"), Fake()))
    assert (out / "book.wav").read_text() == "mine"
    taken = tmp_path / "file"
    taken.write_text("x")
    with pytest.raises(UserError, match="is not a folder"):
        list(run(workspace, replace(request(tmp_path, "ሰላም"), out=taken), Fake()))


def test_files_of_an_earlier_run_are_put_away(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "አንድ\nሁለት\n", files="line")
    done(workspace, asked, Fake())
    fake = Fake()
    _, events = done(workspace, replace(asked, form="flac"), fake)
    assert fake.texts == [], "another format is no other speech"
    out = tmp_path / "out"
    there = names(out)
    assert {"0001.flac", "0002.flac", "book.json", "book.csv"} < there
    assert sorted(name.split("-")[-1] for name in there if name.startswith("earlier/")) == [
        *("0001.wav", "0002.wav")
    ]
    assert ("earlier_files", "") in findings(events)


def test_two_books_in_one_folder(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(tmp_path, "ሰላም")
    asked.out.mkdir()
    with (
        FileLock(asked.out / ".book.lock"),
        pytest.raises(UserError, match="Another book is being written"),
    ):
        list(run(workspace, asked, Fake()))


def test_everything_wrong_with_a_request_at_once(workspace: Workspace, tmp_path: Path) -> None:
    asked = request(
        *(tmp_path, "1\n00:00:00,000 --> 00:00:01,000\nሰላም\n", "a.srt"),
        form="mp4",
        files="chapter",
        seed=-1,
        takes=99,
    )
    with pytest.raises(UserError) as caught:
        list(run(workspace, asked, Fake()))
    assert len(caught.value.message.splitlines()) == 5
    with pytest.raises(UserError, match="There is no voice `two`"):
        list(run(workspace, request(tmp_path, "ሰላም", voice="two"), Fake()))
    with pytest.raises(UserError, match="no token `\\[xx\\]`"):
        list(run(workspace, request(tmp_path, "ሰላም", language="xx"), Fake()))


def test_a_wav_can_not_hold_a_day(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_join, "LARGEST_WAV", 1000)
    asked = request(tmp_path, "ሰላም")
    with pytest.raises(UserError, match="One WAV file can't hold"):
        list(run(workspace, asked, Fake()))
    fake = Fake()
    done(workspace, replace(asked, form="flac"), fake)
    assert fake.texts == []


def test_a_full_disk_is_told_before(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("amharic_tts.files.shutil.disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="The sound of this book needs"):
        list(run(workspace, request(tmp_path, "ሰላም ለዓለም"), Fake()))


def test_a_zip_to_take_away(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError, match="There is no finished book"):
        book_join.pack(out, tmp_path / "a.zip")
    done(workspace, request(tmp_path, "አንድ\nሁለት\n", files="line"), Fake())
    packed = book_join.pack(out, tmp_path / "a.zip")
    assert set(zipfile.ZipFile(packed).namelist()) == names(out)
