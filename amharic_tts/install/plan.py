"""The plan of a set-up: which steps, in which order, and why. Pure: it only reads a `Machine`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from amharic_tts.errors import UserError
from amharic_tts.install.inspection import TORCH, TORCH_INDEX, Machine
from amharic_tts.install.torch_choice import TorchChoice, choose_torch

UV = "0.13.9"
SYSTEMS = {"Linux": ("x86_64", "arm64"), "Windows": ("x86_64",), "Darwin": ("arm64",)}
PYTHONS = ((3, 10), (3, 13))
OLDEST_MACOS = 14
OLDEST_GLIBC = (2, 28)
BASE, TESTS = "base", "tests"


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    tests: bool = False
    """Also install what the tests need."""
    parts: tuple[str, ...] = ()
    """Optional parts by name."""
    known_parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """All optional parts: name -> packages, from pyproject.toml."""
    use_uv: bool = True
    in_place: frozenset[str] = frozenset()
    """Layers (`base`, `tests`, names of parts) that an earlier run finished."""


@dataclass(frozen=True)
class Step:
    """One command. `argv[0]` under `.venv` is relative to the studio's folder."""

    title: str
    argv: tuple[str, ...]
    why: str
    optional: bool = False
    """Its failure is told and does not stop the rest."""
    otherwise: tuple[Step, ...] = ()
    """What is tried instead, in order, if it fails."""
    part: str = ""
    """The optional part that the step belongs to."""


@dataclass(frozen=True)
class Plan:
    """Steps, and what the person should know about them."""

    steps: tuple[Step, ...]
    torch: TorchChoice
    layers: tuple[str, ...] = ()
    """What is in place when all went well."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Optional part -> why it can't be installed here."""
    notes: tuple[str, ...] = ()


def check_parts(names: tuple[str, ...], known: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse optional parts that do not exist.

    Raises:
        UserError: With the list of those that do.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"There is no optional part `{'`, `'.join(unknown)}`",
            "Known parts: " + ", ".join(sorted(known)),
        )


def check_python(version: tuple[int, ...], kind: str = "") -> None:
    """Refuse a Python that the parts have no builds for.

    Raises:
        UserError: It is too old, too new, free-threaded or not CPython.
    """
    here = ".".join(str(part) for part in version)
    hint = "Install Python 3.12 (any from 3.10 to 3.13 will do), then: python3.12 smart_install.py"
    if not PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        raise UserError(f"The studio needs Python 3.10 to 3.13, and this is Python {here}", hint)
    if kind:
        raise UserError(f"The studio needs the ordinary CPython, and this is {kind} {here}", hint)


def check_system(machine: Machine) -> None:
    """Refuse a system that PyTorch has no build for.

    Raises:
        UserError: Which system it is, and what would do.
    """
    if machine.system == "Darwin" and machine.arch != "arm64":
        raise UserError(
            "PyTorch has no build for Macs with Intel processors (none since 2.2)",
            "If this Mac has an Apple processor, its Python is the Intel one: install the "
            "universal Python from python.org. Otherwise use a machine with Linux or Windows",
        )
    supported = {
        ("Linux", "x86_64"),
        ("Linux", "arm64"),
        ("Windows", "x86_64"),
        ("Darwin", "arm64"),
    }
    if (machine.system, machine.arch) not in supported:
        raise UserError(
            f"PyTorch has no build for {machine.system} on {machine.arch}",
            "The studio runs on 64-bit Linux, Windows (x86_64) and macOS (Apple processors)",
        )
    if machine.system == "Darwin":
        release = machine.system_version.partition(".")[0]
        if release.isdigit() and int(release) < OLDEST_MACOS:
            raise UserError(
                f"The studio needs macOS {OLDEST_MACOS} or newer (ONNX Runtime has no build for "
                f"older ones), and this is macOS {machine.system_version}",
                "Update macOS",
            )
    if machine.system == "Linux":
        library, _, version = machine.system_version.partition(" ")
        numbers = tuple(int(n) for n in version.split(".") if n.isdigit())
        if library != "glibc" or numbers < OLDEST_GLIBC:
            raise UserError(
                "PyTorch needs a Linux with glibc 2.28 or newer, and this one has "
                f"{machine.system_version or 'another C library (musl?)'}",
                "Use a newer distribution (Debian 10, Ubuntu 20.04, RHEL 8 or later; not Alpine)",
            )


