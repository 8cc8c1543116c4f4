"""The steps of a run beside each other, to choose the best: losses, scores, samples. No torch."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.jobs.scores import SampleScore, Scores
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.jobs.store import Job

CHECKPOINTS = "checkpoints"
READY = "ready"
NOT_SPOKEN = "no samples were spoken at this step"
NOT_EVALUATED = "there was no evaluation at this step"


@dataclass(frozen=True)
class CheckpointRow:
    """One step. What is None was not measured; `reasons` says why, by name."""

    step: int
    loss: float | None
    """The last training loss that was told up to this step."""
    eval_loss: float | None
    phoneme_error: float | None = None
    """Mean over the samples, as all that follow: phonemes heard wrong, as a share of those
    expected. The embedded recogniser knows English alone: compare steps, not languages."""
    agreement: float | None = None
    """How well sound and text agree, 0 to 1."""
    similarity: float | None = None
    """Cosine of the speaker embeddings of sample and reference."""
    seconds: float | None = None
    """Length of the samples together."""
    expected_seconds: float | None = None
    ran_away: int | None = None
    """How many samples did not end by themselves."""
    stopped_early: int | None = None
    """How many are much too short."""
    samples: tuple[SampleScore, ...] = ()
    kept: bool = False
    """Its checkpoint is on the disk: it can be exported, and scored again."""
    best: bool = False
    """Of those that are kept it has the lowest eval loss, by which the voice is chosen."""
    exported: bool = False
    """The run's voice is made from it."""
    reasons: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dataclasses.asdict(self)


def table(run: Path) -> list[CheckpointRow]:
    """Return every step of a run that was evaluated, spoken with or kept, by step.

    Rows stay when their checkpoint is gone. The best one is chosen by eval loss; the other columns
    are there for a person to choose another.
    """
    history = Job(run, JobSpec.load(run)).history()
    losses, evals = (history.metrics.get(name, {}) for name in ("loss", "eval_loss"))
    scores, kept = Scores(run).read(), kept_steps(run)
    best, exported = best_step(evals, kept), exported_step(run)
    rows = []
    for step in sorted({*evals, *scores, *kept}):
        scored = scores.get(step)
        before = [at for at in losses if at <= step]
        reasons = dict(scored.reasons) if scored else {"samples": NOT_SPOKEN}
        if step not in evals:
            reasons["eval_loss"] = NOT_EVALUATED
        row = CheckpointRow(
            step=step,
            loss=losses[max(before)] if before else None,
            eval_loss=evals.get(step),
            kept=step in kept,
            best=step == best,
            exported=step == exported,
            reasons=reasons,
        )
        if scored:
            timed = [s for s in scored.samples if s.seconds is not None]
            row = dataclasses.replace(
                row,
                phoneme_error=scored.mean("phoneme_error"),
                agreement=scored.mean("agreement"),
                similarity=scored.mean("similarity"),
                seconds=round(sum(s.seconds or 0 for s in timed), 2) if timed else None,
                expected_seconds=round(sum(s.expected_seconds or 0 for s in timed), 2),
                ran_away=scored.count("ran_away"),
                stopped_early=scored.count("stopped_early"),
                samples=scored.samples,
            )
        rows.append(row)
    return rows


def kept_steps(run: Path) -> set[int]:
    """Return the steps whose checkpoint is on the disk; renamed into place, so each is whole."""
    found = (path.name.rpartition("-") for path in (run / CHECKPOINTS).glob("checkpoint-*"))
    return {int(number) for name, _, number in found if name == "checkpoint" and number.isdigit()}


def best_step(evals: dict[int, float], kept: set[int]) -> int | None:
    """Return the kept step with the lowest eval loss; the last kept one where none has any."""
    judged = sorted(step for step in kept if step in evals)
    return min(judged, key=lambda step: evals[step]) if judged else max(kept, default=None)


def exported_step(run: Path) -> int | None:
    """Return the step that the run's voice is made from."""
    try:
        body = json.loads((run / READY / "voice.json").read_text(encoding="utf-8"))
        return int(body["manifest"]["checkpoint"]["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
