"""Pieces of sounds, what is remembered of them, and going on after a stop or a kill."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import recogniser_fakes as fake
from recogniser_fakes import Tones, recording, said

from amharic_tts.errors import UserError
from amharic_tts.events import Progress
from amharic_tts.recognition import session
from amharic_tts.recognition.base import RATE, Heard, Word
from amharic_tts.recognition.pieces import is_silent, pieces
from amharic_tts.recognition.session import Memory, Recognised, Session, Settings, Sound
from amharic_tts.workspace import Workspace


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Tones:
    tones = Tones()
    monkeypatch.setattr(session, "load", lambda _settings: tones)
    return tones


@pytest.fixture
def settings(workspace: Workspace, tmp_path: Path) -> Settings:
    return session.settings_for(workspace, str(fake.files(tmp_path / "model")), "am")


def run(settings: Settings, memory: Memory, *paths: Path) -> list[Recognised[str]]:
    sounds = [Sound(path.stem, path) for path in paths]
    steps = list(Session[str](settings, memory).run(sounds))
    assert isinstance(steps[0], Progress)
    return [step for step in steps if isinstance(step, Recognised)]


def blocks(samples: np.ndarray, size: int = 5000) -> list[np.ndarray]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


def test_pieces_follow_each_other_and_are_cut_in_the_pauses() -> None:
    sound = said(*["ሰላም"] * 12, each=1.0, pause=0.4)
    found = list(pieces(blocks(sound), 5.0))
    assert np.array_equal(np.concatenate([samples for _, samples in found]), sound)
    starts = [start for start, _ in found]
    assert starts == [sum(len(s) for _, s in found[:n]) / RATE for n in range(len(found))]
    assert all(1.0 <= start % 1.4 <= 1.4 for start in starts[1:])
    assert all(len(samples) <= 5 * RATE for _, samples in found)


def test_a_sound_without_a_pause_is_cut_too_and_an_empty_one_has_no_piece() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 20 * RATE).astype(np.float32)
    assert sum(len(s) for _, s in pieces(blocks(noise), 6.0)) == len(noise)
    assert list(pieces([], 6.0)) == []


def test_silence_is_not_given_to_a_model() -> None:
    assert is_silent(np.full(100, 0.0005, np.float32)) and not is_silent(said("ሰላም"))


def test_sounds_come_in_their_order_and_bad_ones_with_a_reason(
    workspace: Workspace, settings: Settings, hears: Tones, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    found = run(
        settings,
        session.memory_of(workspace, settings),
        recording(tmp_path / "a.wav", "ሰላም", "ለዓለም።"),
        bad,
        recording(tmp_path / "c.wav", "", ""),
        recording(tmp_path / "d.wav", "ነን"),
    )
    assert [(r.sound.name, r.heard.text) for r in found] == [
        *(("a", "ሰላም ለዓለም።"), ("bad", ""), ("c", ""), ("d", "ነን")),
    ]
    assert found[1].error is not None and "can't be read as sound" in found[1].error.message
    assert found[0].heard.words[1] == Word("ለዓለም።", 0.6, 1.1, 0.9)
    assert hears.asked == [1.2, 0.6], "silence is not heard"


def test_nothing_is_heard_twice(
    workspace: Workspace, settings: Settings, hears: Tones, tmp_path: Path
) -> None:
    paths = [recording(tmp_path / f"{n}.wav", *["ሰላም", "ነን"][: n + 1]) for n in range(2)]
    first = run(settings, session.memory_of(workspace, settings), *paths)
    again = run(settings, session.memory_of(workspace, settings), *reversed(paths))
    assert [r.heard for r in again] == [r.heard for r in reversed(first)]
    assert len(hears.asked) == 2


def test_a_killed_work_goes_on_in_the_middle_of_a_recording(
    workspace: Workspace, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = recording(tmp_path / "long.wav", *itertools.islice(itertools.cycle(fake.PITCH), 150))
    whole = Tones()
    monkeypatch.setattr(session, "load", lambda _settings: whole)
    expected = run(settings, Memory(tmp_path / "other.jsonl"), long)
    broken, rest = Tones(limit=2), Tones()
    monkeypatch.setattr(session, "load", lambda _settings: broken)
    with pytest.raises(KeyboardInterrupt):
        run(settings, session.memory_of(workspace, settings), long)
    memory = session.memory_of(workspace, settings)
    with open(memory.path, "ab") as file:
        file.write(b'{"piece": "half')
    monkeypatch.setattr(session, "load", lambda _settings: rest)
    assert run(settings, session.memory_of(workspace, settings), long) == expected
    assert (len(whole.asked), len(broken.asked), len(rest.asked)) == (3, 2, 1)


def test_half_a_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    path.write_bytes(b'{"piece": "a", "te')
    heard = Heard("ሰላም", (Word("ሰላም", 0.1, 0.5, 0.75),), 0.75)
    memory = Memory(path)
    assert memory.get("a") is None
    memory.put("a", heard)
    memory.put("b", Heard())
    assert (Memory(path).get("a"), Memory(path).get("b")) == (heard, Heard())


def test_another_model_or_language_remembers_for_itself(
    workspace: Workspace, settings: Settings, tmp_path: Path
) -> None:
    folder = str(tmp_path / "model")
    made = {settings.made(), session.settings_for(workspace, folder, "en").made()}
    (tmp_path / "model" / "model.bin").write_bytes(b"other weights")
    made.add(session.settings_for(workspace, folder, "am").made())
    assert len(made) == 3
    threads = session.settings_for(workspace, folder, "am", threads=3)
    assert threads.made() in made


def test_time_left_counts_what_was_really_heard(
    workspace: Workspace, settings: Settings, hears: Tones, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(session, "_BETWEEN", -1.0)
    paths = [recording(tmp_path / f"{n}.wav", word) for n, word in enumerate(fake.PITCH)]
    sounds = [Sound(path.stem, path) for path in paths]
    work = Session[str](settings, session.memory_of(workspace, settings))
    steps = [step for step in work.run(sounds) if isinstance(step, Progress)]
    assert (steps[0].done, steps[0].total, steps[0].note) == (0, 3.6, "loading the model")
    assert [step.done for step in steps[1:]] == [0.6, 1.2, 1.8, 2.4, 3.0, 3.6]
    assert all(step.seconds_left is not None for step in steps[1:])
    assert steps[-1].seconds_left == pytest.approx(0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "nobody"}, "There is no recogniser `nobody`"),
        ({"model": "mms"}, "The recogniser `mms` is not on this machine"),
        ({"model": "a/b"}, "The recogniser `a/b` is not on this machine"),
        ({"device": "tpu"}, "`tpu` is no device"),
    ],
)
def test_what_can_not_be_used(workspace: Workspace, change: dict[str, str], told: str) -> None:
    asked = {"model": "mms", "language": "am", **change}
    with pytest.raises(UserError, match=told):
        session.settings_for(workspace, **asked)  # type: ignore[arg-type]
