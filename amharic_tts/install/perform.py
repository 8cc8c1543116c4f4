"""Carry a plan out: run its steps, try the other ways, tell what happened."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from amharic_tts.errors import StudioError, UserError
from amharic_tts.install import requirements
from amharic_tts.install.plan import Plan, Step

_FULL = 300 * 10**6
"""With fewer bytes left than this, a failed step is put down to the full disk."""


def tell(text: str) -> None:
    """Say something that is not a result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def absolute(root: Path, argv: tuple[str, ...]) -> list[str]:
    """Return a step's command with the programs of `.venv` under the studio's folder."""
    return [
        str(root / part.replace("\\", "/")) if part.startswith((".venv/", ".venv\\")) else part
        for part in argv
    ]


def command_line(argv: tuple[str, ...]) -> str:
    """Return a command as a person would type it."""
    return subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv)


def describe(plan: Plan) -> str:
    """Return the plan as text: each step, its reason, and what is tried if it fails."""
    lines = []
    for number, step in enumerate(plan.steps, 1):
        optional = " (optional)" if step.optional else ""
        lines += [f"{number}. {step.title}{optional}", f"   why: {step.why}"]
        lines.append(f"   {command_line(step.argv)}")
        for way in step.otherwise:
            lines.append(f"   if that fails: {command_line(way.argv)}")
    if not plan.steps:
        lines.append("Nothing to do: everything asked for is in place")
    lines += [f"Left out: {name}: {why}" for name, why in plan.skipped.items()]
    lines += [f"Note: {note}" for note in plan.notes]
    return "\n".join(lines)


@dataclass
class Outcome:
    """What came of a plan."""

    failed_parts: dict[str, str] = field(default_factory=dict)
    """Optional part -> the step that failed."""


def drop_half_installed(root: Path) -> list[str]:
    """Remove the records of packages that were cut off, so that they are installed again."""
    broken = requirements.half_installed(requirements.site_packages(root / ".venv"))
    for folder in broken:
        shutil.rmtree(folder)
    return [folder.name.removesuffix(".dist-info") for folder in broken]


def _uses_uv(step: Step) -> bool:
    return step.argv[1:3] == ("-m", "uv")


def _run(root: Path, step: Step) -> bool:
    tell(f"  $ {command_line(step.argv)}")
    argv = absolute(root, step.argv)
    environment = {**os.environ, "PIP_USER": "0"}  # set to 1, it can't go with a venv
    try:
        status = subprocess.run(
            argv, cwd=root, env=environment, stdin=subprocess.DEVNULL, check=False
        ).returncode
    except OSError as error:
        tell(f"  could not be started: {error}")
        return False
    if status:
        tell(f"  ended with status {status}")
    return status == 0


def _failure(root: Path, step: Step) -> StudioError:
    if shutil.disk_usage(root).free < _FULL:
        return UserError(
            f"`{step.title}` failed: the disk is full",
            "Free some space, then run this again: it goes on where it stopped",
        )
    return StudioError(
        f"`{step.title}` failed; the lines above say why",
        "Check the network, then run this again: what is installed stays. If it fails again in the "
        "same way, delete the folder .venv and run it once more",
    )


def perform(root: Path, plan: Plan) -> Outcome:
    """Run the steps of a plan, in order.

    Raises:
        StudioError: A step that is not optional failed, and so did what was tried instead.
    """
    outcome = Outcome()
    has_uv = True
    for name in drop_half_installed(root):
        tell(f"{name} was only half installed: it is installed again")
    for number, step in enumerate(plan.steps, 1):
        if step.part in outcome.failed_parts:
            continue
        tell(f"[{number}/{len(plan.steps)}] {step.title}: {step.why}")
        began = time.monotonic()
        ways = [way for way in (step, *step.otherwise) if has_uv or not _uses_uv(way)]
        worked = False
        for way in ways:
            if way is not ways[0]:
                tell(f"  that did not work; trying {way.title.lower()} another way")
            worked = _run(root, way)
            if worked:
                break
        if not worked and not step.optional:
            raise _failure(root, step)
        if not worked and step.part:
            outcome.failed_parts[step.part] = step.title
        elif not worked:
            has_uv = False
            tell("  going on without it")
        tell(f"  {time.monotonic() - began:.0f} s")
    return outcome
