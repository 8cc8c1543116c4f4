"""Prompts read into a microphone: takes are kept, one counts, and a dataset comes of them."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from built_datasets import load, run
from made_media import findings, tone

from amharic_tts.dataset import prompts
from amharic_tts.dataset.prompts import Session, read_prompts, sessions
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace

TEXTS = ["ሰላም ለዓለም", "  እንዴት   ነህ? ", "", "እሺ"]
RATE = 48_000


def spoken(pitch: float = 220.0, seconds: float = 1.0, level: float = 0.3) -> np.ndarray:
    """What a browser gives: whole numbers of 16 bits, with silence around the voice."""
    sound = tone(seconds, pitch, RATE, level)
    padded = np.pad(sound, RATE // 5)
    return (padded * 32767).astype(np.int16)


@pytest.fixture
def session(workspace: Workspace) -> Session:
    return Session.create(workspace, "ክፍል 1", TEXTS, "አበበ", "amh")


def test_a_session_is_begun_and_read(workspace: Workspace, session: Session) -> None:
    assert session.texts == ("ሰላም ለዓለም", "እንዴት ነህ?", "እሺ")
    assert (session.language, session.speaker, session.next()) == ("am", "አበበ", 1)
    assert sessions(workspace) == ["ክፍል 1"]
    assert prompts.latest(workspace) == "ክፍል 1"
    session = session.record(1, spoken(), RATE)
    assert [(t.prompt, t.take, t.file, t.seconds) for t in session.takes] == [
        (1, 1, "takes/0001-1.wav", 1.4)
    ]
    assert session.takes[0].notes == ()
    assert session.next(1) == 2
    kept, rate = soundfile.read(session.sound(session.takes[0]), dtype="int16")
    assert rate == RATE and np.array_equal(kept, spoken())


def test_every_take_is_kept_and_the_last_or_the_chosen_one_counts(session: Session) -> None:
    for pitch in (200, 240, 280):
        session = session.record(2, spoken(pitch), RATE)
    assert [take.take for take in session.of_prompt(2)] == [1, 2, 3]
    assert all(session.sound(take).is_file() for take in session.takes)
    session = session.choose(2, 1)
    assert [take.take for take in session.chosen()] == [1]
    session = session.record(2, spoken(320), RATE)
    assert [take.take for take in session.chosen()] == [4]


def test_a_prompt_can_be_skipped_and_taken_up_again(session: Session) -> None:
    session = session.record(1, spoken(), RATE).skip(1).skip(2)
    assert (session.chosen(), session.next()) == ([], 3)
    assert session.choose(1, 1).chosen()[0].prompt == 1
    assert session.record(3, spoken(), RATE).next() is None


@pytest.mark.parametrize(
    ("samples", "codes"),
    [
        (spoken(level=0.01), ["take_quiet"]),
        (spoken(level=0.0), ["inaudible"]),
        (np.clip(spoken(level=3.0).astype(np.int32) * 3, -32768, 32767), ["clipping"]),
        (spoken(seconds=0.05), ["too_short"]),
        ((tone(1.0, 220.0, RATE) * 32767).astype(np.int16), ["take_cut_off"]),
    ],
    ids=["quiet", "silent", "clipped", "short", "cut off"],
)
def test_the_speaker_is_told_at_once(
    session: Session, samples: np.ndarray, codes: list[str]
) -> None:
    take = session.record(1, np.asarray(samples, np.int16), RATE).takes[0]
    assert set(codes) <= {n["code"] for n in take.notes}


def test_stereo_and_floats(session: Session) -> None:
    mono = tone(1.0, 220.0, RATE)
    session = session.record(1, np.stack([mono, -mono], axis=1), RATE)
    kept, _ = soundfile.read(session.sound(session.takes[0]))
    assert np.abs(kept).max() == 0
    session = session.record(1, mono, RATE)
    kept, _ = soundfile.read(session.sound(session.takes[1]), dtype="float32")
    np.testing.assert_allclose(kept, mono, atol=1e-4)


def test_a_session_is_a_source(workspace: Workspace, session: Session) -> None:
    session = session.record(1, spoken(200), RATE).record(3, spoken(240), RATE)
    session.record(3, spoken(300), RATE).choose(3, 1)
    run(workspace, session.folder)
    rows = load(workspace).accepted()
    assert [(r.id, r.text, r.speaker) for r in rows] == [
        ("ክፍል 1-0001", "ሰላም ለዓለም", "አበበ"),
        ("ክፍል 1-0003", "እሺ", "አበበ"),
    ]
    Session.load(session.folder).choose(3, 2)
    events = run(workspace, session.folder)
    assert load(workspace).utterances == tuple(rows)
    assert "other_take" in {code for code, *_ in findings(events)}


def record_five(folder: Path) -> None:
    for _ in range(5):
        Session.load(folder).record(1, spoken(), RATE)


def test_two_tabs_record_at_once(session: Session) -> None:
    context = multiprocessing.get_context("fork")
    tabs = [context.Process(target=record_five, args=(session.folder,)) for _ in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    takes = Session.load(session.folder).takes
    assert sorted(take.take for take in takes) == list(range(1, 11))
    assert len({take.file for take in takes}) == 10


@pytest.mark.parametrize("rest", [b'{"do": "tak', b"\xff\xfe{", b"[1, 2]\n", b"\n\n"])
def test_a_journal_that_was_cut_short(session: Session, rest: bytes) -> None:
    session = session.record(1, spoken(), RATE)
    with open(session.folder / prompts.JOURNAL, "ab") as file:
        file.write(rest)
    again = Session.load(session.folder)
    assert again.takes == session.takes
    assert len(again.record(2, spoken(), RATE).takes) == 2


def test_mistakes_are_told(workspace: Workspace, session: Session) -> None:
    with pytest.raises(UserError, match="There is a session `ክፍል 1` already"):
        Session.create(workspace, "ክፍል 1", TEXTS)
    with pytest.raises(UserError, match="There are 0 texts"):
        Session.create(workspace, "b", [" "])
    with pytest.raises(UserError, match="can't be the name of a session"):
        Session.create(workspace, "../b", TEXTS)
    with pytest.raises(UserError, match="There is no session `none`"):
        Session.load(workspace.recordings / "none")
    with pytest.raises(UserError, match="has no prompt 4; it has 3"):
        session.record(4, spoken(), RATE)
    with pytest.raises(UserError, match="has no take 1"):
        session.choose(1, 1)
    with pytest.raises(UserError, match="Nothing was recorded"):
        session.record(1, np.zeros(0, np.int16), RATE)
    with pytest.raises(UserError, match="is outside the session"):
        session.sound(prompts.Take(1, 1, "../../x.wav", 1.0))
    (session.folder / prompts.HEADER).write_text("{")
    with pytest.raises(UserError, match="can't be read"):
        Session.load(session.folder)


def test_texts_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ሰላም\n\n እሺ \n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("1|ሰላም\n2|እሺ\n", encoding="utf-8")
    assert read_prompts(tmp_path / "a.txt") == read_prompts(tmp_path / "b.txt") == ["ሰላም", "እሺ"]
