"""Settings as text: what is printed can be read again and is the same."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from amharic_tts import cli
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError
from amharic_tts.jobs import training
from amharic_tts.workspace import Workspace
from training import config as configs
from training import config_rules, config_text
from training.config import FinetuneConfig

FIELDS = get_type_hints(FinetuneConfig)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\t:#|'\""))
_SPECIAL = st.sampled_from(
    ["no", "null", "~", "1e3", "0x1f", "007", "true", "2024-01-01", "ሰላም", "-"]
)


def _values(key: str) -> st.SearchStrategy[Any]:
    if key in config_rules.CHOICES:
        return st.sampled_from(config_rules.CHOICES[key])
    kind = FIELDS[key]
    kinds: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(0, 2**60),
        float: st.floats(0, allow_nan=False, allow_infinity=False),
        str: _TEXT | _SPECIAL,
        tuple[str, ...]: st.lists((_TEXT | _SPECIAL).map(str.strip).filter(bool)).map(tuple),
        dict[str, float]: st.dictionaries(
            st.sampled_from(["am", "no", "en", "zh-cn"]), st.floats(0.01, 100)
        ),
    }
    return kinds[kind]


CONFIGS = st.builds(FinetuneConfig, **{key: _values(key) for key in FIELDS})


@settings(max_examples=25, deadline=None)
@given(CONFIGS)
def test_every_configuration_goes_out_and_comes_back(config: FinetuneConfig) -> None:
    for text in (config.to_yaml(), config.to_commented_yaml()):
        assert configs.from_mapping(yaml.safe_load(text)) == config


@pytest.mark.parametrize("name", ["a\x85b", "a\u2028 b", "\u2029ሰላም"])
def test_line_breaks_of_unicode_are_kept(name: str) -> None:
    config = FinetuneConfig(dataset=name)
    for text in (config.to_yaml(), config.to_commented_yaml()):
        assert configs.from_mapping(yaml.safe_load(text)).dataset == name


def test_each_key_is_printed_under_what_it_means() -> None:
    assert list(config_text.documentation()) == [
        field.name for field in dataclasses.fields(FinetuneConfig)
    ]
    text = FinetuneConfig(dataset="d", sample_texts=("ሰላም", "ቡና")).to_commented_yaml()
    assert text.startswith("# Name of a dataset in the workspace.\ndataset: d\n\n# What to start")
    assert "\nsample_texts:\n- ሰላም\n- ቡና\n" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: 5\nsteps: 6\n", "steps: given twice in one file"),
        ("steps:\n", "steps: there is no value"),
        ("steps: true\n", "steps: `True` is not a whole number"),
        ("dataset: 007\n", "dataset: YAML reads `7` as no text; put it in quotes"),
        ("sample_texts: [no]\n", "sample_texts: YAML reads `False` as no text"),
        ("stepz: 1\nlearning_rat: 2\n", "did you mean `learning_rate`"),
    ],
)
def test_nothing_in_a_file_is_taken_for_something_else(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError) as caught:
        configs.load(path)
    assert words in caught.value.message


def test_norwegian_and_large_numbers_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"language: no\nseed: {2**53 + 1}\n", "utf-8")
    assert (configs.load(path).language, configs.load(path).seed) == ("no", 2**53 + 1)
    assert "seed: -1 must be at least 0" in FinetuneConfig(dataset="d", seed=-1).problems()[0]


Said = tuple[int, str, str]


@pytest.fixture
def call(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Run a command in a workspace with an English dataset; returns code, stdout and stderr."""
    dataset = Dataset(workspace.dataset("d"), language="en")
    dataset.folder.mkdir(parents=True)
    dataset.save_header()
    dataset.save([Utterance(id="a", audio="wavs/a.wav", text="hello")])

    def run(*words: str) -> Said:
        monkeypatch.setattr(
            sys, "argv", ["amharic-tts", "--workspace", str(workspace.root), *words]
        )
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def test_what_is_printed_is_what_runs(
    call: Callable[..., Said], workspace: Workspace, tmp_path: Path
) -> None:
    words = ("--dataset", "d", "--config", "low_memory", "--set", "seed=3", "--steps", "9")
    code, out, err = call("train", *words, "--print-config")
    assert (code, err) == (0, "")
    assert not workspace.runs.exists() or not list(workspace.runs.iterdir())
    path = tmp_path / "mine.yaml"
    path.write_text(out, "utf-8")
    config = configs.load(path)
    assert (config.dataset, config.language, config.seed, config.steps) == ("d", "en", 3, 9)
    assert config.use_grad_checkpoint and "# Steps between checkpoints" in out
    assert call("train", "--config", str(path), "--print-config") == (0, out, "")
    job = training.create_run(workspace, config)
    assert call("runs", "config", job.id) == (0, out, "")
    code, out, err = call("runs", "command", job.id)
    assert (code, out) == (0, job.spec.command_line() + "\n")
    assert f"amharic-tts train --config {job.folder / 'config.yaml'}" in err


def test_a_language_in_the_file_stays(call: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("dataset: d\nlanguage: am\n", "utf-8")
    assert "\nlanguage: am\n" in call("train", "--config", str(path), "--print-config")[1]


def test_what_can_not_run_is_printed_with_all_its_problems(call: Callable[..., Said]) -> None:
    code, out, err = call("train", "--set", "steps=0", "--set", "lora_alpha=2", "--print-config")
    assert code == 2 and "\nsteps: 0\n" in out
    assert "dataset: choose" in err and "steps: 0 must be" in err and "lora_alpha: does" in err
    code, out, err = call("train", "--set", "stepz=0", "--set", "seed=x", "--print-config")
    assert (code, out) == (2, "")
    assert "did you mean `steps`" in err and "seed: `x` is not a whole number" in err


def test_the_settings_of_another_version_are_shown_as_they_are(
    call: Callable[..., Said], workspace: Workspace
) -> None:
    job = training.create_run(workspace, FinetuneConfig(dataset="d", language="en"))
    (job.folder / "config.yaml").write_text("dataset: d\nold_key: 3\n", "utf-8")
    code, out, err = call("runs", "config", job.id)
    assert (code, out) == (0, "dataset: d\nold_key: 3\n")
    assert "old_key: unknown setting" in err
