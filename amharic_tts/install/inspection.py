"""What this machine is, found out without installing or changing anything."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.install import requirements

TORCH = "2.11.0"
"""Version of torch and torchaudio; the same as in requirements.txt (a test compares them)."""
TORCH_INDEX = "https://download.pytorch.org/whl/"
"""The PyTorch project's own wheels, one folder per build (`cpu`, `cu126`, ...)."""
_SMI_PLACES = (
    "/usr/lib/wsl/lib",
    r"C:\Windows\System32",
    r"C:\Program Files\NVIDIA Corporation\NVSMI",
)


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU, as its driver tells."""

    name: str
    driver: str
    memory_mb: int
    capability: tuple[int, int] | None = None
    """Compute capability (8, 0); None where the driver is too old to tell."""


@dataclass(frozen=True)
class Machine:
    """Everything that the plan depends on."""

    system: str
    """`Linux`, `Windows` or `Darwin`."""
    arch: str
    """What this Python runs as: `x86_64`, `arm64`, `32-bit`, ..."""
    system_version: str
    """`glibc 2.36` on Linux, the release elsewhere (macOS `14.5`)."""
    python: tuple[int, int, int]
    executable: str = "python3"
    python_kind: str = ""
    """Empty for the ordinary Python; else what it is instead (`PyPy`, `free-threaded`)."""
    gpus: tuple[Gpu, ...] = ()
    gpu_problem: str = ""
    """Why there is no GPU though `nvidia-smi` is there."""
    nvcc: str = ""
    """Version of the CUDA compiler, or empty."""
    compiler: bool = True
    """There is a C++ compiler."""
    disk_free: int = 0
    """Bytes free where `.venv` goes."""
    writable: bool = True
    can_make_venv: bool = True
    """This Python has `venv` and `ensurepip`."""
    package_index: bool | None = None
    """pip finds PyTorch at its package index; None: not tried."""
    torch_index: bool | None = None
    """The PyTorch project's index can be reached; None: not tried."""
    pip_only: str = ""
    """Why only pip knows the way to the packages (it is set to another index), or empty."""
    venv_python: tuple[int, int] | None = None
    """Python of the `.venv` that is there; None where there is none that works."""
    venv_size: int = 0
    """Bytes of that `.venv`, counted only where the disk is short."""
    installed_torch: str = ""
    """Version of PyTorch in `.venv`, with its build tag (`2.11.0+cpu`)."""


