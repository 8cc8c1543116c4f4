"""One function over many items: in this process and on a Ray cluster, with the same results."""

from __future__ import annotations

import functools
import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import worker_functions as work

from amharic_tts.dataset import workers
from amharic_tts.dataset.workers import ONE_PROCESS, Engine, mapped
from amharic_tts.errors import MissingPart, UserError

ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
RAY = Engine("ray", workers=2)


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
