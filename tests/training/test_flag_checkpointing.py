"""Gradient checkpointing: less is kept for the backward pass, and the gradients are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flag_fixtures import difference, first_step, saved_bytes
from training_fixtures import Kit

from amharic_tts.errors import UserError
from training.effective import make_plan
from training.model import PackedXtts, Recompute

PARTS = [
    {},
    {"checkpoint_blocks": 1},
    {"checkpoint_blocks": 0},
    {"checkpoint_conditioning": False},
]


@pytest.mark.parametrize("parts", PARTS)
def test_the_gradients_are_the_same_bit_for_bit(
    kit: Kit, tmp_path: Path, parts: dict[str, Any]
) -> None:
    kept = first_step(kit, tmp_path / "kept")  # with dropout: its draws are repeated too
    again = first_step(kit, tmp_path / "again", use_grad_checkpoint=True, **parts)
    assert difference(kept, again) == 0.0


def model(kit: Kit, recompute: Recompute) -> PackedXtts:
    made = kit.model()
    made.recompute = recompute
    made.activation_checkpointing_enable()
    return made


def test_bytes_kept_for_the_backward_pass(kit: Kit) -> None:
    everything = saved_bytes(kit, kit.model())

    def kept(blocks: int, conditioning: bool) -> float:
        return saved_bytes(kit, model(kit, Recompute(blocks, conditioning))) / everything

    both, blocks, conditioning, one = (
        kept(-1, True),
        kept(-1, False),
        kept(0, True),
        kept(1, False),
    )
    assert both < 0.15
    assert both < blocks < one < 1
    assert both < conditioning < 1
    # Each of the three blocks saves the same, and the two parts add up.
    assert 1 - one == pytest.approx((1 - blocks) / 3, rel=0.02)
    assert (1 - blocks) + (1 - conditioning) == pytest.approx(1 - both, rel=0.02)


def test_a_base_with_fewer_blocks(kit: Kit, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="checkpoint_blocks: 4 are asked for, and the base has 3"):
        kit.trainer(tmp_path, use_grad_checkpoint=True, checkpoint_blocks=4)


def test_what_is_told() -> None:
    from training.config import FinetuneConfig

    def told(**settings: Any) -> str:
        plan = make_plan(FinetuneConfig(dataset="d", device="cpu", **settings))
        return next(line.used for line in plan.settings if line.name == "checkpointing")

    assert told() == "off"
    on = {"use_grad_checkpoint": True}
    assert told(**on) == "all blocks and the conditioning encoder"
    assert told(**on, checkpoint_blocks=2) == "the first 2 blocks and the conditioning encoder"
    assert told(**on, checkpoint_conditioning=False) == "all blocks"
