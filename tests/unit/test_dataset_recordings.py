"""Long recordings cut by their subtitles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from built_datasets import load, reasons, run
from made_media import RATE, encode, findings, result, tone

from amharic_tts.workspace import Workspace


def talk(folder: Path, cues: str, seconds: float = 6.0) -> Path:
    """A recording whose pitch rises every second, and its subtitles."""
    parts = [tone(1.0, 200 + 40 * i) for i in range(round(seconds))]
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "talk.wav", np.concatenate(parts), RATE, subtype="FLOAT")
    (folder / "talk.srt").write_text(cues, encoding="utf-8")
    return folder / "talk.wav"


def cue(start: float, end: float, text: str) -> str:
    return f"00:00:{start:06.3f} --> 00:00:{end:06.3f}\n{text}\n\n"


def test_a_recording_is_cut_by_its_subtitles(workspace: Workspace, tmp_path: Path) -> None:
    cues = [
        cue(2, 3, "ሁለት"),
        cue(0.5, 1.25, "አንድ"),
        cue(2.5, 3.5, "ሦስት"),
        cue(4, 5, ""),
        cue(4.5, 6.25, "አምስት"),
        cue(5, 7, "ስምንት"),
        cue(8, 9, "ስድስት"),
        cue(5, 4, "ሰባት"),
    ]
    path = talk(tmp_path / "data", "".join(cues))
    events = run(workspace, path.parent)
    dataset = load(workspace)
    assert [(r.id, r.span, [n["code"] for n in r.findings]) for r in dataset.utterances] == [
        ("talk-0001", (0.5, 1.25), []),
        ("talk-0002", (2.0, 3.0), ["overlapping_cue"]),
        ("talk-0003", (2.5, 3.5), ["overlapping_cue"]),
        ("talk-0004", (4.0, 5.0), ["empty_cue"]),
        ("talk-0005", (4.5, 6.25), ["overlapping_cue", "truncated"]),
        ("talk-0006", (5.0, 4.0), ["bad_cue_time"]),
        ("talk-0007", (5.0, 7.0), ["overlapping_cue", "outside_recording"]),
        ("talk-0008", (8.0, 9.0), ["outside_recording"]),
    ]
    whole, _ = soundfile.read(path, dtype="float32")
    found, _ = soundfile.read(dataset.wav(dataset.utterances[1]), dtype="float32")
    np.testing.assert_allclose(found, whole[2 * RATE : 3 * RATE], atol=1e-4)
    assert [r.duration for r in dataset.accepted()] == [0.749977, 1.0, 1.0, 1.5]
    assert findings(events) == [
        ("subtitles_found", "info", "talk.wav"),
        ("unordered_cues", "info", "talk.srt"),
        ("split_by_clips", "info", ""),
    ]
    again = run(workspace, path.parent)
    assert load(workspace).utterances == dataset.utterances
    assert result(again)["already"] == 8


def test_a_truncated_recording_gives_what_it_has(workspace: Workspace, tmp_path: Path) -> None:
    path = talk(tmp_path / "data", cue(0, 1, "ሀ") + cue(2.2, 3.3, "ለ") + cue(4, 5, "ሐ"))
    path.write_bytes(path.read_bytes()[: 4 * round(3.2 * RATE)])
    events = run(workspace, path.parent)
    assert reasons(load(workspace).utterances) == [
        ("talk-0001", "accepted", []),
        ("talk-0002", "accepted", ["truncated"]),
        ("talk-0003", "rejected", ["outside_recording"]),
    ]
    assert ("truncated", "warning", "talk.wav") in findings(events)


def test_a_recording_that_breaks_off(workspace: Workspace, tmp_path: Path) -> None:
    path = talk(tmp_path / "data", cue(0, 1, "ሀ") + cue(2, 3, "ለ") + cue(4, 5, "ሐ"))
    samples, _ = soundfile.read(path, dtype="float32")
    samples[round(3.5 * RATE)] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    run(workspace, path.parent)
    rows = load(workspace).utterances
    assert reasons(rows) == [
        ("talk-0001", "accepted", []),
        ("talk-0002", "accepted", []),
        ("talk-0003", "rejected", ["unreadable_audio"]),
    ]
    assert "not numbers" in rows[2].findings[0]["message"]


def test_a_video_with_vtt_voices(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    encode(folder / "talk.mp4", tone(3.0, rate=48_000), 48_000, "aac", "mp4")
    (folder / "talk.vtt").write_text(
        "WEBVTT\n\n00:00.500 --> 00:01.500\n<v አበበ>ሰላም\n\n00:01.500 --> 00:02.500\nደህና\n",
        encoding="utf-8",
    )
    run(workspace, folder, speaker="ከበደ")
    assert [(r.speaker, r.duration) for r in load(workspace).accepted()] == [
        ("አበበ", 1.0),
        ("ከበደ", 1.0),
    ]


def test_an_unreadable_recording_refuses_every_cue(workspace: Workspace, tmp_path: Path) -> None:
    path = talk(tmp_path / "data", cue(0, 1, "ሀ") + cue(2, 3, "ለ"))
    path.write_text("not a recording")
    run(workspace, path.parent)
    assert reasons(load(workspace).utterances) == [
        ("talk-0001", "rejected", ["unreadable_audio"]),
        ("talk-0002", "rejected", ["unreadable_audio"]),
    ]
