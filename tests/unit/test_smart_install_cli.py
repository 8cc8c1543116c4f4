"""`smart_install.py` as a person calls it; nothing is installed and no network is touched."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = (
    "smart_install.py",
    "requirements.txt",
    "requirements-dev.txt",
    "constraints.txt",
    "overrides.txt",
    "pyproject.toml",
)


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """A copy of what smart_install.py reads, as a fresh clone has it: no `.venv`."""
    folder = tmp_path / "studio with spaces"
    folder.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    ignore = shutil.ignore_patterns("__pycache__")
    package = folder / "amharic_tts"
    shutil.copytree(ROOT / "amharic_tts" / "install", package / "install", ignore=ignore)
    for name in ("__init__.py", "errors.py", "files.py"):
        shutil.copy(ROOT / "amharic_tts" / name, package / name)
    return folder


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it without site-packages: the standard library must be enough."""
    return subprocess.run(
        [sys.executable, "-S", "smart_install.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_dry_run_prints_the_plan_and_changes_nothing(studio: Path) -> None:
    before = sorted(p for p in studio.rglob("*") if "__pycache__" not in p.parts)
    done = call(studio, "--dry-run", "--offline", "--test", "--with", "youtube")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "1. Make the virtual environment .venv"
    assert lines[1] == "   why: the studio's packages stay apart from the system's"
    assert lines[2].endswith("-m venv .venv")
    assert sum(line.startswith("   why: ") for line in lines) == 7
    assert "6. Install youtube (optional)" in lines
    after = sorted(p for p in studio.rglob("*") if "__pycache__" not in p.parts)
    assert after == before


def test_doctor_before_there_is_a_venv(studio: Path) -> None:
    done = call(studio, "--doctor", "--offline")
    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[0].strip(): line for line in done.stdout.splitlines()}
    assert "MISSING  not set up" in rows[".venv"]
    assert " ok " in rows["Python"]
    assert "do: python smart_install.py" in done.stdout
    assert "do: python smart_install.py --with youtube" in done.stdout


def test_an_unknown_part_is_refused_with_the_list(studio: Path) -> None:
    done = call(studio, "--dry-run", "--offline", "--with", "youtube,flash")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: There is no optional part `flash`",
        "hint: Known parts: cluster, flash-attn, transphone, youtube",
    ]


def test_a_wrong_flag_is_refused(studio: Path) -> None:
    done = call(studio, "--rum")
    assert done.returncode == 2
    assert "--rum" in done.stderr
    assert not (studio / ".venv").exists()


def test_arguments_after_the_dashes_need_a_program_that_takes_them(studio: Path) -> None:
    done = call(studio, "--dry-run", "--", "--port", "8000")
    assert done.returncode == 2
    assert done.stderr == "error: Arguments after `--` go with --run or --test\n"


def test_help_names_the_flags(studio: Path) -> None:
    done = call(studio, "--help")
    assert done.returncode == 0
    for flag in ("--run", "--test", "--doctor", "--dry-run", "--with", "--pip"):
        assert flag in done.stdout


def test_the_file_alone_says_that_the_rest_is_missing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "smart_install.py", tmp_path)
    done = call(tmp_path, "--run")
    assert done.returncode == 2
    assert "needs the studio's other files beside it" in done.stderr


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 9, 18), (3, 14, 0)])
def test_another_python_is_told_which_one_to_install(
    studio: Path, version: tuple[int, int, int]
) -> None:
    name = ".".join(map(str, version))
    code = (
        f"import sys; sys.version_info = {version!r}; sys.version = '{name} (main)'\n"
        "source = open('smart_install.py').read()\n"
        "exec(compile(source, 'smart_install.py', 'exec'), {'__name__': '__main__'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=studio, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: The studio needs Python 3.10 to 3.13, and this is Python {name}",
        "hint: Install Python 3.12 (python.org, or your system's packages), then: "
        "python3.12 smart_install.py --run",
    ]


def test_old_pythons_can_read_the_file_far_enough() -> None:
    """No syntax that came after Python 2.7: no f-strings, annotations or keyword-only arguments."""
    tree = ast.parse((ROOT / "smart_install.py").read_text(encoding="utf-8"))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.FunctionDef, ast.NamedExpr, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    future = [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]
    assert future == []
