"""Carrying a plan out, the stamp of what is in place, and the import check."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from amharic_tts.errors import StudioError, UserError
from amharic_tts.install import check, perform, stamp
from amharic_tts.install.inspection import Machine
from amharic_tts.install.plan import Plan, Step
from amharic_tts.install.torch_choice import TorchChoice

ROOT = Path(__file__).parents[2]
MACHINE = Machine("Linux", "x86_64", "glibc 2.36", (3, 12, 1), venv_python=(3, 12))


def step(code: str, title: str = "A step", **more: object) -> Step:
    return Step(title, (sys.executable, "-c", code), "a reason", **more)  # type: ignore[arg-type]


def leave(name: str) -> str:
    """Code that leaves a file in the folder where the steps run."""
    return f"open({name!r}, 'w').close()"


def plan(*steps: Step) -> Plan:
    return Plan(steps, TorchChoice("", "a reason"))


def test_steps_run_in_order_in_the_studios_folder(tmp_path: Path) -> None:
    second = "import os; os.rename('one', 'two')"
    perform.perform(tmp_path, plan(step(leave("one")), step(second)))
    assert [p.name for p in tmp_path.iterdir()] == ["two"]


def test_another_way_is_tried_when_one_fails(tmp_path: Path) -> None:
    ways = (step("raise SystemExit(3)"), step(leave("second")), step(leave("third")))
    perform.perform(tmp_path, plan(step("raise SystemExit(1)", otherwise=ways)))
    assert [p.name for p in tmp_path.iterdir()] == ["second"]


def test_a_failed_step_stops_the_rest_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="`Install PyTorch` failed") as caught:
        perform.perform(
            tmp_path, plan(step("raise SystemExit(1)", "Install PyTorch"), step(leave("later")))
        )
    assert "run this again" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="the disk is full"):
        perform.perform(tmp_path, plan(step("raise SystemExit(1)")))


def test_a_part_that_fails_is_told_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    outcome = perform.perform(
        tmp_path,
        plan(
            step("raise SystemExit(1)", "Install the tools", optional=True, part="flash-attn"),
            step(leave("built"), "Build it", optional=True, part="flash-attn"),
            step(leave("youtube"), "Install youtube", optional=True, part="youtube"),
        ),
    )
    assert outcome.failed_parts == {"flash-attn": "Install the tools"}
    assert [p.name for p in tmp_path.iterdir()] == ["youtube"]


def test_without_uv_the_uv_commands_are_passed_over(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with_uv = Step("Packages", (sys.executable, "-m", "uv", "--no-such-flag"), "a reason")
    with_uv = dataclasses.replace(with_uv, otherwise=(step(leave("by-pip")),))
    perform.perform(
        tmp_path, plan(step("raise SystemExit(1)", "Install uv", optional=True), with_uv)
    )
    assert (tmp_path / "by-pip").exists()
    assert "--no-such-flag" not in capfd.readouterr().err


def test_a_half_installed_package_is_taken_for_missing(tmp_path: Path) -> None:
    folder = tmp_path / ".venv" / "lib" / "python3.12" / "site-packages"
    (folder / "av-18.1.0.dist-info").mkdir(parents=True)
    whole = folder / "six-1.17.0.dist-info"
    whole.mkdir()
    for name in ("RECORD", "INSTALLER"):
        (whole / name).touch()
    assert perform.drop_half_installed(tmp_path) == ["av-18.1.0"]
    assert [p.name for p in folder.iterdir()] == ["six-1.17.0.dist-info"]


def test_programs_of_the_venv_are_found_from_anywhere(tmp_path: Path) -> None:
    argv = perform.absolute(tmp_path, (".venv/bin/python", "-m", "pip"))
    assert argv == [str(tmp_path / ".venv" / "bin" / "python"), "-m", "pip"]


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    for name in ("requirements", "requirements-dev", "constraints", "overrides"):
        shutil.copy(ROOT / f"{name}.txt", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").mkdir()
    return tmp_path


def test_the_stamp_holds_until_a_file_or_the_machine_changes(studio: Path) -> None:
    keys = stamp.keys(studio, MACHINE, ("youtube",))
    assert stamp.in_place(studio, keys) == frozenset()
    stamp.write(studio, {name: keys[name] for name in ("base", "youtube")})
    assert stamp.in_place(studio, keys) == {"base", "youtube"}

    offline = dataclasses.replace(MACHINE, torch_index=False, package_index=False)
    assert stamp.keys(studio, offline, ("youtube",)) == keys
    newer = dataclasses.replace(MACHINE, venv_python=(3, 13))
    assert stamp.in_place(studio, stamp.keys(studio, newer, ())) == frozenset()

    with open(studio / "requirements-dev.txt", "a") as file:
        file.write("# more\n")
    assert stamp.in_place(studio, stamp.keys(studio, MACHINE, ())) == {"base"}
    with open(studio / "requirements.txt", "a") as file:
        file.write("# more\n")
    assert stamp.in_place(studio, stamp.keys(studio, MACHINE, ())) == frozenset()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layers": 3}'])
def test_a_damaged_stamp_is_no_stamp(studio: Path, text: str) -> None:
    stamp.path(studio).write_text(text)
    assert stamp.in_place(studio, stamp.keys(studio, MACHINE, ())) == frozenset()


def test_two_set_ups_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with stamp.one_at_a_time(tmp_path, lambda: order.append("waits")):
            order.append("second")

    with stamp.one_at_a_time(tmp_path, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first ends")
    thread.join(timeout=10)
    assert order == ["waits", "first ends", "second"]


def test_the_import_check_says_what_fails_and_why() -> None:
    assert check.check("json", "import json").problem == ""
    failed = check.check("x", "import no_such_module_here")
    assert failed.problem == "ModuleNotFoundError: No module named 'no_such_module_here'"


def test_the_import_check_ends_with_1_if_something_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "CHECKS", {"json": "import json", "x": "raise OSError('no lib')"})
    assert check.main() == 1
    said = capsys.readouterr().err
    assert "json" in said
    assert "does not work: OSError: no lib" in said


def test_packages_that_share_a_process_are_told_apart_when_one_fails() -> None:
    wanted = {"torch": "import json", "torchaudio": "raise OSError('no lib')", "av": "import csv"}
    found = {result.package: result.problem for result in check.check_all(wanted)}
    assert found == {"torch": "", "torchaudio": "OSError: no lib", "av": ""}
    worked = {"torch": "import json", "torchaudio": "import csv"}
    assert [result.package for result in check.check_all(worked)] == ["torch, torchaudio"]
