"""The command line of `smart_install.py`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from amharic_tts.errors import StudioError, UserError
from amharic_tts.install import doctor, requirements, stamp
from amharic_tts.install.inspection import Machine, inspect_machine
from amharic_tts.install.perform import absolute, describe, perform, tell
from amharic_tts.install.plan import (
    Options,
    Plan,
    check_parts,
    check_python,
    make_plan,
    venv_program,
)

_EPILOG = """\
examples:
  python smart_install.py --run                    set up, open the studio
  python smart_install.py --run -- --port 8000     the same, with flags of xtts_demo.py
  python smart_install.py --test -- tests/unit     set up, run some tests
  python smart_install.py --with youtube,cluster   add optional parts
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smart_install.py",
        description="Set the Amharic voice studio up in .venv; a second run takes seconds.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    then = parser.add_mutually_exclusive_group()
    then.add_argument("--run", action="store_true", help="then open the studio (flags after --)")
    then.add_argument("--test", action="store_true", help="then run the tests (pytest's after --)")
    then.add_argument(
        "--doctor", action="store_true", help="say what is here or missing; change nothing"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the plan with its reasons; change nothing"
    )
    parser.add_argument(
        "--with",
        dest="parts",
        metavar="PARTS",
        default="",
        help="optional parts, with commas: transphone,flash-attn,cluster,youtube",
    )
    parser.add_argument(
        "--offline", action="store_true", help="do not try whether the network works first"
    )
    parser.add_argument("--pip", action="store_true", help="install with pip, not uv")
    return parser


def _options(arguments: argparse.Namespace, root: Path) -> Options:
    names = tuple(dict.fromkeys(n for n in arguments.parts.replace(" ", "").split(",") if n))
    known = requirements.parts((root / "pyproject.toml").read_text(encoding="utf-8"))
    check_parts(names, known)
    return Options(bool(arguments.test), names, known, use_uv=not arguments.pip)


def _with_stamp(root: Path, machine: Machine, options: Options) -> Options:
    keys = stamp.keys(root, machine, options.known_parts)
    done = stamp.in_place(root, keys) if machine.venv_python else frozenset()
    return dataclasses.replace(options, in_place=done)


def _tell_left_out(plan: Plan) -> None:
    for name, why in plan.skipped.items():
        tell(f"{name} is left out: {why}")
    for note in plan.notes:
        tell(f"note: {note}")


def set_up(root: Path, options: Options, network: bool = True) -> None:
    """Bring `.venv` to what the options ask for; seconds if it is there already.

    Args:
        root: The studio's folder.
        options: What is asked for.
        network: Try first whether the package indexes can be reached.

    Raises:
        StudioError: A step failed.
        UserError: The studio can't be set up on this machine.
    """
    machine = inspect_machine(root, network=False)
    plan = make_plan(machine, _with_stamp(root, machine, options))
    if not plan.steps:
        _tell_left_out(plan)
        tell("Everything is in place")
        return
    with stamp.one_at_a_time(root, lambda: tell("Waiting for another set-up of this folder")):
        machine = inspect_machine(root, network)
        options = _with_stamp(root, machine, options)
        plan = make_plan(machine, options)
        _tell_left_out(plan)
        began = time.monotonic()
        if "base" not in options.in_place:
            stamp.remove(root)
        outcome = perform(root, plan)
        keys = stamp.keys(root, inspect_machine(root, network=False), options.known_parts)
        done = (options.in_place | set(plan.layers)) - set(outcome.failed_parts)
        stamp.write(root, {name: keys[name] for name in done})
    for name, title in outcome.failed_parts.items():
        tell(f"{name} is left out: `{title}` failed; the lines above say why")
    tell(f"Set up in {time.monotonic() - began:.0f} s")


def _side_by_side() -> list[str]:
    """Return pytest's options for several processes, at most four; a file stays in one process.

    More would want more memory than a small machine has: each may hold PyTorch and a model. Files
    keep their order, so that the long ones (browser, training) do not come last and find one
    process working alone.
    """
    count = min(4, max(2, os.cpu_count() or 1))
    return ["-n", str(count), "--dist", "loadfile", "--no-loadscope-reorder"]


def _start(root: Path, arguments: Sequence[str]) -> int:
    """Hand over to a program of `.venv` and return its exit status."""
    python = venv_program("Windows" if os.name == "nt" else "", "python")
    argv = absolute(root, (python, *arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(argv[0], argv)  # Ctrl-C and other signals reach the program itself
    return subprocess.run(argv, check=False).returncode


def _doctor(root: Path, network: bool) -> int:
    machine = inspect_machine(root, network)
    lines = doctor.examine(root, machine)
    sys.stdout.write(doctor.table(lines) + "\n")
    count = len(doctor.bad(lines))
    tell(f"{count} to mend" if count else "Nothing to mend")
    return 0


def _main(root: Path, arguments: Sequence[str]) -> int:
    own, separator, handed_on = list(arguments), False, []
    if "--" in own:
        at = own.index("--")
        own, separator, handed_on = own[:at], True, own[at + 1 :]
    chosen = _parser().parse_args(own)
    if separator and not (chosen.run or chosen.test):
        raise UserError("Arguments after `--` go with --run or --test")
    if chosen.doctor:
        return _doctor(root, not chosen.offline)
    check_python(sys.version_info[:3])
    options = _options(chosen, root)
    if chosen.dry_run:
        machine = inspect_machine(root, not chosen.offline)
        plan = make_plan(machine, _with_stamp(root, machine, options))
        sys.stdout.write(describe(plan) + "\n")
        return 0
    set_up(root, options, not chosen.offline)
    if chosen.run:
        return _start(root, [str(root / "xtts_demo.py"), *handed_on])
    if chosen.test:
        os.chdir(root)
        return _start(root, ["-m", "pytest", *_side_by_side(), *handed_on])
    tell("Next: python smart_install.py --run")
    return 0


def main(root: Path, arguments: Sequence[str]) -> int:
    """Run the command line; the outermost border for errors.

    Args:
        root: The studio's folder.
        arguments: What follows `smart_install.py`.
    """
    try:
        return _main(root, arguments)
    except StudioError as error:
        tell(f"error: {error.message}")
        if error.hint:
            tell(f"hint: {error.hint}")
        return error.exit_code
    except KeyboardInterrupt:
        tell("Stopped. Run the same again: it goes on where it stopped")
        return 130