def _check_place(machine: Machine, torch: TorchChoice) -> None:
    if not machine.writable:
        raise UserError(
            "The studio's folder can't be written, and `.venv` goes there",
            "Copy the studio to a folder of yours, or change the folder's permissions",
        )
    if machine.venv_python is None and not machine.can_make_venv:
        version = "{}.{}".format(*machine.python)
        raise UserError(
            "This Python lacks `venv` or `ensurepip`, which make a virtual environment",
            f"On Debian and Ubuntu: sudo apt install python{version}-venv; elsewhere install "
            "Python from python.org. Then run this again",
        )
    needed = max(torch.disk - machine.venv_size, 10**9)
    if machine.disk_free < needed:
        raise UserError(
            f"The set-up needs about {needed / 1e9:.0f} GB of disk here, and "
            f"{machine.disk_free / 1e9:.1f} GB are free",
            "Free some space, or move the studio's folder to a larger disk",
        )
    if machine.package_index is False:
        raise UserError(
            f"pip can't reach its package index, or finds no PyTorch {TORCH} there",
            "Check the network; behind a proxy set HTTPS_PROXY, for a mirror set PIP_INDEX_URL. "
            "Then run this again: it goes on where it stopped. --offline tries all the same",
        )


def _check_compiler(machine: Machine) -> None:
    """Refuse pip where it would have to compile; uv leaves those packages out (overrides.txt)."""
    python = machine.venv_python or machine.python[:2]
    compiles = python >= (3, 13) or (machine.system, machine.arch) == ("Linux", "arm64")
    if compiles and not machine.compiler:
        why = f" (not uv, since `{machine.pip_only}` is set)" if machine.pip_only else ""
        raise UserError(
            f"pip{why} would have to compile a package here, and there is no C++ compiler",
            "Use Python 3.10 to 3.12 (on x86_64), or install a compiler (Debian and Ubuntu: sudo "
            "apt install g++), or let uv reach the packages (UV_DEFAULT_INDEX)",
        )


def venv_program(system: str, name: str) -> str:
    """Return a program of `.venv`, relative to the studio's folder."""
    return rf".venv\Scripts\{name}.exe" if system == "Windows" else f".venv/bin/{name}"


class _Writer:
    """Writes install commands for uv (with pip if it fails) or for pip alone."""

    def __init__(self, machine: Machine, options: Options) -> None:
        self.python = venv_program(machine.system, "python")
        self.uv = options.use_uv and not machine.pip_only

    def _argv(self, uv: bool, *what: str) -> tuple[str, ...]:
        if uv:
            if "constraints.txt" in what:
                what = (*what, "--override", "overrides.txt")
            return (self.python, "-m", "uv", "pip", "install", "--python", self.python, *what)
        return (self.python, "-m", "pip", "install", "--disable-pip-version-check", *what)

    def step(self, title: str, what: tuple[str, ...], why: str, part: str = "") -> Step:
        """Return one install step; a part's step is optional."""
        optional = bool(part)
        with_pip = Step(title, self._argv(False, *what), why, optional, part=part)
        if not self.uv:
            return with_pip
        return Step(title, self._argv(True, *what), why, optional, (with_pip,), part)


def _torch_steps(machine: Machine, torch: TorchChoice, writer: _Writer) -> list[Step]:
    version, _, tag = machine.installed_torch.partition("+")
    if version == TORCH and tag in torch.accepts:
        return []
    steps = []
    packages: tuple[str, ...] = (f"torch=={TORCH}", f"torchaudio=={TORCH}")
    if version == TORCH:
        argv = (writer.python, "-m", "pip", "uninstall", "--yes", "torch", "torchaudio")
        why = f"the build in .venv ({machine.installed_torch}) is for another kind of machine"
        steps.append(Step("Remove the other PyTorch build", argv, why))
    pinned = (*packages, "-c", "constraints.txt")
    step = writer.step("Install PyTorch", pinned, torch.why)
    if torch.build:
        # Without the constraints: that index has its own versions of PyTorch's helpers, and the
        # next step puts the pinned ones in.
        index = ("--index-url", TORCH_INDEX + torch.build)
        first = writer.step("Install PyTorch", (*index, *packages), torch.why)
        plain = writer.step(
            "Install PyTorch from the package index",
            pinned,
            "the PyTorch project's index did not work; this build runs at least on the CPU",
        )
        ways = (*first.otherwise, plain, *plain.otherwise)
        step = Step(first.title, first.argv, first.why, otherwise=ways)
    return [*steps, step]


