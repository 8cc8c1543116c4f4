"""The training process: `python -m training.finetune RUN_DIR`, also several by `torchrun`.

It reads ``config.yaml`` and ``job.json`` in the run's folder, goes on from the newest whole
checkpoint if there is one, appends events, and ends with a voice in ``ready``. This is the
outermost border for errors: each becomes a `Failed` event and an exit code.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from amharic_tts.errors import StudioError, UserError
from amharic_tts.events import Event, EventLog, Failed, Finding, Metric, Progress, Started
from amharic_tts.files import write_text
from amharic_tts.jobs import process
from amharic_tts.workspace import Workspace
from training import config as configs
from training.checkpoints import Checkpoints
from training.config import FinetuneConfig
from training.ranks import AnotherRankFailed, Ranks
from training.stopping import StopSwitch, out_of_memory

logger = logging.getLogger("training")

NOTE_PATIENCE = 3.0
"""Seconds to wait for the note of a process whose failure broke the connection."""


class Teller:
    """Appends each event to the run's events and tells it in the log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def __call__(self, event: Event) -> None:
        self._log.append(event)
        if isinstance(event, Metric):
            logger.info("step %d %s %.5g", event.step, event.name, event.value)
        elif isinstance(event, Progress):
            logger.info("%s %g/%g", event.note, event.done, event.total)
        elif isinstance(event, Finding):
            logger.info("%s %s: %s", event.level, event.subject or event.code, event.message)
        elif isinstance(event, Failed):
            logger.error("%s %s", event.message, event.hint)
        else:
            logger.info("%s", event)


def main(arguments: Sequence[str] = tuple(sys.argv[1:])) -> int:
    """Train the run of the folder given on the command line; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        run, workspace = _open(arguments)
        ranks = Ranks.from_environment()
        stop = StopSwitch(run)
        stop.listen()  # before the libraries, which take many seconds to load
        if ranks.first:
            process.enter(workspace, run)
    except StudioError as error:
        # Not this run's events: another process may be writing them.
        logger.error("error: %s", error)
        return error.exit_code
    if ranks.first:
        return _train(workspace, run, stop, ranks)
    return _help(workspace, run, stop, ranks)


def _open(arguments: Sequence[str]) -> tuple[Path, Workspace]:
    if len(arguments) != 1:
        raise UserError("Give the folder of one run", "python -m training.finetune RUN_DIR")
    run = Path(arguments[0]).absolute()
    if not (run / "job.json").is_file() or run.parent.name != "runs":
        raise UserError(
            f"`{run}` is not the folder of a run", "See the runs with: amharic-tts runs list"
        )
    return run, Workspace.open(run.parents[1])


def _train(workspace: Workspace, run: Path, stop: StopSwitch, ranks: Ranks) -> int:
    tell = Teller(EventLog(run / "events.jsonl"))
    config: FinetuneConfig | None = None
    try:
        checkpoints = Checkpoints(run)
        for note in run.glob("failed-*.json"):  # of the last start
            note.unlink()
        damaged = checkpoints.clean(workspace)
        newest = checkpoints.newest()
        tell(Started(step=newest.step if newest else 0, pid=os.getpid()))
        for name, wrong in damaged:
            what = f"{wrong}; it is in the trash now, and an earlier one is taken"
            tell(Finding("checkpoint.damaged", what, "warning", name))
        config = configs.load(run / "config.yaml").check()
        tell(Progress(newest.step if newest else 0, config.steps, "loading libraries"))
        final = _work(workspace, run, config, tell, stop, ranks)
    except StudioError as error:
        final = Failed(error.message, error.hint, error.exit_code)
    except Exception as error:
        logger.exception("the run failed")
        final = _told_by_another(run, ranks) or _failed(error, config)
    tell(final)
    return final.exit_code if isinstance(final, Failed) else 0


def _help(workspace: Workspace, run: Path, stop: StopSwitch, ranks: Ranks) -> int:
    """Train as another process than the first, which tells everything; return the exit code."""
    config: FinetuneConfig | None = None
    try:
        config = configs.load(run / "config.yaml").check()
        _work(workspace, run, config, _Silent(), stop, ranks)
        return 0
    except AnotherRankFailed:
        return 0  # the first one tells
    except StudioError as error:
        final = Failed(error.message, error.hint, error.exit_code)
    except Exception as error:
        logger.exception("process %d failed", ranks.rank)
        final = _failed(error, config)
    write_text(_note_of(run, ranks.rank), json.dumps([final.message, final.hint, final.exit_code]))
    return final.exit_code


class _Silent:
    """Takes the events of a process that is not the first, which has the same ones to tell."""

    def __call__(self, _event: Event) -> None:
        pass


def _note_of(run: Path, rank: int) -> Path:
    return run / f"failed-{rank}.json"


def _told_by_another(run: Path, ranks: Ranks) -> Failed | None:
    """Return why another process failed, where that is what made this one lose its connection."""
    notes = [_note_of(run, rank) for rank in range(1, ranks.size)]
    deadline = time.monotonic() + (NOTE_PATIENCE if notes else 0)
    while True:
        for rank, note in enumerate(notes, 1):
            if note.exists():
                message, hint, code = json.loads(note.read_text(encoding="utf-8"))
                return Failed(f"Process {rank} of {ranks.size}: {message}", hint, code)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.1)


def _work(
    workspace: Workspace,
    run: Path,
    config: FinetuneConfig,
    emit: Callable[[Event], None],
    stop: StopSwitch,
    ranks: Ranks,
) -> Event:
    if "WORLD_SIZE" not in os.environ:
        # With several GPUs in sight the Trainer would wrap the model in nn.DataParallel, which
        # our flat batches can't be cut for. Several GPUs are used by torchrun.
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[0]
    from training.session import Session  # from here on: torch, transformers, coqui

    return Session(workspace, run, config, emit, stop, ranks).work()


def _failed(error: Exception, config: FinetuneConfig | None) -> Failed:
    """Return what an unforeseen error means for the person."""
    text = str(error) or type(error).__name__
    if out_of_memory(error):
        batch = config.batch()[0] if config else 0
        more = "" if config and config.effective_batch else " and raise accumulation as much"
        lower = f"Lower batch_size (now {batch}){more}" if batch > 1 else ""
        also = "" if config and config.use_grad_checkpoint else "switch on use_grad_checkpoint"
        advice = "; ".join(a for a in (lower, also) if a) or "Take a machine with more memory"
        return Failed("The memory is not enough for this run", f"{advice}; then resume", 2)
    if _is_full_disk(error):
        return Failed(
            f"A file could not be written; the disk may be full: {text.splitlines()[0]}",
            "Free some space, then resume; what was saved before is whole",
            2,
        )
    return Failed(
        f"{type(error).__name__}: {text.splitlines()[0]}",
        "The whole story stands in the run's log.txt; what was saved can be resumed",
    )


def _is_full_disk(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    # torch.save tells it in its own words, or trips over the file that it could not write.
    words = ("No space left", "iostream error", "inline_container", "PytorchStreamWriter failed")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


if __name__ == "__main__":
    raise SystemExit(main())
