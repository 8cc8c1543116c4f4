"""Checkpoints of a run that spoke no samples: scored afterwards, and any of them exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from run_fixtures import call, make_workspace
from test_session import session

from amharic_tts.errors import UserError
from amharic_tts.events import Done, EventLog, Metric, Sample
from amharic_tts.jobs import checkpoints
from amharic_tts.jobs.scores import SampleScore, Scores, StepScores
from amharic_tts.synthesis import text_split
from amharic_tts.synthesis.check import SentenceCheck, SentenceJudge
from amharic_tts.synthesis.voices import check_voice
from amharic_tts.workspace import Workspace
from training import export
from training.score import score


@pytest.fixture(scope="module")
def studio(practice_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("studio") / "workspace", practice_base)


@pytest.fixture(scope="module")
def run(studio: Workspace) -> Path:
    """A finished run of three steps, each with its checkpoint; its samples would say one word."""
    work, told = session(studio, "scored", steps=3, eval_every=1, save_every=1, keep_checkpoints=3)
    final = work.work()
    assert isinstance(final, Done)
    list(EventLog(work.run / "events.jsonl").follow((*told, final)))
    config = (work.run / "config.yaml").read_text(encoding="utf-8")
    short = config.replace("sample_texts: []", "sample_texts: [ቡና]")
    assert short != config
    (work.run / "config.yaml").write_text(short, encoding="utf-8")
    return work.run


def test_checkpoints_are_scored_afterwards(
    studio: Workspace, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_split, "max_codes", lambda prepared, limit: 10)
    why = "the recogniser is not here"
    unknown = SentenceCheck("not checked", (why,), not_compared=why)
    monkeypatch.setattr(SentenceJudge, "judge", lambda self, *said: unknown)
    events = list(score(studio, run, [1, 2]))
    assert events[-1].result == {"run": "scored", "steps": [1, 2]}  # type: ignore[attr-defined]
    assert [e.audio for e in events if isinstance(e, Sample)] == [
        "samples/step-1/1.wav",
        "samples/step-2/1.wav",
    ]
    assert {e.name for e in events if isinstance(e, Metric)} == {"similarity"}
    rows = {row.step: row for row in checkpoints.table(run)}
    assert [step for step, row in rows.items() if row.similarity is not None] == [1, 2]
    assert rows[1].phoneme_error is None and rows[1].reasons == {"phoneme_error": why}
    assert rows[1].ran_away == 1 and rows[1].seconds == pytest.approx(0.46, abs=0.05)
    with pytest.raises(UserError, match="has no checkpoint of step 9") as caught:
        list(score(studio, run, [9]))
    assert caught.value.hint.startswith("There are: 1, 2, 3")


def test_the_command_scores_those_without_scores(studio: Workspace, run: Path) -> None:
    """In a process of its own, with the recogniser that is on this machine, if any."""
    done = call(studio, "runs", "checkpoints", "scored", "--score", "--json")
    rows = {row["step"]: row for row in json.loads(done.stdout)}
    assert list(rows) == [1, 2, 3] and all(row["similarity"] for row in rows.values())
    assert (rows[3]["phoneme_error"] is None) == ("phoneme_error" in rows[3]["reasons"])
    assert len(Scores(run).read()[3].samples) == 1


def test_any_kept_checkpoint_becomes_a_voice(
    studio: Workspace, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Scores(run).put(StepScores(2, (SampleScore("am", "ቡና", similarity=0.5),)))
    before = checkpoints.exported_step(run)
    assert export.main([str(run), "--step", "2", "--out", str(tmp_path / "voice")]) == 0
    voice = check_voice(tmp_path / "voice")
    assert voice.manifest["checkpoint"]["step"] == 2
    assert voice.manifest["scores"]["samples"] == 1
    card = (tmp_path / "voice" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "- checkpoint: step 2 of 3" in card and "| precision | fp32 |" in card
    assert checkpoints.exported_step(run) == before

    assert export.main([str(run), "--step", "1"]) == 0
    assert [row.step for row in checkpoints.table(run) if row.exported] == [1]
    assert [path.name[-9:] for path in studio.trash.glob("*ready*")]
    assert export.main([str(run), "--step", "8"]) == 2
    assert "has no checkpoint of step 8" in json.loads(capsys.readouterr().out)["message"]
