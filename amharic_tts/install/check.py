"""Import what was installed, each package in a process of its own.

Run as `python -m amharic_tts.install.check`. A package can be installed and still not
work (a library of the system is too old, a file is missing); the first training run is a bad place
to find out.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

TIMEOUT = 300.0
CHECKS = {
    "torch": "import torch; assert float((torch.ones(2, 2) @ torch.ones(2, 2)).sum()) == 8",
    "torchaudio": "import torchaudio.functional",
    "coqui-tts": "import TTS.tts.models.xtts",
    "transformers": "from transformers import GPT2Model, Trainer",
    "gradio": "import gradio",
    "onnxruntime": "import onnxruntime",
    "hama": "import hama",
    "epitran": "import epitran",
    "av": "import av",
    "soundfile": "import soundfile, soxr",
    "espeakng-loader": (
        "import ctypes, espeakng_loader; ctypes.CDLL(espeakng_loader.get_library_path())"
    ),
    "amharic-tts": "import amharic_tts.cli",
}
"""Package -> what is run to see that it works."""
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


def main() -> int:
    """Check everything, two at a time, and tell; 1 if something fails."""
    wanted = {
        name: code
        for name, code in CHECKS.items()
        if sys.platform != "win32" or name not in NOT_ON_WINDOWS
    }
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(check, wanted.keys(), wanted.values()))
    for result in results:
        said = f"does not work: {result.problem}" if result.problem else "ok"
        sys.stderr.write(f"  {result.package:16} {result.seconds:5.1f} s  {said}\n")
    return 1 if any(result.problem for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
