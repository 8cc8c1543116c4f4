"""Builds that cut at pauses: with subtitles, without, a second time, and when it goes wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from built_datasets import load, reasons, run
from made_media import findings, result, tone, wav

from amharic_tts.dataset import clips, planning
from amharic_tts.dataset.cut_settings import CutSettings, Cutting
from amharic_tts.dataset.sample import run_espeak
from amharic_tts.errors import UserError
from amharic_tts.events import Finding
from amharic_tts.workspace import Workspace

TEXTS = ["ሰላም ለዓለም", "እንዴት አደርክ ዛሬ", "ጥሩ ቀን ነው"]
SPEECH = Cutting(CutSettings(target=1.5, longest=6.0, shortest=0.6))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, float]]]:
    path = tmp_path_factory.mktemp("spoken") / "ንግግር 1.wav"
    one = {"out": str(path), "voice": "am", "speed": 140, "pitch": 40, "texts": TEXTS}
    answer = run_espeak({"gap": 0.7, "recordings": [one]})
    return path, [tuple(span) for span in answer["recordings"][0]["spans"]]


@pytest.fixture
def talk(spoken: tuple[Path, list[tuple[float, float]]], tmp_path: Path) -> Path:
    """The recording in a folder of its own."""
    path = tmp_path / "data" / spoken[0].name
    path.parent.mkdir()
    path.write_bytes(spoken[0].read_bytes())
    return path


def subtitles(path: Path, spans: list[tuple[float, float]], off: float) -> None:
    """Subtitles as people write them: by hand, and not to the tenth of a second."""
    lines = [
        f"00:00:{s + off:06.3f} --> 00:00:{e - off:06.3f}\n{text}።\n"
        for (s, e), text in zip(spans, TEXTS, strict=True)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_subtitles_are_fitted_to_the_speech(
    spoken: tuple[Path, list[tuple[float, float]]], talk: Path, workspace: Workspace
) -> None:
    subtitles(talk.with_suffix(".srt"), spoken[1], 0.2)
    events = run(workspace, talk.parent, cutting=SPEECH)
    rows = load(workspace).accepted()
    assert [row.text for row in rows] == [f"{text}።" for text in TEXTS]
    for row, (start, end) in zip(rows, spoken[1], strict=True):
        assert row.span is not None
        assert -0.4 < row.span[0] - start < 0.05
        assert -0.05 < row.span[1] - end < 0.4
        sound, _ = soundfile.read(load(workspace).wav(row), dtype="float32")
        assert np.abs(sound[:400]).max() < 0.02 > np.abs(sound[-400:]).max()
    told = next(e for e in events if isinstance(e, Finding) and e.code == "cut_at_pauses")
    assert (
        told.message
        == "3 subtitles fitted to the speech: 0 joined with the one before, 3 of 3 moved"
    )


def test_a_recording_without_texts_is_cut_for_later_ones(talk: Path, workspace: Workspace) -> None:
    run(workspace, talk.parent, cutting=SPEECH)
    rows = load(workspace).utterances
    assert [(row.decision, [n["code"] for n in row.findings]) for row in rows] == [
        ("rejected", ["empty_text"])
    ] * 3
    assert all(load(workspace).wav(row).is_file() for row in rows)
    assert [row.id for row in rows] == [f"ንግግር 1-{n:04d}" for n in (1, 2, 3)]


def test_cutting_again_replaces_clips_without_texts_and_keeps_those_with(
    talk: Path, workspace: Workspace
) -> None:
    run(workspace, talk.parent, cutting=SPEECH)
    dataset = load(workspace)
    first = dataset.utterances[0]
    written = dataclasses.replace(first, text="ሰላም ለዓለም", decision="accepted", findings=[])
    dataset.save([written, *dataset.utterances[1:]])
    whole = Cutting(CutSettings(target=6.0, longest=6.0))
    events = run(workspace, talk.parent, cutting=whole)
    rows = load(workspace).utterances
    assert rows[0] == written
    assert len(rows) == 2 and not rows[1].text
    assert ("cut_anew", "info", "") in findings(events)
    again = result(run(workspace, talk.parent, cutting=whole))
    assert (again["added"], len(load(workspace).utterances)) == (0, 2)


def test_clips_that_are_cut_otherwise_are_not_added_twice(
    spoken: tuple[Path, list[tuple[float, float]]], talk: Path, workspace: Workspace
) -> None:
    subtitles(talk.with_suffix(".srt"), spoken[1], 0.1)
    run(workspace, talk.parent)
    before = load(workspace).utterances
    done = result(run(workspace, talk.parent, cutting=SPEECH))
    assert load(workspace).utterances == before
    assert (done["added"], done["already"]) == (0, 3)


def test_every_recording_may_have_its_own_settings(talk: Path, workspace: Workspace) -> None:
    other = talk.with_name("b.wav")
    samples, rate = soundfile.read(talk, dtype="float32")
    soundfile.write(other, samples * 0.5, rate)
    own = Cutting(SPEECH.default, {"b.wav": CutSettings(target=6.0, longest=6.0)})
    run(workspace, talk.parent, cutting=own)
    counts = [row.source for row in load(workspace).utterances]
    assert (counts.count("b.wav"), counts.count(talk.name)) == (1, 3)


def test_nothing_is_heard_twice(
    talk: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(workspace, talk.parent, cutting=SPEECH)
    assert len(list((workspace.cache / "speech").iterdir())) == 1

    def never(*_: object) -> None:
        raise AssertionError("it was heard again")

    monkeypatch.setattr("amharic_tts.audio.speech.listen", never)
    run(workspace, talk.parent, name="other", cutting=SPEECH)
    assert len(load(workspace, "other").utterances) == 3


def test_sound_without_speech_is_told(workspace: Workspace, tmp_path: Path) -> None:
    events = run(workspace, wav(tmp_path / "tone.wav", 3.0), cutting=SPEECH)
    assert ("no_speech", "warning", "tone.wav") in findings(events)
    assert load(workspace).utterances == ()


def test_a_recording_that_can_not_be_read_is_a_row(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("nothing")
    run(workspace, tmp_path / "a.wav", cutting=SPEECH)
    codes = ["unreadable_audio", "empty_text"]
    assert reasons(load(workspace).utterances) == [("a", "rejected", codes)]


def test_wrong_settings_stop_the_build(workspace: Workspace, tmp_path: Path) -> None:
    wrong = Cutting(CutSettings(target=0))
    with pytest.raises(UserError, match="cutting: shortest, target, longest"):
        run(workspace, wav(tmp_path / "a.wav"), cutting=wrong)


@pytest.mark.parametrize("planned", [False, True], ids=["exact", "planned"])
def test_a_file_that_grows_while_it_is_read_is_refused_and_then_taken(
    planned: bool,
    spoken: tuple[Path, list[tuple[float, float]]],
    talk: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subtitles(talk.with_suffix(".srt"), spoken[1], 0.1)
    cutting = SPEECH if planned else None
    module = planning if planned else clips
    real = module.file_hash

    def growing(path: Path) -> str:
        found = real(path)
        with open(path, "ab") as file:
            file.write(bytes(1000))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(module, "file_hash", growing)
        events = run(workspace, talk.parent, cutting=cutting)
    assert ("file_changed", "error", talk.name) in findings(events)
    assert {row.findings[-1]["code"] for row in load(workspace).utterances} == {"file_changed"}
    assert load(workspace).accepted() == []
    done = result(run(workspace, talk.parent, cutting=cutting))
    assert (done["accepted"], done["mended"], done["rows"]) == (3, 3, 3)


def test_a_clip_that_grows_while_it_is_read(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wav(tmp_path / "a.wav")
    (tmp_path / "metadata.csv").write_text("a|ሰላም\n")
    real = clips.file_hash

    def growing(at: Path) -> str:
        found = real(at)
        soundfile.write(path, tone(2.0), 22050)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(clips, "file_hash", growing)
        run(workspace, tmp_path)
    assert reasons(load(workspace).utterances) == [("a", "rejected", ["file_changed"])]
    run(workspace, tmp_path)
    assert [(r.id, r.duration) for r in load(workspace).accepted()] == [("a", 2.0)]
