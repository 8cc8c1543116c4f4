"""Several processes that train one run together, as ``torchrun`` or ``accelerate launch`` start it.

Each process is a *rank*. Rank 0 is the run: it alone writes events, checkpoints, manifest and
voice, and its process id is the job's. What the ranks must decide alike (stop, give up) they ask
each other for, over gloo on the CPU whatever the gradients travel by, since one rank that leaves
lets the others wait for ever.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from amharic_tts.errors import StudioError, UserError

T = TypeVar("T")
PATIENCE = timedelta(hours=12)
"""How long ranks wait for each other: the first one may encode a whole dataset."""


class AnotherRankFailed(StudioError):
    """Another rank can't go on; what is wrong is told there."""


@dataclass
class Ranks:
    """Which of how many processes this one is."""

    rank: int = 0
    size: int = 1
    on_this_machine: int = 1
    """How many of them run on this machine."""
    _group: Any = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Ranks:
        """Return what ``torchrun`` says in ``RANK``, ``WORLD_SIZE`` and ``LOCAL_WORLD_SIZE``.

        Raises:
            UserError: They are not numbers that fit each other.
        """
        if "WORLD_SIZE" not in environ:
            return cls()
        names = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
        try:
            rank, size, here = (int(environ[name]) for name in names)
        except (KeyError, ValueError):
            said = ", ".join(f"{name}={environ.get(name, '')}" for name in names)
            raise UserError(
                f"The environment does not say which of how many processes this is: {said}",
                "Start several processes with `torchrun` or `accelerate launch`, "
                "or unset WORLD_SIZE",
            ) from None
        if not 0 <= rank < size:
            raise UserError(f"RANK={rank} is not below WORLD_SIZE={size}")
        return cls(rank, size, here)

    @property
    def first(self) -> bool:
        """Whether this process is the run to the outside."""
        return self.rank == 0

    def join(self, device: str) -> None:
        """Meet the other ranks; until then they can't ask each other anything.

        Args:
            device: ``cpu`` (gloo) or ``cuda`` (nccl).
        """
        if self.size == 1:
            return
        import torch.distributed as dist
        from accelerate import PartialState

        backend = "gloo" if device == "cpu" else "nccl"
        PartialState(cpu=device == "cpu", backend=backend, timeout=PATIENCE)
        self._group = dist.new_group(backend="gloo", timeout=PATIENCE)

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set on any rank; every rank must ask."""
        if self.size == 1:
            return flag
        import torch
        import torch.distributed as dist

        found = torch.tensor(int(flag))
        dist.all_reduce(found, dist.ReduceOp.MAX, group=self._group)
        return bool(found)

    def gather(self, value: T) -> list[T]:
        """Return the value of every rank, by rank; every rank must ask."""
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value, group=self._group)
        return found

    def wait(self) -> None:
        """Go on when every rank has come here."""
        self.any(False)

    def in_turn(self, work: Callable[[], T]) -> T:
        """Do some work on the first rank, then on the others, which find in files what it made.

        Raises:
            AnotherRankFailed: It went well here, and not on another rank.
            Exception: Whatever the work raised here, when the others know.
        """
        made: list[T] = []
        for turn in (True, False):
            told: list[str | None] = []
            try:
                if self.first is turn:
                    made.append(work())
            finally:
                problem = sys.exc_info()[1]
                told = self.gather(None if problem is None else str(problem))
            for rank, message in enumerate(told):
                if message is not None:
                    raise AnotherRankFailed(f"Process {rank} of {self.size}: {message}")
        return made[0]

    def leave(self) -> None:
        """Part from the other ranks, so that the end of one is no failure of another."""
        if self._group is not None:
            import torch.distributed as dist

            self._group = None
            dist.destroy_process_group()
