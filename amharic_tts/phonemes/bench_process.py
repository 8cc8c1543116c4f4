"""Start and ask the process of one variant."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amharic_tts.errors import StudioError
from amharic_tts.phonemes.bench_limits import Throttle
from amharic_tts.phonemes.models.base import LoadOptions

PATIENCE = 600.0
"""Seconds after which a process that does not answer is ended; `torch.compile` takes a minute."""


class VariantFailed(StudioError):
    """A variant can't run here, or not under these limits."""


@dataclass(frozen=True)
class Variant:
    """One way to run one model."""

    model: str
    """What `catalog.load` takes."""
    shown: str
    """What the table calls the model."""
    name: str
    """What the table calls the way, such as ``onnxruntime int8``."""
    options: LoadOptions


class VariantProcess:
    """A running variant.

    Args:
        variant: What to run.
        samples: A `.npy` file with mono samples at 16 kHz.
        memory_limit: MB of address space; 0 for none.
        part: Share of the time in which it may run, see `bench_limits.share`.
        whole: Hear the sound as one piece, without cutting it.
    """

    def __init__(
        self,
        variant: Variant,
        samples: Path,
        memory_limit: int = 0,
        part: float = 1.0,
        whole: bool = False,
    ) -> None:
        self.variant, self.part = variant, part
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (see `close`)
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "amharic_tts.phonemes.bench_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=_environment(variant.options.threads),
        )
        config = {
            **{"model": variant.model, "options": asdict(variant.options), "whole": whole},
            **{"samples": str(samples), "memory_limit": memory_limit},
        }
        try:
            self.about = self._ask(config)
        except VariantFailed:
            self.close()
            raise
        self.start_seconds = time.perf_counter() - began
        """From the start of the process to the phones of the first sound."""

    def round(self) -> dict[str, Any]:
        """Hear the sound once; return wall and CPU seconds and memory in MB."""
        return self._ask({"do": "round"})

    def outputs(self) -> dict[str, Any]:
        """Return the best symbol of each frame and the phones."""
        return self._ask({"do": "outputs"})

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send a line and wait for its answer.

        Raises:
            VariantFailed: It said why not, or ended, or did not answer in time.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        late = threading.Timer(PATIENCE, self._process.kill)
        late.start()
        try:
            with Throttle(self._process.pid, self.part):
                with contextlib.suppress(BrokenPipeError):  # the empty answer tells it
                    self._process.stdin.write(json.dumps(body) + "\n")
                    self._process.stdin.flush()
                line = self._process.stdout.readline()
        finally:
            late.cancel()
        if not line:
            raise VariantFailed(self._why())
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise VariantFailed(answer["failed"], answer["hint"])
        return answer

    def _why(self) -> str:
        """Return the last words of a process that ended."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        last = lines[-1].strip()[:300] if lines else ""
        if code < 0:
            ended = f"ended by {signal.Signals(-code).name}"
            return f"{ended}: {last}" if last else ended
        return last or f"ended with exit code {code}"


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a variant: this very code, and no more threads than asked for."""
    code = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    found = {**os.environ, "PYTHONPATH": os.pathsep.join([code, known] if known else [code])}
    found["PYTHONIOENCODING"] = "utf-8"
    if threads:
        found |= {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS")}
    return found
