"""What this machine can do: facts for the System page, the doctor command and a run's manifest.

Nothing is imported to find out (a version comes from the package's metadata, a GPU from its
driver), so it takes well under a second; the training process measures for real.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from amharic_tts.errors import UserError
from amharic_tts.install import doctor, inspection, requirements
from amharic_tts.install.cpu import Processor, processor
from amharic_tts.install.inspection import Gpu, Machine
from amharic_tts.install.plan import part_obstacle
from amharic_tts.install.torch_choice import (
    CUDA_12_DRIVER,
    CUDA_13_DRIVER,
    OLDEST_FOR_CUDA_13,
    choose_torch,
    driver_major,
)

ROOT = Path(__file__).parents[1]
SET_UP = doctor.SET_UP
_AMPERE = (8, 0)


@dataclass(frozen=True)
class Ability:
    """Something that a run may ask for, and whether it works here."""

    name: str
    ok: bool
    reason: str


@dataclass(frozen=True)
class Part:
    """An optional part of the studio."""

    name: str
    present: bool
    version: str
    reason: str
    """Why it is not there, or can't be."""
    command: str
    """What installs it; empty where it is there or can't be."""


@dataclass(frozen=True)
class TorchBuild:
    """The installed PyTorch."""

    version: str
    cuda: str
    """CUDA version of the build; empty for a CPU build."""


@dataclass(frozen=True)
class Cpu:
    """The processor and how much of it this process may use."""

    name: str
    cores: int
    threads: int
    usable_threads: int
    features: tuple[str, ...]


