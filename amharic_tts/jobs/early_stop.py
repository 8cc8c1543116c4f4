"""When a run is ended because its eval loss falls no more. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """Why a run was ended before its last step."""

    step: int
    """Of the evaluation that used the patience up."""
    best: int
    """Step with the lowest eval loss."""
    loss: float
    """That loss."""
    patience: int

    @property
    def message(self) -> str:
        """Say it in words."""
        times = "evaluation" if self.patience == 1 else f"{self.patience} evaluations"
        return (
            f"ended at step {self.step}: no lower eval loss than {self.loss:.4f} of step "
            f"{self.best} in the last {times}"
        )

    def hint(self, steps: int) -> str:
        """Say how the run can go on to its `steps` steps."""
        return (
            f"To go on to step {steps}, raise early_stop_patience (it is {self.patience}) in its "
            "config.yaml, or set it to 0; then resume"
        )


def ended(losses: Mapping[int, float], patience: int) -> Ended | None:
    """Return why a run is at its end, or None where it may go on.

    Only losses count, so that a resumed run decides as an uninterrupted one.

    Args:
        losses: Step -> eval loss, of the whole run so far.
        patience: Evaluations without a lower loss that end it; 0: none do.
    """
    if not patience or not losses:
        return None
    best = min(losses, key=lambda step: (losses[step], step))
    later = sorted(step for step in losses if step > best)
    if len(later) < patience:
        return None
    return Ended(later[-1], best, losses[best], patience)
