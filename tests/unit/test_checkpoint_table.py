"""The table of a run's checkpoints, as the page and `runs checkpoints` show it; no training."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from amharic_tts import cli
from amharic_tts.events import Metric, Sample, Started
from amharic_tts.jobs import checkpoints, sample_texts, store
from amharic_tts.jobs.sample_texts import Line
from amharic_tts.jobs.scores import SampleScore, Scores, StepScores
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace


def sample(step: int, per: float | None, **values: object) -> SampleScore:
    body: dict[str, object] = {
        **{"language": "am", "text": "ቡና", "audio": f"samples/step-{step}/1.wav", "seed": 7},
        **{"seconds": 1.25, "expected_seconds": 1.0, "ran_away": False, "stopped_early": False},
        **{"similarity": 0.5, "phoneme_error": per, "agreement": 0.75, **values},
    }
    return SampleScore(**body)  # type: ignore[arg-type]


@pytest.fixture
def run(workspace: Workspace) -> Path:
    """A run that was evaluated at 10, 20, 30, spoken with at 0, 20, and keeps 20 and 30."""
    job = store.create(workspace, JobSpec("r", "train", "r", ["-c", "pass"]))
    job.events.append(Started())
    for step, loss, evaluated in ((5, 5.0, None), (10, 4.0, 3.0), (20, 3.0, 2.5), (30, 2.0, 2.75)):
        job.events.append(Metric(step, "loss", loss))
        if evaluated:
            job.events.append(Metric(step, "eval_loss", evaluated))
    for step in (20, 30):
        (job.folder / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    (job.folder / "checkpoints" / ".writing" / "checkpoint-40").mkdir(parents=True)
    scores = Scores(job.folder)
    why = {"phoneme_error": "no recogniser"}
    scores.put(StepScores(20, (sample(20, 0.25), sample(20, 0.75, ran_away=True)), 3.5))
    scores.put(StepScores(0, (sample(0, None, reasons=why, stopped_early=True),)))
    voice = {"manifest": {"checkpoint": {"step": 20}}}
    (job.folder / "ready").mkdir()
    (job.folder / "ready" / "voice.json").write_text(json.dumps(voice))
    return job.folder


def test_rows_stay_when_their_checkpoint_is_gone(run: Path) -> None:
    rows = checkpoints.table(run)
    said = [(r.step, r.loss, r.eval_loss, r.kept, r.best, r.exported) for r in rows]
    assert said == [
        (0, None, None, False, False, False),
        (10, 4.0, 3.0, False, False, False),
        (20, 3.0, 2.5, True, True, True),
        (30, 2.0, 2.75, True, False, False),
    ]
    assert rows[0].reasons == {
        "phoneme_error": "no recogniser",
        "eval_loss": "there was no evaluation at this step",
    }
    assert rows[1].reasons == {"samples": "no samples were spoken at this step"}
    scored = rows[2]
    assert (scored.phoneme_error, scored.agreement, scored.similarity) == (0.5, 0.75, 0.5)
    assert (scored.seconds, scored.expected_seconds) == (2.5, 2.0)
    assert (scored.ran_away, scored.stopped_early) == (1, 0)
    assert [s.audio for s in scored.samples] == ["samples/step-20/1.wav"] * 2
    assert json.loads(json.dumps(scored.to_dict()))["samples"][0]["text"] == "ቡና"


def test_the_last_is_best_where_nothing_was_evaluated() -> None:
    assert checkpoints.best_step({}, {3, 7}) == 7
    assert checkpoints.best_step({3: 1.0, 5: 0.5}, {3, 7}) == 3
    assert checkpoints.best_step({3: 1.0}, set()) is None


def test_the_command_prints_the_table(
    run: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def call(*words: str) -> str:
        argv = ["amharic-tts", "--workspace", str(workspace.root), "runs", "checkpoints", *words]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit):
            cli.main()
        said = capsys.readouterr()
        return said.out or said.err

    lines = call("r").splitlines()
    assert lines[:5] == [
        "   step      loss  eval_loss      PER  agrees   voice        seconds  notes",
        "      0         -          -        -    0.75    0.50     1.2 of 1.0  "
        "1 of 1 stopped early",
        "     10    4.0000     3.0000        -       -       -              -",
        "     20    3.0000     2.5000    50.0%    0.75    0.50     2.5 of 2.0  "
        "best, exported, kept, 1 of 2 did not end",
        "     30    2.0000     2.7500        -       -       -              -  kept",
    ]
    assert "not measured: phoneme_error: no recogniser" in lines
    assert [row["step"] for row in json.loads(call("r", "--json"))] == [0, 10, 20, 30]
    assert "Add --score" in call("r", "--step", "20")
    assert "There is no run `other`" in call("other")


def test_a_resumed_run_measures_the_steps_after_it_once_more(run: Path) -> None:
    scores = Scores(run)
    scores.drop_after(10)
    assert list(scores.read()) == [0]
    scores.put(StepScores(0, (sample(0, 1.0),)))
    assert scores.read()[0].mean("phoneme_error") == 1.0
    assert Scores(run / "nowhere").read() == {}

    job = store.get(Workspace(run.parents[1]), "r")
    for event in (Sample(20, "samples/step-20/1.wav", "ቡና"), Started(step=10)):
        job.events.append(event)
    assert job.history().samples == []


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("ሰላም", Line("am", "ሰላም")),
        ("en: Good morning", Line("en", "Good morning")),
        ("zh-cn:  早上好", Line("zh-cn", "早上好")),
        ("ብላ: ጠጣ", Line("am", "ብላ: ጠጣ")),
        ("en:no space", Line("am", "en:no space")),
    ],
)
def test_a_prefix_names_another_language(entry: str, line: Line) -> None:
    assert sample_texts.parse(entry, "am") == line


def test_without_texts_there_are_some() -> None:
    known = ["en", "fr"]
    amharic = sample_texts.lines((), "am", known, ["ignored"])
    assert [line.language for line in amharic] == ["am", "am", "en"]
    other = sample_texts.lines((), "ti", known, ["ሓደ", "ክልተ", "ሰለስተ"])
    assert [line.text for line in other[:2]] == ["ሓደ", "ክልተ"] and other[2].language == "en"
    assert [line.language for line in sample_texts.lines((), "en", known, [])] == ["en", "en"]
    assert sample_texts.lines(("ቡና",), "am", known, []) == [Line("am", "ቡና")]


def test_scores_that_can_not_be_read_are_none(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text('{"steps": [{"step"')
    assert Scores(tmp_path).read() == {}
