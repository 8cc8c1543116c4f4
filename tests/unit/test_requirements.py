"""The requirement files: every line pinned, with its reason, and agreeing with each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amharic_tts.errors import StudioError
from amharic_tts.install import inspection, requirements
from amharic_tts.install.requirements import Difference, Requirement

ROOT = Path(__file__).parents[2]
FILES = ("requirements.txt", "requirements-dev.txt")
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))


def read(name: str) -> list[Requirement]:
    return requirements.parse((ROOT / name).read_text(encoding="utf-8"), name)


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_pinned_and_has_its_reason(name: str) -> None:
    lines = read(name)
    assert lines
    assert [line.name for line in lines if len(line.reason) < 5] == []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", FILES)
def test_each_package_has_one_version_per_python(name: str, python: tuple[int, int]) -> None:
    values = {**requirements.environment(python), "sys_platform": "linux"}
    names = [line.name for line in read(name) if requirements.applies(line.marker, values)]
    assert sorted(names) == sorted({line.name for line in read(name)} - only_later(name, python))


def only_later(name: str, python: tuple[int, int]) -> set[str]:
    """Packages that only Python 3.10 needs."""
    return {"tomli"} if name == "requirements.txt" and python > (3, 10) else set()


def test_the_plan_installs_the_pytorch_that_the_requirements_name() -> None:
    versions = {line.name: line.version for line in read("requirements.txt")}
    assert versions["torch"] == versions["torchaudio"] == inspection.TORCH


def test_constraints_agree_with_the_requirements_and_leave_pytorchs_helpers_alone() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = set(re.findall(r"^([a-z0-9._-]+)==([^ ;\n]+)", text, re.MULTILINE))
    wanted = {
        (requirements.normal(line.name), line.version) for name in FILES for line in read(name)
    }
    assert wanted - pins == set()
    assert [n for n, _ in pins if n.startswith(("nvidia", "cuda", "triton"))] == []


def test_what_uv_leaves_out_has_its_reason_and_is_not_ours() -> None:
    lines = (ROOT / "overrides.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    ours = {requirements.normal(line.name) for line in read("requirements.txt")}
    for line in pins:
        requirement, _, reason = line.partition("  # ")
        assert len(reason) > 5, line
        assert "==" in requirement and ";" in requirement, line
        assert requirements.package_name(requirement) not in ours


def test_the_optional_parts_are_pinned() -> None:
    found = requirements.parts((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(found) == ["cluster", "flash-attn", "transphone", "youtube"]
    assert all(re.search(r"==\d", spec) for specs in found.values() for spec in specs)


def test_a_line_is_read_with_marker_and_reason() -> None:
    text = (
        '# a comment\n-r other.txt\n\nav==18.1.0 ; python_version >= "3.11"  # decoding # twice\n'
    )
    assert requirements.parse(text, "x") == [
        Requirement("av", "18.1.0", 'python_version >= "3.11"', "decoding # twice")
    ]


@pytest.mark.parametrize("line", ["torch", "torch>=2", "torch 2", "git+https://example.org/x"])
def test_a_line_that_is_not_pinned_is_refused_by_number(line: str) -> None:
    with pytest.raises(StudioError, match=r"x, line 2: `.*` is not a pinned requirement"):
        requirements.parse(f"# first\n{line}\n", "x")


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ('python_version < "3.11"', False),
        ('python_version >= "3.9"', True),
        ('sys_platform != "win32"', True),
        ('sys_platform != "win32" and python_version < "3.11"', False),
    ],
)
def test_markers(marker: str, holds: bool) -> None:
    values = {"python_version": "3.12", "sys_platform": "linux"}
    assert requirements.applies(marker, values) is holds


def test_a_marker_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(StudioError, match="marker"):
        requirements.applies('platform_machine == "arm64"', requirements.environment())


def make_package(folder: Path, name: str, files: tuple[str, ...] = ("RECORD", "INSTALLER")) -> None:
    info = folder / f"{name}.dist-info"
    info.mkdir(parents=True)
    for file in files:
        (info / file).touch()


def test_what_is_installed_is_compared_with_the_lines(tmp_path: Path) -> None:
    make_package(tmp_path, "torch-2.11.0+cpu")
    make_package(tmp_path, "huggingface_hub-2.3.0")
    make_package(tmp_path, "av-18.1.0", ("RECORD",))  # cut off before INSTALLER was written
    wanted = requirements.parse(
        "torch==2.11.0\nhuggingface-hub==2.4.0\nav==18.1.0\n"
        'tomli==2.4.0 ; python_version < "3.11"\n',
        "x",
    )
    have = requirements.installed(tmp_path)
    assert have == {"torch": "2.11.0+cpu", "huggingface-hub": "2.3.0"}
    assert requirements.half_installed(tmp_path) == [tmp_path / "av-18.1.0.dist-info"]
    values = {"python_version": "3.12", "sys_platform": "linux"}
    assert requirements.differences(wanted, have, values) == [
        Difference("huggingface-hub", "2.4.0", "2.3.0"),
        Difference("av", "18.1.0", ""),
    ]
