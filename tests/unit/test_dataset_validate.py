"""The check reads a dataset as training would, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from built_datasets import files, load, run
from made_media import Letters, tone, wav

from amharic_tts.dataset.summary import summary
from amharic_tts.dataset.validate import check
from amharic_tts.workspace import Workspace


@pytest.fixture
def built(workspace: Workspace, tmp_path: Path) -> Workspace:
    folder = tmp_path / "data"
    for i, name in enumerate("abc"):
        wav(folder / f"{name}.wav", 1.0, 200 + 30 * i)
    wav(folder / "d.wav", 0.3, 400)
    table = "a|ሰላም\nb|ደህና ነኝ\nc|ሰላም\nd|x\ne|y\n"
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    run(workspace, folder)
    return workspace


def test_the_report(built: Workspace) -> None:
    folder = built.dataset("d")
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    report = check(load(built), Letters()).to_dict()
    assert {name: (folder / name).read_bytes() for name in files(folder)} == before
    rows = report.pop("rows")
    assert report == {
        "dataset": "d",
        "folder": str(folder),
        "language": "am",
        "notes": [],
        "accepted": 3,
        "rejected": 2,
        "reasons": {"missing_audio": 1, "too_short": 1},
        "findings": {"duplicate_text": 1, "missing_audio": 1, "too_short": 1},
    }
    shown = [(r["id"], r["tokens"], r["duration"], r["decision"]) for r in rows]
    assert shown == [
        ("a", 3, 1.0, "accepted"),
        ("b", 6, 1.0, "accepted"),
        ("c", 3, 1.0, "accepted"),
        ("d", 1, 0.3, "rejected"),
        ("e", 1, 0.0, "rejected"),
    ]
    assert rows[2]["findings"] == [
        {"code": "duplicate_text", "level": "warning", "message": "`a` has the same text"}
    ]


def test_wavs_that_were_changed_since(built: Workspace) -> None:
    wavs = built.dataset("d") / "wavs"
    (wavs / "a.wav").unlink()
    (wavs / "b.wav").write_bytes(b"x")
    soundfile.write(wavs / "c.wav", tone(2.0), 16_000)
    report = check(load(built), Letters())
    assert [(r.id, r.decision, [n["code"] for n in r.reasons]) for r in report.rows[:3]] == [
        ("a", "rejected", ["missing_audio"]),
        ("b", "rejected", ["unreadable_audio"]),
        ("c", "rejected", ["unreadable_audio"]),
    ]
    assert report.rows[2].reasons[0]["message"] == (
        "`wavs/c.wav` was changed: 44100 samples at 16000 Hz, 1 channels "
        "instead of 22050 at 22050, mono"
    )


def test_another_vocabulary_judges_the_text_anew(built: Workspace) -> None:
    class Latin(Letters):
        def unknown(self, text: str) -> list[str]:
            return [c for c in text if c > "z"]

    report = check(load(built), Latin())
    assert (report.accepted, report.rejected) == (0, 5)
    assert report.reasons()["unknown_characters"] == 3


def test_a_refused_row_stays_out_until_it_is_built_again(built: Workspace) -> None:
    dataset = load(built)
    row = next(r for r in check(dataset, Letters()).rows if r.id == "d")
    assert (row.decision, [n["code"] for n in row.findings]) == ("rejected", ["too_short"])


def test_the_summary(built: Workspace) -> None:
    numbers = summary(load(built))
    assert numbers["seconds"] == 3.0
    assert (numbers["rows"], numbers["sources"]) == (5, 5)
    assert numbers["findings"] == {"duplicate_text": 1, "missing_audio": 1, "too_short": 1}


def test_the_default_encoder_knows_amharic(built: Workspace) -> None:
    assert check(load(built)).accepted == 3
