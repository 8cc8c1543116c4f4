"""Import what was installed, in processes of their own.

Run as `python -m amharic_tts.install.check`. A package can be installed and still not
work (a library of the system is too old, a file is missing); the first training run is a bad place
to find out.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

TIMEOUT = 300.0
CHECKS = {
    "torch": "import torch; assert float((torch.ones(2, 2) @ torch.ones(2, 2)).sum()) == 8",
    "torchaudio": "import torchaudio.functional",
    "transformers": "from transformers import GPT2Model, Trainer",
    "coqui-tts": "import TTS.tts.models.xtts",
    "gradio": "import gradio",
    "epitran": "import epitran",
    "onnxruntime": "import onnxruntime",
    "hama": "import hama",
    "av": "import av",
    "soundfile": "import soundfile, soxr",
    "espeakng-loader": (
        "import ctypes, espeakng_loader; ctypes.CDLL(espeakng_loader.get_library_path())"
    ),
    "amharic-tts": "import amharic_tts.cli",
}
"""Package -> what is run to see that it works."""
TOGETHER = ("torch", "torchaudio", "transformers", "coqui-tts")
"""Each of these loads the ones before it, so they share a process unless something fails."""
NOT_ON_WINDOWS = ("hama",)


@dataclass(frozen=True)
class Checked:
    """What came of one check; `problem` is empty where all is well."""

    package: str
    seconds: float
    problem: str


def check(package: str, code: str) -> Checked:
    """Run one check and return its last line of complaint, if it has one."""
    began = time.monotonic()
    argv = [sys.executable, "-W", "ignore", "-c", code]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
        said = (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]
        problem = said if done.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"took more than {TIMEOUT:.0f} s"
    return Checked(package, time.monotonic() - began, problem)


def check_all(wanted: Mapping[str, str]) -> Iterator[Checked]:
    """Check packages, two processes at a time; a group that fails is taken apart."""
    group = [name for name in TOGETHER if name in wanted]
    jobs = {name: code for name, code in wanted.items() if name not in group}
    together = ", ".join(group)
    if group:
        jobs = {together: "\n".join(wanted[name] for name in group), **jobs}
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(check, jobs.keys(), jobs.values()):
            if result.problem and result.package == together:
                yield from (check(name, wanted[name]) for name in group)
            else:
                yield result


def main() -> int:
    """Check everything and tell; 1 if something fails."""
    wanted = {
        name: code
        for name, code in CHECKS.items()
        if sys.platform != "win32" or name not in NOT_ON_WINDOWS
    }
    worked = True
    for result in check_all(wanted):
        said = f"does not work: {result.problem}" if result.problem else "ok"
        sys.stderr.write(f"  {result.package:18} {result.seconds:5.1f} s  {said}\n")
        worked = worked and not result.problem
    return 0 if worked else 1


if __name__ == "__main__":
    raise SystemExit(main())
