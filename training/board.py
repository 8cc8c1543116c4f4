"""TensorBoard logs of a run, through transformers' own callback."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from transformers.integrations import TensorBoardCallback

from amharic_tts.errors import MissingPart

FOLDER = "tensorboard"
"""In the run's folder; show it with ``tensorboard --logdir RUN_DIR/tensorboard``."""


def callback(run: Path, step: int) -> TensorBoardCallback:
    """Return a callback that writes every log of the Trainer (`eval_loss` as ``eval/loss``).

    Args:
        run: Folder of the run.
        step: The run goes on from here; what a killed run has logged after it is passed over.

    Raises:
        MissingPart: tensorboard is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingPart(
            "report_to_tensorboard: the package `tensorboard` is not installed",
            "pip install tensorboard",
        )
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(run / FOLDER), purge_step=step + 1)
    return TensorBoardCallback(writer)
