"""The memory that a run is said to want, and the batch that follows from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amharic_tts.errors import UserError
from amharic_tts.jobs.memory import (
    Load,
    Row,
    Sizes,
    codes_of,
    estimate,
    largest_batch,
    split_batch,
    with_checkpointing,
)

XTTS = Sizes(layers=30, width=1024, heads=16, text_tokens=6681, audio_tokens=1026)
ROWS = [Row(text=100, codes=200)] * 4
GB = 1e9


def test_the_parameters_of_the_release() -> None:
    assert XTTS.parameters == 441_018_563  # counted in coqui's own model (facts of 0.28.0)
    assert XTTS.block_parameters == 12_596_224


def test_what_training_everything_holds() -> None:
    found = estimate(XTTS, Load(), ROWS)
    assert (found.weights, found.gradients) == (4 * XTTS.parameters,) * 2
    assert (found.optimizer, found.average) == (8 * XTTS.parameters, 0)
    assert found.activations == pytest.approx(3.10 * GB, rel=0.01)
    assert found.total == sum((found.weights, found.gradients, found.optimizer, found.activations))


@pytest.mark.parametrize(
    ("load", "gigabytes"),
    [
        (Load(fused_attention=False), 6.01),
        (Load("bf16"), 2.66),
        (Load("bf16", checkpoint_blocks=15), 2.05),
        (with_checkpointing(Load("bf16"), XTTS), 1.18),
    ],
)
def test_what_the_flags_change_in_the_activations(load: Load, gigabytes: float) -> None:
    assert estimate(XTTS, load, ROWS).activations == pytest.approx(gigabytes * GB, rel=0.02)


def test_few_trained_parameters_need_little_beside_the_weights() -> None:
    found = estimate(XTTS, Load(trainable=5_000_000, optimizer_bytes=2, ema=True), ROWS)
    assert found.gradients == found.average == 20_000_000
    assert found.optimizer == 10_000_000
    assert found.weights == 4 * XTTS.parameters


def test_the_largest_batch_is_that_of_the_longest_rows() -> None:
    short, long = Row(20, 40), Row(190, 250)
    rows = [short] * 50 + [long] * 50
    room = estimate(XTTS, Load(), [long] * 5).total
    assert largest_batch(XTTS, Load(), rows, room) == 5
    assert largest_batch(XTTS, Load(), rows, room - 1) == 4
    assert largest_batch(XTTS, Load(), rows, 1 << 30) == 0
    assert largest_batch(XTTS, Load(), rows[:3], 1 << 50) == 3
    more = largest_batch(XTTS, with_checkpointing(Load(), XTTS), rows, room)
    assert more > 10


@pytest.mark.parametrize(
    ("wanted", "largest", "processes", "split"),
    [
        *((252, 8, 1, (7, 36)), (252, 3, 1, (3, 84)), (252, 1, 1, (1, 252))),
        *((252, 0, 1, (1, 252)), (4, 8, 1, (4, 1)), (5, 4, 1, (1, 5))),
        *((32, 8, 2, (8, 2)), (252, 8, 4, (7, 9)), (1, 8, 4, (1, 1))),
    ],
)
def test_a_batch_and_its_accumulation_reach_the_clips_asked_for(
    wanted: int, largest: int, processes: int, split: tuple[int, int]
) -> None:
    assert split_batch(wanted, largest, processes) == split
    assert split[0] * split[1] * processes >= wanted


def test_codes_of_seconds() -> None:
    assert [codes_of(s) for s in (0, 1024 / 22050, 1.0, 11.6)] == [0, 1, 22, 250]


def test_sizes_are_read_from_the_base(tmp_path: Path) -> None:
    said = {
        **{"gpt_layers": 30, "gpt_n_model_channels": 1024, "gpt_n_heads": 16},
        **{"gpt_number_text_tokens": 6681, "gpt_num_audio_tokens": 1026},
        **{"gpt_max_text_tokens": 402, "gpt_max_audio_tokens": 605},
    }
    (tmp_path / "config.json").write_text(json.dumps({"model_args": said}), encoding="utf-8")
    assert Sizes.read(tmp_path) == XTTS
    assert Sizes.read(tmp_path, 7000) == replace(XTTS, text_tokens=7000)
    del said["gpt_layers"]
    (tmp_path / "config.json").write_text(json.dumps({"model_args": said}), encoding="utf-8")
    with pytest.raises(UserError, match="gpt_layers"):
        Sizes.read(tmp_path)
    with pytest.raises(UserError, match="does not tell the model's size"):
        Sizes.read(tmp_path / "nothing")
