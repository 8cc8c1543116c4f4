"""Attention: which way, which kernel below it, compiled or not."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from flag_fixtures import Gradients, difference, first_step
from training_fixtures import Kit

from amharic_tts.errors import MissingPart, StudioError, UserError
from training import decisions, effective
from training.attention import TOKENS, Case, kernel
from training.config import FinetuneConfig
from training.effective import make_plan

WIDTH = 32
"""Of a head of the practice base: 128 / 4."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the blocks ask PyTorch's attention for; conditioning and the probe are left out."""
    seen: list[dict[str, Any]] = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def spy(query: Any, *args: Any, **kwargs: Any) -> Any:
        of_blocks = query.shape[-1] == WIDTH and "dropout_p" in kwargs
        if of_blocks and query.shape[2] != TOKENS:
            seen.append({"dropout": kwargs.get("dropout_p"), "mask": kwargs.get("attn_mask")})
        return fused(query, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    return seen


def test_attention_and_use_sdpa(
    kit: Kit, plain: Gradients, tmp_path: Path, calls: list[Any]
) -> None:
    gradients = first_step(kit, tmp_path / "eager", dropout=False, use_sdpa=False)
    assert not calls
    assert 0 < difference(plain, gradients) < 1e-5
    first_step(kit, tmp_path / "sdpa", dropout=False, attention="sdpa")
    assert len(calls) == 3 and {call["mask"] for call in calls} == {None}


def test_attention_dropout(kit: Kit, tmp_path: Path, calls: list[Any]) -> None:
    some = first_step(kit, tmp_path / "some", attention_dropout=False)
    assert {call["dropout"] for call in calls} == {0.0}
    assert difference(some, first_step(kit, tmp_path / "none", dropout=False)) > 1e-3
    calls.clear()
    assert difference(some, first_step(kit, tmp_path / "all")) > 1e-3
    assert {call["dropout"] for call in calls} == {0.1}


def test_hidden_text_stops_need_a_mask(kit: Kit, tmp_path: Path, calls: list[Any]) -> None:
    first_step(kit, tmp_path, dropout=False, hide_text_stop=True)
    assert [call["mask"].shape[1:] for call in calls] == [calls[0]["mask"].shape[1:]] * 3


def test_a_cpu_runs_its_flash_kernel_only_without_dropout() -> None:
    with_dropout = kernel("sdpa", Case())
    assert (with_dropout.name, with_dropout.flash) == ("math", False)
    assert with_dropout.told == "flash kernel: no, math runs"
    assert "attention dropout is 0.1" in with_dropout.reason
    for case in (Case(dropout=0.0), Case(dropout=0.0, precision="bf16")):
        assert kernel("sdpa", case).name == "flash"
    assert not kernel("eager", Case(dropout=0.0)).flash


def test_the_probe_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    kernel("sdpa", Case())
    assert torch.equal(before, torch.get_rng_state())


def test_the_plan_says_which_kernel_runs_and_why() -> None:
    def line(**settings: Any) -> Any:
        plan = make_plan(FinetuneConfig(dataset="d", device="cpu", **settings))
        return next(setting for setting in plan.settings if setting.name == "kernel")

    assert line().used == "flash kernel: no, math runs"
    assert "attention_dropout off lets it run" in line().reason
    assert line(dropout=False).used == "flash kernel: yes, flash runs"
    assert line(attention_dropout=False).used == "flash kernel: yes, flash runs"
    assert line(attention="eager").used == "flash kernel: no, plain formula runs"


def test_another_kernel_than_planned_stops_the_run(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, _, _ = kit.trainer(tmp_path, dropout=False)
    trainer.model.gpt.gpt.h[0].attn.attn_dropout.p = 0.1
    with pytest.raises(StudioError, match="kernel: `flash` was planned, and `math` is what runs"):
        trainer.train()


def test_compile(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block is compiled; not by what: a real one takes half a minute."""
    compiled: list[tuple[Any, dict[str, Any]]] = []

    def spy(function: Any, **options: Any) -> Any:
        compiled.append((function.__self__, options))
        return function

    monkeypatch.setattr(torch, "compile", spy)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    trainer, _, _ = kit.trainer(tmp_path, compile=True, steps=1)
    blocks = list(trainer.model.gpt.gpt.h)
    assert [block for block, _ in compiled] == blocks
    assert {tuple(options.items()) for _, options in compiled} == {()}
    names = set(trainer.model.state_dict())
    assert names == set(kit.state)  # a checkpoint has the names of the release all the same


def test_compile_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="torch.compile needs a C\\+\\+ compiler"):
        make_plan(FinetuneConfig(dataset="d", device="cpu", compile=True))


def test_optimizer_in_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    config = FinetuneConfig(dataset="d", optimizer="adamw_8bit")
    monkeypatch.setattr(decisions.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPart, match="needs the package bitsandbytes") as caught:
        decisions.optimizer(config, "cuda")
    assert "pip install bitsandbytes" in caught.value.hint
    monkeypatch.setattr(decisions.importlib.util, "find_spec", lambda name: object())
    assert decisions.optimizer(config, "cuda").used == "adamw_bnb_8bit"


def test_tf32(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
    config = FinetuneConfig(dataset="d", tf32=True, mixed_precision="no")
    assert decisions.tf32(config, "cuda", "fp32").used == "on"
    with pytest.raises(UserError, match="mixed_precision is bf16 here"):
        decisions.tf32(config, "cuda", "bf16")
    plan = make_plan(FinetuneConfig(dataset="d", device="cpu"))
    try:
        effective.apply_to_model(dataclasses.replace(plan, config=config), kit.model())
        assert torch.backends.cuda.matmul.allow_tf32 and torch.backends.cudnn.allow_tf32
    finally:
        effective.apply_to_model(plan, kit.model())
    assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32
