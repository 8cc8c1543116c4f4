"""What is here, what is missing or of another version, and the command that mends it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from amharic_tts.errors import UserError
from amharic_tts.install import requirements, stamp
from amharic_tts.install.inspection import Machine
from amharic_tts.install.plan import BASE, PYTHONS, check_system, part_obstacle
from amharic_tts.install.torch_choice import choose_torch

State = Literal["ok", "missing", "old", "note"]
SET_UP = "python smart_install.py"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WORDS: dict[State, str] = {"ok": "ok", "missing": "MISSING", "old": "OTHER", "note": "-"}


@dataclass(frozen=True)
class Line:
    """One row of the doctor's table."""

    topic: str
    found: str
    state: State = "ok"
    mend: str = ""
    """What to do or type; empty where nothing need be done."""


def _machine_lines(machine: Machine) -> list[Line]:
    lines = [Line("system", f"{machine.system} {machine.arch}, {machine.system_version}")]
    try:
        check_system(machine)
    except UserError as error:
        lines[0] = Line("system", error.message, "missing", error.hint)
    version = ".".join(str(part) for part in machine.python)
    fits = PYTHONS[0] <= machine.python[:2] <= PYTHONS[1] and not machine.python_kind
    kind = f" ({machine.python_kind})" if machine.python_kind else ""
    lines.append(
        Line("Python", version + kind)
        if fits
        else Line("Python", version + kind, "old", "Install Python 3.12 from python.org")
    )
    if not machine.can_make_venv and machine.venv_python is None:
        package = "python{}.{}-venv".format(*machine.python)
        lines.append(Line("venv", "this Python lacks it", "missing", f"apt install {package}"))
    lines.append(Line("disk", f"{machine.disk_free / 1e9:.0f} GB free"))
    return lines


def _gpu_lines(machine: Machine) -> list[Line]:
    torch = choose_torch(machine)
    lines = [
        Line("GPU", f"{gpu.name}, {gpu.memory_mb / 1024:.0f} GB, driver {gpu.driver}")
        for gpu in machine.gpus
    ]
    if not lines:
        lines.append(
            Line("GPU", machine.gpu_problem or "no NVIDIA GPU: training uses the CPU", "note")
        )
    if torch.note:
        lines.append(
            Line("GPU driver", torch.note, "old", "Install a newer driver from nvidia.com")
        )
    nvcc = f"CUDA {machine.nvcc}" if machine.nvcc else "none (only flash-attn is built with it)"
    lines.append(Line("CUDA compiler", nvcc, "ok" if machine.nvcc else "note"))
    return lines


def _network_lines(machine: Machine) -> list[Line]:
    lines = []
    if machine.package_index is not None:
        lines.append(
            Line("package index", "pip finds PyTorch there")
            if machine.package_index
            else Line(
                "package index", "pip can't reach it", "missing", "Check network, proxy, mirror"
            )
        )
    if machine.torch_index is not None:
        said = (
            "can be reached" if machine.torch_index else "can't be reached; it is not always needed"
        )
        lines.append(Line("PyTorch's own index", said, "ok" if machine.torch_index else "note"))
    return lines


def _venv_lines(root: Path, machine: Machine) -> list[Line]:
    if machine.venv_python is None:
        return [Line(".venv", "not set up", "missing", SET_UP)]
    lines = [Line(".venv", "Python {}.{}".format(*machine.venv_python))]
    if BASE not in stamp.in_place(root, stamp.keys(root, machine, ())):
        lines.append(Line("set-up", "not finished, or the files changed since", "note", SET_UP))
    return lines


def package_lines(text: str, have: Mapping[str, str], python: tuple[int, ...]) -> list[Line]:
    """Return how the installed packages compare with a requirement file.

    Args:
        text: Content of requirements.txt.
        have: Installed packages, normal name -> version.
        python: Version of the Python that they are for.
    """
    wanted = requirements.parse(text, "requirements.txt")
    values = requirements.environment(python)
    count = sum(requirements.applies(line.marker, values) for line in wanted)
    wrong = requirements.differences(wanted, have, values)
    lines = [Line("packages", f"{count - len(wrong)} of {count} as in requirements.txt")]
    for each in wrong:
        found = f"{each.installed}, wanted {each.wanted}" if each.installed else "not installed"
        lines.append(Line(each.name, found, "old" if each.installed else "missing", SET_UP))
    if "amharic-tts" not in have:
        lines.append(Line("amharic-tts", "the command is not installed", "missing", SET_UP))
    return lines


def part_lines(
    known: Mapping[str, tuple[str, ...]], have: Mapping[str, str], machine: Machine
) -> list[Line]:
    """Return which optional parts are there, and why one can't be."""
    lines, torch = [], choose_torch(machine)
    for name, packages in known.items():
        version = have.get(requirements.normal(requirements.package_name(packages[0])), "")
        obstacle = part_obstacle(name, machine, torch)
        if version:
            lines.append(Line(f"optional: {name}", version))
        elif obstacle:
            lines.append(Line(f"optional: {name}", f"not possible here: {obstacle}", "note"))
        else:
            command = f"{SET_UP} --with {name}"
            lines.append(Line(f"optional: {name}", "not installed", "note", command))
    return lines


def chromium() -> str:
    """Return the Chromium that browser tests can drive, or empty."""
    for name in CHROMIUM:
        found = shutil.which(name)
        if found:
            return found
    return ""


def examine(root: Path, machine: Machine, have: Mapping[str, str] | None = None) -> list[Line]:
    """Return every line that can be told without importing anything that was installed.

    Args:
        root: The studio's folder.
        machine: What `inspect_machine` found.
        have: Packages of the running Python; None looks into `.venv`.
    """
    lines = [*_machine_lines(machine), *_gpu_lines(machine), *_network_lines(machine)]
    python = machine.python
    if have is None:
        lines += _venv_lines(root, machine)
        have = requirements.installed(requirements.site_packages(root / ".venv"))
        python = (*(machine.venv_python or machine.python[:2]), 0)
    if have:
        text = (root / "requirements.txt").read_text(encoding="utf-8")
        lines += package_lines(text, have, python[:2])
    known = requirements.parts((root / "pyproject.toml").read_text(encoding="utf-8"))
    lines += part_lines(known, have, machine)
    browser = chromium()
    absent = Line("Chromium", "not found: browser tests skip", "note", "apt install chromium")
    return [*lines, Line("Chromium", browser) if browser else absent]


def table(lines: Iterable[Line], width: int = 100) -> str:
    """Return the lines as a table of plain text, each with what to do under it."""
    rows = list(lines)
    first = max((len(line.topic) for line in rows), default=0)
    text = []
    for line in rows:
        head = f"{line.topic:<{first}}  {_WORDS[line.state]:<7}  "
        indent = " " * len(head)
        body = textwrap.wrap(line.found, max(30, width - len(head))) or [""]
        text.append(head + body[0])
        text += [indent + more for more in body[1:]]
        if line.mend:
            text.append(f"{indent}do: {line.mend}")
    return "\n".join(text)


def bad(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that something has to be done about."""
    return [line for line in lines if line.state in ("missing", "old")]