def part_obstacle(name: str, machine: Machine, torch: TorchChoice) -> str:
    """Return why an optional part can't be installed on this machine, or empty."""
    if name != "flash-attn":
        return ""
    if machine.system != "Linux":
        return f"flash-attn supports Linux only, and this is {machine.system}"
    if not machine.gpus:
        return "there is no NVIDIA GPU here"
    capability = machine.gpus[0].capability
    if capability is not None and capability < (8, 0):
        return f"the {machine.gpus[0].name} is older than Ampere (sm_80), which flash-attn needs"
    if not torch.cuda:
        return "PyTorch's build for this machine is the CPU one"
    if not machine.nvcc:
        return (
            f"there is no CUDA compiler (nvcc) to build it with: install the CUDA {torch.cuda} "
            "toolkit, then run this again"
        )
    if machine.nvcc.partition(".")[0] != torch.cuda.partition(".")[0]:
        return f"the CUDA compiler is {machine.nvcc}, and PyTorch's build is for CUDA {torch.cuda}"
    return ""


def _part_steps(name: str, packages: tuple[str, ...], writer: _Writer) -> list[Step]:
    why = f"asked for with --with {name}"
    if name != "flash-attn":
        return [writer.step(f"Install {name}", (*packages, "-c", "constraints.txt"), why, name)]
    tools = ("ninja", "packaging", "setuptools>=77", "wheel")
    built = ("--no-build-isolation", *packages)
    return [
        writer.step("Install the build tools of flash-attn", tools, why, name),
        writer.step("Build flash-attn (can take an hour)", built, why, name),
    ]


def make_plan(machine: Machine, options: Options) -> Plan:
    """Return what has to be done on a machine.

    Raises:
        UserError: The studio can't be set up here; the message says why and what to do.
    """
    check_python(machine.python, machine.python_kind)
    check_parts(options.parts, options.known_parts)
    check_system(machine)
    torch = choose_torch(machine)
    base = {BASE, TESTS} if options.tests else {BASE}
    missing_parts = [name for name in options.parts if name not in options.in_place]
    obstacles = {name: part_obstacle(name, machine, torch) for name in missing_parts}
    skipped = {name: why for name, why in obstacles.items() if why}
    wanted = [name for name in missing_parts if name not in skipped]
    missing_base = base - options.in_place
    if not missing_base and not wanted:
        return Plan((), torch, skipped=skipped)
    _check_place(machine, torch)

    writer = _Writer(machine, options)
    if missing_base and not writer.uv:
        _check_compiler(machine)
    steps = _venv_steps(machine, writer)
    if missing_base:
        steps += _torch_steps(machine, torch, writer)
        steps += _base_steps(writer, options.tests)
    for name in wanted:
        steps += _part_steps(name, options.known_parts[name], writer)
    if missing_base:
        argv = (writer.python, "-m", "amharic_tts.install.check")
        steps.append(Step("Check that everything imports", argv, "a broken package shows here"))
    layers = (*sorted(base), *wanted)
    notes = [f"{torch.note}. {torch.mend}"] if torch.note else []
    if options.use_uv and machine.pip_only:
        notes.append(f"pip is used instead of uv, which does not read `{machine.pip_only}`")
    return Plan(tuple(steps), torch, layers, skipped, tuple(notes))


def _venv_steps(machine: Machine, writer: _Writer) -> list[Step]:
    steps = []
    make = (machine.executable, "-m", "venv")
    if machine.venv_python is None:
        why = "the studio's packages stay apart from the system's"
        steps.append(Step("Make the virtual environment .venv", (*make, ".venv"), why))
    elif not PYTHONS[0] <= machine.venv_python <= PYTHONS[1]:
        old = "{}.{}".format(*machine.venv_python)
        argv = (*make, "--clear", ".venv")
        steps.append(Step("Make .venv anew", argv, f"the one that is there is for Python {old}"))
    if writer.uv:
        pip = (writer.python, "-m", "pip", "install", "--disable-pip-version-check")
        why = "it installs the rest several times faster than pip; without it pip does"
        steps.append(Step("Install uv", (*pip, f"uv=={UV}"), why, optional=True))
    return steps


def _base_steps(writer: _Writer, tests: bool) -> list[Step]:
    file = "requirements-dev.txt" if tests else "requirements.txt"
    why = "what the studio needs" + (" and what its tests need" if tests else "")
    pinned = ("-r", file, "-c", "constraints.txt")
    return [
        writer.step("Install the packages", pinned, f"{why}: each line of {file} has its reason"),
        writer.step("Put the studio into .venv", ("--no-deps", "-e", "."), "for `amharic-tts`"),
    ]
