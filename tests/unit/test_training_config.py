"""Settings of a run: YAML, presets, `--set`, and every complaint at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from amharic_tts.errors import UserError
from training import config as configs
from training.config import FinetuneConfig


def test_the_defaults_lack_only_a_dataset() -> None:
    assert FinetuneConfig().problems() == ["dataset: choose a dataset to train on"]
    assert FinetuneConfig(dataset="d").problems() == []


def test_yaml_goes_out_and_comes_back(tmp_path: Path) -> None:
    config = FinetuneConfig(dataset="የእኔ", mixed_precision="no", learning_rate=3e-6, dropout=False)
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert configs.load(path) == config
    assert list(yaml.safe_load(config.to_yaml())) == [
        field.name for field in dataclasses.fields(FinetuneConfig)
    ]


def test_an_unquoted_no_of_yaml_means_the_word(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("mixed_precision: no\n")
    assert configs.load(path).mixed_precision == "no"


def test_all_problems_are_told_at_once() -> None:
    config = FinetuneConfig(
        steps=0,
        batch_size=0,
        keep_checkpoints=0,
        learning_rate=float("2"),
        warmup_steps=-1,
        weight_decay=-0.1,
        max_grad_norm=0,
        schedule="steep",
        device="tpu",
        use_flash_attention=True,
        mixed_precision="no",
    )
    assert [problem.split(":")[0] for problem in config.problems()] == [
        *("dataset", "schedule", "device", "steps", "batch_size", "keep_checkpoints"),
        *("learning_rate", "warmup_steps", "weight_decay", "max_grad_norm"),
        "use_flash_attention",
    ]
    with pytest.raises(UserError, match="This run can't be started") as caught:
        config.check()
    assert caught.value.message.count("\n- ") == 11


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"batchsize": 4}, "did you mean `batch_size`"),
        ({"zzz": 4}, "zzz: unknown setting"),
        ({"steps": "2.5"}, "steps: `2.5` is not a whole number"),
        ({"learning_rate": "fast"}, "learning_rate: `fast` is not a number"),
        ({"learning_rate": "nan"}, "not a finite number"),
        ({"dropout": "perhaps"}, "dropout: `perhaps` is not yes or no"),
    ],
)
def test_unknown_keys_and_wrong_types_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        configs.from_mapping(values)
    assert words in caught.value.message


def test_words_of_the_command_line_become_values() -> None:
    values = configs.parse_assignments(["steps=40", "use_sdpa=off", "learning_rate = 1e-5"])
    config = configs.from_mapping(values)
    assert (config.steps, config.use_sdpa, config.learning_rate) == (40, False, 1e-5)
    with pytest.raises(UserError, match="write it as KEY=VALUE"):
        configs.parse_assignments(["steps"])


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "is not a YAML file"), ("- 1", "must hold lines of the form")],
)
def test_a_broken_settings_file(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        configs.load(path)


@pytest.mark.parametrize("path", sorted(configs.PRESETS.glob("*.yaml")), ids=lambda p: p.stem)
def test_presets_are_whole(path: Path) -> None:
    config = dataclasses.replace(configs.load(path), dataset="d")
    assert config.problems() == []
    assert config.base == "practice" and config.language == "am"  # chosen by the person, not here
    assert config.eval_every <= config.steps and config.warmup_steps < config.steps


def test_the_presets_that_are_promised() -> None:
    assert {path.stem for path in configs.PRESETS.glob("*.yaml")} == {
        *("default", "low_memory", "small_data")
    }
    low = configs.load(configs.PRESETS / "low_memory.yaml")
    usual = configs.load(configs.PRESETS / "default.yaml")
    assert low.use_grad_checkpoint and low.batch_size == 1
    assert low.batch_size * low.accumulation == usual.batch_size * usual.accumulation
