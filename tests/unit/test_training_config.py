"""Settings of a run: YAML, presets, `--set`, and every complaint at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

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
        lora_alpha=8,
        sample_every=-5,
    )
    assert [problem.split(":")[0] for problem in config.problems()] == [
        *("dataset", "schedule", "device", "steps", "batch_size", "keep_checkpoints"),
        *("learning_rate", "warmup_steps", "weight_decay", "sample_every", "max_grad_norm"),
        *("use_flash_attention", "lora_alpha"),
    ]
    with pytest.raises(UserError, match="This run can't be started") as caught:
        config.check()
    assert caught.value.message.count("\n- ") == 13


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"batchsize": 4}, "did you mean `batch_size`"),
        ({"zzz": 4}, "zzz: unknown setting"),
        ({"steps": "2.5"}, "steps: `2.5` is not a whole number"),
        ({"learning_rate": "fast"}, "learning_rate: `fast` is not a number"),
        ({"learning_rate": "nan"}, "not a finite number"),
        ({"dropout": "perhaps"}, "dropout: `perhaps` is not yes or no"),
        ({"language_weights": "am"}, "language_weights: `` is not a number"),
        ({"language_weights": 3}, "language_weights: `3` is not of the form am=2,en=1"),
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
        *("default", "low_memory", "new_language", "small_data")
    }
    low = configs.load(configs.PRESETS / "low_memory.yaml")
    usual = configs.load(configs.PRESETS / "default.yaml")
    assert low.use_grad_checkpoint and low.batch_size == 1
    assert low.batch_size * low.accumulation == usual.batch_size * usual.accumulation


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"attention": "flash"}, "attention: `flash` is not one of auto, eager, sdpa, flash_att"),
        ({"attention": "eager", "use_flash_attention": True}, "ask for two things"),
        ({"attention": "sdpa", "use_sdpa": False}, "ask for two things"),
        ({"attention": "flash_attention_2", "hide_text_stop": True}, "needs a mask"),
        ({"attention": "flash_attention_2", "mixed_precision": "no"}, "attention: needs mixed"),
        ({"lora_targets": "mlp"}, "lora_targets: does nothing without lora_rank"),
        ({"checkpoint_blocks": 3}, "does nothing without use_grad_checkpoint"),
        ({"checkpoint_blocks": -2, "use_grad_checkpoint": True}, "must be -1 (all), 0 or more"),
        (
            {
                "use_grad_checkpoint": True,
                "checkpoint_blocks": 0,
                "checkpoint_conditioning": False,
            },
            "leave it nothing",
        ),
        ({"tf32": True, "mixed_precision": "bf16"}, "tf32: is for products in fp32"),
        ({"extra_stops": 2}, "extra_stops: 2 must be 0, or 3"),
        ({"ema_decay": 1.0}, "ema_decay: 1.0 must be at least 0 and below 1"),
        ({"label_smoothing": -0.1}, "label_smoothing: -0.1 must be"),
        ({"freeze_blocks": -1}, "freeze_blocks: -1 can't be negative"),
        ({"new_tokens": 50}, "new_tokens: does nothing without vocabulary bpe"),
        ({"vocabulary": "bpe", "new_tokens": 20_001}, "new_tokens: 20001 must be at most 20000"),
        ({"vocabulary": "bpe", "text_mode": "phonemes"}, "bpe is for letters"),
        ({"vocabulary": "bpe", "language": "en"}, "in Ethiopic script: am, ti, gez"),
        ({"language_sampling": "weights"}, "needs language_weights, such as am=2,en=1"),
        ({"language_weights": {"am": 0.0}}, "the weight of `am`, 0.0, must be above 0"),
        ({"replay_share": 0.2}, "replay_share: does nothing without replay_dataset"),
        ({"replay_dataset": "d"}, "must be another dataset"),
        ({"language_sampling": "balanced"}, "language_sampling: needs replay_dataset"),
        (
            {"language_sampling": "balanced", "replay_dataset": "e", "replay_share": 0.3},
            "replay_share: does nothing with language_sampling balanced",
        ),
        ({"loader_workers": -2}, "loader_workers: -2 must be -1 (auto), 0 or more"),
        ({"effective_batch": 64, "accumulation": 2}, "accumulation: follows from effective_b"),
        ({"effective_batch": 2}, "must be at least batch_size, 4"),
        ({"sample_texts": ("a",)}, "sample_texts: does nothing without sample_every"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], words: str) -> None:
    found = FinetuneConfig(**{"dataset": "d", **values}).problems()
    assert [problem for problem in found if words in problem], found


def test_lists_and_weights_are_read_from_yaml_and_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("sample_texts: [ሰላም, ቡና]\nlanguage_weights: {am: 2, no: 1}\n", "utf-8")
    config = configs.load(path)
    assert config.sample_texts == ("ሰላም", "ቡና")
    assert config.language_weights == {"am": 2.0, "no": 1.0}
    words = configs.parse_assignments(["sample_texts=ሰላም | ቡና", "language_weights=am=2,no=1"])
    assert configs.from_mapping(words) == config
    path.write_text(config.to_yaml(), "utf-8")
    assert configs.load(path) == config


def test_the_two_switches_decide_about_attention_where_it_is_auto() -> None:
    def kind(**values: Any) -> str:
        return FinetuneConfig(**values).wanted_attention

    assert kind() == "sdpa"
    assert kind(use_sdpa=False) == "eager"
    assert kind(use_flash_attention=True) == "flash_attention_2"
    assert kind(attention="eager") == "eager"


def test_every_setting_stands_in_the_formats() -> None:
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    section = text.partition("### Settings of a run")[2].partition("\n## ")[0]
    missing = [f.name for f in dataclasses.fields(FinetuneConfig) if f"`{f.name}`" not in section]
    assert missing == []


@pytest.mark.parametrize(
    ("settings", "processes", "batch"),
    [
        ({"batch_size": 8, "accumulation": 3}, 1, (8, 3)),
        ({"batch_size": 8, "effective_batch": 252}, 1, (7, 36)),
        ({"batch_size": 8, "effective_batch": 252}, 4, (7, 9)),
        ({"batch_size": 4, "effective_batch": 10}, 1, (2, 5)),
        ({"batch_size": 4, "effective_batch": 4}, 1, (4, 1)),
    ],
)
def test_the_batch_and_its_passes(
    settings: dict[str, int], processes: int, batch: tuple[int, int]
) -> None:
    assert FinetuneConfig(dataset="d", **settings).check().batch(processes) == batch


@pytest.mark.parametrize(
    ("settings", "batches"),
    [
        ({"batch_size": 8}, [(4, 2), (2, 4), (1, 8), (1, 8)]),
        ({"batch_size": 5, "accumulation": 2}, [(2, 5), (1, 10)]),
        ({"batch_size": 8, "effective_batch": 252}, [(3, 84), (1, 252)]),
    ],
)
def test_a_smaller_batch_keeps_the_clips_of_a_step(
    settings: dict[str, int], batches: list[tuple[int, int]]
) -> None:
    config = FinetuneConfig(dataset="d", **settings)
    for batch in batches:
        config = config.smaller_batch().check()
        assert config.batch() == batch