@dataclass(frozen=True)
class MachineFacts:
    """Everything that is worth knowing about this machine."""

    system: str
    python: str
    cpu: Cpu
    memory_gb: float
    memory_free_gb: float
    disk_free_gb: float
    gpus: tuple[Gpu, ...]
    gpu_problem: str
    cuda_compiler: str
    torch: TorchBuild | None
    device: str
    """Where training runs: `cuda` or `cpu`."""
    packages: dict[str, str]
    """Package -> version, of those that are installed."""
    parts: tuple[Part, ...]
    abilities: tuple[Ability, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return dataclasses.asdict(self)


@functools.cache
def _machine() -> Machine:
    """Return what is asked of the system once per process: drivers do not change under it."""
    return inspection.inspect_machine(ROOT, network=False)


@functools.cache
def _processor() -> Processor:
    return processor()


def version_of(package: str) -> str:
    """Return the installed version of a package, or empty."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def torch_build() -> TorchBuild | None:
    """Return the installed PyTorch without importing it; None where there is none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    version = re.search(r"^__version__ = '([^']+)'", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b.*= '([\d.]+)'", text, re.MULTILINE)
    return TorchBuild(version[1] if version else "", cuda[1] if cuda else "")


def gpu_obstacle(machine: Machine, torch: TorchBuild | None) -> str:
    """Return why training can't use a GPU here, with what to do, or empty where it can."""
    if machine.system == "Darwin":
        return "training uses NVIDIA GPUs only; on a Mac it runs on the CPU"
    if not machine.gpus:
        return machine.gpu_problem or "there is no NVIDIA GPU here"
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides the GPU: unset it"
    if torch is None:
        return f"PyTorch is not installed: {SET_UP}"
    gpu = machine.gpus[0]
    if not torch.cuda:
        return f"PyTorch {torch.version} is the CPU build: {SET_UP} puts in the one for the GPU"
    newer = torch.cuda.partition(".")[0] == "13"
    needed = CUDA_13_DRIVER if newer else CUDA_12_DRIVER
    if driver_major(gpu) < needed:
        return (
            f"driver {gpu.driver} is too old for CUDA {torch.cuda}: install driver {needed} or "
            f"newer, or let {SET_UP} find an older build"
        )
    if newer and gpu.capability and gpu.capability < OLDEST_FOR_CUDA_13:
        return f"the {gpu.name} is too old for CUDA {torch.cuda}: {SET_UP} puts in an older build"
    return ""


def training_device(config_device: str) -> str:
    """Return where a run with `device: auto|cpu|cuda` takes place: `cpu` or `cuda`.

    Raises:
        UserError: `cuda` is asked for and can't be used here.
    """
    if config_device == "cpu":
        return "cpu"
    obstacle = gpu_obstacle(_machine(), torch_build())
    if obstacle and config_device == "cuda":
        raise UserError(f"device: `cuda` can't be used: {obstacle}", "Use device auto or cpu")
    return "cpu" if obstacle else "cuda"


def _flash_obstacle(machine: Machine, no_gpu: str) -> str:
    if no_gpu:
        return no_gpu
    gpu = machine.gpus[0]
    if gpu.capability is not None and gpu.capability < _AMPERE:
        return f"the {gpu.name} is older than Ampere (sm_80)"
    if version_of("flash-attn"):
        return ""
    obstacle = part_obstacle("flash-attn", machine, choose_torch(machine))
    missing = "the package flash-attn is not installed"
    return f"{missing}, and {obstacle}" if obstacle else f"{missing}: {SET_UP} --with flash-attn"


def abilities_of(machine: Machine, torch: TorchBuild | None, cpu: Processor) -> list[Ability]:
    """Return what training can do on a machine; see `attention`."""
    no_gpu = gpu_obstacle(machine, torch)
    no_torch = "" if torch else f"PyTorch is not installed: {SET_UP}"
    flash = _flash_obstacle(machine, no_gpu)
    if no_gpu:
        slow = "" if cpu.fast_bf16 else ", slowly: this CPU has no bf16 instructions"
        bf16 = Ability("bf16", not no_torch, no_torch or f"on the CPU{slow} ({no_gpu})")
        fp16 = Ability("fp16", False, f"needs a GPU: {no_gpu}")
    else:
        gpu = machine.gpus[0]
        new = gpu.capability is None or gpu.capability >= _AMPERE
        old = f"the {gpu.name} is older than Ampere (sm_80) and has no bf16; fp16 works"
        bf16 = Ability("bf16", new, f"on the {gpu.name}" if new else old)
        fp16 = Ability("fp16", True, f"on the {gpu.name}; bf16 is safer where it works")
    where = "on the CPU" if no_gpu else f"on the {machine.gpus[0].name}"
    return [
        Ability("use_sdpa", not no_torch, no_torch or f"PyTorch's fused kernels, {where}"),
        Ability(
            "use_flash_attention", not flash, flash or f"flash-attn {version_of('flash-attn')}"
        ),
        Ability("use_grad_checkpoint", not no_torch, no_torch or "works everywhere"),
        bf16,
        fp16,
        _tf32(machine, no_gpu),
        _adamw_8bit(machine, no_gpu),
    ]


def _tf32(machine: Machine, no_gpu: str) -> Ability:
    if no_gpu:
        return Ability("tf32", False, f"needs a GPU: {no_gpu}")
    gpu = machine.gpus[0]
    if gpu.capability is not None and gpu.capability < _AMPERE:
        return Ability("tf32", False, f"the {gpu.name} is older than Ampere (sm_80)")
    return Ability("tf32", True, f"on the {gpu.name}, for products in fp32")


def _adamw_8bit(machine: Machine, no_gpu: str) -> Ability:
    if no_gpu:
        return Ability("adamw_8bit", False, f"needs a GPU: {no_gpu}")
    version = version_of("bitsandbytes")
    if not version:
        missing = "the package bitsandbytes is not installed: pip install bitsandbytes"
        return Ability("adamw_8bit", False, missing)
    return Ability("adamw_8bit", True, f"on the {machine.gpus[0].name}, bitsandbytes {version}")


def attention() -> list[Ability]:
    """Return whether the switches of the Train page work here, each with the reason.

    The names are those of the run settings: `use_sdpa`, `use_flash_attention`,
    `use_grad_checkpoint`, `tf32`, the precisions `bf16` and `fp16`, the optimizer `adamw_8bit`.
    """
    return abilities_of(_machine(), torch_build(), _processor())


def _known_parts() -> dict[str, tuple[str, ...]]:
    """Return the optional parts: name -> packages, from the installed studio's metadata."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _declared():
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", line)
        if extra:
            found[extra[1]] = (*found.get(extra[1], ()), requirements.package_name(line))
    return found


def _declared() -> list[str]:
    try:
        return importlib.metadata.requires("amharic-tts") or []
    except importlib.metadata.PackageNotFoundError:
        return []


def parts() -> list[Part]:
    """Return the optional parts, each with the command that installs it or why it can't be."""
    machine, found = _machine(), []
    for name, packages in _known_parts().items():
        version = version_of(packages[0])
        obstacle = part_obstacle(name, machine, choose_torch(machine))
        reason = "" if version else obstacle or "not installed"
        command = "" if version or obstacle else f"{SET_UP} --with {name}"
        found.append(Part(name, bool(version), version, reason, command))
    return found


def examine() -> list[doctor.Line]:
    """Return the doctor's rows about this machine and the packages of the running Python."""
    have = {
        requirements.normal(found.name): found.version
        for found in importlib.metadata.distributions()
    }
    return doctor.examine(ROOT, _machine(), have)


def _cpu() -> Cpu:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    threads = psutil.cpu_count() or 1
    cores = psutil.cpu_count(logical=False) or threads
    return Cpu(_processor().name, cores, threads, usable or threads, _processor().features)


def facts(folder: Path = ROOT) -> MachineFacts:
    """Return what this machine is and has.

    Args:
        folder: The disk space is that of this folder.
    """
    machine, memory = _machine(), psutil.virtual_memory()
    names = dict.fromkeys(requirements.package_name(line) for line in _declared())
    return MachineFacts(
        system=f"{platform.system()} {platform.release()} {machine.arch}",
        python=platform.python_version(),
        cpu=_cpu(),
        memory_gb=round(memory.total / 1e9, 1),
        memory_free_gb=round(memory.available / 1e9, 1),
        disk_free_gb=round(shutil.disk_usage(folder).free / 1e9, 1),
        gpus=machine.gpus,
        gpu_problem=machine.gpu_problem,
        cuda_compiler=machine.nvcc,
        torch=torch_build(),
        device=training_device("auto"),
        packages={name: found for name in names if (found := version_of(name))},
        parts=tuple(parts()),
        abilities=tuple(attention()),
    )


def free_memory(device: str) -> int:
    """Return the bytes that a run can take: of the first GPU, or of the machine's memory.

    In a container it is what is left of its limit. Where a GPU's driver does not answer, the
    whole of its memory.

    Args:
        device: `cpu` or `cuda`.
    """
    if device == "cuda":
        ask = ("nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits")
        _, told = inspection.run_quietly([*ask, f"--id={_first_gpu()}"])
        first = told.strip().partition("\n")[0]
        return (int(first) if first.isdigit() else _machine().gpus[0].memory_mb) << 20
    return min(psutil.virtual_memory().available, _left_in_container())


def _first_gpu() -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0].strip() or "0"


def _left_in_container(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """Return what a container's limit leaves (control groups, version 2), or a huge number."""
    try:
        limit = (folder / "memory.max").read_text(encoding="utf-8").strip()
        used = int((folder / "memory.current").read_text(encoding="utf-8"))
        stat = dict(
            line.split() for line in (folder / "memory.stat").read_text("utf-8").splitlines()
        )
        kept = int(stat.get("inactive_file", 0))  # files in memory that make room when asked
    except (OSError, ValueError):
        return sys.maxsize
    return max(0, int(limit) - used + kept) if limit.isdigit() else sys.maxsize
