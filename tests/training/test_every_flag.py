"""Each setting of a run changes what the engine does, as it says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from flag_fixtures import Gradients, difference, first_step
from training_fixtures import Kit

from amharic_tts.errors import UserError
from amharic_tts.events import Metric
from training.config import FinetuneConfig
from training.effective import make_plan


def test_every_parameter_gets_a_gradient(kit: Kit, plain: Gradients) -> None:
    assert set(plain) == {name for name, _ in kit.model().named_parameters()}


def test_mixed_precision(kit: Kit, plain: Gradients, tmp_path: Path) -> None:
    half = first_step(kit, tmp_path, dropout=False, mixed_precision="bf16")
    assert 1e-4 < difference(plain, half) < 3e-2
    assert {g.dtype for g in half.values()} == {torch.float32}
    assert difference(plain, first_step(kit, tmp_path, dropout=False, mixed_precision="no")) == 0


def test_dropout(kit: Kit, plain: Gradients, tmp_path: Path) -> None:
    again = first_step(kit, tmp_path, dropout=False)
    assert difference(plain, again) == 0
    assert difference(plain, first_step(kit, tmp_path, dropout=True)) > 1e-2


def test_accumulation_equals_the_larger_batch(kit: Kit, plain: Gradients, tmp_path: Path) -> None:
    split = first_step(kit, tmp_path, dropout=False, batch_size=2, accumulation=2)
    # The order of the clips is drawn for batch x accumulation, so the same four come first.
    assert difference(plain, split) < 1e-5


def test_accumulation_follows_from_the_effective_batch(
    kit: Kit, plain: Gradients, tmp_path: Path
) -> None:
    settings = {"batch_size": 3, "effective_batch": 4}  # two passes of two fit best
    assert difference(plain, first_step(kit, tmp_path, dropout=False, **settings)) < 1e-5
    plan = make_plan(FinetuneConfig(dataset="d", **settings))
    told = next(line for line in plan.settings if line.name == "batch")
    assert told.used == "4 clips a step: 2 a pass x 2 passes"


def test_seed_changes_the_clips_and_their_prompts(
    kit: Kit, plain: Gradients, tmp_path: Path
) -> None:
    assert difference(plain, first_step(kit, tmp_path, dropout=False, seed=8)) > 1e-3


def test_max_grad_norm(kit: Kit, tmp_path: Path) -> None:
    clipped = first_step(kit, tmp_path, max_grad_norm=0.01)
    norm = math.sqrt(sum(float(g.pow(2).sum()) for g in clipped.values()))
    assert norm == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.0, 0.5, 1.0, 1.0, 1.0]),
        ("linear", [0.0, 0.5, 1.0, 2 / 3, 1 / 3]),
        ("cosine", [0.0, 0.5, 1.0, 0.75, 0.25]),
    ],
)
def test_schedule_warmup_and_learning_rate(
    kit: Kit, tmp_path: Path, schedule: str, rates: list[float]
) -> None:
    trainer, _, events = kit.trainer(
        tmp_path, steps=5, warmup_steps=2, schedule=schedule, learning_rate=1e-3, batch_size=6
    )
    trainer.train()
    told = [e.value for e in events if isinstance(e, Metric) and e.name == "learning_rate"]
    assert told == pytest.approx([1e-3 * rate for rate in rates])


def test_weight_decay_is_for_weights_only(kit: Kit, tmp_path: Path) -> None:
    trainer, _, _ = kit.trainer(tmp_path, weight_decay=0.05)
    trainer.create_optimizer()
    groups = {
        group["weight_decay"]: len(group["params"]) for group in trainer.optimizer.param_groups
    }
    assert set(groups) == {0.05, 0.0}
    names = set(trainer.get_decay_parameter_names(trainer.model))
    assert names <= dict(trainer.model.named_parameters()).keys() and len(names) == groups[0.05]
    assert "gpt.gpt.h.0.attn.c_attn.weight" in names and "gpt.mel_head.weight" in names
    assert not [n for n in names if "embedding" in n or "norm" in n or "bias" in n]


def test_eval_save_and_keep(kit: Kit, tmp_path: Path) -> None:
    trainer, _, events = kit.trainer(
        tmp_path, steps=7, eval_every=3, save_every=2, keep_checkpoints=2, batch_size=3
    )
    trainer.train()
    judged = {e.step: e.value for e in events if isinstance(e, Metric) and e.name == "eval_loss"}
    assert sorted(judged) == [2, 3, 4, 6, 7]  # asked for at 3, 6; saved at 2, 4, 6; and the last
    kept = {int(p.name.split("-")[1]) for p in (tmp_path / "checkpoints").glob("checkpoint-*")}
    best = min((2, 4, 6, 7), key=lambda step: judged[step])
    assert kept == {6, 7, best}
    assert {e.step for e in events if isinstance(e, Metric) and e.name == "loss"} == set(
        range(1, 8)
    )


def test_evaluation_does_not_change_the_training(kit: Kit, tmp_path: Path) -> None:
    def losses(every: int) -> list[float]:
        trainer, _, events = kit.trainer(tmp_path / str(every), steps=4, eval_every=every)
        trainer.train()
        return [e.value for e in events if isinstance(e, Metric) and e.name == "loss"]

    assert losses(1) == losses(100)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU: these work here")
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"device": "cuda"}, "no GPU"),
        ({"use_flash_attention": True}, "needs a CUDA GPU"),
        ({"attention": "flash_attention_2"}, "attention: .*needs a CUDA GPU"),
        ({"mixed_precision": "fp16"}, "needs a GPU"),
        ({"tf32": True}, "tf32: needs a GPU of sm_80"),
        ({"optimizer": "adamw_8bit"}, "optimizer: `adamw_8bit` needs a GPU"),
    ],
)
def test_what_can_not_work_here_is_said(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make_plan(FinetuneConfig(dataset="d", **settings))
    assert caught.value.hint


def test_the_plan_says_what_is_used_and_why(tmp_path: Path) -> None:
    plan = make_plan(FinetuneConfig(dataset="d", device="cpu", use_sdpa=False))
    lines = {line.name: (line.asked, line.used) for line in plan.settings}
    assert lines["attention"] == ("auto", "eager")
    assert lines["precision"] == ("auto", "fp32")
    reasons = {line.name: line.reason for line in plan.settings}
    assert "GPU" in reasons["precision"] and "252" in reasons["batch"]
    assert {f.level for f in plan.findings()} == {"info"}
