"""Recognitions on paper: whole files; and the command that writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from amharic_tts.commands import g2p, phonemes
from amharic_tts.errors import UserError
from amharic_tts.phonemes import export
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.phonemes.result import Phone, Recognition

FOUND = Recognition(
    (
        Phone("h", 0.1, 0.2, 0.91234, 0),
        Phone("aɪ", 0.2, 0.45, 1.0, 0),
        Phone('"', 0.6, 0.7, 0.5, 1),
    ),
    "test-1",
    "ipa",
    ("en",),
    1.0,
)
EMPTY = Recognition((), "test-1", "ipa", ("en",), 0.0, ("no phone was heard",))

TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.000000
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.000000
        intervals: size = 5
        intervals [1]:
            xmin = 0.000000
            xmax = 0.100000
            text = ""
        intervals [2]:
            xmin = 0.100000
            xmax = 0.450000
            text = "h aɪ"
        intervals [3]:
            xmin = 0.450000
            xmax = 0.600000
            text = ""
        intervals [4]:
            xmin = 0.600000
            xmax = 0.700000
            text = "\"\""
        intervals [5]:
            xmin = 0.700000
            xmax = 1.000000
            text = ""
"""


def test_text_and_csv() -> None:
    assert export.to_text([("a", FOUND), ("b", EMPTY)]) == 'h aɪ | "\n\n'
    assert export.to_csv([("a,b.wav", FOUND)]) == (
        "audio,phone,start,end,confidence,word\n"
        '"a,b.wav",h,0.100,0.200,0.9123,0\n'
        '"a,b.wav",aɪ,0.200,0.450,1.0000,0\n'
        '"a,b.wav","""",0.600,0.700,0.5000,1\n'
    )


def test_json() -> None:
    first, second = json.loads(export.to_json([("a.wav", FOUND), ("b.wav", EMPTY)]))
    assert first["audio"] == "a.wav"
    assert first["phones"][0] == {
        **{"phone": "h", "start": 0.1, "end": 0.2, "confidence": 0.9123},
        "runners_up": [],
    }
    assert first["words"][0] == {"start": 0.1, "end": 0.45, "phones": ["h", "aɪ"]}
    assert (first["notation"], first["languages"], first["model"]) == ("ipa", ["en"], "test-1")
    assert (second["phones"], second["notes"]) == ([], ["no phone was heard"])


def test_textgrid() -> None:
    assert export.to_textgrid(FOUND).startswith(TEXTGRID.replace('"\\"\\""', '""""'))
    assert 'name = "phones"' in export.to_textgrid(FOUND)
    assert "intervals: size = 1" in export.to_textgrid(EMPTY)


needs_hama = pytest.mark.skipif(
    not present(), reason="hama, the embedded recogniser, has no build for this system"
)


def run(*args: str) -> Result:
    app = typer.Typer()
    g2p.register(app)
    phonemes.register(app)
    return CliRunner().invoke(app, ["phonemes", *args])


@pytest.fixture
def silence(tmp_path: Path) -> str:
    soundfile.write(tmp_path / "still.wav", np.zeros(8000), 16000)
    return str(tmp_path / "still.wav")


@needs_hama
def test_the_command(silence: str, ljspeech: Path) -> None:
    clip = str(ljspeech / "LJ001-0002.flac")
    assert run(clip).stdout == "ɪ n | b i ŋ | k ə m p ɛ ɹ ə t ɪ v l i | m oʊ d ɝ n\n"
    found = json.loads(run("--format", "json", clip, silence).stdout)
    assert [item["audio"] for item in found] == [clip, silence]
    assert set(found[0]["phones"][0]) == {"phone", "start", "end", "confidence", "runners_up"}
    assert found[1]["phones"] == []


@needs_hama
def test_one_bad_file_does_not_stop_the_others(silence: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"no sound")
    result = run("--format", "json", str(bad), silence)
    assert [item["audio"] for item in json.loads(result.stdout)] == [silence]
    assert isinstance(result.exception, UserError)
    assert result.exception.message == "1 of 2 sounds could not be read"


@needs_hama
def test_files_of_the_same_name_get_their_own(silence: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "still.wav").write_bytes(Path(silence).read_bytes())
    out = tmp_path / "out"
    args = ("--format", "textgrid", silence, str(other / "still.wav"))
    assert isinstance(run(*args).exception, UserError)
    assert run(*args, "--out", str(out)).exception is None
    assert sorted(path.name for path in out.iterdir()) == ["still-2.TextGrid", "still.TextGrid"]
    assert (out / "still.TextGrid").read_text(encoding="utf-8").startswith('File type = "ooText')


def test_models_that_this_version_has_not(silence: str) -> None:
    result = run("--model", "fast", silence)
    assert isinstance(result.exception, UserError)
    assert "is not converted yet" in result.exception.message
