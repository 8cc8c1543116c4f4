"""Which of several processes this one is, and how they are started."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from amharic_tts.errors import UserError
from amharic_tts.events import Failed
from amharic_tts.jobs import training
from training import finetune
from training.config import FinetuneConfig
from training.ranks import AnotherRankFailed, Ranks


def test_a_process_by_itself_asks_nobody() -> None:
    ranks = Ranks.from_environment({})
    assert (ranks.rank, ranks.size, ranks.first) == (0, 1, True)
    assert ranks.any(True) and not ranks.any(False)
    assert ranks.gather("x") == ["x"] and ranks.in_turn(lambda: 7) == 7
    with pytest.raises(KeyError):
        ranks.in_turn(lambda: {}["x"])


def test_the_environment_of_torchrun() -> None:
    ranks = Ranks.from_environment({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"})
    assert (ranks.rank, ranks.size, ranks.on_this_machine, ranks.first) == (3, 4, 2, False)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"WORLD_SIZE": "2"}, "RANK=, WORLD_SIZE=2, LOCAL_WORLD_SIZE="),
        ({"RANK": "x", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}, "RANK=x"),
        ({"RANK": "2", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}, "RANK=2 is not below"),
    ],
)
def test_an_environment_that_makes_no_sense(environ: dict[str, str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        Ranks.from_environment(environ)
    assert message in caught.value.message


class TwoRanks:
    """Two ranks in two threads that really meet, without torch."""

    def __init__(self) -> None:
        self.met = threading.Barrier(2)
        self.said: list[Any] = [None, None]

    def rank(self, number: int) -> Ranks:
        outer = self

        class Met(Ranks):
            def gather(self, value: Any) -> list[Any]:
                outer.said[number] = value
                outer.met.wait(10)
                found = list(outer.said)
                outer.met.wait(10)
                return found

        return Met(number, 2)


@pytest.mark.parametrize("failing", [0, 1, None])
def test_one_after_the_other_and_all_know_of_a_failure(failing: int | None) -> None:
    two, order, ended = TwoRanks(), [], dict[int, Any]()

    def run(number: int) -> None:
        def work() -> int:
            order.append(number)
            if number == failing:
                raise UserError("no clips")
            return number

        try:
            ended[number] = two.rank(number).in_turn(work)
        except (UserError, AnotherRankFailed) as error:
            ended[number] = f"{type(error).__name__}: {error.message}"

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order == ([0] if failing == 0 else [0, 1])
    told = {number: number for number in (0, 1)} if failing is None else {}
    if failing is not None:
        told = {
            failing: "UserError: no clips",
            1 - failing: f"AnotherRankFailed: Process {failing} of 2: no clips",
        }
    assert ended == told


def test_the_failure_of_another_process_is_told_by_the_first(tmp_path: Path) -> None:
    note = json.dumps(["The memory is not enough for this run", "Lower batch_size", 2])
    (tmp_path / "failed-1.json").write_text(note, encoding="utf-8")
    found = finetune._told_by_another(tmp_path, Ranks(0, 2, 2))
    assert isinstance(found, Failed) and found.exit_code == 2
    assert found.message == "Process 1 of 2: The memory is not enough for this run"
    assert found.hint == "Lower batch_size"
    assert finetune._told_by_another(tmp_path, Ranks()) is None


@pytest.mark.parametrize(
    ("asked", "device", "gpus", "count"),
    [(0, "cpu", 0, 1), (0, "cuda", 1, 1), (0, "cuda", 4, 4), (2, "cuda", 4, 2), (2, "cpu", 0, 2)],
)
def test_one_process_for_each_gpu(asked: int, device: str, gpus: int, count: int) -> None:
    assert training.processes(FinetuneConfig(processes=asked), device, gpus) == count
