"""Runs as jobs, without training: what is refused before the start, and what the commands say."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amharic_tts import cli, machine
from amharic_tts.commands import train
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Event, Failed, Metric, Started, Stopped
from amharic_tts.jobs import process, store, training, watch
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace
from training.config import FinetuneConfig, load


@pytest.fixture
def config(workspace: Workspace) -> FinetuneConfig:
    make_dataset(workspace, "d")
    return FinetuneConfig(dataset="d", device="cpu")


def make_dataset(workspace: Workspace, name: str, language: str = "am", **row: str) -> None:
    dataset = Dataset(workspace.dataset(name), language=language)
    dataset.folder.mkdir(parents=True)
    dataset.save_header()
    dataset.save([Utterance(**{"id": "a", "audio": "wavs/a.wav", "text": "ሰላም", **row})])


def make_run(workspace: Workspace, config: FinetuneConfig, code: str = "pass") -> store.Job:
    """A run whose process runs `code` instead of the training."""
    job = training.create_run(workspace, config)
    spec = JobSpec(job.id, "train", job.spec.title, ["-c", code], "cpu")
    spec.save(job.folder)
    return store.get(workspace, job.id)


def test_a_run_is_a_folder_with_what_was_asked(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    job = training.create_run(workspace, config)
    assert {path.name for path in job.folder.iterdir()} == {"job.json", "config.yaml"}
    assert load(job.folder / "config.yaml") == config
    assert job.spec.command == ["-m", "training.finetune", str(job.folder)]
    assert (job.spec.device, job.state()) == ("cpu", "created")
    assert training.result(job) == {
        **{"run": job.id, "state": "created", "steps": 0},
        **{"loss": None, "eval_loss": None, "voice": None},
    }


def test_everything_that_is_wrong_is_told_at_once(workspace: Workspace) -> None:
    make_dataset(workspace, "refused", decision="rejected")
    bad = FinetuneConfig(dataset="refused", base="/nowhere", steps=0)
    with pytest.raises(UserError, match="This run can't be started") as caught:
        training.create_run(workspace, bad)
    lines = [line for line in caught.value.message.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0] for line in lines] == ["- steps", "- dataset", "- base"]
    assert "amharic-tts dataset check refused" in caught.value.message
    assert not workspace.runs.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "nothing"}, "There is no dataset `nothing`"),
        ({"dataset": "../up"}, "can't be the name of a dataset"),
        ({"base": "xtts-v2"}, "not downloaded yet"),
        ({"mixed_precision": "fp16"}, "`fp16` needs a GPU"),
    ],
)
def test_what_is_missing_is_said_before_a_process_starts(
    workspace: Workspace, config: FinetuneConfig, changes: dict[str, str], words: str
) -> None:
    values = {"dataset": "d", "device": "cpu", **changes}
    with pytest.raises(UserError) as caught:
        training.create_run(workspace, FinetuneConfig(**values))  # type: ignore[arg-type]
    assert words in caught.value.message


def test_the_base_must_be_of_the_revision_asked_for(
    workspace: Workspace, config: FinetuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = workspace.bases / "xtts-v2"
    base.mkdir(parents=True)
    monkeypatch.setattr(training, "resolve", lambda *_: base)

    def said(**changes: str) -> list[str]:
        return training.problems(workspace, dataclasses.replace(config, **changes))  # type: ignore[arg-type]

    wanted = {"base": "xtts-v2", "base_revision": "v2.0.2"}
    assert "wasn't downloaded here" in said(**wanted)[0]
    note = {"revision": "v2.0.3", "commit": "abc"}
    (base / "base.json").write_text(json.dumps(note), encoding="utf-8")
    assert "and `v2.0.3` is downloaded" in said(**wanted)[0]
    assert "base download --revision v2.0.2" in said(**wanted)[0]
    for revision in ("v2.0.3", "abc", ""):
        assert said(base="xtts-v2", base_revision=revision) == []
    assert said(base_revision="v2.0.2") == ["base_revision: does nothing with the base `practice`"]


def test_what_is_wrong_with_the_replay_dataset_is_said(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    make_dataset(workspace, "english", language="en", text="Hello")
    make_dataset(workspace, "tigrinya", language="ti")
    make_dataset(workspace, "amharic")
    make_dataset(workspace, "refused", language="en", decision="rejected")

    def said(**changes: Any) -> list[str]:
        return training.problems(workspace, dataclasses.replace(config, **changes))

    assert said(replay_dataset="english") == []
    assert said(replay_dataset="amharic") == []
    assert said(replay_dataset="none") == ["replay_dataset: There is no dataset `none`"]
    assert said(replay_dataset="refused")[0].startswith("replay_dataset: no row of `refused` is")
    assert said(replay_dataset="tigrinya") == [
        "replay_dataset: the base has no token for its language, `ti`"
    ]
    assert said(replay_dataset="amharic", language_sampling="balanced") == [
        "language_sampling: both datasets are in `am`: nothing to balance"
    ]
    weights = {"replay_dataset": "english", "language_sampling": "weights"}
    assert said(**weights, language_weights={"am": 2.0, "en": 1.0}) == []
    assert said(**weights, language_weights={"am": 2.0, "fr": 1.0}) == [
        "language_weights: name just the languages of the clips, such as am=1,en=1"
    ]


def test_flash_attention_that_can_not_work_is_refused_with_its_reason(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    asked = FinetuneConfig(dataset="d", device="cpu", use_flash_attention=True)
    found = training.problems(workspace, asked)
    assert len(found) == 1 and found[0].startswith("use_flash_attention: can't work here: ")


@pytest.mark.skipif(machine.training_device("auto") == "cuda", reason="they may work here")
def test_what_needs_a_gpu_is_refused_before_a_process_starts(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    asked = FinetuneConfig(dataset="d", tf32=True, optimizer="adamw_8bit")
    found = training.problems(workspace, asked)
    assert [line.partition(":")[0] for line in found] == ["tf32", "optimizer adamw_8bit"]
    assert all("can't work here: needs a GPU" in line for line in found)


def test_a_second_run_on_the_device_is_refused_and_leaves_nothing(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    job = make_run(workspace, config, "import time; time.sleep(60)")
    process.start(workspace, job.folder)
    try:
        with pytest.raises(UserError, match=f"`{job.id}` is already running on the CPU"):
            training.start_run(workspace, config)
        with pytest.raises(UserError, match="is already running"):
            training.resume_run(workspace, job.id)
    finally:
        process.kill(job.folder)
    assert [path.name for path in workspace.runs.iterdir()] == [job.id]


def test_resume_refuses_what_can_not_go_on(workspace: Workspace, config: FinetuneConfig) -> None:
    with pytest.raises(UserError, match="There is no run `none`"):
        training.resume_run(workspace, "none")
    job = make_run(workspace, config)
    job.events.append(Started())
    job.events.append(Metric(200, "loss", 1.5))
    job.events.append(Done({"run": job.id, "state": "done", "steps": 200}))
    with pytest.raises(UserError, match="is finished") as caught:
        training.resume_run(workspace, job.id)
    assert "--steps 400" in caught.value.hint
    with pytest.raises(UserError, match="has 200 steps already"):
        training.resume_run(workspace, job.id, steps=200)
    training.resume_run(workspace, job.id, steps=300)
    assert load(job.folder / "config.yaml").steps == 300


def test_the_result_of_a_run_that_died(workspace: Workspace, config: FinetuneConfig) -> None:
    job = make_run(workspace, config)
    job.events.append(Started())
    for step, loss in ((1, 3.0), (2, 2.0)):
        job.events.append(Metric(step, "loss", loss))
    job.events.append(Metric(1, "eval_loss", 2.5))
    job.events.append(Metric(2, "eval_loss", 2.75))
    assert training.result(job) == {
        **{"run": job.id, "state": "lost", "steps": 2},
        **{"loss": 2.0, "eval_loss": 2.5, "voice": None},
    }


def test_watch_hands_on_events_and_ends_with_the_final_one(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    lines = [
        '{"event": "started", "step": 0, "pid": 1}',
        '{"event": "metric", "step": 1, "name": "loss", "value": 2.5}',
        '{"event": "stopped", "step": 1, "result": {}}',
    ]
    job = make_run(workspace, config, _writer(lines))
    process.start(workspace, job.folder)
    assert [type(event) for event in watch.watch(job)] == [Started, Metric, Stopped]


def test_watch_says_that_a_job_died_with_the_end_of_its_log(
    workspace: Workspace, config: FinetuneConfig
) -> None:
    job = make_run(workspace, config, "raise SystemExit('no more memory for me')")
    process.start(workspace, job.folder)
    last: Event = list(watch.watch(job))[-1]
    assert isinstance(last, Failed) and last.exit_code == 1
    assert last.message == f"`{job.id}` stopped unexpectedly"
    assert "no more memory for me" in last.hint


def _writer(lines: list[str]) -> str:
    return (
        "import os, pathlib\n"
        "folder = sorted(pathlib.Path(os.environ['RUNS']).iterdir())[-1]\n"
        f"(folder / 'events.jsonl').write_text({chr(10).join(lines) + chr(10)!r})\n"
    )


@pytest.fixture(autouse=True)
def runs_in_environment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNS", str(workspace.runs))


def test_choices_of_the_command_line_win_over_the_file(
    workspace: Workspace, config: FinetuneConfig, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("steps: 50\nbatch_size: 2\nseed: 3\n")
    got = train.chosen(workspace, "d", None, str(path), ["batch_size=8", "steps=9"], 12)
    assert (got.steps, got.batch_size, got.seed, got.base) == (12, 8, 3, "practice")
    preset = train.chosen(workspace, "d", None, "low_memory", [], None)
    assert preset.use_grad_checkpoint
    with pytest.raises(UserError, match="no settings file and no preset `nope`") as caught:
        train.chosen(workspace, "d", None, "nope", [], None)
    assert "default, low_memory, new_language, small_data" in caught.value.hint


def test_the_language_is_the_datasets_unless_another_is_asked_for(workspace: Workspace) -> None:
    make_dataset(workspace, "english", language="en")
    assert train.chosen(workspace, "english", None, None, [], None).language == "en"
    assert train.chosen(workspace, "english", None, None, ["language=fr"], None).language == "fr"


Said = tuple[int, str, str]


@pytest.fixture
def call(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Run a command; returns exit code, stdout and stderr."""

    def run(*words: str) -> Said:
        argv = ["amharic-tts", "--workspace", str(workspace.root), *words]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "--dataset", "nothing"), "error: There is no dataset `nothing`"),
        (("train", "--dataset", "d", "--set", "stepz=3"), "did you mean `steps`"),
        (("runs", "show", "nothing"), "error: There is no run `nothing`"),
        (("runs", "stop", "../x"), "can't be the name of a run"),
    ],
)
def test_mistakes_end_with_2_and_one_message(
    call: Callable[..., Said], config: FinetuneConfig, words: tuple[str, ...], message: str
) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert message in err and "Traceback" not in err


def test_runs_are_listed_shown_and_not_overwritten(
    call: Callable[..., Said], workspace: Workspace, config: FinetuneConfig, tmp_path: Path
) -> None:
    job = make_run(workspace, config)
    job.events.append(Started())
    job.events.append(Failed("no", "do", 2))
    listed = json.loads(call("runs", "list", "--json")[1])
    assert [(run["run"], run["state"], run["title"]) for run in listed] == [
        (job.id, "failed", "d on practice")
    ]
    shown = json.loads(call("runs", "show", job.id, "--json")[1])
    assert shown["error"]["message"] == "no" and shown["folder"] == str(job.folder)
    code, _, err = call("runs", "export", job.id, "--to", str(tmp_path))
    assert code == 2 and "exists already" in err
    assert call("runs", "stop", job.id)[0] == 2
