"""A hundred kills while checkpoints are being written: the last one that was there is whole."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from amharic_tts.workspace import Workspace
from training.checkpoints import MODEL, STATE, Checkpoints, fault

KILLS = 100
BLOCK = 4096
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")


def write_checkpoint(folder: Path, step: int) -> None:
    """Write the files of a checkpoint block by block, as slow disks do; its state comes last."""
    folder.mkdir(parents=True)
    weights = save({"gpt.weight": np.full(20_000, step, dtype=np.float32)})
    with open(folder / MODEL, "wb") as file:
        for at in range(0, len(weights), BLOCK):
            file.write(weights[at : at + BLOCK])
            file.flush()
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("data", bytes(BLOCK))
    state = {"global_step": step, "log_history": [{"step": step, "loss": 1.0, "eval_loss": 9.0}]}
    (folder / STATE).write_text(json.dumps(state), encoding="utf-8")


def write_until_killed(workspace: Workspace, run: Path) -> None:
    checkpoints = Checkpoints(run)
    checkpoints.clean(workspace)
    newest = checkpoints.newest()
    step = newest.step if newest else 0
    while True:
        step += 1
        write_checkpoint(checkpoints.writing / f"checkpoint-{step}", step)
        checkpoints.publish(step, keep=2)


def test_a_hundred_kills_leave_the_last_checkpoint_whole(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "workspace")
    run = workspace.run("run-1")
    checkpoints, draw = Checkpoints(run), random.Random(5)
    began = time.monotonic()
    write_checkpoint(checkpoints.writing / "checkpoint-1", 1)
    checkpoints.publish(1, keep=2)
    one = time.monotonic() - began  # so that a busy machine is killed in the same places
    reached, half_written = 1, 0
    for _ in range(KILLS):
        child = os.fork()
        if child == 0:
            try:
                write_until_killed(workspace, run)
            finally:
                os._exit(1)
        time.sleep(draw.uniform(0, min(0.3, 5 * one)))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself"
        half_written += any(checkpoints.writing.glob("checkpoint-*"))
        named = list(checkpoints.folder.glob("checkpoint-*"))
        assert [path.name for path in named if fault(path)] == []
        newest = checkpoints.newest()
        step = newest.step if newest else 0
        assert step >= reached, "a checkpoint that was there is gone"
        reached = step
        if newest:
            assert set(load_file(newest.model)["gpt.weight"]) == {float(step)}
    assert reached > 3 and half_written > 3  # the kills did hit the writing
    assert not list(workspace.trash.glob("*")), "nothing whole or half was taken for damaged"
    checkpoints.clean(workspace)
    write_checkpoint(checkpoints.writing / f"checkpoint-{reached + 1}", reached + 1)
    checkpoints.publish(reached + 1, keep=2)  # what a kill left lying is cleared by the next one
    left = {path.name for path in checkpoints.folder.glob("checkpoint-*")}
    assert left == {f"checkpoint-{step}" for step in (1, reached, reached + 1)}  # 1: the best
