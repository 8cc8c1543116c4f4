"""The requirement files: read, chosen by marker, and compared with what is installed."""

from __future__ import annotations

import operator as _operator
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import StudioError

_LINE = re.compile(
    r"""(?P<name>[A-Za-z0-9._-]+)(?P<extras>\[[a-z,]+\])?==(?P<version>[A-Za-z0-9.+!]+)
        (?:\s*;\s*(?P<marker>[^#]+?))?\s*(?:\s\#\s*(?P<reason>.+))?$""",
    re.VERBOSE,
)
_CLAUSE = re.compile(r'(python_version|sys_platform) (==|!=|<|<=|>|>=) ["\']([^"\']+)["\']')
_PART = re.compile(r"^([a-z-]+)\s*=\s*\[(.*)\]", re.MULTILINE)


_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


@dataclass(frozen=True)
class Requirement:
    """One pinned line of a requirement file."""

    name: str
    version: str
    marker: str
    """Environment marker as written, or empty."""
    reason: str
    """The comment at the end of the line."""


@dataclass(frozen=True)
class Difference:
    """A package that is not what its line asks for; `installed` is empty where it is missing."""

    name: str
    wanted: str
    installed: str


def normal(name: str) -> str:
    """Return a package's name as it is compared (PEP 503): lower case, one kind of dash."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text: str, source: str) -> list[Requirement]:
    """Read the pinned lines of a requirement file; comments and `-r` lines are passed over.

    Raises:
        StudioError: A line is not of the form ``name==version ; marker  # reason``.
    """
    found = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(("#", "-r ")):
            continue
        match = _LINE.match(line)
        if match is None:
            raise StudioError(f"{source}, line {number}: `{line}` is not a pinned requirement")
        marker = (match["marker"] or "").strip()
        found.append(Requirement(match["name"], match["version"], marker, match["reason"] or ""))
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _clause_holds(clause: str, environment: Mapping[str, str]) -> bool:
    match = _CLAUSE.fullmatch(clause.strip())
    if match is None:
        raise StudioError(f"The marker `{clause}` is not understood")
    key, operator, text = match.groups()
    if key == "sys_platform" and operator in ("==", "!="):
        return (environment[key] == text) == (operator == "==")
    here, there = _numbers(environment[key]), _numbers(text)
    return bool(getattr(_operator, _COMPARISONS[operator])(here, there))


def environment(python: tuple[int, ...] = sys.version_info[:2]) -> dict[str, str]:
    """Return what markers are compared with, for a Python on this system."""
    return {"python_version": "{}.{}".format(*python), "sys_platform": sys.platform}


def applies(marker: str, values: Mapping[str, str]) -> bool:
    """Tell whether a marker (clauses joined by `and`) holds; an empty one does.

    Raises:
        StudioError: It uses something other than `python_version` and `sys_platform`.
    """
    return not marker or all(_clause_holds(clause, values) for clause in marker.split(" and "))


def parts(pyproject: str) -> dict[str, tuple[str, ...]]:
    """Return the optional parts of a `pyproject.toml`: name -> what to install.

    Python 3.10 has no TOML reader; the section holds only ``name = ["spec", ...]`` lines.
    """
    section = pyproject.partition("[project.optional-dependencies]\n")[2]
    section = re.split(r"^\[", section, maxsplit=1, flags=re.MULTILINE)[0]
    return {name: tuple(re.findall(r'"([^"]+)"', rest)) for name, rest in _PART.findall(section)}


def package_name(spec: str) -> str:
    """Return `ray` for ``ray[default]==2.60.0``."""
    return re.split(r"[^A-Za-z0-9._-]", spec, maxsplit=1)[0]


def site_packages(venv: Path) -> Path:
    """Return where a virtual environment keeps its packages; it may not be there."""
    for folder in sorted(venv.glob("lib/python3.*/site-packages")):
        return folder
    return venv / "Lib" / "site-packages"


def half_installed(folder: Path) -> list[Path]:
    """Return the records of packages whose installation was cut off.

    pip and uv write INSTALLER and RECORD last; without them they still take the package for whole.
    """
    return [
        info
        for info in sorted(folder.glob("*.dist-info"))
        if not ((info / "RECORD").exists() and (info / "INSTALLER").exists())
    ]


def installed(folder: Path) -> dict[str, str]:
    """Return the packages of a `site-packages` folder: normal name -> version."""
    broken = set(half_installed(folder))
    found = {}
    for info in folder.glob("*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        if info not in broken:
            found[normal(name)] = version
    return found


def differences(
    wanted: Iterable[Requirement], have: Mapping[str, str], values: Mapping[str, str]
) -> list[Difference]:
    """Return what is missing or of another version; a build tag (`+cpu`) is none."""
    found = []
    for line in wanted:
        version = have.get(normal(line.name), "")
        if applies(line.marker, values) and version.partition("+")[0] != line.version:
            found.append(Difference(line.name, line.version, version))
    return found
