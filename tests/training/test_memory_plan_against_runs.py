"""The memory plan against real models and a real step; the dry step; the warning of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_fixtures import SETTINGS, call, make_workspace
from training_fixtures import Kit

from amharic_tts.base_models import packed, practice
from amharic_tts.errors import StudioError
from amharic_tts.events import Done, Event, Finding, Metric
from amharic_tts.jobs import dry_step, plan, store
from amharic_tts.jobs.memory import Sizes
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace
from training import dry_step as measuring
from training import memory
from training.config import FinetuneConfig
from training.effective import apply_to_model, make_plan
from training.freezing import counts
from training.session import Session
from training.stopping import StopSwitch


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("plans") / "workspace", practice_base)


def test_the_sizes_of_the_practice_base_are_known_before_it_is_unpacked(tmp_path: Path) -> None:
    told = Sizes.of(packed.describe()["model_args"])
    assert Sizes.read(practice.build(tmp_path / "practice")) == told
    config = json.loads((tmp_path / "practice" / "config.json").read_text(encoding="utf-8"))
    assert config["model_args"] == packed.describe()["model_args"]


@pytest.mark.parametrize(
    "settings",
    [
        {"freeze_blocks": 2, "freeze_conditioning": True, "freeze_embeddings": True},
        {"lora_rank": 4, "lora_targets": "attention"},
        {"lora_rank": 4, "lora_targets": "mlp", "freeze_blocks": 1},
        {"lora_rank": 2, "freeze_embeddings": True},
    ],
)
def test_the_trained_parameters_are_counted_exactly(kit: Kit, settings: dict[str, Any]) -> None:
    config = FinetuneConfig(dataset="d", device="cpu", **settings).check()
    model = kit.model()
    sizes = Sizes.read(kit.base.folder, kit.encoder.size)
    apply_to_model(make_plan(config), model)
    assert plan.trained_parameters(config, sizes) == counts(model)[0]


def test_a_dry_step_measures_what_the_plan_expects(studio: Workspace) -> None:
    """The formula counts what is kept; passing values come on top, most of all in a small model."""
    words = ("train-plan", "--dataset", "tiny", "--set", "device=cpu", "--dry-step", "--json")
    body = json.loads(call(studio, *words).stdout)
    measured = body["measured"]
    assert [one["batch"] for one in measured["batches"]] == [1, 2, 4, 6]
    assert measured["largest"] == 6 and measured["suggested"] == [6, 42]
    peaks = {one["batch"]: one["peak"] for one in measured["batches"]}
    each = (peaks[6] - peaks[1]) / 5
    assert 0.5 < each / (body["expected"]["activations"] / 4) < 3
    assert measured["before"] < peaks[1] < measured["room"]


@pytest.mark.parametrize(
    ("room", "limit", "tried"),
    [
        (350, 99, [1, 2, 4, 3]),  # over the room
        (9999, 2, [1, 2, 4, 3]),  # out of memory
        (9999, 99, [1, 2, 4, 6]),  # there are no more clips
        (50, 99, [1]),
    ],
)
def test_the_largest_batch_is_looked_for(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch, room: int, limit: int, tried: list[int]
) -> None:
    seen: list[int] = []

    def pretend(_plan: Any, _model: Any, rows: measuring.RandomRows, _config: Any) -> float | None:
        seen.append(len(rows))
        return 1.0 if len(rows) <= limit else None

    monkeypatch.setattr(measuring, "_try", pretend)
    monkeypatch.setattr(measuring, "_peak", lambda device: 100 * seen[-1])
    monkeypatch.setattr(measuring, "_expected", lambda sizes, load, rows, batch: 0)
    events = list(measuring.measure(studio, FinetuneConfig(dataset="tiny", device="cpu"), room))
    assert seen == tried and isinstance(events[-1], Done)
    told = [e.step for e in events if isinstance(e, Metric) and e.name == dry_step.PEAK]
    assert told == [batch for batch in tried if batch <= limit]


def lines_of(*events: Event) -> Callable[..., Any]:
    return lambda stdout: iter(events)


def test_a_killed_dry_step_tells_what_fitted(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    peak, seconds = Metric(1, dry_step.PEAK, 5e8), Metric(1, dry_step.SECONDS, 2.0)
    told = (Metric(0, dry_step.BEFORE, 1e8), peak, seconds)
    monkeypatch.setattr(dry_step, "_lines", lines_of(*told))
    asked = FinetuneConfig(dataset="nothing")
    with pytest.raises(StudioError, match="ended with code 2"):  # by itself: a mistake, no kill
        list(dry_step.run(studio, asked, 10**9))
    monkeypatch.setattr(dry_step, "_KILLED", (2,))
    *others, final = dry_step.run(studio, asked, 10**9)
    assert [e.code for e in others if isinstance(e, Finding)] == ["memory.killed"]
    assert isinstance(final, Done) and final.result["largest"] == 1
    assert final.result["batches"] == [{"batch": 1, "peak": 500_000_000, "seconds": 2.0}]


def test_a_run_that_will_hardly_fit_says_so(
    studio: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "room", lambda device: 100_000_000)
    config = FinetuneConfig(**{**SETTINGS, "steps": 1}).check()
    folder = studio.run("tight")
    store.create(studio, JobSpec("tight", "train", "tight", ["-m", "x", str(folder)]))
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    told: list[Event] = []
    session = Session(studio, folder, config, told.append, StopSwitch(folder))
    assert isinstance(session.work(), Done)
    found = [e for e in told if isinstance(e, Finding) and e.code == "memory.tight"]
    assert [(f.level, f.subject) for f in found] == [("warning", "batch_size")]
    lines = json.loads((folder / "effective.json").read_text(encoding="utf-8"))["settings"]
    (line,) = [line for line in lines if line["name"] == "memory"]
    assert line["used"].endswith("of 100 MB") and line["reason"].endswith("at once fit")
