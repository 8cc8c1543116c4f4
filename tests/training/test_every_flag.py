"""Each setting of a run changes what the engine does, as it says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from training_fixtures import Kit
from transformers import TrainerCallback

from amharic_tts.errors import UserError
from amharic_tts.events import Metric
from training.config import FinetuneConfig
from training.effective import make_plan
from training.model import PackedXtts

Gradients = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def kit(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(practice_base, tmp_path_factory.mktemp("kit"))


class FirstStep(TrainerCallback):
    """Keeps the gradients of the first step and ends the training."""

    def __init__(self, model: PackedXtts) -> None:
        self.model = model
        self.gradients: Gradients = {}

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        named = self.model.named_parameters()
        self.gradients = {n: p.grad.clone() for n, p in named if p.grad is not None}
        control.should_training_stop = True


def first_step(kit: Kit, run: Path, **settings: Any) -> Gradients:
    trainer, _, _ = kit.trainer(run, **{"max_grad_norm": 1e6, **settings})
    taker = FirstStep(trainer.model)
    trainer.add_callback(taker)
    trainer.train()
    return taker.gradients


def difference(a: Gradients, b: Gradients) -> float:
    assert a.keys() == b.keys() and a
    error = sum((a[k] - b[k]).pow(2).sum() for k in a)
    return float((error / sum(g.pow(2).sum() for g in a.values())).sqrt())


@pytest.fixture(scope="module")
def plain(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Gradients:
    return first_step(kit, tmp_path_factory.mktemp("plain"), dropout=False)


def test_every_parameter_gets_a_gradient(kit: Kit, plain: Gradients) -> None:
    assert set(plain) == {name for name, _ in kit.model().named_parameters()}


def test_use_sdpa(
    kit: Kit, plain: Gradients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def spy(query: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(query.shape)
        return fused(query, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    eager = first_step(kit, tmp_path / "eager", dropout=False, use_sdpa=False)
    assert not [shape for shape in calls if shape[-1] == 32]  # the blocks' heads are 128 / 4 wide
    assert 0 < difference(plain, eager) < 1e-5
    first_step(kit, tmp_path / "sdpa", dropout=False, use_sdpa=True)
    assert len([shape for shape in calls if shape[-1] == 32]) == 3


def test_use_grad_checkpoint_gives_the_same_gradients(kit: Kit, tmp_path: Path) -> None:
    kept = first_step(kit, tmp_path / "kept")  # with dropout: its draws are repeated too
    again = first_step(kit, tmp_path / "again", use_grad_checkpoint=True)
    assert difference(kept, again) == 0.0


def test_use_grad_checkpoint_saves_memory(kit: Kit) -> None:
    def saved(checkpointing: bool) -> int:
        model = kit.model().train()
        if checkpointing:
            model.activation_checkpointing_enable()
        weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
        held: dict[int, torch.Tensor] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.untyped_storage().data_ptr() not in weights:
                held[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        batch = kit.batch(range(4))
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
            loss = model(**batch)["loss"]
        assert loss.requires_grad
        return sum(t.untyped_storage().nbytes() for t in held.values())

    assert saved(True) < 0.3 * saved(False)


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
        ({"mixed_precision": "fp16"}, "needs a GPU"),
    ],
)
def test_what_can_not_work_here_is_said(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make_plan(FinetuneConfig(dataset="d", **settings))
    assert caught.value.hint


def test_the_plan_says_what_is_used_and_why(tmp_path: Path) -> None:
    plan = make_plan(FinetuneConfig(dataset="d", device="cpu", use_sdpa=False))
    lines = {line.name: (line.asked, line.used) for line in plan.settings}
    assert lines["attention"] == ("eager", "eager")
    assert lines["precision"] == ("auto", "fp32")
    reasons = {line.name: line.reason for line in plan.settings}
    assert "GPU" in reasons["precision"] and "252" in reasons["batch"]
    assert {f.level for f in plan.findings()} == {"info"}