def run_quietly(argv: Sequence[str], timeout: float = 20.0) -> tuple[int, str]:
    """Run a program for its output; a program that is not there or hangs gives status 127.

    Returns:
        Exit status, and stdout followed by stderr.
    """
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            env={**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"},  # only asked, nothing is installed
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout + done.stderr


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Read lines of ``name, driver, memory in MiB[, capability]`` from `nvidia-smi`."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) < 3 or not re.fullmatch(r"[\d.]+", cells[1]):
            continue
        memory = int(cells[2]) if cells[2].isdigit() else 0
        version = re.fullmatch(r"(\d+)\.(\d+)", cells[3]) if len(cells) > 3 else None
        capability = (int(version[1]), int(version[2])) if version else None
        found.append(Gpu(cells[0], cells[1], memory, capability))
    return tuple(found)


def find_gpus() -> tuple[tuple[Gpu, ...], str]:
    """Return the NVIDIA GPUs, and what is wrong if `nvidia-smi` is there but finds none."""
    places = os.pathsep.join((os.environ.get("PATH", ""), *_SMI_PLACES))
    program = shutil.which("nvidia-smi", path=places)
    if program is None:
        return (), ""
    said = ""
    # Drivers before 510 do not know `compute_cap` and refuse the whole question.
    for fields in (
        "name,driver_version,memory.total,compute_cap",
        "name,driver_version,memory.total",
    ):
        status, said = run_quietly(
            [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
        )
        gpus = parse_gpus(said) if status == 0 else ()
        if gpus:
            return gpus, ""
    return (), " ".join(said.split())[:200] or "nvidia-smi found no GPU"


def find_nvcc() -> str:
    """Return the version of the CUDA compiler, such as `13.0`, or empty."""
    homes = [os.environ[key] for key in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(key)]
    places = [str(Path(home) / "bin") for home in (*homes, "/usr/local/cuda")]
    path = os.pathsep.join((*places, os.environ.get("PATH", "")))
    program = shutil.which("nvcc", path=path)
    if program is None:
        return ""
    release = re.search(r"release (\d+\.\d+)", run_quietly([program, "--version"])[1])
    return release[1] if release else ""


def has_compiler() -> bool:
    """Tell whether setuptools would find a C++ compiler."""
    if platform.system() == "Windows":
        programs = os.environ.get("PROGRAMFILES(X86)", r"C:\Program Files (x86)")
        finder = Path(programs) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
        return finder.exists() or shutil.which("cl") is not None
    return any(shutil.which(name) for name in ("c++", "g++", "clang++"))


def architecture() -> str:
    """Return what this Python runs as; `aarch64` and `arm64`, `amd64` and `x86_64` are the same."""
    if sys.maxsize <= 2**32:
        return "32-bit"
    # On Windows for ARM the ordinary x86_64 Python runs emulated: what counts is the build.
    windows = platform.system() == "Windows"
    name = (sysconfig.get_platform().rpartition("-")[2] if windows else platform.machine()).lower()
    return {"amd64": "x86_64", "aarch64": "arm64"}.get(name, name)


def system_version() -> str:
    """Return the release of macOS or Windows, or the C library of a Linux."""
    if platform.system() == "Darwin":
        return platform.mac_ver()[0]
    if platform.system() == "Linux":
        return " ".join(platform.libc_ver()).strip()
    return platform.version()


def _python_kind() -> str:
    if platform.python_implementation() != "CPython":
        return platform.python_implementation()
    return "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _venv_python(venv: Path) -> tuple[int, int] | None:
    program = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    try:
        config = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return None
    version = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", config, re.MULTILINE)
    has_pip = any(requirements.site_packages(venv).glob("pip-*.dist-info/RECORD"))
    if version is None or not program.exists() or not has_pip:
        return None
    return int(version[1]), int(version[2])


def folder_size(folder: Path) -> int:
    """Return the bytes of the files under a folder."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            total += (Path(parent) / name).lstat().st_size
    return total


def _pip_settings() -> str:
    """Return which of pip's settings sends it to another index; uv reads none of them.

    Empty where uv is told of an index too.
    """
    if os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
        return ""
    if importlib.util.find_spec("pip") is None:
        named = [key for key in ("PIP_INDEX_URL", "PIP_NO_INDEX") if os.environ.get(key)]
        return named[0] if named else ""
    status, text = run_quietly([sys.executable, "-m", "pip", "config", "list"])
    found = re.search(r"^(\S*[.])(index-url|no-index)=", text, re.MULTILINE)
    if status or not found:
        return ""
    variable = found[1] == ":env:."  # how pip names what it has from a variable
    return "PIP_" + found[2].upper().replace("-", "_") if variable else found[1] + found[2]


def _package_index(settings: str) -> bool | None:
    """Ask pip itself, since it may be set to a mirror or a proxy; None where it can't be asked."""
    if "no-index" in settings.lower().replace("_", "-"):
        return None
    if importlib.util.find_spec("pip") is None:
        return None
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "1"]
    status, said = run_quietly([*pip, "--timeout", "10", "index", "versions", "torch"], timeout=45)
    if "unknown command" in said:
        return None
    # A wheel in some local folder is no index: the very version must be on offer.
    return status == 0 and re.search(rf"\b{re.escape(TORCH)}\b", said) is not None


def _torch_index() -> bool:
    request = urllib.request.Request(TORCH_INDEX + "cpu/torch/", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=8) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def inspect_machine(root: Path, network: bool = True) -> Machine:
    """Look at this machine; `network=False` asks nothing of the network.

    Args:
        root: The studio's folder, where `.venv` is or goes.
        network: Also try the package index and the PyTorch project's (up to 45 s where they hang).
    """
    venv = root / ".venv"
    with ThreadPoolExecutor() as pool:
        gpus = pool.submit(find_gpus)
        nvcc = pool.submit(find_nvcc)
        settings = _pip_settings() if network else ""
        torch_index = pool.submit(_torch_index) if network else None
        package_index = pool.submit(_package_index, settings) if network else None
    disk_free = shutil.disk_usage(root).free
    return Machine(
        system=platform.system(),
        arch=architecture(),
        system_version=system_version(),
        python=sys.version_info[:3],
        executable=sys.executable,
        python_kind=_python_kind(),
        gpus=gpus.result()[0],
        gpu_problem=gpus.result()[1],
        nvcc=nvcc.result(),
        compiler=has_compiler(),
        disk_free=disk_free,
        writable=_writable(venv if venv.is_dir() else root),
        can_make_venv=bool(
            importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")
        ),
        package_index=package_index.result() if package_index else None,
        torch_index=torch_index.result() if torch_index else None,
        pip_only=settings,
        venv_python=_venv_python(venv),
        venv_size=folder_size(venv) if disk_free < 2e10 else 0,
        installed_torch=requirements.installed(requirements.site_packages(venv)).get("torch", ""),
    )
