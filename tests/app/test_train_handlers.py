"""The Train page as plain functions: every setting, presets, files, the plan, what can't work."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from amharic_tts.errors import UserError
from amharic_tts.jobs import process, training
from amharic_tts.machine import Ability
from amharic_tts.settings import Settings
from amharic_tts.ui import train_form, words
from amharic_tts.ui.pages.train import TrainPage
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace
from training import config
from training.config import FinetuneConfig

# What a run may ask for beside the defaults: a value for every setting that this version can do.
ASKED: dict[str, Any] = {
    "dataset": "sample",
    "base": "practice",
    "base_revision": "",  # refused with the practice base
    "language": "en",
    "text_mode": "phonemes",
    "vocabulary": "bpe",
    "new_tokens": 40,
    "conditioning_from": "both",
    "language_sampling": "natural",  # needs a second dataset, as the two that follow
    "language_weights": {},
    "replay_dataset": "",
    "replay_share": 0.1,
    "steps": 7,
    "batch_size": 3,
    "accumulation": 2,
    "effective_batch": 0,  # refused beside accumulation
    "learning_rate": 2e-5,
    "warmup_steps": 3,
    "schedule": "linear",
    "optimizer": "adamw",  # 8 bits need a GPU
    "weight_decay": 0.05,
    "max_grad_norm": 2.5,
    "label_smoothing": 0.1,
    "ema_decay": 0.99,
    "lora_rank": 4,
    "lora_alpha": 6.0,
    "lora_dropout": 0.05,
    "lora_targets": "mlp",
    "freeze_blocks": 1,
    "freeze_conditioning": True,
    "freeze_embeddings": True,
    "dropout": True,  # off, attention_dropout would do nothing
    "attention_dropout": False,
    "extra_stops": 3,
    "hide_text_stop": True,
    "device": "cpu",
    "attention": "eager",
    "use_sdpa": False,
    "use_flash_attention": False,  # needs a GPU
    "mixed_precision": "bf16",
    "tf32": False,  # needs a GPU
    "use_grad_checkpoint": True,
    "checkpoint_blocks": 2,
    "checkpoint_conditioning": False,
    "compile": True,
    "processes": 2,
    "loader_workers": 1,
    "seed": 3,
    "eval_every": 5,
    "save_every": 6,
    "keep_checkpoints": 4,
    "early_stop_patience": 2,
    "sample_every": 8,
    "sample_texts": ("ሰላም", "ደህና ሁን"),
    "report_to_tensorboard": True,
}
KNOWN = [field.name for field in dataclasses.fields(FinetuneConfig)]


def page_of(workspace: Workspace, **settings: Any) -> TrainPage:
    import gradio as gr

    studio = Studio(Settings(workspace.root, **settings), workspace, words.load("en"))
    with gr.Blocks():
        return TrainPage(studio).build()


def value(update: Any, name: str) -> Any:
    return getattr(update, name, update)


def widgets(page: TrainPage, asked: FinetuneConfig) -> dict[str, Any]:
    """Return what the widgets hold for some settings, by name."""
    filling = train_form.filling(asked, page.say)
    assert filling.told == []
    return {**filling.values, "chosen_base": filling.base, "base_folder": filling.base_folder}


def test_every_setting_has_one_widget_with_help(full: Workspace) -> None:
    page = page_of(full)
    assert sorted(train_form.FIELDS) == sorted(KNOWN)
    assert {*page.form.widgets, "base"} == set(KNOWN)
    shown = page.form.load()
    for name, widget in page.form.widgets.items():
        if name != "dataset":
            assert len(value(shown[widget], "info")) > 12, name


def test_every_value_of_the_form_arrives_in_the_run(full: Workspace, monkeypatch: Any) -> None:
    asked = FinetuneConfig(**{key: ASKED[key] for key in KNOWN})
    started: list[Path] = []
    monkeypatch.setattr(process, "start", lambda _workspace, folder: started.append(folder))
    # What is asked for at once here would never go together on one machine.
    monkeypatch.setattr(training, "problems", lambda *_: [])
    page = page_of(full)
    shown = page.launch(**widgets(page, asked))
    assert value(shown[page.preview.problems], "visible") is False
    (folder,) = started
    assert config.load(folder / "config.yaml") == asked
    full.discard(folder)


def test_what_this_machine_can_not_do_is_switched_off_and_says_so(
    full: Workspace, monkeypatch: Any
) -> None:
    off = Ability("tf32", False, "needs a GPU: there is none")
    monkeypatch.setattr(train_form, "abilities", lambda: {"tf32": off})
    page = page_of(full)
    shown, fields = page.form.load(), page.form.widgets
    assert value(shown[fields["tf32"]], "interactive") is False
    told = value(shown[fields["tf32"]], "info")
    assert told.endswith("Not on this machine: needs a GPU: there is none")
    assert value(shown[fields["tf32"]], "value") is False
    assert value(shown[fields["lora_rank"]], "interactive") is True


def test_a_choice_that_can_not_work_here_is_not_offered(monkeypatch: Any) -> None:
    off = Ability("use_flash_attention", False, "no GPU")
    monkeypatch.setattr(train_form, "abilities", lambda: {"use_flash_attention": off})
    say = words.load("en")
    assert [name for _, name in train_form.offered("attention", say)] == ["auto", "eager", "sdpa"]
    told = train_form.help_of("attention", say)
    assert told.endswith("FlashAttention 2 is not possible here: no GPU")
    filled = train_form.filling(FinetuneConfig(attention="flash_attention_2"), say)
    assert filled.values["attention"] == "auto"
    assert filled.told == ["`attention: flash_attention_2`: Not on this machine: no GPU"]


@pytest.mark.parametrize("name", train_form.PRESETS)
def test_a_preset_fills_the_form_and_leaves_what_it_is_trained_on(
    full: Workspace, name: str
) -> None:
    page = page_of(full)
    shown = page.settings.take_preset(name)
    said = yaml.safe_load((config.PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))
    fields = page.form.widgets
    for key in said:
        assert shown[fields[key]] == getattr(train_form.preset(name), key), key
    for key in ("dataset", "language", "text_mode"):
        assert fields[key] not in shown
    assert page.form.base not in shown


def test_settings_go_to_a_file_and_come_back(full: Workspace, tmp_path: Path) -> None:
    page = page_of(full)
    asked = FinetuneConfig(dataset="sample", steps=33, lora_rank=8, freeze_blocks=1)
    told = page.preview.refresh(**widgets(page, asked))
    from urllib.parse import unquote

    link = told[page.preview.file].split('href="data:text/yaml;charset=utf-8,')[1].split('"')[0]
    path = tmp_path / "settings.yaml"
    path.write_text(unquote(link), encoding="utf-8")
    assert config.load(path) == asked
    shown = page.settings.take_file(str(path))
    assert (shown[page.form.widgets["steps"]], shown[page.form.base]) == (33, "practice")
    command = told[page.preview.command]
    assert command.startswith(f"amharic-tts --workspace {full.root.absolute()} train ")
    assert command.endswith("--set steps=33 --set lora_rank=8 --set freeze_blocks=1")
    assert told[page.preview.dry_step] == command.replace(" train ", " train-plan ") + " --dry-step"


def test_a_file_with_wrong_settings_is_told_and_one_from_elsewhere_loses_only_what_is_missing(
    full: Workspace, tmp_path: Path
) -> None:
    page, path = page_of(full), tmp_path / "a.yaml"
    path.write_text("stepz: 3\nbatch_size: many\n", encoding="utf-8")
    with pytest.raises(UserError) as wrong:
        page.settings.take_file(str(path))
    assert "stepz: unknown setting; did you mean `steps`?" in wrong.value.message
    assert "batch_size: `many` is not a whole number" in wrong.value.message
    path.write_text("dataset: elsewhere\nsteps: 5\n", encoding="utf-8")
    shown = page.settings.take_file(str(path))
    assert page.dataset not in shown
    assert "there is no such dataset here" in value(shown[page.settings.told], "value")
    assert shown[page.form.widgets["steps"]] == 5


def test_a_folder_in_a_file_is_not_taken_where_the_page_is_open_to_others(
    full: Workspace, tmp_path: Path
) -> None:
    page = page_of(full, host="0.0.0.0", auth=("a", "b"))
    (tmp_path / "a.yaml").write_text("base: /etc\n", encoding="utf-8")
    shown = page.settings.take_file(str(tmp_path / "a.yaml"))
    assert page.form.base not in shown
    assert "folders can" in value(shown[page.settings.told], "value")


def test_everything_wrong_is_told_while_the_form_is_filled_in(full: Workspace) -> None:
    page = page_of(full)
    values = widgets(page, FinetuneConfig(dataset="sample")) | {"steps": 0, "lora_alpha": 2}
    told = value(page.preview.refresh(**values)[page.preview.problems], "value")
    assert "steps: 0 must be at least 1" in told
    assert "lora_alpha: does nothing without lora_rank" in told
    values |= {"steps": None, "seed": 1.5}
    told = value(page.preview.refresh(**values)[page.preview.problems], "value")
    assert "steps: <code>empty</code> is not a whole number" in told
    assert "seed: <code>1.5</code> is not a whole number" in told
    empty = page.preview.refresh(**widgets(page, FinetuneConfig()))
    assert value(empty[page.preview.problems], "visible") is False
    assert "Choose a dataset" in empty[page.preview.plan]


def test_the_settings_of_a_run_come_back_into_the_form(full: Workspace) -> None:
    page = page_of(full)
    job = training.create_run(full, FinetuneConfig(dataset="sample", steps=12, seed=5))
    shown = page.settings.take_run(job.id)
    fields = page.form.widgets
    assert [shown[fields[name]] for name in ("dataset", "steps", "seed")] == ["sample", 12, 5]
    full.discard(job.folder)


def test_what_a_run_really_does_is_a_table_of_its_own(full: Workspace) -> None:
    from amharic_tts.events import Finding

    page = page_of(full)
    job = training.create_run(full, FinetuneConfig(dataset="sample"))
    panel = page.panel
    assert value(panel.attach(job)[panel.effective_box], "visible") is False
    line = {"name": "kernel", "asked": "sdpa", "used": "math", "reason": "dropout on a CPU"}
    (job.folder / "effective.json").write_text(json.dumps({"settings": [line]}), encoding="utf-8")
    job.events.append(Finding("effective.kernel", "math (dropout)", "info", "kernel"))
    shown = panel.attach(job)
    assert value(shown[panel.effective_box], "visible") is True
    for told in ("Attention kernel", "sdpa", "math", "dropout on a CPU"):
        assert told in shown[panel.effective]
    assert "kernel" not in shown[panel.findings]
    full.discard(job.folder)


def plan_of(page: TrainPage, **values: Any) -> str:
    asked = widgets(page, FinetuneConfig(dataset="sample", base="practice"))
    return str(page.preview.refresh(**{**asked, **values})[page.preview.plan])


def test_the_plan_tells_the_parts_and_what_fits(full: Workspace, monkeypatch: Any) -> None:
    from amharic_tts import machine
    from amharic_tts.jobs import plan

    page = page_of(full)
    monkeypatch.setattr(machine, "free_memory", lambda _device: 10_000_000_000)
    small, large = plan_of(page, batch_size=1), plan_of(page, batch_size=8)
    for part in ("weights", "gradients", "optimizer", "activations"):
        assert f'class="part-{part}"' in small
    assert small != large
    assert "The largest batch that fits: 40." in large
    assert "part-average" in plan_of(page, ema_decay=0.9)
    assert "8 clips in one step; each of the 40 clips is heard 40 times in all." in large
    monkeypatch.setattr(machine, "free_memory", lambda _device: plan.LIBRARIES["cpu"] + 400_000_000)
    told = plan_of(page, batch_size=8)
    assert "This does not fit. The largest batch that does is" in told


def test_the_advised_batch_is_taken_over_by_its_button(full: Workspace, monkeypatch: Any) -> None:
    from amharic_tts import machine

    page = page_of(full)
    monkeypatch.setattr(machine, "free_memory", lambda _device: 10_000_000_000)
    asked = widgets(page, FinetuneConfig(dataset="sample", base="practice"))
    button = page.preview.refresh(**asked)[page.preview.take]
    assert (button.visible, button.value) == (True, "Take 36 × 7 = 252 clips a step")
    taken = page.preview.take_over(**asked)
    fields = page.form.widgets
    assert (taken[fields["batch_size"]], taken[fields["accumulation"]]) == (36, 7)
    again = page.preview.refresh(**{**asked, "batch_size": 36, "accumulation": 7})
    assert again[page.preview.take].visible is False


def test_what_this_machine_will_make_of_it_is_told_before_the_start(full: Workspace) -> None:
    page = page_of(full)
    asked = widgets(page, FinetuneConfig(dataset="sample", device="cpu", processes=2))
    told = page.preview.refresh(**asked)[page.preview.expected]
    assert "4 x 1 x 2" in told
    assert "the advice for XTTS is at least 252" in told
    assert "bf16 is taken by itself on a GPU only" in told
