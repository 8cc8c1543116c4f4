"""Real recordings by the real commands: every clip accepted, or refused for a stated reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
from typer.testing import CliRunner

from amharic_tts.cli import app
from amharic_tts.workspace import Workspace


def command(workspace: Workspace, *words: str) -> str:
    done = CliRunner().invoke(app, ["--workspace", str(workspace.root), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_clip_is_accounted_for(workspace: Workspace, ljspeech: Path) -> None:
    before = {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in ljspeech.iterdir()}
    command(workspace, "dataset", "build", str(ljspeech), "--name", "lj", "--language", "en-US")
    after = {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in ljspeech.iterdir()}
    assert after == before
    report = json.loads(command(workspace, "dataset", "check", "lj", "--json"))
    table = (ljspeech / "metadata.csv").read_text(encoding="utf-8").strip().split("\n")
    assert [(r["id"], r["text"]) for r in report["rows"]] == [
        tuple(line.split("|", 1)) for line in table
    ]
    assert (report["accepted"], report["rejected"], report["findings"]) == (24, 0, {})
    assert [r["decision"] for r in report["rows"]] == ["accepted"] * 24
    for row in report["rows"]:
        found, rate = soundfile.read(
            workspace.dataset("lj") / f"wavs/{row['id']}.wav", dtype="int16"
        )
        wanted, _ = soundfile.read(ljspeech / f"{row['id']}.flac", dtype="int16")
        assert rate == 22050
        np.testing.assert_array_equal(found, wanted)


def test_as_amharic_the_letters_are_known_too(workspace: Workspace, ljspeech: Path) -> None:
    numbers = json.loads(
        command(workspace, "dataset", "build", str(ljspeech), "--name", "lj", "--json")
    )
    assert (numbers["language"], numbers["accepted"] + numbers["rejected"]) == ("am", 24)
