"""Which of PyTorch's builds fits a machine, and why.

Sources: PyTorch's CUDA support matrix for release 2.11 (CUDA 12.6: capability 5.0 to 9.0; 12.8 and
13.0: 7.5 to 12.0), NVIDIA's table of minor version compatibility (CUDA 13: driver 580 or newer,
CUDA 12: 525 or newer), and the wheels themselves: the package index has CUDA 13 builds for Linux,
a CPU build for Windows, a plain one for Macs with Apple processors, and none for Intel Macs.
"""

from __future__ import annotations

from dataclasses import dataclass

from amharic_tts.install.inspection import Gpu, Machine

CUDA_13_DRIVER = 580
CUDA_12_DRIVER = 525
OLDEST_FOR_CUDA_13 = (7, 5)
NEWEST_FOR_CUDA_126 = (9, 0)
_GB = 10**9


@dataclass(frozen=True)
class TorchChoice:
    """A build of PyTorch."""

    build: str
    """Folder of the PyTorch project's index (`cpu`, `cu126`), or empty for the package index."""
    why: str
    cuda: str = ""
    """CUDA version that the build is for, or empty for a CPU build."""
    accepts: frozenset[str] = frozenset({""})
    """Build tags of an installed PyTorch that serve as well, so that it stays."""
    disk: int = 4 * _GB
    """Bytes that the whole `.venv` and the downloads on the way take."""
    note: str = ""
    """Something that the person should know: why a GPU that is here stays unused."""
    mend: str = ""
    """What to do about it."""


def driver_major(gpu: Gpu) -> int:
    """Return 580 for the driver `580.65.06`."""
    return int(gpu.driver.partition(".")[0] or 0)


def _cuda_build(machine: Machine) -> tuple[str, str]:
    """Return the CUDA version for the machine's GPUs (empty: none fits) and why."""
    driver = min(driver_major(gpu) for gpu in machine.gpus)
    known = [gpu.capability for gpu in machine.gpus if gpu.capability]
    oldest, newest = min(known, default=(8, 0)), max(known, default=(8, 0))
    named = f"{machine.gpus[0].name}, driver {machine.gpus[0].driver}"
    if driver < CUDA_12_DRIVER:
        return "", f"{named}: a driver before {CUDA_12_DRIVER} can't run PyTorch 2.11 on the GPU"
    if driver >= CUDA_13_DRIVER and oldest >= OLDEST_FOR_CUDA_13:
        return "13.0", f"{named}: runs CUDA 13"
    if newest > NEWEST_FOR_CUDA_126:
        return "12.8", f"{named}: too new for CUDA 12.6, and the driver is too old for CUDA 13"
    if driver >= CUDA_13_DRIVER:
        return "12.6", f"{named}: CUDA 13 left GPUs this old out"
    return "12.6", f"{named}: CUDA 13 needs driver {CUDA_13_DRIVER} or newer"


def _for_cpu(machine: Machine, why: str, note: str = "") -> TorchChoice:
    mend = f"Install a newer NVIDIA driver ({CUDA_13_DRIVER} or later), then run this again"
    if machine.system == "Windows":
        plain = f"{why}; the package index has a CPU build for Windows"
        return TorchChoice("", plain, note=note, mend=mend)
    if machine.torch_index is not False:
        return TorchChoice(
            "cpu",
            f"{why}; the CPU build is much smaller (0.2 GB against 2.5 GB)",
            accepts=frozenset({"cpu", ""}),
            note=note,
            mend=mend,
        )
    return TorchChoice(
        "",
        f"{why}; the PyTorch project's index can't be reached, and the package index's CUDA 13 "
        "build runs without a GPU too",
        accepts=frozenset({"cpu", ""}),
        disk=9 * _GB,
        note=note,
        mend=mend,
    )


def choose_torch(machine: Machine) -> TorchChoice:
    """Return the build for a machine that PyTorch supports."""
    if machine.system == "Darwin":
        return TorchChoice("", "the package index's build for Macs with Apple processors")
    if not machine.gpus:
        note = f"nvidia-smi is here but tells no GPU: {machine.gpu_problem}"
        return _for_cpu(machine, "no NVIDIA GPU here", note if machine.gpu_problem else "")
    cuda, why = _cuda_build(machine)
    if not cuda:
        return _for_cpu(machine, why, why)
    if machine.system == "Linux" and cuda == "13.0":
        accepted = frozenset({"", "cu130"})
        return TorchChoice("", f"{why}, as the package index's build", cuda, accepted, 9 * _GB)
    if machine.torch_index is False:
        note = (
            f"{why}. The PyTorch project's index, which has the build for it, can't be reached; "
            "what is installed instead runs on the CPU only"
        )
        mend = "Let this machine reach download.pytorch.org, then run this again"
        return TorchChoice("", why, "", disk=9 * _GB, note=note, mend=mend)
    build = "cu" + cuda.replace(".", "")
    where = f"{why}; that build is on the PyTorch project's own index only"
    return TorchChoice(build, where, cuda, frozenset({build}), 9 * _GB)
