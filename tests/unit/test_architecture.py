"""The shape of the house: one direction of imports, nothing heavy at import, small files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    *sorted((ROOT / "amharic_tts").rglob("*.py")),
    *sorted((ROOT / "training").rglob("*.py")),
    *sorted((ROOT / "benchmarks").rglob("*.py")),
    ROOT / "xtts_demo.py",
    ROOT / "smart_install.py",
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
HEAVY = ("torch", "TTS", "transformers", "gradio", "onnxruntime", "pandas", "epitran", "accelerate")
MAX_LINES = 400
HEAVY_PACKAGE = "amharic_tts.synthesis.model"
"""What runs a loaded voice; the modules around it import it inside their functions."""
LIGHT_TRAINING = ("training", "training.config")
FORBIDDEN_CALLS = {"print"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def layer(module: str) -> str:
    if module == "xtts_demo":
        return "entry"
    if module.startswith("amharic_tts.ui"):
        return "ui"
    if module.startswith(("amharic_tts.commands", "amharic_tts.cli", "amharic_tts.__main__")):
        return "commands"
    if module.startswith("amharic_tts.jobs"):
        return "jobs"
    if module.startswith("amharic_tts"):
        return "core"
    return module.split(".")[0]


ALLOWED = {
    "entry": {"ui", "core"},
    "ui": {"ui", "jobs", "core"},
    "commands": {"commands", "jobs", "core"},
    "jobs": {"jobs", "core"},
    "core": {"core"},
    "training": {"training", "jobs", "core"},
    "benchmarks": {"benchmarks", "training", "jobs", "core"},
    "smart_install": {"core"},
}


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_run_one_way(path: Path) -> None:
    here = layer(module_name(path))
    for name in imports(path):
        if not name.startswith(("amharic_tts", "training")):
            continue
        if name.startswith("training.config") and here in ("ui", "jobs", "commands"):
            continue
        if name in ("training", "amharic_tts"):
            continue
        there = layer(name)
        assert there in ALLOWED[here], f"{module_name(path)} ({here}) imports {name} ({there})"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_gradio_stays_in_the_page(path: Path) -> None:
    if layer(module_name(path)) == "ui":
        return
    used = {name for name in imports(path) if name.split(".")[0] == "gradio"}
    assert not used


def test_light_modules_import_nothing_heavy() -> None:
    """Import every module of the core, the jobs, the commands and the page in one bare process."""
    names = [module_name(p) for p in SOURCES if module_name(p).startswith("amharic_tts")]
    names = [n for n in names if not n.endswith("__main__") and not n.startswith("amharic_tts.ui")]
    names = [n for n in names if not n.startswith(f"{HEAVY_PACKAGE}.")]
    code = (
        "import importlib, socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('touched the network')\n"
        "socket.socket.connect = refuse\n"
        f"[importlib.import_module(n) for n in {[*names, *LIGHT_TRAINING]!r}]\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= MAX_LINES, f"{path.name} has {count} lines: probably two subjects"
    assert path.stem != "utils"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_functions_stay_small(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            limit = 110 if layer(module_name(path)) == "ui" else 70
            assert lines <= limit, f"{path.name}: {node.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_no_foreign_file_is_unpickled_and_no_shell_is_used(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        text = ast.unparse(node.func)
        keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
        assert keywords.get("shell") != "True"
        assert text not in ("pickle.load", "pickle.loads")
        if text == "torch.load":
            assert keywords.get("weights_only") == "True", ast.unparse(node)
