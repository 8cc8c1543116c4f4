"""What is trained: frozen parts, LoRA adapters, the average of the weights, the targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from flag_fixtures import Gradients, difference, first_step
from safetensors.torch import load_file
from training_fixtures import Kit

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Metric
from training import adapters, ema
from training.checkpoints import Checkpoints, fault
from training.config import FinetuneConfig
from training.freezing import is_trained
from training.model import PackedXtts
from training.weights import voice_state

FROZEN: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"freeze_blocks": 2}, ("gpt.gpt.h.0.", "gpt.gpt.h.1.")),
    ({"freeze_conditioning": True}, ("gpt.conditioning_",)),
    (
        {"freeze_embeddings": True},
        ("gpt.text_embedding", "gpt.mel_embedding", "gpt.text_pos_", "gpt.mel_pos_"),
    ),
]


@pytest.mark.parametrize(("settings", "frozen"), FROZEN)
def test_frozen_parts_stay_bit_for_bit_and_out_of_the_optimizer(
    kit: Kit, tmp_path: Path, settings: dict[str, Any], frozen: tuple[str, ...]
) -> None:
    trainer, _, _ = kit.trainer(tmp_path, steps=2, warmup_steps=0, **settings)
    trainer.train()
    named = dict(trainer.model.named_parameters())
    same = {name for name, p in named.items() if torch.equal(p, kit.state[name])}
    expected = {name for name in named if name.startswith(frozen)}
    assert expected and same >= expected
    assert not [name for name in expected if named[name].grad is not None]
    # The others move, but for embeddings of positions and tokens that no clip has.
    assert {name for name in same - expected if "bias" not in name} == set()
    held = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for name, p in named.items() if name not in expected}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"freeze_blocks": 4}, "freeze_blocks: 4 are asked for, and the base has 3 blocks"),
        ({"freeze_blocks": 3, "lora_rank": 2}, "no place for LoRA adapters"),
    ],
)
def test_more_than_there_is_can_not_be_frozen(
    kit: Kit, tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        kit.trainer(tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "matrices"),
    [
        ({}, {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}),
        ({"lora_targets": "attention"}, {"attn.c_attn", "attn.c_proj"}),
        ({"lora_targets": "mlp", "freeze_blocks": 1}, {"mlp.c_fc", "mlp.c_proj"}),
        ({"freeze_embeddings": True, "use_grad_checkpoint": True}, None),
    ],
)
def test_lora_trains_adapters_and_what_new_letters_need(
    kit: Kit, tmp_path: Path, settings: dict[str, Any], matrices: set[str] | None
) -> None:
    got = first_step(kit, tmp_path, lora_rank=4, **settings)
    blocks = range(settings.get("freeze_blocks", 0), 3)
    names = matrices or {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}
    expected = {
        f"gpt.gpt.h.{block}.{name}.lora_{part}.default.weight"
        for block in blocks
        for name in names
        for part in "AB"
    }
    expected |= {"gpt.text_head.weight", "gpt.text_head.bias"}
    expected |= set() if settings.get("freeze_embeddings") else {"gpt.text_embedding.weight"}
    assert set(got) == expected
    assert all(got[name].abs().sum() > 0 for name in got if "lora_B" in name)


def test_lora_rank_alpha_dropout_and_seed(kit: Kit) -> None:
    def made(**settings: Any) -> PackedXtts:
        model = kit.model()
        adapters.add(FinetuneConfig(dataset="d", lora_rank=4, **settings), model)
        return model

    def layer(model: PackedXtts) -> Any:
        return model.gpt.gpt.h[0].mlp.c_fc

    usual = layer(made())
    assert usual.lora_A["default"].weight.shape == (4, 128)
    assert usual.scaling["default"] == 2.0
    assert layer(made(lora_alpha=2)).scaling["default"] == 0.5
    assert layer(made(lora_dropout=0.25)).lora_dropout["default"].p == 0.25
    first, again, other = (
        layer(m).lora_A["default"].weight for m in (made(), made(), made(seed=8))
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_merged_adapters_are_what_peft_merges_and_compute_the_same(kit: Kit) -> None:
    config = FinetuneConfig(dataset="d", lora_rank=4, lora_alpha=6)
    model = kit.model().eval()
    adapters.add(config, model)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    batch = kit.batch(range(2))
    before = model(**batch)["loss"].item()
    ours = adapters.merged(model.state_dict(), config.lora_scale)
    for part in model.modules():
        if hasattr(part, "get_delta_weight"):
            part.merge()
    theirs = {
        name.replace(".base_layer", ""): value
        for name, value in model.state_dict().items()
        if ".lora_" not in name
    }
    assert ours.keys() == theirs.keys() == kit.state.keys()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-7) for name in ours)
    stock = kit.model().eval()
    stock.load_state_dict(ours, strict=True)
    assert stock(**batch)["loss"].item() == pytest.approx(before, abs=1e-5)
    assert before != pytest.approx(kit.model().eval()(**batch)["loss"].item(), abs=1e-4)


def losses(events: list[Any], name: str = "loss") -> dict[int, float]:
    return {e.step: e.value for e in events if isinstance(e, Metric) and e.name == name}


RESUMED: list[dict[str, Any]] = [
    {"lora_rank": 4, "lora_dropout": 0.1, "ema_decay": 0.5, "use_grad_checkpoint": True},
    {"freeze_blocks": 1, "freeze_embeddings": True, "ema_decay": 0.9},
]


@pytest.mark.parametrize("settings", RESUMED)
def test_a_resumed_run_has_the_same_losses_and_weights(
    kit: Kit, tmp_path: Path, settings: dict[str, Any]
) -> None:
    settings = {**settings, "steps": 4, "warmup_steps": 1, "eval_every": 2, "save_every": 2}
    through, _, events = kit.trainer(tmp_path / "through", **settings)
    through.train()
    whole = Checkpoints(tmp_path / "through").all()
    assert [(c.step, fault(c.folder)) for c in whole] == [(2, ""), (4, "")]
    resumed, _, again = kit.trainer(tmp_path / "resumed", **settings)
    resumed.train(resume_from_checkpoint=str(whole[0].folder))
    for name in ("loss", "eval_loss"):
        late = {step: value for step, value in losses(events, name).items() if step > 2}
        assert late and losses(again, name) == late
    config = FinetuneConfig(dataset="d", **settings)
    voices = [voice_state(c, config) for c in (whole[1], *Checkpoints(tmp_path / "resumed").all())]
    assert voices[0].keys() == kit.state.keys()
    assert all(torch.equal(voices[0][name], voices[1][name]) for name in voices[0])


def test_the_average_is_what_is_evaluated_and_exported(kit: Kit, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 3, "warmup_steps": 0, "learning_rate": 1e-3}
    trainer, _, events = kit.trainer(tmp_path, ema_decay=0.9, **settings)
    seen: list[dict[str, torch.Tensor]] = [{n: v.clone() for n, v in kit.state.items()}]
    name = "gpt.gpt.h.0.mlp.c_fc.weight"

    class Follow(ema.KeepAverage):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            seen.append({name: trainer.model.state_dict()[name].clone()})

    trainer.add_callback(Follow(trainer.average))
    trainer.train()
    value = seen[0][name].clone()
    for step in (1, 2, 3):
        decay = min(0.9, (1 + step) / (10 + step))
        value = decay * value + (1 - decay) * seen[step][name]
    config = FinetuneConfig(dataset="d", ema_decay=0.9, **settings)
    (checkpoint,) = Checkpoints(tmp_path).all()
    spoken = voice_state(checkpoint, config)
    assert torch.allclose(spoken[name], value, atol=1e-7)
    # The checkpoint itself keeps the last weights, and so does the model after an evaluation.
    last = load_file(checkpoint.model)[name]
    assert torch.equal(last, seen[3][name]) and not torch.equal(last, spoken[name])
    judge = kit.model().eval()
    judge.load_state_dict(spoken, strict=True)
    plain, _, _ = kit.trainer(tmp_path / "judge")
    plain.model.load_state_dict(spoken, strict=True)
    assert plain.evaluate()["eval_loss"] == losses(events, "eval_loss")[3]


def test_a_checkpoint_of_other_settings_is_refused(kit: Kit, tmp_path: Path) -> None:
    trainer, _, _ = kit.trainer(tmp_path, steps=1)
    trainer.train()
    (checkpoint,) = Checkpoints(tmp_path).all()
    for changed, words in (
        ({"ema_decay": 0.5}, r"has no `ema.safetensors`"),
        ({"lora_rank": 2}, r"is of another model: .* such as `gpt.gpt.h.0.attn"),
    ):
        resumed, _, _ = kit.trainer(tmp_path / "again", steps=2, **changed)
        with pytest.raises(StudioError, match=words):
            resumed.train(resume_from_checkpoint=str(checkpoint.folder))


def test_label_smoothing_is_for_audio_targets_in_training(
    kit: Kit, plain: Gradients, tmp_path: Path
) -> None:
    smooth = first_step(kit, tmp_path, dropout=False, label_smoothing=0.1)
    assert difference(plain, smooth) > 1e-3
    model, batch = kit.model(), kit.batch(range(2))
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    usual = model.train()(**batch)
    model.label_smoothing = 0.1
    trained, judged = model(**batch), model.eval()(**batch)
    assert trained["loss_text"] == usual["loss_text"]
    assert trained["loss_mel"] != usual["loss_mel"]
    assert judged["loss_mel"].item() == pytest.approx(usual["loss_mel"].item(), abs=1e-5)


@pytest.mark.parametrize("habit", [{"extra_stops": 3}, {"hide_text_stop": True}])
def test_stock_habits(kit: Kit, plain: Gradients, tmp_path: Path, habit: dict[str, Any]) -> None:
    assert difference(plain, first_step(kit, tmp_path, dropout=False, **habit)) > 1e-6


def test_something_is_always_trained() -> None:
    all_frozen = FinetuneConfig(
        dataset="d", freeze_blocks=30, freeze_conditioning=True, freeze_embeddings=True
    )
    assert is_trained(all_frozen, "gpt.mel_head.weight")
    assert is_trained(all_frozen, "gpt.final_norm.weight")
