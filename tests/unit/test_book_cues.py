"""Subtitles in: speech at the times of the cues, faster where it must be, late where it can't."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from book_fakes import RATE, Fake, done, make_voice, manifest, names, request

from amharic_tts.dataset.subtitles import read_cues
from amharic_tts.errors import UserError
from amharic_tts.events import Finding
from amharic_tts.jobs import book_times
from amharic_tts.jobs.book import run
from amharic_tts.jobs.book_text import Item
from amharic_tts.workspace import Workspace


def srt(*cues: tuple[float, float, str]) -> str:
    def time(seconds: float) -> str:
        return f"00:00:{int(seconds):02d},{round(seconds % 1 * 1000):03d}"

    blocks = [f"{n}\n{time(a)} --> {time(b)}\n{t}\n" for n, (a, b, t) in enumerate(cues, 1)]
    return "\n".join(blocks)


@pytest.fixture(autouse=True)
def voice(workspace: Workspace) -> Path:
    return make_voice(workspace)


def test_speech_stands_at_the_times_of_its_cues(workspace: Workspace, tmp_path: Path) -> None:
    text = srt((1, 2, "ሰላም"), (3.5, 5, "ለዓለም"), (10, 11, "ቡና"))
    result, events = done(workspace, request(tmp_path, text, "a.srt"), Fake())
    sound, _ = soundfile.read(tmp_path / "out" / "book.wav", dtype="int16")
    edges = np.flatnonzero(np.diff((sound != 0).astype(int))) + 1
    assert (edges / RATE).tolist() == [1.0, 1.3, 3.5, 3.9, 10.0]
    assert len(sound) / RATE == 10.2
    cues, _ = read_cues(tmp_path / "out" / "book.srt")
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [
        *((1.0, 1.3, "ሰላም"), (3.5, 3.9, "ለዓለም"), (10.0, 10.2, "ቡና"))
    ]
    assert [result[name] for name in ("faster", "late", "over")] == [0, 0, 0]
    assert not [event for event in events if isinstance(event, Finding)]
    row = manifest(tmp_path / "out")["rows"][1]
    assert (row["cue_start"], row["cue_end"], row["start"], row["stop"]) == (3.5, 5.0, 3.5, 3.9)


def test_a_cue_that_is_too_long_is_said_faster_once(workspace: Workspace, tmp_path: Path) -> None:
    # 1.2 s of speech, and the next cue begins after one second.
    text = srt((0, 1, "አ" * 12), (1, 3, "በ"))
    asked, fake = request(tmp_path, text, "a.srt"), Fake()
    result, _ = done(workspace, asked, fake)
    assert [(one.text, one.sampling.speed) for one in fake.asked] == [
        *(("አ" * 12, 1.0), ("አ" * 12, 1.276), ("በ", 1.0))
    ]
    assert fake.asked[0].seed == fake.asked[1].seed
    rows = manifest(tmp_path / "out")["rows"]
    assert (rows[0]["speed"], rows[0]["stop"]) == (1.276, pytest.approx(0.94, abs=0.001))
    assert rows[1]["start"] == 1.0
    assert [result[name] for name in ("faster", "late", "over")] == [1, 0, 0]
    again = Fake()
    done(workspace, asked, again)
    assert again.texts == [], "the slow and the fast one are kept"


def test_what_does_not_fit_runs_over_and_is_told(workspace: Workspace, tmp_path: Path) -> None:
    text = srt((0, 1, "አ" * 30), (1, 2, "በ"), (5, 6, "ገ"))
    result, events = done(workspace, request(tmp_path, text, "a.srt"), Fake())
    rows = manifest(tmp_path / "out")["rows"]
    over = 30 * 0.1 / book_times.FASTEST
    assert rows[0]["over"] == pytest.approx(over - 0.95, abs=0.001)
    assert rows[1]["start"] == pytest.approx(over, abs=0.001)
    assert rows[1]["late"] == pytest.approx(over - 1, abs=0.001)
    assert rows[2]["start"] == 5.0, "a pause takes the delay up"
    told = [(e.code, e.subject) for e in events if isinstance(e, Finding)]
    assert told == [("cue_too_long", "line 2"), ("cue_late", "line 6"), ("cues_faster", "")]
    assert [result[name] for name in ("faster", "late", "over")] == [1, 1, 1]


def test_a_file_for_each_cue(workspace: Workspace, tmp_path: Path) -> None:
    text = srt((1, 2, "ሰላም"), (2, 3, "አ" * 30))
    done(workspace, request(tmp_path, text, "a.vtt", files="line"), Fake())
    out = tmp_path / "out"
    assert names(out) == {"0001.wav", "0002.wav", "book.json", "book.csv"}
    rows = manifest(out)["rows"]
    assert [(row["file"], row["start"], row["cue_start"]) for row in rows] == [
        *(("0001.wav", 0.0, 1.0), ("0002.wav", 0.0, 2.0))
    ]
    assert rows[1]["over"] > 0 and rows[1]["late"] == 0


def test_bad_cues_are_named_before_and_skipped_on_request(
    workspace: Workspace, tmp_path: Path
) -> None:
    text = srt((1, 2, "ሰላም"), (4, 3, "ቡና"), (5, 6, "Привет"), (7, 8, ""))
    asked = request(tmp_path, text, "a.srt")
    with pytest.raises(UserError) as caught:
        list(run(workspace, asked, Fake()))
    lines = caught.value.message.splitlines()
    assert lines[0] == "3 of 4 cues of `a.srt` can't be said; nothing was spoken:"
    assert [line.split(":")[0] for line in lines[1:]] == ["- line 6", "- line 10", "- line 14"]
    fake = Fake()
    result, _ = done(workspace, request(tmp_path, text, "a.srt", skip=True), fake)
    assert fake.texts == ["ሰላም"] and result["skipped"] == 3


def test_rooms() -> None:
    def cue(start: float, end: float) -> Item:
        return Item(1, 1, "", start=start, end=end)

    cues = [cue(0, 1), cue(1.5, 2), cue(1.5, 3), cue(9, 10)]
    assert book_times.rooms(cues) == pytest.approx([1.45, 0.5, 2.5, 2.0])
    assert book_times.faster(1.0, 1.0) == 1.0
    assert book_times.faster(1.1, 1.0) == 1.111
    assert book_times.faster(9.0, 1.0) == book_times.FASTEST
