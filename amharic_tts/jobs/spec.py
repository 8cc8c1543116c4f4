"""What a job is: a kind, a folder and a command that anybody can type."""

from __future__ import annotations

import json
import shlex
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from amharic_tts.errors import StudioError
from amharic_tts.files import write_text

Kind = Literal["train", "task"]
State = Literal["created", "running", "done", "stopped", "failed", "lost"]
"""`lost`: the process is gone and left no final event ("stopped unexpectedly")."""


@dataclass(frozen=True)
class JobSpec:
    """The content of `job.json`: what was asked."""

    id: str
    kind: Kind
    title: str
    command: list[str]
    """Arguments after the Python interpreter, such as ``["-m", "training.finetune", RUN_DIR]``."""
    device: str = ""
    """The device that the job has to itself (`cpu`, `cuda`), or empty for none."""
    created: float = field(default_factory=time.time)
    details: dict[str, Any] = field(default_factory=dict)

    def argv(self) -> list[str]:
        """Return the full command for this interpreter."""
        return [sys.executable, *self.command]

    def command_line(self) -> str:
        """Return the command as a person would type it."""
        return shlex.join(self.argv())

    def save(self, folder: Path) -> None:
        """Write `job.json` into the job's folder."""
        write_text(folder / "job.json", json.dumps(asdict(self), ensure_ascii=False, indent=1))

    @classmethod
    def load(cls, folder: Path) -> JobSpec:
        """Read `job.json`.

        Raises:
            StudioError: It is missing or damaged.
        """
        path = folder / "job.json"
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise StudioError(f"`{path}` can't be read: {error}") from error
